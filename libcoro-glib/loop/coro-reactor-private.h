/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "base/coro-fork-private.h"
#include "loop/coro-pollfd-private.h"

#include <sys/epoll.h>

G_BEGIN_DECLS

typedef struct _CoroReactor CoroReactor;
typedef struct _CoroWatch CoroWatch;

/* Both run in the dispatcher or in a call into the reactor: they may make jobs ready and
 * add or remove watches, and must not switch stacks. */
typedef struct
{
  /* Something has happened; EPOLL… bits. */
  void (*ready) (CoroWatch *self,
                 guint32    events);
  /* The reactor has forgotten the watch: its descriptor is not what it was any more
   * (EBADF), the kernel has no more room for it (another errno), or the scheduler ends (0). */
  void (*unregistered) (CoroWatch *self,
                        int        code);
  /* (nullable): the reactor watches it with another epoll from now on, or without one, in a forked
   * child for example. */
  void (*moved) (CoroWatch *self);
} CoroWatchClass;

/* An interest in one descriptor, embedded in whatever has it.  There is one watch for a
 * descriptor at the most; zero-initialised means unwatched. */
struct _CoroWatch
{
  const CoroWatchClass *klass;  /* (nullable): NULL: unwatched */
  int fd;
  guint32 events;               /* EPOLL…: what the kernel was asked for */
  guint32 generation;           /* tells events of this watch from those of an earlier file with this number */
  CoroPollfd *pollfd;           /* (nullable) (owned): where there is no epoll */
};

/* Descriptors, and the point in time of the next timer, of one scheduler: one epoll
 * descriptor, which the scheduler's source has polled.
 *
 * Where there is no epoll, because it is forbidden or there are no descriptors left, GLib polls
 * each of them for that source, and timers go by its timeouts.  A watch with EPOLLET is told
 * there what is true and then not again until coro_reactor_update() asks for it: the bits that
 * were told are missing from its events. */
struct _CoroReactor
{
  GSource *source;              /* (unowned) */
  int epoll_fd;                 /* (atomic): -1: there is none to be had */
  int timer_fd;                 /* -1: likewise */
  int wake_fd;                  /* (atomic): -1: likewise; see coro_reactor_wake() */
  gint64 armed;                 /* µs: for when timer_fd is armed; G_MAXINT64: it is not */
  guint n_waiting;              /* those that wait for an event: looked at while others keep the scheduler busy */
  gboolean more;                /* the last look found something */
  gboolean forbidden;           /* there will be no epoll in future either */
  CoroWatch **watches;          /* (owned) (element-type unowned): by descriptor */
  guint n_watches;
  guint32 generation;
  guint n_forks;                /* (atomic): see coro_reactor_is_foreign() */
};

void     coro_reactor_init   (CoroReactor          *self,
                              GSource              *source);
void     coro_reactor_clear  (CoroReactor          *self);
void     coro_reactor_reopen (CoroReactor          *self);
int      coro_reactor_add    (CoroReactor          *self,
                              CoroWatch            *watch,
                              const CoroWatchClass *klass,
                              int                   fd,
                              guint32               events);
int      coro_reactor_update (CoroReactor          *self,
                              CoroWatch            *watch,
                              guint32               events);
void     coro_reactor_remove (CoroReactor          *self,
                              CoroWatch            *watch);
void     coro_reactor_forget (CoroReactor          *self,
                              CoroWatch            *watch,
                              int                   code);
void     coro_reactor_poll   (CoroReactor          *self);
gboolean coro_reactor_arm    (CoroReactor          *self,
                              gint64                deadline);
gboolean coro_reactor_wake   (CoroReactor          *self);
gboolean coro_reactor_is_due_pollfd (CoroReactor          *self);

/* The watch of a descriptor, or NULL. */
static inline CoroWatch *
coro_reactor_lookup (CoroReactor *self,
                     int          fd)
{
  return (guint) fd < self->n_watches ? self->watches[fd] : NULL;
}

/* Whether GLib has found something of what it polls itself, where there is no epoll. */
static inline gboolean
coro_reactor_is_due (CoroReactor *self)
{
  return G_UNLIKELY (self->epoll_fd < 0) && coro_reactor_is_due_pollfd (self);
}

/* Whether this is a forked child with the epoll of its parent. */
static inline gboolean
coro_reactor_is_foreign (CoroReactor *self)
{
  return G_UNLIKELY ((guint) g_atomic_int_get (&self->n_forks) != coro_n_forks);
}

G_END_DECLS
