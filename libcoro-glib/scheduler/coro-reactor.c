/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-reactor-private.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Events fetched by one system call.  More of them would push what a delivery has touched
 * out of the cache before the coroutine runs that was woken by it. */
#define N_EVENTS 64
/* In place of a generation, whose first is 1. */
#define TIMER_MARK G_GUINT64_CONSTANT (0)
#define WAKE_MARK G_GUINT64_CONSTANT (1)

/* How many times this process was made by fork() from one that uses the library. */
guint coro_reactor_n_forks;

static void
count_fork_cb (void)
{
  coro_reactor_n_forks++;
}

static gpointer
watch_forks_cb (gpointer unused)
{
  pthread_atfork (NULL, NULL, count_fork_cb);
  return NULL;
}

/* What another thread may be looking at is out of its sight before it is closed. */
static void
close_fd (int *fd)
{
  int closing = *fd;

  g_atomic_int_set (fd, -1);
  if (closing >= 0)
    close (closing);
}

static int
reactor_control (CoroReactor *self,
                 int          operation,
                 CoroWatch   *watch)
{
  struct epoll_event event = {
    .events = watch->events,
    .data.u64 = (guint64) watch->generation << 32 | (guint32) watch->fd
  };

  return epoll_ctl (self->epoll_fd, operation, watch->fd, &event) == 0 ? 0 : errno;
}

static const struct epoll_event timer_event = { .events = EPOLLIN | EPOLLET, .data.u64 = TIMER_MARK };
static const struct epoll_event wake_event = { .events = EPOLLIN | EPOLLET, .data.u64 = WAKE_MARK };

/* Whether both descriptors are still what they were: somebody may have closed them, and
 * something else may have their numbers now.  Asking for what is asked for already changes
 * nothing, also for a parent that shares them. */
static gboolean
reactor_is_intact (CoroReactor *self)
{
  struct epoll_event event = timer_event;

  return self->timer_fd >= 0 && epoll_ctl (self->epoll_fd, EPOLL_CTL_MOD, self->timer_fd, &event) == 0;
}

/* For coro_reactor_wake(), which can do without. */
static void
reactor_open_wake (CoroReactor *self)
{
  struct epoll_event event = wake_event;
  int fd = eventfd (1, EFD_CLOEXEC | EFD_NONBLOCK);

  if (fd >= 0 && epoll_ctl (self->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
    close_fd (&fd);
  g_atomic_int_set (&self->wake_fd, fd);
}

static void
reactor_open (CoroReactor *self)
{
  struct epoll_event event = timer_event;

  g_atomic_int_set (&self->n_forks, (int) coro_reactor_n_forks);
  self->armed = G_MAXINT64;
  self->more = FALSE;
  g_atomic_int_set (&self->epoll_fd, epoll_create1 (EPOLL_CLOEXEC));
  self->timer_fd = timerfd_create (CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

  /* Edge-triggered: the event itself says all, so that nobody has to read the timer. */
  if (self->epoll_fd < 0 || self->timer_fd < 0 ||
      epoll_ctl (self->epoll_fd, EPOLL_CTL_ADD, self->timer_fd, &event) != 0)
    {
      close_fd (&self->timer_fd);
      close_fd (&self->epoll_fd);
      return;
    }

  reactor_open_wake (self);
}

/* Closes what is ours without doubt. */
static void
reactor_close (CoroReactor *self)
{
  if (reactor_is_intact (self))
    {
      if (coro_reactor_wake (self))
        close_fd (&self->wake_fd);
      close_fd (&self->timer_fd);
      close_fd (&self->epoll_fd);
    }
  g_atomic_int_set (&self->wake_fd, -1);
  g_atomic_int_set (&self->epoll_fd, -1);
  self->timer_fd = -1;
}

static void
reactor_reserve (CoroReactor *self,
                 int          fd)
{
  guint n_watches = MAX (self->n_watches, 64);

  if ((guint) fd < self->n_watches)
    return;

  while (n_watches <= (guint) fd)
    n_watches *= 2;
  self->watches = g_renew (CoroWatch *, self->watches, n_watches);
  memset (self->watches + self->n_watches, 0, (n_watches - self->n_watches) * sizeof (CoroWatch *));
  self->n_watches = n_watches;
}

/* Has an epoll that works, if there is one to be had. */
static gboolean
reactor_check (CoroReactor *self)
{
  if (G_LIKELY (self->epoll_fd >= 0 && !coro_reactor_is_foreign (self)))
    return TRUE;
  return coro_reactor_reopen (self);
}

void
coro_reactor_init (CoroReactor *self)
{
  static GOnce once = G_ONCE_INIT;

  g_once (&once, watch_forks_cb, NULL);
  *self = (CoroReactor) { .epoll_fd = -1, .timer_fd = -1, .wake_fd = -1 };
  reactor_open (self);
}

void
coro_reactor_clear (CoroReactor *self)
{
  for (guint i = 0; i < self->n_watches; i++)
    if (self->watches[i] != NULL)
      coro_reactor_forget (self, self->watches[i], 0);

  reactor_close (self);
  g_clear_pointer (&self->watches, g_free);
  self->n_watches = 0;
}

/* Gives it new descriptors, because the old ones are somebody else's, and asks them for
 * all that was asked for.  FALSE: there are none, and nobody waits any more. */
gboolean
coro_reactor_reopen (CoroReactor *self)
{
  reactor_close (self);
  reactor_open (self);

  for (guint i = 0; i < self->n_watches; i++)
    {
      CoroWatch *watch = self->watches[i];
      int code;

      if (watch == NULL)
        continue;
      code = self->epoll_fd < 0 ? EMFILE : reactor_control (self, EPOLL_CTL_ADD, watch);
      if (code != 0)
        coro_reactor_forget (self, watch, code);
      else if (watch->klass->moved != NULL)
        watch->klass->moved (watch);
    }

  return self->epoll_fd >= 0;
}

/* Begins to watch `fd`.  Returns 0 or an errno: EPERM for what is always ready, EEXIST
 * where somebody watches it already. */
int
coro_reactor_add (CoroReactor          *self,
                  CoroWatch            *watch,
                  const CoroWatchClass *klass,
                  int                   fd,
                  guint32               events)
{
  CoroWatch *holder;
  int code;

  g_assert (watch->klass == NULL);

  if (!reactor_check (self))
    return EMFILE;

  if (G_UNLIKELY (fd == self->wake_fd))
    g_atomic_int_set (&self->wake_fd, -1);      /* somebody has closed it: it is another file */
  holder = coro_reactor_lookup (self, fd);
  if (holder != NULL && coro_reactor_update (self, holder, holder->events) == 0)
    return EEXIST;

  reactor_reserve (self, fd);
  *watch = (CoroWatch) { .klass = klass, .fd = fd, .events = events, .generation = ++self->generation };
  if (G_UNLIKELY (watch->generation == 0))
    watch->generation = ++self->generation;

  code = reactor_control (self, EPOLL_CTL_ADD, watch);
  if (G_UNLIKELY (code != 0) && !reactor_is_intact (self))
    code = coro_reactor_reopen (self) ? reactor_control (self, EPOLL_CTL_ADD, watch) : EMFILE;
  if (code != 0)
    {
      watch->klass = NULL;
      return code;
    }

  self->watches[fd] = watch;
  return 0;
}

/* Asks for other events, or for the same ones again: what is true already comes as an
 * event.  Returns 0, or EBADF when the number means another descriptor by now; the watch
 * is lost then. */
int
coro_reactor_update (CoroReactor *self,
                     CoroWatch   *watch,
                     guint32      events)
{
  int fd = watch->fd;

  watch->events = events;
  /* A watch that was lost on the way may be freed by now. */
  if (!reactor_check (self) || coro_reactor_lookup (self, fd) != watch)
    return EBADF;
  if (G_LIKELY (reactor_control (self, EPOLL_CTL_MOD, watch) == 0))
    return 0;

  if (!reactor_is_intact (self))
    coro_reactor_reopen (self);
  else
    coro_reactor_forget (self, watch, EBADF);
  return coro_reactor_lookup (self, fd) == watch ? 0 : EBADF;
}

void
coro_reactor_remove (CoroReactor *self,
                     CoroWatch   *watch)
{
  if (watch->klass == NULL)
    return;

  self->watches[watch->fd] = NULL;
  watch->klass = NULL;
  if (reactor_check (self))
    reactor_control (self, EPOLL_CTL_DEL, watch);
}

/* For a descriptor that the kernel has forgotten or will. */
void
coro_reactor_forget (CoroReactor *self,
                     CoroWatch   *watch,
                     int          code)
{
  const CoroWatchClass *klass = watch->klass;

  self->watches[watch->fd] = NULL;
  watch->klass = NULL;
  klass->lost (watch, code);
}

static void
reactor_deliver (CoroReactor              *self,
                 const struct epoll_event *event)
{
  CoroWatch *watch;

  if (event->data.u64 == TIMER_MARK)
    {
      self->armed = G_MAXINT64;
      return;
    }
  if (event->data.u64 == WAKE_MARK)
    return;

  /* The kernel goes on about a file that is open elsewhere, in a forked child for example,
   * when our descriptor of it was closed. */
  watch = coro_reactor_lookup (self, (int) (guint32) event->data.u64);
  if (watch != NULL && watch->generation == event->data.u64 >> 32)
    watch->klass->ready (watch, event->events);
}

/* Delivers what has happened; never blocks. */
void
coro_reactor_poll (CoroReactor *self)
{
  struct epoll_event events[N_EVENTS];
  int n_events;

  self->more = FALSE;
  if (!reactor_check (self))
    return;

  n_events = epoll_wait (self->epoll_fd, events, N_EVENTS, 0);
  if (G_UNLIKELY (n_events < 0 && errno != EINTR && !reactor_is_intact (self)))
    coro_reactor_reopen (self);

  for (int i = 0; i < n_events; i++)
    reactor_deliver (self, &events[i]);
  self->more = n_events > 0;
}

/* Has the kernel wake us at `deadline` (µs), if it would not do so anyway.  FALSE where it
 * cannot. */
gboolean
coro_reactor_arm (CoroReactor *self,
                  gint64       deadline)
{
  struct itimerspec spec = { { 0, 0 }, { 0, 0 } };

  if (deadline >= self->armed)
    return TRUE;
  if (self->timer_fd < 0)
    return FALSE;

  spec.it_value.tv_sec = deadline / G_USEC_PER_SEC;
  spec.it_value.tv_nsec = (deadline % G_USEC_PER_SEC) * 1000;
  if (timerfd_settime (self->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) != 0)
    return FALSE;

  self->armed = deadline;
  return TRUE;
}

/* Ends the poll of the main loop, or keeps the next one from blocking; from any thread.
 * FALSE where it cannot.
 *
 * An eventfd that is always readable is asked for anew, which is an event.  Writing to one takes
 * as long; but had foreign code closed ours, the eight bytes would end up in the file that has its
 * number now, and nobody would wake up. */
gboolean
coro_reactor_wake (CoroReactor *self)
{
  struct epoll_event event = wake_event;
  int epoll_fd = g_atomic_int_get (&self->epoll_fd);
  int wake_fd = g_atomic_int_get (&self->wake_fd);

  return wake_fd >= 0 && epoll_ctl (epoll_fd, EPOLL_CTL_MOD, wake_fd, &event) == 0;
}
