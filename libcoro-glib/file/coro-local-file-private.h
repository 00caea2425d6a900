/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "file/coro-file-backend-private.h"
#include "file/coro-local-file.h"

G_BEGIN_DECLS

struct _CoroLocalFile
{
  GObject parent_instance;

  char *path;                   /* (owned) */
  CoroBackendFile file;
  gboolean writable;
  int n_busy;                   /* (atomic): calls under way */
};

/* Around each call. */
gboolean coro_local_file_begin (CoroLocalFile  *self,
                                GError        **error);
gboolean coro_local_file_end   (CoroLocalFile  *self,
                                gboolean        made,
                                gssize          result,
                                const char     *what,
                                GError        **error);

G_END_DECLS
