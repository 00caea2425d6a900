/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  CORO_FOLDER_UNKNOWN,
  CORO_FOLDER_LOCAL,
  CORO_FOLDER_REMOTE
} CoroFolderKind;

/* What is known of a folder that is not on the root's file system. */
typedef struct
{
  char *path;                   /* (nullable) (owned) */
  gsize length;
  CoroFolderKind kind;
} CoroFolder;

#define CORO_N_FOLDERS 64

/* On what kind of file system files are, as far as that is known: by their folders. */
typedef struct
{
  CoroFolder folders[CORO_N_FOLDERS];
} CoroFolders;

void           coro_folders_clear         (CoroFolders *self);
CoroFolderKind coro_folders_get_kind      (CoroFolders *self,
                                           const char  *path);
void           coro_folders_learn         (CoroFolders *self,
                                           const char  *path,
                                           gboolean     local);
gboolean       coro_folders_root_is_local (void);
gboolean       coro_folders_fd_is_local   (int          fd);

G_END_DECLS
