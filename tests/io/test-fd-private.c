/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Waiting for descriptors, and what can happen to those and to the epoll behind them.
 */
#include "test-util.h"

#include "loop/coro-reactor-private.h"
#include "scheduler/coro-scheduler-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a coroutine waits for, and what came of it. */
typedef struct
{
  int fd;
  GIOCondition condition;
  GTimeSpan timeout;
  GIOCondition ready;
  GError *error;                /* (nullable) (owned) */
  gboolean done;
} Wait;

static gboolean
wait_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Wait *self = user_data;

  self->ready = coro_fd_wait (self->fd, self->condition, self->timeout, &self->error);
  self->done = TRUE;
  return TRUE;
}

static Wait
wait_for (int          fd,
          GIOCondition condition)
{
  return (Wait) { .fd = fd, .condition = condition, .timeout = -1 };
}

static void
make_pair (int fds[2])
{
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), ==, 0);
}

static void
close_pair (int fds[2])
{
  for (int i = 0; i < 2; i++)
    if (fds[i] >= 0)
      close (fds[i]);
}

static void
put (int         fd,
     const char *text)
{
  g_assert_cmpint (write (fd, text, strlen (text)), ==, (gssize) strlen (text));
}

/* Until the coroutine is parked in its wait; by the real clock turns come in order. */
static void
let_wait (void)
{
  if (coro_scheduler_current->virtual)
    g_assert_true (coro_test_settle (NULL));
  else
    for (int i = 0; i < 3; i++)
      g_assert_true (coro_yield (NULL));
}

static CoroReactor *
get_reactor (void)
{
  return &coro_scheduler_current->reactor;
}

/* --- what it is for --------------------------------------------------------------- */

static gboolean
peer_writes_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  int fds[2];
  Wait wait;
  g_autoptr (CoroTask) task = NULL;

  make_pair (fds);
  wait = wait_for (fds[0], G_IO_IN);
  task = coro_spawn_task (wait_cb, &wait, NULL);
  let_wait ();
  g_assert_false (wait.done);

  put (fds[1], "x");
  g_assert_true (coro_await (task, NULL, error));
  g_assert_no_error (wait.error);
  g_assert_cmpint (wait.ready, ==, G_IO_IN);
  close_pair (fds);
  return TRUE;
}

static gboolean
ready_at_once_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  int fds[2];

  make_pair (fds);
  put (fds[1], "x");
  g_assert_cmpint (coro_fd_wait (fds[0], G_IO_IN, -1, error), ==, G_IO_IN);
  g_assert_cmpint (coro_fd_wait (fds[0], G_IO_IN | G_IO_OUT, 0, error), ==, G_IO_IN | G_IO_OUT);
  g_assert_null (coro_reactor_lookup (get_reactor (), fds[0]));
  close_pair (fds);
  return TRUE;
}

static gboolean
again_and_again_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  int fds[2];
  char c;

  make_pair (fds);
  for (int i = 0; i < 20; i++)
    {
      Wait wait = wait_for (fds[0], G_IO_IN);
      g_autoptr (CoroTask) task = coro_spawn_task (wait_cb, &wait, NULL);

      let_wait ();
      g_assert_false (wait.done);
      put (fds[1], "x");
      g_assert_true (coro_await (task, NULL, error));
      g_assert_cmpint (wait.ready, ==, G_IO_IN);
      g_assert_cmpint (read (fds[0], &c, 1), ==, 1);
    }
  close_pair (fds);
  return TRUE;
}

static gboolean
regular_file_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  int fd = open ("/proc/self/exe", O_RDONLY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (coro_fd_wait (fd, G_IO_IN, -1, error), ==, G_IO_IN);
  close (fd);
  return TRUE;
}

static gboolean
hangup_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  int fds[2];
  Wait wait;
  g_autoptr (CoroTask) task = NULL;

  make_pair (fds);
  wait = wait_for (fds[0], 0);
  task = coro_spawn_task (wait_cb, &wait, NULL);
  let_wait ();
  put (fds[1], "not asked for");
  let_wait ();
  g_assert_false (wait.done);
  close (fds[1]);
  g_assert_true (coro_await (task, NULL, error));
  g_assert_cmpint (wait.ready, ==, G_IO_HUP);
  close (fds[0]);
  return TRUE;
}

static gboolean
bad_descriptor_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  int fds[2];

  make_pair (fds);
  close_pair (fds);
  g_assert_cmpint (coro_fd_wait (fds[0], G_IO_IN, -1, &local_error), ==, 0);
  g_assert_error (local_error, G_IO_ERROR, (int) g_io_error_from_errno (EBADF));
  return TRUE;
}

static void
test_outside (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (coro_fd_wait (0, G_IO_IN, -1, &error), ==, 0);
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
}

static gboolean
future_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  int fds[2];
  g_autoptr (CoroFuture) future = NULL;
  g_auto (GValue) value = G_VALUE_INIT;

  make_pair (fds);
  future = coro_fd_wait_future (fds[0], G_IO_IN, -1);
  let_wait ();
  put (fds[1], "x");
  g_assert_true (coro_await (future, &value, error));
  g_assert_true (G_VALUE_HOLDS (&value, G_TYPE_IO_CONDITION));
  g_assert_cmpint (g_value_get_flags (&value), ==, G_IO_IN);
  close_pair (fds);
  return TRUE;
}

/* --- several at once -------------------------------------------------------------- */

static gboolean
same_direction_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  int fds[2];
  Wait waits[3];
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  make_pair (fds);
  for (int i = 0; i < 3; i++)
    {
      waits[i] = wait_for (fds[0], G_IO_IN);
      coro_task_group_spawn (nursery.group, wait_cb, &waits[i], NULL);
    }
  let_wait ();
  put (fds[1], "x");
  g_assert_true (coro_nursery_join (&nursery));
  for (int i = 0; i < 3; i++)
    g_assert_cmpint (waits[i].ready, ==, G_IO_IN);
  close_pair (fds);
  return TRUE;
}

/* Fills the buffer of `fd`. */
static void
stuff (int fd)
{
  static const char block[4096];

  while (write (fd, block, sizeof block) > 0)
    continue;
  g_assert_cmpint (errno, ==, EAGAIN);
}

static gboolean
both_directions_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  int fds[2];
  Wait reader, writer;
  char block[4096];
  g_autoptr (CoroTask) reading = NULL;
  g_autoptr (CoroTask) writing = NULL;

  make_pair (fds);
  stuff (fds[0]);
  reader = wait_for (fds[0], G_IO_IN);
  writer = wait_for (fds[0], G_IO_OUT);
  reading = coro_spawn_task (wait_cb, &reader, NULL);
  writing = coro_spawn_task (wait_cb, &writer, NULL);
  let_wait ();

  put (fds[1], "x");
  g_assert_true (coro_await (reading, NULL, error));
  g_assert_cmpint (reader.ready, ==, G_IO_IN);
  let_wait ();
  g_assert_false (writer.done);

  while (read (fds[1], block, sizeof block) > 0)
    continue;
  g_assert_true (coro_await (writing, NULL, error));
  g_assert_cmpint (writer.ready, ==, G_IO_OUT);
  close_pair (fds);
  return TRUE;
}

/* --- time ------------------------------------------------------------------------- */

static gboolean
timeout_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  int fds[2];
  gint64 start = now ();
  g_autoptr (GError) local_error = NULL;

  make_pair (fds);
  g_assert_cmpint (coro_fd_wait (fds[0], G_IO_IN, 3 * SECOND, &local_error), ==, 0);
  assert_timed_out (local_error);
  g_assert_cmpint (now () - start, ==, 3 * SECOND);
  g_assert_null (coro_reactor_lookup (get_reactor (), fds[0]));
  g_assert_cmpuint (get_reactor ()->n_waiting, ==, 0);

  g_clear_error (&local_error);
  g_assert_cmpint (coro_fd_wait (fds[0], G_IO_IN, 0, &local_error), ==, 0);
  assert_timed_out (local_error);
  g_assert_cmpint (now () - start, ==, 3 * SECOND);
  close_pair (fds);
  return TRUE;
}

/* The descriptor becomes ready while the thread is busy, and the time is up before the next poll. */
static gboolean
ready_and_timed_out_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  int fds[2];
  Wait wait;
  guint n_timers;
  g_autoptr (CoroTask) task = NULL;

  make_pair (fds);
  wait = (Wait) { .fd = fds[0], .condition = G_IO_IN, .timeout = SECOND };
  n_timers = coro_scheduler_current->timers.n_slots;
  task = coro_spawn_task (wait_cb, &wait, NULL);
  let_wait ();

  put (fds[1], "x");
  coro_reactor_poll (get_reactor ());   /* it is woken, and has not run */
  g_assert_cmpuint (coro_scheduler_current->timers.n_slots, ==, n_timers);
  coro_test_clock_advance (coro_scheduler_current, 2 * SECOND);
  g_assert_true (coro_await (task, NULL, error));
  g_assert_no_error (wait.error);
  g_assert_cmpint (wait.ready, ==, G_IO_IN);
  close_pair (fds);
  return TRUE;
}

/* A descriptor that stays silent does not keep virtual time from passing. */
static gboolean
timeout_scope_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  int fds[2];
  g_autoptr (GError) local_error = NULL;

  make_pair (fds);
  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (SECOND, &local_error);

    g_assert_cmpint (coro_fd_wait (fds[0], G_IO_IN, -1, &local_error), ==, 0);
  }
  assert_timed_out (local_error);
  g_assert_null (coro_reactor_lookup (get_reactor (), fds[0]));
  close_pair (fds);
  return TRUE;
}

/* --- cancellation ----------------------------------------------------------------- */

static gboolean
cancel_before_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  int fds[2];
  Wait wait;
  g_autoptr (CoroTask) task = NULL;

  make_pair (fds);
  put (fds[1], "x");
  wait = wait_for (fds[0], G_IO_IN);
  task = coro_spawn_task (wait_cb, &wait, NULL);
  coro_task_cancel (task);
  g_assert_true (coro_join (task, error));
  g_assert_cmpint (wait.ready, ==, 0);
  g_clear_error (&wait.error);
  close_pair (fds);
  return TRUE;
}

static gboolean
cancel_during_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  int fds[2];
  Wait wait;
  g_autoptr (CoroTask) task = NULL;

  make_pair (fds);
  wait = wait_for (fds[0], G_IO_IN);
  task = coro_spawn_task (wait_cb, &wait, NULL);
  let_wait ();
  g_assert_nonnull (coro_reactor_lookup (get_reactor (), fds[0]));
  g_assert_cmpuint (get_reactor ()->n_waiting, ==, 1);

  coro_task_cancel (task);
  g_assert_true (coro_join (task, error));
  assert_cancelled (wait.error);
  g_assert_null (coro_reactor_lookup (get_reactor (), fds[0]));
  g_assert_cmpuint (get_reactor ()->n_waiting, ==, 0);
  g_clear_error (&wait.error);
  close_pair (fds);
  return TRUE;
}

/* One of two is cancelled: the other still hears. */
static gboolean
cancel_one_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  int fds[2];
  Wait waits[2];
  CoroTask *tasks[2];

  make_pair (fds);
  for (int i = 0; i < 2; i++)
    {
      waits[i] = wait_for (fds[0], G_IO_IN);
      tasks[i] = coro_spawn_task (wait_cb, &waits[i], NULL);
    }
  let_wait ();
  coro_task_cancel (tasks[0]);
  g_assert_true (coro_join (tasks[0], error));
  assert_cancelled (waits[0].error);
  put (fds[1], "x");
  g_assert_true (coro_await (tasks[1], NULL, error));
  g_assert_cmpint (waits[1].ready, ==, G_IO_IN);
  for (int i = 0; i < 2; i++)
    g_object_unref (tasks[i]);
  g_clear_error (&waits[0].error);
  close_pair (fds);
  return TRUE;
}

/* Ready and cancelled in the same turn: nothing was consumed, and the next wait says so. */
static gboolean
cancel_after_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  int fds[2];
  Wait wait;
  g_autoptr (CoroTask) task = NULL;

  make_pair (fds);
  wait = wait_for (fds[0], G_IO_IN);
  task = coro_spawn_task (wait_cb, &wait, NULL);
  let_wait ();
  put (fds[1], "x");
  coro_reactor_poll (get_reactor ());
  coro_task_cancel (task);
  g_assert_true (coro_join (task, error));
  assert_cancelled (wait.error);
  g_assert_cmpint (coro_fd_wait (fds[0], G_IO_IN, -1, error), ==, G_IO_IN);
  g_clear_error (&wait.error);
  close_pair (fds);
  return TRUE;
}

/* --- reading and writing ---------------------------------------------------------- */

typedef struct
{
  int fd;
  gsize size;
} Transfer;

static gboolean
write_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Transfer *self = user_data;
  g_autofree char *data = g_malloc (self->size);
  gsize n_written = 0;
  gboolean ok;

  for (gsize i = 0; i < self->size; i++)
    data[i] = (char) (i * 7);
  ok = coro_fd_write_all (self->fd, data, self->size, &n_written, error);
  if (ok)
    g_assert_cmpuint (n_written, ==, self->size);
  return coro_fd_close (self->fd, ok ? error : NULL) && ok;
}

/* Through a pipe that blocks, which must not be noticed. */
static gboolean
pipe_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Transfer transfer = { .size = 300001 };
  g_autoptr (CoroTask) task = NULL;
  char buffer[10000];
  gsize n_done = 0;
  gssize n_read;
  int fds[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  transfer.fd = fds[1];
  task = coro_spawn_task (write_cb, &transfer, NULL);
  while ((n_read = coro_fd_read (fds[0], buffer, sizeof buffer, error)) > 0)
    for (gssize i = 0; i < n_read; i++)
      g_assert_cmpint (buffer[i], ==, (char) (n_done++ * 7));
  g_assert_cmpint (n_read, ==, 0);
  g_assert_cmpuint (n_done, ==, transfer.size);
  close (fds[0]);
  return coro_await (task, NULL, error);
}

static volatile sig_atomic_t n_sigpipes;

static void
sigpipe_cb (int number)
{
  n_sigpipes++;
}

static gboolean
reader_gone_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  gsize n_written = 1;
  int fds[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  close (fds[0]);
  n_sigpipes = 0;
  signal (SIGPIPE, sigpipe_cb);
  g_assert_false (coro_fd_write_all (fds[1], "x", 1, &n_written, &local_error));
  signal (SIGPIPE, SIG_IGN);
  g_assert_cmpint (n_sigpipes, ==, 1);          /* as write() does */
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE);
  g_assert_cmpuint (n_written, ==, 0);
  close (fds[1]);
  return TRUE;
}

/* What a socket has to tell is told, and once: it does not say it again. */
static int
bind_to_loopback (int                 type,
                  struct sockaddr_in *address)
{
  socklen_t length = sizeof *address;
  int fd = socket (AF_INET, type | SOCK_CLOEXEC, 0);

  *address = (struct sockaddr_in) { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  g_assert_cmpint (bind (fd, (struct sockaddr *) address, length), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) address, &length), ==, 0);
  return fd;
}

static int
connect_with (int                       type,
              const struct sockaddr_in *address)
{
  int fd = socket (AF_INET, type | SOCK_CLOEXEC, 0);

  g_assert_cmpint (connect (fd, (const struct sockaddr *) address, sizeof *address), ==, 0);
  return fd;
}

static void
await_fault (int fd)
{
  struct pollfd poll_fd = { .fd = fd };

  g_assert_cmpint (poll (&poll_fd, 1, -1), ==, 1);
  g_assert_cmpint (poll_fd.revents & POLLERR, !=, 0);
}

/* An end of a TCP connection that the other one has reset. */
static int
new_reset (void)
{
  struct sockaddr_in address;
  struct linger linger = { 1, 0 };
  int listener = bind_to_loopback (SOCK_STREAM, &address);
  int fd, peer;

  g_assert_cmpint (listen (listener, 1), ==, 0);
  fd = connect_with (SOCK_STREAM, &address);
  peer = accept (listener, NULL, NULL);
  g_assert_cmpint (setsockopt (peer, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), ==, 0);
  close (peer);
  close (listener);
  await_fault (fd);
  return fd;
}

/* A UDP socket that has no peer at the other end, and has already been told so. */
static int
new_refused (void)
{
  struct sockaddr_in address;
  int peer = bind_to_loopback (SOCK_DGRAM, &address);
  int fd = connect_with (SOCK_DGRAM, &address);

  close (peer);
  put (fd, "x");
  await_fault (fd);
  return fd;
}

static gboolean
read_fault_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  gboolean udp = GPOINTER_TO_INT (user_data);
  g_autoptr (GError) local_error = NULL;
  int code = udp ? G_IO_ERROR_CONNECTION_REFUSED : G_IO_ERROR_CONNECTION_CLOSED;
  int fd = udp ? new_refused () : new_reset ();
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (SECOND, NULL);
  char c;

  g_assert_cmpint (coro_fd_read (fd, &c, 1, &local_error), ==, -1);
  g_assert_error (local_error, G_IO_ERROR, code);
  close (fd);
  return TRUE;
}

/* In a process that has left the signal at its default, which would end it. */
static gboolean
broken_pipe_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autofree char *large = g_malloc0 (4000000);
  g_autoptr (GError) first = NULL;
  g_autoptr (GError) second = NULL;
  sigset_t mask, pending;
  int fds[2];

  signal (SIGPIPE, SIG_DFL);
  g_assert_cmpint (pipe (fds), ==, 0);
  close (fds[0]);
  g_assert_false (coro_fd_write_all (fds[1], "x", 1, NULL, &first));
  g_assert_error (first, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE);
  g_assert_false (coro_fd_write_all (fds[1], large, 4000000, NULL, &second));
  g_assert_error (second, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE);
  close (fds[1]);

  /* Neither is it blocked from now on, nor does it come later. */
  g_assert_cmpint (pthread_sigmask (SIG_SETMASK, NULL, &mask), ==, 0);
  g_assert_cmpint (sigismember (&mask, SIGPIPE), ==, 0);
  g_assert_cmpint (sigpending (&pending), ==, 0);
  g_assert_cmpint (sigismember (&pending, SIGPIPE), ==, 0);
  return TRUE;
}

static void
test_broken_pipe (void)
{
  g_autoptr (GError) error = NULL;

  if (g_test_subprocess ())
    {
      coro_run (broken_pipe_cb, NULL, NULL, &error);
      g_assert_no_error (error);
      return;
    }

  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

/* The error domain is that of reading and writing, too. */
static void
test_close_error (void)
{
  g_autoptr (GError) error = NULL;
  int fd = fcntl (0, F_DUPFD, 500);     /* a number that nothing else gets meanwhile */

  g_assert_cmpint (fd, >=, 500);
  close (fd);
  g_assert_false (coro_fd_close (fd, &error));
  g_assert_error (error, G_IO_ERROR, (int) g_io_error_from_errno (EBADF));
}

/* A reset is no broken pipe yet, and raises no signal. */
static gboolean
write_reset_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  gsize n_written = 1;
  int fd = new_reset ();

  n_sigpipes = 0;
  signal (SIGPIPE, sigpipe_cb);
  g_assert_false (coro_fd_write_all (fd, "x", 1, &n_written, &local_error));
  signal (SIGPIPE, SIG_IGN);
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_assert_cmpint (n_sigpipes, ==, 0);
  g_assert_cmpuint (n_written, ==, 0);
  close (fd);
  return TRUE;
}

static gboolean
write_refused_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  int fd = new_refused ();

  g_assert_false (coro_fd_write_all (fd, "x", 1, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  close (fd);
  return TRUE;
}

static gboolean
write_cancelled_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  Transfer transfer = { .size = 1000000 };
  g_autoptr (CoroTask) task = NULL;
  int fds[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  transfer.fd = fds[1];
  task = coro_spawn_task (write_cb, &transfer, NULL);
  let_wait ();
  coro_task_cancel (task);
  g_assert_true (coro_join (task, error));
  assert_cancelled (coro_future_get_error (CORO_FUTURE (task)));
  close (fds[0]);
  return TRUE;
}

/* --- faults ----------------------------------------------------------------------- */

static gboolean
closed_by_us_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  int fds[2];
  Wait waits[2];
  CoroTask *tasks[2];

  make_pair (fds);
  for (int i = 0; i < 2; i++)
    {
      waits[i] = wait_for (fds[0], G_IO_IN);
      tasks[i] = coro_spawn_task (wait_cb, &waits[i], NULL);
    }
  let_wait ();
  g_assert_true (coro_fd_close (fds[0], error));
  for (int i = 0; i < 2; i++)
    {
      g_assert_true (coro_await (tasks[i], NULL, error));
      g_assert_error (waits[i].error, G_IO_ERROR, G_IO_ERROR_CLOSED);
      g_clear_error (&waits[i].error);
      g_object_unref (tasks[i]);
    }
  close (fds[1]);
  return TRUE;
}

/* Foreign code closes a descriptor, and another file gets its number: the coroutine that waited
 * is told that it was closed, and waiting for the new file works. */
static gboolean
number_reused_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  int old[2], fresh[2];
  Wait before, after;
  g_autoptr (CoroTask) waiting = NULL;
  g_autoptr (CoroTask) task = NULL;

  make_pair (old);
  make_pair (fresh);
  before = wait_for (old[0], G_IO_IN);
  waiting = coro_spawn_task (wait_cb, &before, NULL);
  let_wait ();

  g_assert_cmpint (dup2 (fresh[0], old[0]), ==, old[0]);
  after = wait_for (old[0], G_IO_IN);
  task = coro_spawn_task (wait_cb, &after, NULL);
  g_assert_true (coro_await (waiting, NULL, error));
  g_assert_error (before.error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_false (after.done);

  put (fresh[1], "x");
  g_assert_true (coro_await (task, NULL, error));
  g_assert_cmpint (after.ready, ==, G_IO_IN);
  g_clear_error (&before.error);
  close_pair (old);
  close_pair (fresh);
  return TRUE;
}

/* The descriptor was closed, but its file is still open elsewhere, so that the kernel goes on
 * reporting its events; no coroutine is woken in error. */
static gboolean
ghost_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  int old[2], fresh[2], copy;
  Wait before, after;
  g_autoptr (CoroTask) waiting = NULL;
  g_autoptr (CoroTask) task = NULL;

  make_pair (old);
  make_pair (fresh);
  copy = dup (old[0]);
  before = wait_for (old[0], G_IO_IN);
  waiting = coro_spawn_task (wait_cb, &before, NULL);
  let_wait ();
  g_assert_cmpint (dup2 (fresh[0], old[0]), ==, old[0]);
  after = wait_for (old[0], G_IO_IN);
  task = coro_spawn_task (wait_cb, &after, NULL);
  g_assert_true (coro_await (waiting, NULL, error));

  put (old[1], "for the copy");
  coro_reactor_poll (get_reactor ());
  let_wait ();
  g_assert_false (after.done);
  put (fresh[1], "x");
  g_assert_true (coro_await (task, NULL, error));
  g_clear_error (&before.error);
  close (copy);
  close_pair (old);
  close_pair (fresh);
  return TRUE;
}

/* Foreign code has closed the epoll descriptor; the coroutine that waits does not notice. */
static gboolean
epoll_closed_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  gboolean reuse = GPOINTER_TO_INT (user_data);
  int fds[2];
  Wait wait;
  g_autoptr (CoroTask) task = NULL;
  int old_fd = get_reactor ()->epoll_fd;

  make_pair (fds);
  wait = wait_for (fds[0], G_IO_IN);
  task = coro_spawn_task (wait_cb, &wait, NULL);
  let_wait ();

  if (reuse)
    {
      int fd = open ("/dev/zero", O_RDONLY | O_CLOEXEC);

      g_assert_cmpint (dup2 (fd, old_fd), ==, old_fd);
      close (fd);
    }
  else
    {
      close (old_fd);
    }
  put (fds[1], "x");
  g_assert_true (coro_await (task, NULL, error));
  g_assert_cmpint (wait.ready, ==, G_IO_IN);
  g_assert_cmpint (get_reactor ()->epoll_fd, >=, 0);
  if (reuse)
    {
      char c = 1;

      /* What took the number has been left alone. */
      g_assert_cmpint (read (old_fd, &c, 1), ==, 1);
      g_assert_cmpint (c, ==, 0);
      close (old_fd);
    }
  close_pair (fds);
  return TRUE;
}

/* Likewise where the only coroutine waits for the time, on the real clock. */
static gboolean
real_sleep_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  close (get_reactor ()->epoll_fd);
  return coro_sleep (1000, error) && coro_sleep (1000, error);
}

static void
test_epoll_closed_timer (void)
{
  g_autoptr (GError) error = NULL;

  coro_run (real_sleep_cb, NULL, NULL, &error);
  g_assert_no_error (error);
}

/* --- waking from another thread ----------------------------------------------------- */

typedef struct
{
  CoroScheduler *scheduler;
  CoroFuture *future;
} Waker;

/* The loop is about to block, or does. */
static gpointer
waker_thread (gpointer data)
{
  Waker *self = data;

  while (!g_atomic_int_get (&self->scheduler->asleep))
    g_thread_yield ();
  coro_future_resolve_int (self->future, 1);
  return NULL;
}

static gboolean
be_woken (GError **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  Waker waker = { coro_scheduler_get_running (), future };
  GThread *thread = g_thread_new ("waker", waker_thread, &waker);
  gboolean ok = coro_await (future, NULL, error);

  g_thread_join (thread);
  return ok;
}

/* Foreign code closes a descriptor of the reactor, or puts in its place a socket, which says
 * nothing to poll() and could be written to.  Returns the other end of that, or -1. */
static int
steal_descriptor (int      fd,
                  gboolean replace)
{
  int fds[2];

  if (!replace)
    {
      close (fd);
      return -1;
    }

  make_pair (fds);
  g_assert_cmpint (dup2 (fds[0], fd), ==, fd);
  close (fds[0]);
  return fds[1];
}

typedef struct
{
  const char *path;
  gboolean epoll;               /* what is stolen */
  gboolean wake;
  gboolean timer;
  gboolean replace;
} Theft;

static const Theft thefts[] = {
  { "/io/fd/stolen/none", FALSE, FALSE, FALSE, FALSE },
  { "/io/fd/stolen/wake-closed", FALSE, TRUE, FALSE, FALSE },
  { "/io/fd/stolen/wake-replaced", FALSE, TRUE, FALSE, TRUE },
  { "/io/fd/stolen/epoll-closed", TRUE, FALSE, FALSE, FALSE },
  { "/io/fd/stolen/timer-closed", FALSE, FALSE, TRUE, FALSE },
  { "/io/fd/stolen/timer-replaced", FALSE, FALSE, TRUE, TRUE },
  { "/io/fd/stolen/all-closed", TRUE, TRUE, TRUE, FALSE },
  { "/io/fd/stolen/all-replaced", TRUE, TRUE, TRUE, TRUE },
};

static gboolean
theft_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  const Theft *theft = user_data;
  const CoroReactor *reactor = get_reactor ();
  int fds[] = { theft->epoll ? reactor->epoll_fd : -1, theft->wake ? reactor->wake_fd : -1,
                theft->timer ? reactor->timer_fd : -1 };
  int ends[] = { -1, -1, -1 };

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    if (fds[i] >= 0)
      ends[i] = steal_descriptor (fds[i], theft->replace);
  for (int i = 0; i < 5; i++)
    if (!be_woken (error) || !coro_sleep (100, error))
      return FALSE;
  if (theft->epoll && theft->timer)
    {
      g_assert_cmpint (reactor->epoll_fd, >=, 0);
      g_assert_true (!theft->replace || reactor->epoll_fd != fds[0]);
    }

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    if (ends[i] >= 0)
      {
        char c;

        /* It is open, and nothing was written to it. */
        g_assert_cmpint (read (ends[i], &c, 1), ==, -1);
        g_assert_cmpint (errno, ==, EAGAIN);
        close (ends[i]);
        close (fds[i]);
      }
  return TRUE;
}

/* With the real clock, by which a loop with nothing to do blocks. */
static void
test_theft (gconstpointer theft)
{
  g_autoptr (GError) error = NULL;

  coro_run (theft_cb, (gpointer) theft, NULL, &error);
  g_assert_no_error (error);
}

/* What has its number by now may be waited for. */
static gboolean
wake_number_reused_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  int wake_fd = get_reactor ()->wake_fd;
  int fds[2];
  Wait wait;
  g_autoptr (CoroTask) task = NULL;

  make_pair (fds);
  g_assert_cmpint (dup2 (fds[0], wake_fd), ==, wake_fd);
  wait = wait_for (wake_fd, G_IO_IN);
  task = coro_spawn_task (wait_cb, &wait, NULL);
  if (!coro_yield (error) || !coro_yield (error) || !be_woken (error))
    return FALSE;
  g_assert_false (wait.done);
  put (fds[1], "x");
  g_assert_true (coro_await (task, NULL, error));
  g_assert_cmpint (wait.ready, ==, G_IO_IN);
  close (wake_fd);
  close_pair (fds);
  return TRUE;
}

static void
test_wake_number_reused (void)
{
  g_autoptr (GError) error = NULL;

  coro_run (wake_number_reused_cb, NULL, NULL, &error);
  g_assert_no_error (error);
}

/* Foreign code has put another file in the place of our timer's descriptor, and a coroutine waits
 * for that file: the timers go on working and leave that wait alone. */
static gboolean
timer_number_reused_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  int timer_fd = get_reactor ()->timer_fd;
  int fds[2];
  Wait wait;
  g_autoptr (CoroTask) task = NULL;

  make_pair (fds);
  g_assert_true (coro_sleep (100, error));
  g_assert_cmpint (dup2 (fds[0], timer_fd), ==, timer_fd);
  wait = wait_for (timer_fd, G_IO_IN);
  wait.timeout = SECOND;
  task = coro_spawn_task (wait_cb, &wait, NULL);
  g_assert_true (coro_sleep (100, error) && coro_sleep (100, error));
  g_assert_false (wait.done);
  put (fds[1], "x");
  g_assert_true (coro_await (task, NULL, error));
  g_assert_no_error (wait.error);
  g_assert_cmpint (wait.ready, ==, G_IO_IN);
  close (timer_fd);
  close_pair (fds);
  return TRUE;
}

static void
test_timer_number_reused (void)
{
  g_autoptr (GError) error = NULL;

  coro_run (timer_number_reused_cb, NULL, NULL, &error);
  g_assert_no_error (error);
}

static struct rlimit saved_limit;

/* Each number below the limit is taken. */
static void
limit_descriptors (void)
{
  struct rlimit limit;
  int lowest_free = dup (0);

  g_assert_cmpint (lowest_free, >=, 0);
  close (lowest_free);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &saved_limit), ==, 0);
  limit = saved_limit;
  limit.rlim_cur = (rlim_t) lowest_free;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
}

static void
unlimit_descriptors (void)
{
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &saved_limit), ==, 0);
}

/* The epoll is gone, and there is no descriptor for another: coroutines that wait do not notice,
 * and others can begin to wait.  As soon as a descriptor is free, there is an epoll again. */
static gboolean
no_epoll_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  char c;
  int fds[2], file;
  Wait waits[3];
  CoroTask *tasks[3];

  make_pair (fds);
  file = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  waits[0] = wait_for (fds[0], G_IO_IN);
  waits[1] = wait_for (fds[1], G_IO_IN);
  for (int i = 0; i < 2; i++)
    tasks[i] = coro_spawn_task (wait_cb, &waits[i], NULL);
  let_wait ();
  g_assert_cmpint (dup2 (file, get_reactor ()->epoll_fd), >=, 0);
  limit_descriptors ();
  coro_reactor_poll (get_reactor ());
  g_assert_cmpint (get_reactor ()->epoll_fd, ==, -1);
  g_assert_true (coro_sleep (SECOND, error));
  g_assert_false (waits[0].done);

  put (fds[1], "x");
  g_assert_true (coro_await (tasks[0], NULL, error));
  g_assert_cmpint (waits[0].ready, ==, G_IO_IN);
  waits[2] = wait_for (fds[0], G_IO_OUT);
  tasks[2] = coro_spawn_task (wait_cb, &waits[2], NULL);
  g_assert_true (coro_await (tasks[2], NULL, error));
  g_assert_cmpint (waits[2].ready, ==, G_IO_OUT);
  g_assert_false (waits[1].done);
  unlimit_descriptors ();
  close (file);

  g_object_unref (tasks[2]);
  g_assert_cmpint (read (fds[0], &c, 1), ==, 1);
  waits[2] = wait_for (fds[0], G_IO_IN);
  tasks[2] = coro_spawn_task (wait_cb, &waits[2], NULL);
  let_wait ();
  g_assert_cmpint (get_reactor ()->epoll_fd, >=, 0);
  put (fds[0], "x");
  g_assert_true (coro_await (tasks[1], NULL, error));
  g_assert_cmpint (waits[1].ready, ==, G_IO_IN);
  put (fds[1], "x");
  g_assert_true (coro_await (tasks[2], NULL, error));
  g_assert_cmpint (waits[2].ready, ==, G_IO_IN);
  for (int i = 0; i < 3; i++)
    g_object_unref (tasks[i]);
  close_pair (fds);
  return TRUE;
}

static int looked_for;
static int n_looked;

static int
looking_poll (GPollFD *fds,
              guint    n_fds,
              int      timeout)
{
  for (guint i = 0; i < n_fds; i++)
    n_looked += fds[i].fd == looked_for ? 1 : 0;
  return g_poll (fds, n_fds, timeout);
}

/* A wait that began when there was no epoll, and ends when there can be one again, leaves nothing
 * behind for the main loop to poll. */
static gboolean
left_to_poll_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  GMainContext *context = g_main_context_get_thread_default ();
  int file = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  int fds[2];
  Wait wait;
  g_autoptr (CoroTask) task = NULL;

  make_pair (fds);
  g_assert_cmpint (dup2 (file, get_reactor ()->epoll_fd), >=, 0);
  limit_descriptors ();
  coro_reactor_poll (get_reactor ());
  g_assert_cmpint (get_reactor ()->epoll_fd, ==, -1);
  wait = wait_for (fds[0], G_IO_IN);
  wait.timeout = SECOND;
  task = coro_spawn_task (wait_cb, &wait, NULL);
  let_wait ();

  unlimit_descriptors ();
  close (file);
  looked_for = fds[0];
  g_main_context_set_poll_func (context, looking_poll);
  g_assert_true (coro_await (task, NULL, error));
  assert_timed_out (wait.error);
  g_clear_error (&wait.error);
  g_assert_cmpint (n_looked, >, 0);
  n_looked = 0;
  g_assert_true (coro_sleep (SECOND, error));
  g_assert_cmpint (n_looked, ==, 0);
  g_main_context_set_poll_func (context, NULL);
  close_pair (fds);
  return TRUE;
}

/* A scheduler that is made when there are no descriptors has timers all the same. */
static gboolean
short_sleep_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_assert_cmpint (get_reactor ()->epoll_fd, ==, -1);
  return coro_sleep (1000, error);
}

static void
test_timers_without_epoll (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroTask) task = NULL;

  g_main_context_push_thread_default (context);
  limit_descriptors ();
  task = coro_spawn_task (short_sleep_cb, NULL, NULL);
  while (!coro_future_is_done (CORO_FUTURE (task)))
    g_main_context_iteration (context, TRUE);
  unlimit_descriptors ();
  g_assert_null (coro_future_get_error (CORO_FUTURE (task)));
  g_main_context_pop_thread_default (context);
}

/* A forked child goes on with the coroutines on descriptors of its own. */
G_GNUC_UNUSED static gboolean
forked_child_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  int fds[2], status = -1;
  Wait wait;
  g_autoptr (CoroTask) task = NULL;
  pid_t child;

  make_pair (fds);
  wait = wait_for (fds[0], G_IO_IN);
  task = coro_spawn_task (wait_cb, &wait, NULL);
  let_wait ();

  child = fork ();
  if (child == 0)
    {
      coro_task_cancel (task);
      if (!coro_join (task, NULL) || !coro_sleep (SECOND, NULL))
        _exit (1);
      if (get_reactor ()->n_forks != coro_n_forks)
        _exit (2);
      _exit (wait.ready == 0 ? 0 : 3);
    }
  while (waitpid (child, &status, 0) < 0 && errno == EINTR)
    continue;
  g_assert_cmpint (status, ==, 0);

  /* What the child took out of its epoll is still in ours. */
  g_assert_false (wait.done);
  put (fds[1], "x");
  g_assert_true (coro_await (task, NULL, error));
  g_assert_cmpint (wait.ready, ==, G_IO_IN);
  close_pair (fds);
  return TRUE;
}

static gboolean
close_on_exec_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  int fds[] = { get_reactor ()->epoll_fd, get_reactor ()->timer_fd, get_reactor ()->wake_fd };

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    if (fds[i] >= 0)
      g_assert_cmpint (fcntl (fds[i], F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
  return TRUE;
}

/* While others never rest, descriptors are looked at all the same. */
static gboolean
busy_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  while (!((Wait *) user_data)->done)
    if (!coro_yield (error))
      return FALSE;
  return TRUE;
}

static gboolean
among_busy_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  int fds[2];
  Wait wait;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  make_pair (fds);
  wait = wait_for (fds[0], G_IO_IN);
  coro_task_group_spawn (nursery.group, wait_cb, &wait, NULL);
  let_wait ();
  for (int i = 0; i < 10; i++)
    coro_task_group_spawn (nursery.group, busy_cb, &wait, NULL);
  put (fds[1], "x");
  g_assert_true (coro_nursery_join (&nursery));
  close_pair (fds);
  return TRUE;
}

static void
test_among_busy (void)
{
  g_autoptr (GError) error = NULL;

  coro_run (among_busy_cb, NULL, NULL, &error);
  g_assert_no_error (error);
}

/* What tests/forbid has left of it. */
typedef struct
{
  gboolean epoll;
  gboolean wake;
  gboolean timer;
} Parts;

static gboolean
look_at_parts_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  *(Parts *) user_data = (Parts) { get_reactor ()->epoll_fd >= 0, get_reactor ()->wake_fd >= 0,
                                   get_reactor ()->timer_fd >= 0 };
  return coro_sleep (1, error);
}

/* Of what is not there nothing can be stolen. */
static void
add_thefts (const Parts *parts)
{
  for (guint i = 0; i < G_N_ELEMENTS (thefts); i++)
    if (thefts[i].epoll <= parts->epoll && thefts[i].wake <= parts->wake && thefts[i].timer <= parts->timer)
      g_test_add_data_func (thefts[i].path, &thefts[i], test_theft);
  if (parts->timer)
    g_test_add_func ("/io/fd/stolen/timer-number-reused", test_timer_number_reused);
  if (parts->wake)
    g_test_add_func ("/io/fd/stolen/wake-number-reused", test_wake_number_reused);
}

/* The epoll descriptor was closed, and a new wait is the first to notice. */
static gboolean
epoll_closed_before_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  int fds[2], others[2];
  Wait first, second, writable;
  g_autoptr (CoroTask) waiting = NULL;
  g_autoptr (CoroTask) task = NULL;
  g_autoptr (CoroTask) writing = NULL;
  char buffer[4096] = { 0, };

  make_pair (fds);
  make_pair (others);
  while (write (fds[0], buffer, sizeof buffer) > 0)
    continue;
  first = wait_for (fds[0], G_IO_IN);
  waiting = coro_spawn_task (wait_cb, &first, NULL);
  let_wait ();
  g_assert_false (first.done);

  /* For a descriptor that is new to it, and for another direction of a descriptor that it has. */
  for (int i = 0; i < 2; i++)
    {
      close (get_reactor ()->epoll_fd);
      if (i == 0)
        {
          second = wait_for (others[0], G_IO_IN);
          task = coro_spawn_task (wait_cb, &second, NULL);
        }
      else
        {
          writable = wait_for (fds[0], G_IO_OUT);
          writing = coro_spawn_task (wait_cb, &writable, NULL);
        }
      g_assert_true (coro_yield (error) && coro_yield (error));
    }
  let_wait ();
  g_assert_false (first.done || second.done || writable.done);

  while (read (fds[1], buffer, sizeof buffer) > 0)
    continue;
  g_assert_true (coro_await (writing, NULL, error));
  g_assert_cmpint (writable.ready, ==, G_IO_OUT);
  put (others[1], "x");
  g_assert_true (coro_await (task, NULL, error));
  g_assert_cmpint (second.ready, ==, G_IO_IN);
  g_assert_false (first.done);
  put (fds[1], "x");
  g_assert_true (coro_await (waiting, NULL, error));
  g_assert_cmpint (first.ready, ==, G_IO_IN);
  close_pair (fds);
  close_pair (others);
  return TRUE;
}

/* After 2³² waits the count begins anew. */
static gboolean
generations_begin_anew_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  int fds[3][2];

  get_reactor ()->generation = G_MAXUINT32 - 1;
  for (int i = 0; i < 3; i++)
    {
      Wait wait;
      g_autoptr (CoroTask) task = NULL;

      make_pair (fds[i]);
      wait = wait_for (fds[i][0], G_IO_IN);
      task = coro_spawn_task (wait_cb, &wait, NULL);
      let_wait ();
      g_assert_cmpuint (coro_reactor_lookup (get_reactor (), fds[i][0])->generation, >, 0);
      put (fds[i][1], "x");
      g_assert_true (coro_await (task, NULL, error));
      g_assert_cmpint (wait.ready, ==, G_IO_IN);
    }
  g_assert_cmpuint (get_reactor ()->generation, <, 10);
  for (int i = 0; i < 3; i++)
    close_pair (fds[i]);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  Parts parts = { FALSE, };

  g_test_init (&argc, &argv, NULL);
  coro_run (look_at_parts_cb, &parts, NULL, NULL);

  coro_test_add_func ("/spec/S220/peer-writes", peer_writes_cb);
  coro_test_add_func ("/io/fd/ready-at-once", ready_at_once_cb);
  coro_test_add_func ("/io/fd/again-and-again", again_and_again_cb);
  coro_test_add_func ("/io/fd/regular-file", regular_file_cb);
  coro_test_add_func ("/io/fd/hangup", hangup_cb);
  coro_test_add_func ("/io/fd/bad-descriptor", bad_descriptor_cb);
  g_test_add_func ("/io/fd/outside", test_outside);
  coro_test_add_func ("/io/fd/future", future_cb);
  coro_test_add_func ("/io/fd/same-direction", same_direction_cb);
  coro_test_add_func ("/io/fd/both-directions", both_directions_cb);
  coro_test_add_func ("/spec/S220/timeout", timeout_cb);
  coro_test_add_func ("/io/fd/ready-and-timed-out", ready_and_timed_out_cb);
  coro_test_add_func ("/io/fd/timeout-scope", timeout_scope_cb);
  coro_test_add_func ("/io/fd/cancel-before", cancel_before_cb);
  coro_test_add_func ("/spec/S109/cancelled-leaves-nothing", cancel_during_cb);
  coro_test_add_func ("/io/fd/cancel-one-of-two", cancel_one_cb);
  coro_test_add_func ("/io/fd/cancel-after", cancel_after_cb);
  coro_test_add_func ("/io/fd/pipe", pipe_cb);
  coro_test_add_func ("/io/fd/reader-gone", reader_gone_cb);
  g_test_add_func ("/io/fd/broken-pipe", test_broken_pipe);
  g_test_add_func ("/io/fd/close-error", test_close_error);
  coro_test_add_data_func ("/io/fd/read-reset", read_fault_cb, GINT_TO_POINTER (FALSE), NULL);
  coro_test_add_data_func ("/io/fd/read-refused", read_fault_cb, GINT_TO_POINTER (TRUE), NULL);
  coro_test_add_func ("/io/fd/write-reset", write_reset_cb);
  coro_test_add_func ("/io/fd/write-refused", write_refused_cb);
  coro_test_add_func ("/io/fd/write-cancelled", write_cancelled_cb);
  coro_test_add_func ("/io/fd/closed-by-us", closed_by_us_cb);
  coro_test_add_func ("/io/fd/number-reused", number_reused_cb);
  coro_test_add_func ("/io/fd/ghost", ghost_cb);
  coro_test_add_func ("/io/fd/generations-begin-anew", generations_begin_anew_cb);
  if (parts.epoll)
    {
      coro_test_add_data_func ("/io/fd/epoll-closed", epoll_closed_cb, GINT_TO_POINTER (FALSE), NULL);
      coro_test_add_data_func ("/io/fd/epoll-replaced", epoll_closed_cb, GINT_TO_POINTER (TRUE), NULL);
      coro_test_add_func ("/io/fd/epoll-closed-before", epoll_closed_before_cb);
      g_test_add_func ("/io/fd/epoll-closed-timer", test_epoll_closed_timer);
      coro_test_add_func ("/io/fd/no-epoll", no_epoll_cb);
      coro_test_add_func ("/io/fd/left-to-poll", left_to_poll_cb);
    }
  add_thefts (&parts);
  g_test_add_func ("/io/fd/timers-without-epoll", test_timers_without_epoll);
#ifndef __SANITIZE_THREAD__     /* to which a child switches between the fibers of its parent */
  if (g_getenv ("CORO_TEST_VALGRIND") == NULL)  /* which looks for leaks in the child */
    coro_test_add_func ("/io/fd/forked-child", forked_child_cb);
#endif
  coro_test_add_func ("/io/fd/close-on-exec", close_on_exec_cb);
  g_test_add_func ("/io/fd/among-busy", test_among_busy);

  return g_test_run ();
}
