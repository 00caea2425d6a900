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
  GPollFD poll;                 /* its events are 0: GLib does not know of it; see coro_polled_rest() */
  GSource *source;              /* (unowned) */
  dev_t device;
  ino_t inode;
} CoroPolled;

int      coro_polled_new     (GSource     *source,
                              int          fd,
                              CoroPolled **polled);
void     coro_polled_free    (CoroPolled  *self);
gboolean coro_polled_is_same (CoroPolled  *self);
void     coro_polled_ask     (CoroPolled  *self,
                              guint32      events);
void     coro_polled_rest    (CoroPolled  *self);

G_END_DECLS
