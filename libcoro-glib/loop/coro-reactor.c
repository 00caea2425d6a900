/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "loop/coro-reactor-private.h"

#include "base/coro-errno-private.h"

#include <poll.h>
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

/* What another thread may be looking at is out of its sight before it is closed. */
static void
close_fd (int *fd)
{
  int closing = *fd;

  g_atomic_int_set (fd, -1);
  if (closing >= 0)
    close (closing);
}

/* What EPOLL_CTL_… would do. */
static int
reactor_control_pollfd (CoroReactor *self,
                        int          operation,
                        CoroWatch   *watch)
{
  int code = 0;

  if (operation == EPOLL_CTL_ADD)
    code = coro_pollfd_new (self->source, watch->fd, &watch->pollfd);
  else if (operation == EPOLL_CTL_MOD && !coro_pollfd_is_same (watch->pollfd))
    code = ENOENT;

  if (operation == EPOLL_CTL_DEL)
    g_clear_pointer (&watch->pollfd, coro_pollfd_free);
  else if (code == 0)
    coro_pollfd_enable (watch->pollfd, watch->events);
  return code;
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

  if (G_UNLIKELY (self->epoll_fd < 0))
    return reactor_control_pollfd (self, operation, watch);
  return epoll_ctl (self->epoll_fd, operation, watch->fd, &event) == 0 ? 0 : errno;
}

static const struct epoll_event timer_event = { .events = EPOLLIN | EPOLLET, .data.u64 = TIMER_MARK };
static const struct epoll_event wake_event = { .events = EPOLLIN | EPOLLET, .data.u64 = WAKE_MARK };

/* Whether the descriptors are still what they were: foreign code may have closed them, and
 * something else may have their numbers now.  Asking for what is asked for already changes
 * nothing, or wakes a parent that shares them once. */
static gboolean
reactor_has_timer (CoroReactor *self)
{
  struct epoll_event event = timer_event;

  return self->timer_fd >= 0 && epoll_ctl (self->epoll_fd, EPOLL_CTL_MOD, self->timer_fd, &event) == 0;
}

static gboolean
reactor_is_intact (CoroReactor *self)
{
  if (G_UNLIKELY (self->epoll_fd < 0))
    return TRUE;
  return self->timer_fd >= 0 ? reactor_has_timer (self) : coro_reactor_wake (self);
}

/* Puts a descriptor of our own into the set.  Returns it, or -1 where there is none. */
static int
reactor_include (CoroReactor              *self,
                 int                       fd,
                 const struct epoll_event *asked)
{
  struct epoll_event event = *asked;

  if (fd >= 0 && epoll_ctl (self->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
    close_fd (&fd);
  return fd;
}

static void
reactor_open (CoroReactor *self)
{
  g_atomic_int_set (&self->n_forks, (int) coro_n_forks);
  self->armed = G_MAXINT64;
  self->more = FALSE;
  g_atomic_int_set (&self->epoll_fd, epoll_create1 (EPOLL_CLOEXEC));
  self->forbidden = self->epoll_fd < 0 && !coro_errno_is_lack (errno);
  if (self->epoll_fd < 0)
    return;

  /* Edge-triggered: the event itself says all, so that the timer need not be read. */
  self->timer_fd = reactor_include (self, timerfd_create (CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), &timer_event);
  g_atomic_int_set (&self->wake_fd, reactor_include (self, eventfd (1, EFD_CLOEXEC | EFD_NONBLOCK), &wake_event));

  /* By these we tell whether it is still ours. */
  if (self->timer_fd < 0 && self->wake_fd < 0)
    close_fd (&self->epoll_fd);
}

/* Closes what is ours without doubt. */
static void
reactor_close (CoroReactor *self)
{
  gboolean has_timer = reactor_has_timer (self);
  gboolean has_wake = coro_reactor_wake (self);

  if (has_wake)
    close_fd (&self->wake_fd);
  if (has_timer)
    close_fd (&self->timer_fd);
  if (has_timer || has_wake)
    close_fd (&self->epoll_fd);
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

/* Asks new descriptors for all that the old ones were asked for. */
static void
reactor_ask_again (CoroReactor *self)
{
  for (guint i = 0; i < self->n_watches; i++)
    {
      CoroWatch *watch = self->watches[i];
      int code;

      if (watch == NULL)
        continue;
      g_clear_pointer (&watch->pollfd, coro_pollfd_free);
      code = reactor_control (self, EPOLL_CTL_ADD, watch);
      if (code != 0)
        coro_reactor_forget (self, watch, code);
      else if (watch->klass->moved != NULL)
        watch->klass->moved (watch);
    }
}

/* Leaves an epoll alone that is a parent's, and has one again when there are descriptors again. */
static void
reactor_check (CoroReactor *self)
{
  if (coro_reactor_is_foreign (self))
    {
      coro_reactor_reopen (self);
    }
  else if (G_UNLIKELY (self->epoll_fd < 0 && !self->forbidden))
    {
      reactor_open (self);
      if (self->epoll_fd >= 0)
        reactor_ask_again (self);
    }
}

void
coro_reactor_init (CoroReactor *self,
                   GSource     *source)
{
  *self = (CoroReactor) { .source = source, .epoll_fd = -1, .timer_fd = -1, .wake_fd = -1 };
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

/* Gives it new descriptors, because the old ones are not ours any more. */
void
coro_reactor_reopen (CoroReactor *self)
{
  reactor_close (self);
  reactor_open (self);
  reactor_ask_again (self);
}

/* Begins to watch `fd`.  Returns 0 or an errno: EPERM for what is always ready, EEXIST
 * where it is watched already. */
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

  reactor_check (self);
  if (G_UNLIKELY (fd == self->wake_fd))
    g_atomic_int_set (&self->wake_fd, -1);      /* it was closed, and is another file */
  if (G_UNLIKELY (fd == self->timer_fd))
    {
      self->timer_fd = -1;
      self->armed = G_MAXINT64;
    }
  holder = coro_reactor_lookup (self, fd);
  if (holder != NULL && coro_reactor_update (self, holder, holder->events) == 0)
    return EEXIST;

  reactor_reserve (self, fd);
  *watch = (CoroWatch) { .klass = klass, .fd = fd, .events = events, .generation = ++self->generation };
  if (G_UNLIKELY (watch->generation == 0))
    watch->generation = ++self->generation;

  code = reactor_control (self, EPOLL_CTL_ADD, watch);
  if (G_UNLIKELY (code != 0) && !reactor_is_intact (self))
    {
      coro_reactor_reopen (self);
      code = reactor_control (self, EPOLL_CTL_ADD, watch);
    }
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
  reactor_check (self);
  if (coro_reactor_lookup (self, fd) != watch)
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
  g_clear_pointer (&watch->pollfd, coro_pollfd_free);
  reactor_check (self);
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
  g_clear_pointer (&watch->pollfd, coro_pollfd_free);
  klass->unregistered (watch, code);
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

/* Delivers what poll() has said of one that was asked about with `generation`. */
static void
reactor_deliver_pollfd (CoroReactor         *self,
                        const struct pollfd *polled,
                        guint32              generation)
{
  CoroWatch *watch = coro_reactor_lookup (self, polled->fd);
  guint32 events = (guint32) polled->revents;

  if (events == 0 || watch == NULL || watch->pollfd == NULL || watch->generation != generation)
    return;
  if (!coro_pollfd_is_same (watch->pollfd))
    {
      coro_reactor_forget (self, watch, EBADF);
      return;
    }

  if ((watch->events & EPOLLET) != 0)
    watch->events &= (events & (EPOLLERR | EPOLLHUP)) != 0 ? EPOLLET : ~events;
  if ((watch->events & EPOLLONESHOT) != 0 || watch->events == EPOLLET)
    coro_pollfd_disable (watch->pollfd);
  else
    coro_pollfd_enable (watch->pollfd, watch->events);
  watch->klass->ready (watch, events);
}

static void
reactor_poll_each (CoroReactor *self)
{
  g_autofree struct pollfd *fds = g_new (struct pollfd, self->n_watches);
  g_autofree guint32 *generations = g_new (guint32, self->n_watches);
  nfds_t n_fds = 0;
  int n_events;

  for (guint i = 0; i < self->n_watches; i++)
    {
      CoroWatch *watch = self->watches[i];

      if (watch == NULL || watch->pollfd == NULL || watch->pollfd->poll.events == 0)
        continue;
      watch->pollfd->poll.revents = 0;
      fds[n_fds] = (struct pollfd) { .fd = watch->fd, .events = (short) watch->pollfd->poll.events };
      generations[n_fds++] = watch->generation;
    }

  n_events = n_fds > 0 ? poll (fds, n_fds, 0) : 0;
  for (nfds_t i = 0; i < n_fds && n_events > 0; i++)
    reactor_deliver_pollfd (self, &fds[i], generations[i]);
  self->more = n_events > 0;
}

gboolean
coro_reactor_is_due_pollfd (CoroReactor *self)
{
  for (guint i = 0; i < self->n_watches; i++)
    if (self->watches[i] != NULL && self->watches[i]->pollfd != NULL && self->watches[i]->pollfd->poll.revents != 0)
      return TRUE;
  return FALSE;
}

/* Delivers what has happened; never blocks. */
void
coro_reactor_poll (CoroReactor *self)
{
  struct epoll_event events[N_EVENTS];
  int n_events;

  self->more = FALSE;
  reactor_check (self);
  if (G_UNLIKELY (self->epoll_fd < 0))
    {
      reactor_poll_each (self);
      return;
    }

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
  if (G_UNLIKELY (timerfd_settime (self->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) != 0))
    {
      /* The code that has closed it has closed the epoll as well, as a rule, and what has the
       * number of that by now need not fail in poll(). */
      if (!reactor_is_intact (self))
        coro_reactor_reopen (self);
      return FALSE;
    }

  self->armed = deadline;
  return TRUE;
}

/* Ends the poll of the main loop, or keeps the next one from blocking; from any thread.
 * FALSE where it cannot.
 *
 * An eventfd that is always readable is asked for anew, which is an event.  Writing to one takes
 * as long; but had foreign code closed ours, the eight bytes would end up in the file that has its
 * number now, and the scheduler would not wake up. */
gboolean
coro_reactor_wake (CoroReactor *self)
{
  struct epoll_event event = wake_event;
  int epoll_fd = g_atomic_int_get (&self->epoll_fd);
  int wake_fd = g_atomic_int_get (&self->wake_fd);

  return wake_fd >= 0 && epoll_ctl (epoll_fd, EPOLL_CTL_MOD, wake_fd, &event) == 0;
}
