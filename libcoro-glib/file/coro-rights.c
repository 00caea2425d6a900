/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "file/coro-rights-private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* A file that takes the place of another file has to take over its access rights and its extended
 * attributes. */

#define ACL "system.posix_acl_access"
/* The kernel's limits for the names of all attributes, and for the value of one attribute. */
#define MAX_SIZE 65536

/* These attributes describe the contents, and are not copied when the contents change. */
static gboolean
is_of_the_contents (const char *name)
{
  return strcmp (name, "security.capability") == 0 || strcmp (name, "security.ima") == 0 ||
         strcmp (name, "security.evm") == 0;
}

static gboolean
take_attribute (int         fd,
                int         old,
                const char *name)
{
  g_autofree char *value = g_malloc (MAX_SIZE);
  g_autofree char *present = g_malloc (MAX_SIZE);
  gssize size = fgetxattr (old, name, value, MAX_SIZE);

  if (size < 0)
    return errno == ENODATA;
  /* If the folder gives a label to all its files, the new file has it, and setting it may fail. */
  if (fgetxattr (fd, name, present, MAX_SIZE) == size && memcmp (value, present, (gsize) size) == 0)
    return TRUE;
  return fsetxattr (fd, name, value, (gsize) size, 0) == 0;
}

/* The folder may have given an access control list to the new file. */
static gboolean
drop_list (int fd)
{
  return fgetxattr (fd, ACL, NULL, 0) < 0 || fremovexattr (fd, ACL) == 0 || errno == ENODATA;
}

static gboolean
take_attributes (int fd,
                 int old)
{
  g_autofree char *long_names = NULL;
  char short_names[256];
  char *names = short_names;
  gssize size = flistxattr (old, short_names, sizeof short_names);
  gboolean has_list = FALSE;

  if (size < 0 && errno == ERANGE)
    {
      names = long_names = g_malloc (MAX_SIZE);
      size = flistxattr (old, names, MAX_SIZE);
    }
  if (size < 0 && errno != EOPNOTSUPP && errno != ENOSYS)
    return FALSE;

  for (gssize i = 0; i < size; i += (gssize) strlen (names + i) + 1)
    {
      has_list = has_list || strcmp (names + i, ACL) == 0;
      if (!is_of_the_contents (names + i) && !take_attribute (fd, old, names + i))
        return FALSE;
    }
  return has_list || drop_list (fd);
}

/* FALSE: some rights or attributes could not be set.  `fd` is a new file that no other user may open.
 * Its mode is set last, because the group bits are the mask of an access control list. */
gboolean
coro_rights_take_over (int fd,
                       int old)
{
  struct stat from, to;

  if (fstat (old, &from) != 0 || fstat (fd, &to) != 0)
    return FALSE;
  if ((from.st_uid != to.st_uid || from.st_gid != to.st_gid) && fchown (fd, from.st_uid, from.st_gid) != 0)
    return FALSE;
  if (!take_attributes (fd, old))
    return FALSE;
  /* Some file systems have one mode for all files. */
  return fchmod (fd, from.st_mode & 07777) == 0 || ((from.st_mode ^ to.st_mode) & 07777) == 0;
}
