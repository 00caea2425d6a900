/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* A descriptor that GLib polls for a source of ours, and what file it was at first: where there is
 * no epoll, which goes by the file, this is what tells that the number means another by now. */
typedef struct
{
  GPollFD poll;                 /* its events are 0: GLib does not know of it; see coro_pollfd_disable() */
  GSource *source;              /* (unowned) */
  dev_t device;
  ino_t inode;
} CoroPollfd;

int      coro_pollfd_new     (GSource     *source,
                              int          fd,
                              CoroPollfd **pollfd);
void     coro_pollfd_free    (CoroPollfd  *self);
gboolean coro_pollfd_is_same (CoroPollfd  *self);
void     coro_pollfd_enable  (CoroPollfd  *self,
                              guint32      events);
void     coro_pollfd_disable (CoroPollfd  *self);

G_END_DECLS
