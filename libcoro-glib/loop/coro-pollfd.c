/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "loop/coro-pollfd-private.h"

#include <errno.h>
#include <sys/stat.h>

static void
pollfd_set_events (CoroPollfd *self,
                   gushort     events)
{
  gushort old_events = self->poll.events;

  self->poll.events = events;
  self->poll.revents = 0;
  if (g_source_is_destroyed (self->source) || (old_events == 0) == (events == 0))
    return;

  if (events != 0)
    g_source_add_poll (self->source, &self->poll);
  else
    g_source_remove_poll (self->source, &self->poll);
}

/* Asks for nothing yet.  Returns 0 or an errno, as epoll does: EPERM for what is always ready. */
int
coro_pollfd_new (GSource     *source,
                 int          fd,
                 CoroPollfd **pollfd)
{
  struct stat info;

  if (fstat (fd, &info) != 0)
    return errno;
  if (S_ISREG (info.st_mode) || S_ISDIR (info.st_mode))
    return EPERM;

  *pollfd = g_new (CoroPollfd, 1);
  **pollfd = (CoroPollfd) { .poll.fd = fd, .source = source, .device = info.st_dev, .inode = info.st_ino };
  return 0;
}

void
coro_pollfd_free (CoroPollfd *self)
{
  pollfd_set_events (self, 0);
  g_free (self);
}

/* Whether the number means the file that it meant at first. */
gboolean
coro_pollfd_is_same (CoroPollfd *self)
{
  struct stat info;

  return fstat (self->poll.fd, &info) == 0 && info.st_dev == self->device && info.st_ino == self->inode;
}

/* EPOLL…, of which the ways of telling are left out. */
void
coro_pollfd_enable (CoroPollfd *self,
                    guint32     events)
{
  /* These come unasked, but GLib passes on nothing where nothing was asked for. */
  pollfd_set_events (self, (gushort) (events | G_IO_ERR | G_IO_HUP));
}

/* Hears nothing, not even of errors, until it is asked again. */
void
coro_pollfd_disable (CoroPollfd *self)
{
  pollfd_set_events (self, 0);
}
