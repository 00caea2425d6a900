/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "loop/coro-reactor-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scheduler/coro-waiter-private.h"

G_BEGIN_DECLS

typedef struct _CoroDescriptor CoroDescriptor;

/* The waiters for a descriptor in one scheduler, and what is known about it.
 *
 * A descriptor that is only waited for is asked for anew each time (EPOLLONESHOT):
 * we are not told when it is closed and its number is another file.  One that belongs to a
 * socket stays registered for as long as that lives (EPOLLET), and what it is ready for is
 * remembered: a wait then costs no system call. */
struct _CoroDescriptor
{
  CoroWatch watch;              /* first */
  CoroScheduler *scheduler;     /* (unowned): its reactor knows us, or we are lost */
  CoroWaiterList waiters;       /* of CoroDescriptorWait */
  gpointer owner;               /* (atomic) (nullable) (unowned): whose readiness this is */
  int ref_count;                /* (atomic): the reactor's and the owner's */
  guint32 ready;                /* EPOLLIN, EPOLLOUT: with an owner, what may succeed */
  gboolean careful;             /* a short read need not mean that there is nothing left */
};

extern const CoroWatchClass coro_descriptor_class G_GNUC_INTERNAL;

/* The record of `fd` as the owner's; NULL: there is none yet. */
static inline CoroDescriptor *
coro_descriptor_lookup (CoroScheduler *scheduler,
                        int            fd,
                        gpointer       owner)
{
  CoroDescriptor *self = (CoroDescriptor *) coro_reactor_lookup (&scheduler->reactor, fd);

  return G_LIKELY (self != NULL) && self->watch.klass == &coro_descriptor_class &&
         g_atomic_pointer_get (&self->owner) == owner
           ? self : NULL;
}

CoroDescriptor *coro_descriptor_get_owned (CoroScheduler   *scheduler,
                                           int              fd,
                                           GObject         *owner,
                                           GError         **error);
gboolean        coro_descriptor_wait      (CoroDescriptor  *self,
                                           guint32          direction,
                                           gint64           deadline,
                                           GError         **error);
GIOCondition    coro_descriptor_wait_once (CoroScheduler   *scheduler,
                                           int              fd,
                                           GIOCondition     condition,
                                           GTimeSpan        timeout,
                                           GError         **error);
void            coro_descriptor_close     (CoroScheduler   *scheduler,
                                           int              fd);
void            coro_descriptor_tell_closed (int             fd,
                                             GObject        *owner);

/* Sets an error from errno, as GIO words it. */
void            coro_set_error_from_errno (GError         **error,
                                           int              code,
                                           const char      *what);

G_END_DECLS
