/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "io/coro-descriptor-private.h"

#include "base/coro-container-private.h"
#include "base/coro-errno-private.h"

#include <poll.h>

/* One wait, on the waiter's stack. */
typedef struct
{
  CoroWaiter waiter;            /* first */
  CoroTimer timer;
  CoroDescriptor *descriptor;   /* (nullable) (unowned): whose list we are in */
  guint32 wanted;               /* EPOLL… */
  guint32 events;               /* EPOLL…: what has happened; 0: nothing in time */
  int code;                     /* errno: why nothing can happen any more */
} CoroDescriptorWait;

void
coro_set_error_from_errno (GError     **error,
                           int          code,
                           const char  *what)
{
  g_set_error (error, G_IO_ERROR, coro_errno_to_code (code), "%s: %s", what, g_strerror (code));
}

/* Why one cannot wait, or not any more. */
static void
set_wait_error (GError **error,
                int      code)
{
  if (code == EBADF)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The descriptor was closed while it was waited for");
  else
    coro_set_error_from_errno (error, code, "Cannot wait for a descriptor");
}

static void
descriptor_unref (CoroDescriptor *self)
{
  if (g_atomic_int_dec_and_test (&self->ref_count))
    g_free (self);
}

static CoroDescriptor *
descriptor_ref (CoroDescriptor *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

/* Disarms the whole wait, because its deadline may be due in this turn, too. */
static void
wait_end (CoroDescriptorWait *wait,
          guint32             events,
          int                 code)
{
  coro_scheduler_disarm (wait->descriptor->scheduler, &wait->timer);
  wait->events = events;
  wait->code = code;
  coro_waiter_list_remove (&wait->descriptor->waiters, &wait->waiter);
  wait->descriptor = NULL;
  coro_waiter_wake (&wait->waiter);
}

static guint32
descriptor_get_wanted (CoroDescriptor *self)
{
  guint32 wanted = 0;

  for (CoroWaiter *waiter = self->waiters.head; waiter != NULL; waiter = waiter->next)
    wanted |= ((CoroDescriptorWait *) waiter)->wanted;
  return wanted;
}

static void
descriptor_ready_cb (CoroWatch *watch,
                     guint32    events)
{
  CoroDescriptor *self = (CoroDescriptor *) watch;
  CoroWaiter *next;

  self->ready |= events & (EPOLLERR | EPOLLHUP) ? EPOLLIN | EPOLLOUT : events & (EPOLLIN | EPOLLOUT);
  /* What ends a stream comes only once, perhaps along with its last bytes; and a read ends
   * at urgent data. */
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI))
    self->careful = TRUE;

  for (CoroWaiter *waiter = self->waiters.head; waiter != NULL; waiter = next)
    {
      CoroDescriptorWait *wait = (CoroDescriptorWait *) waiter;

      next = waiter->next;
      if (events & (wait->wanted | EPOLLERR | EPOLLHUP))
        wait_end (wait, events & (wait->wanted | EPOLLERR | EPOLLHUP), 0);
    }

  /* Disarmed by the event.  May free it: nothing is touched afterwards. */
  if ((watch->events & EPOLLONESHOT) != 0 && self->waiters.head != NULL)
    coro_reactor_update (&self->scheduler->reactor, watch, descriptor_get_wanted (self) | EPOLLONESHOT);
}

static void
descriptor_unregistered_cb (CoroWatch *watch,
                            int        code)
{
  CoroDescriptor *self = (CoroDescriptor *) watch;

  g_atomic_pointer_set (&self->owner, NULL);
  if (code != 0)
    while (self->waiters.head != NULL)
      wait_end ((CoroDescriptorWait *) self->waiters.head, 0, code);
  descriptor_unref (self);
}

const CoroWatchClass coro_descriptor_class = { descriptor_ready_cb, descriptor_unregistered_cb, NULL };

/* In whatever thread drops the last reference to the owner. */
static void
owner_gone_cb (gpointer  data,
               GObject  *where_the_object_was)
{
  CoroDescriptor *self = data;

  g_atomic_pointer_compare_and_exchange (&self->owner, (gpointer) where_the_object_was, NULL);
  descriptor_unref (self);
}

/* The scheduler that has a record of the owner, or this for several: then the others have
 * to be told that it is closed. */
static char several_schedulers;
static G_DEFINE_QUARK (coro-descriptor-scheduler, owner_scheduler)

static void
owner_note_scheduler (GObject       *owner,
                      CoroScheduler *scheduler)
{
  gpointer old = g_object_get_qdata (owner, owner_scheduler_quark ());

  while (old != scheduler && old != &several_schedulers)
    {
      gpointer noted = old == NULL ? (gpointer) scheduler : &several_schedulers;

      if (g_object_replace_qdata (owner, owner_scheduler_quark (), old, noted, NULL, NULL))
        return;
      old = g_object_get_qdata (owner, owner_scheduler_quark ());
    }
}

static void
descriptor_set_owner (CoroDescriptor *self,
                      GObject        *owner)
{
  g_atomic_pointer_set (&self->owner, (gpointer) owner);
  g_object_weak_ref (owner, owner_gone_cb, descriptor_ref (self));
  self->ready = EPOLLIN | EPOLLOUT;
  self->careful = FALSE;
}

/* The record of `fd` with `events` asked for, be it a new one.  NULL with an error; for
 * EPERM, of what is always ready, without one. */
static CoroDescriptor *
descriptor_get (CoroScheduler  *scheduler,
                int             fd,
                guint32         events,
                GError        **error)
{
  CoroReactor *reactor = &scheduler->reactor;
  CoroDescriptor *self = (CoroDescriptor *) coro_reactor_lookup (reactor, fd);
  int code;

  if (self != NULL && self->watch.klass == &coro_descriptor_class)
    {
      events |= descriptor_get_wanted (self);
      if (((events | self->watch.events) & EPOLLET) != 0)
        events = (events | self->watch.events) & ~(guint32) EPOLLONESHOT;
      if (coro_reactor_update (reactor, &self->watch, events) == 0)
        return self;
    }

  self = g_new0 (CoroDescriptor, 1);
  self->scheduler = scheduler;
  self->ref_count = 1;
  code = coro_reactor_add (reactor, &self->watch, &coro_descriptor_class, fd, events);
  if (code == 0)
    return self;

  g_free (self);
  if (code != EPERM)
    set_wait_error (error, code);
  return NULL;
}

/* The record of `fd`, whose readiness is kept until `owner` is gone. */
CoroDescriptor *
coro_descriptor_get_owned (CoroScheduler  *scheduler,
                           int             fd,
                           GObject        *owner,
                           GError        **error)
{
  CoroDescriptor *self = coro_descriptor_lookup (scheduler, fd, owner);

  if (self != NULL)
    return self;

  /* First of all: a close from now on tells us, and after an earlier one the kernel
   * refuses. */
  owner_note_scheduler (owner, scheduler);

  /* Not EPOLLOUT, which for a UNIX socket comes whenever the peer has read something. */
  self = descriptor_get (scheduler, fd, EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET, error);
  if (self != NULL)
    descriptor_set_owner (self, owner);
  return self;
}

/* --- waiting ---------------------------------------------------------------------- */

/* For a wait that was given up: leaves nothing behind. */
static void
descriptor_release (CoroDescriptor *self)
{
  if (self->waiters.head != NULL || (self->watch.events & EPOLLONESHOT) == 0)
    return;

  coro_reactor_remove (&self->scheduler->reactor, &self->watch);
  descriptor_unref (self);
}

static void
wait_timer_cb (CoroTimer *timer)
{
  CoroDescriptorWait *wait = CORO_CONTAINER_OF (timer, CoroDescriptorWait, timer);
  CoroDescriptor *descriptor = wait->descriptor;

  wait_end (wait, 0, 0);
  descriptor_release (descriptor);
}

static gboolean
wait_abort (gpointer    object,
            CoroWaiter *waiter)
{
  CoroDescriptorWait *wait = (CoroDescriptorWait *) waiter;
  CoroDescriptor *descriptor = g_steal_pointer (&wait->descriptor);

  coro_waiter_list_remove (&descriptor->waiters, waiter);
  coro_scheduler_disarm (descriptor->scheduler, &wait->timer);
  descriptor_release (descriptor);
  return TRUE;
}

static const CoroWaitClass wait_class = { wait_abort, coro_waiter_undo_nothing, FALSE, "a descriptor" };

static guint32
wait_finish (CoroDescriptorWait  *self,
             GError             **error)
{
  if (G_LIKELY (self->events != 0))
    return self->events;

  if (self->code != 0)
    set_wait_error (error, self->code);
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "The descriptor was not ready in time");
  return 0;
}

static guint32
descriptor_park (CoroDescriptor      *self,
                 CoroDescriptorWait  *wait,
                 gint64               deadline,
                 GError             **error)
{
  CoroScheduler *scheduler = self->scheduler;
  gboolean woken;

  wait->descriptor = self;
  coro_waiter_list_append (&self->waiters, &wait->waiter);
  if (deadline != G_MAXINT64)
    coro_scheduler_arm (scheduler, &wait->timer, deadline, wait_timer_cb);

  scheduler->reactor.n_waiting++;
  woken = coro_waiter_wait (&wait->waiter, &wait_class, NULL, error);
  scheduler->reactor.n_waiting--;

  return woken ? wait_finish (wait, error) : 0;
}

/* Waits until `direction` may succeed, of a descriptor with an owner.  `self` may be gone
 * afterwards. */
gboolean
coro_descriptor_wait (CoroDescriptor  *self,
                      guint32          direction,
                      gint64           deadline,
                      GError         **error)
{
  CoroDescriptorWait wait;

  if (!coro_waiter_init (&wait.waiter, error))
    return FALSE;

  wait = (CoroDescriptorWait) { .waiter = wait.waiter, .wanted = direction, .code = EBADF };
  if (G_UNLIKELY ((self->watch.events & direction) != direction) &&
      coro_reactor_update (&self->scheduler->reactor, &self->watch, self->watch.events | direction) != 0)
    return wait_finish (&wait, error) != 0;

  return descriptor_park (self, &wait, deadline, error) != 0;
}

/* What poll() says right now; 0 for nothing, G_IO_NVAL with an error. */
static GIOCondition
fd_look (int            fd,
         GIOCondition   condition,
         GError       **error)
{
  struct pollfd poll_fd = { .fd = fd, .events = (short) condition };

  while (poll (&poll_fd, 1, 0) < 0)
    if (errno != EINTR)
      {
        coro_set_error_from_errno (error, errno, "Cannot look at a descriptor");
        return G_IO_NVAL;
      }

  if ((poll_fd.revents & POLLNVAL) != 0)
    coro_set_error_from_errno (error, EBADF, "Cannot wait for a descriptor");
  return (GIOCondition) poll_fd.revents;
}

static GIOCondition
descriptor_wait_for_event (CoroScheduler  *scheduler,
                           int             fd,
                           GIOCondition    condition,
                           gint64          deadline,
                           GError        **error)
{
  CoroDescriptorWait wait;
  CoroDescriptor *self;
  GError *local_error = NULL;

  if (!coro_waiter_init (&wait.waiter, error))
    return 0;

  self = descriptor_get (scheduler, fd, condition | EPOLLONESHOT, &local_error);
  if (self == NULL && local_error == NULL)
    return condition;
  if (self == NULL)
    {
      g_propagate_error (error, local_error);
      return 0;
    }

  wait = (CoroDescriptorWait) { .waiter = wait.waiter, .wanted = condition };
  return (GIOCondition) descriptor_park (self, &wait, deadline, error);
}

/* Waits until `condition` holds, for `timeout` µs, negative: for ever.  What holds already
 * does not suspend. */
GIOCondition
coro_descriptor_wait_once (CoroScheduler  *scheduler,
                           int             fd,
                           GIOCondition    condition,
                           GTimeSpan       timeout,
                           GError        **error)
{
  GIOCondition ready = fd_look (fd, condition, error);

  if (ready != 0)
    return (ready & G_IO_NVAL) != 0 ? 0 : ready;

  return descriptor_wait_for_event (scheduler, fd, condition,
                                    timeout < 0 ? G_MAXINT64 : coro_scheduler_deadline (scheduler, timeout),
                                    error);
}

/* Ends all waits of the calling thread's scheduler for `fd` with G_IO_ERROR_CLOSED, before it
 * is closed. */
void
coro_descriptor_close (CoroScheduler *scheduler,
                       int            fd)
{
  CoroDescriptor *self;

  /* A thread without a context is given the default one, which another thread runs. */
  if (!coro_scheduler_is_mine (scheduler))
    return;

  self = (CoroDescriptor *) coro_reactor_lookup (&scheduler->reactor, fd);
  if (self == NULL || self->watch.klass != &coro_descriptor_class)
    return;

  coro_reactor_remove (&scheduler->reactor, &self->watch);
  descriptor_unregistered_cb (&self->watch, EBADF);
}

typedef struct
{
  CoroMessage message;          /* first */
  CoroScheduler *scheduler;     /* (unowned): the one that handles it */
  GObject *owner;               /* (owned): its address stays its own */
  int fd;
} CoroDescriptorClosed;

static void
closed_cb (CoroMessage *message)
{
  CoroDescriptorClosed *self = (CoroDescriptorClosed *) message;
  CoroDescriptor *descriptor = NULL;

  /* One that ends forgets all by itself, and this may be another thread then. */
  if (!self->scheduler->closed)
    descriptor = coro_descriptor_lookup (self->scheduler, self->fd, self->owner);
  if (descriptor != NULL)
    coro_reactor_forget (&self->scheduler->reactor, &descriptor->watch, EBADF);
  g_object_unref (self->owner);
  g_free (self);
}

static void
tell_closed_cb (CoroScheduler *scheduler,
                gpointer       user_data)
{
  CoroDescriptorClosed *closed = user_data;

  if (scheduler == closed->scheduler)
    return;

  closed = g_memdup2 (closed, sizeof *closed);
  closed->scheduler = scheduler;
  g_object_ref (closed->owner);
  coro_scheduler_post (scheduler, &closed->message);
}

/* Ends all waits of other schedulers for what was the owner's, once it is closed: a later call of
 * the owner is told so.  Those of another context of this thread are others too. */
void
coro_descriptor_tell_closed (int      fd,
                             GObject *owner)
{
  CoroScheduler *mine = coro_scheduler_get_current ();
  CoroScheduler *told = coro_scheduler_is_mine (mine) ? mine : NULL;
  CoroDescriptorClosed closed = { { NULL, closed_cb }, told, owner, fd };
  gpointer noted = g_object_get_qdata (owner, owner_scheduler_quark ());

  if (noted != NULL && noted != told)
    coro_scheduler_foreach (tell_closed_cb, &closed);
}
