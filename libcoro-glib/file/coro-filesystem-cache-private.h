/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  CORO_FILESYSTEM_UNKNOWN,
  CORO_FILESYSTEM_LOCAL,
  CORO_FILESYSTEM_REMOTE
} CoroFilesystemKind;

/* What is known of a folder that is not on the root's file system. */
typedef struct
{
  char *path;                   /* (nullable) (owned) */
  gsize length;
  CoroFilesystemKind kind;
} CoroFilesystemFolder;

#define CORO_FILESYSTEM_N_FOLDERS 64

/* On what kind of file system files are, as far as that is known: by their folders. */
typedef struct
{
  CoroFilesystemFolder folders[CORO_FILESYSTEM_N_FOLDERS];
} CoroFilesystemCache;

void               coro_filesystem_cache_clear    (CoroFilesystemCache *self);
CoroFilesystemKind coro_filesystem_cache_get_kind (CoroFilesystemCache *self,
                                                   const char          *path);
void               coro_filesystem_cache_learn    (CoroFilesystemCache *self,
                                                   const char          *path,
                                                   gboolean             local);
gboolean           coro_filesystem_root_is_local  (void);
gboolean           coro_filesystem_fd_is_local    (int                  fd);

G_END_DECLS
