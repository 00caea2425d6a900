/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "file/coro-filesystem-cache-private.h"

#include <string.h>
#include <sys/vfs.h>

/* Opening a file whose path the kernel remembers takes no time on these; on others it
 * asks a server or another program, maybe us. */
static gboolean
is_local_type (guint32 type)
{
  static const guint32 types[] = {
    0xef53 /* ext */, 0x58465342 /* xfs */, 0x9123683e /* btrfs */, 0xf2f52010 /* f2fs */, 0xca451a4e /* bcachefs */,
    0x2fc12fc1 /* zfs */, 0x3153464a /* jfs */, 0x3434 /* nilfs */, 0x01021994 /* tmpfs */, 0x858458f6 /* ramfs */,
    0x794c7630 /* overlay */, 0x73717368 /* squashfs */, 0xe0f5e1e2 /* erofs */, 0x9660 /* iso9660 */,
    0x15013346 /* udf */, 0x4d44 /* fat */, 0x2011bab0 /* exfat */, 0x7366746e /* ntfs3 */, 0x9fa0 /* proc */,
    0x62656572 /* sysfs */, 0x63677270 /* cgroup2 */
  };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (types[i] == type)
      return TRUE;
  return FALSE;
}

gboolean
coro_filesystem_fd_is_local (int fd)
{
  struct statfs info;

  return fstatfs (fd, &info) == 0 && is_local_type ((guint32) info.f_type);
}

/* The root itself is asked once. */
gboolean
coro_filesystem_root_is_local (void)
{
  static gsize known;           /* 1: no, 2: yes */

  if (g_once_init_enter (&known))
    {
      struct statfs info;
      gboolean local = statfs ("/", &info) == 0 && is_local_type ((guint32) info.f_type);

      g_once_init_leave (&known, local ? 2 : 1);
    }
  return known == 2;
}

void
coro_filesystem_cache_clear (CoroFilesystemCache *self)
{
  for (guint i = 0; i < CORO_FILESYSTEM_N_FOLDERS; i++)
    g_free (self->folders[i].path);
}

static CoroFilesystemFolder *
filesystem_cache_get (CoroFilesystemCache *self,
                      const char          *path,
                      gsize               *length)
{
  const char *slash = strrchr (path, '/');
  guint32 hash = 5381;

  *length = slash != NULL ? (gsize) (slash - path) : 0;
  for (gsize i = 0; i < *length; i++)
    hash = hash * 33 + (guchar) path[i];
  return &self->folders[hash % CORO_FILESYSTEM_N_FOLDERS];
}

CoroFilesystemKind
coro_filesystem_cache_get_kind (CoroFilesystemCache *self,
                                const char          *path)
{
  gsize length;
  CoroFilesystemFolder *folder = filesystem_cache_get (self, path, &length);

  if (folder->path == NULL || folder->length != length || memcmp (folder->path, path, length) != 0)
    return CORO_FILESYSTEM_UNKNOWN;
  return folder->kind;
}

/* Notes what kind of file system the folder of `path` is on. */
void
coro_filesystem_cache_learn (CoroFilesystemCache *self,
                             const char          *path,
                             gboolean             local)
{
  gsize length;
  CoroFilesystemFolder *folder = filesystem_cache_get (self, path, &length);

  g_free (folder->path);
  folder->path = g_strndup (path, length);
  folder->length = length;
  folder->kind = local ? CORO_FILESYSTEM_LOCAL : CORO_FILESYSTEM_REMOTE;
}
