/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls by io_uring, and what can happen to those and to the ring behind them.  What is
 * read is a pipe, from which a call gets nothing before we want it to.
 */
#include "test-util.h"

#include "file/coro-ring-private.h"
#include "scheduler/coro-scheduler-private.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static gboolean kernel_is_busy;

/* Called by the library: a kernel that has no memory at the moment. */
int
io_uring_submit (struct io_uring *ring)
{
  static __typeof__ (&io_uring_submit) next;

  if (kernel_is_busy)
    return -EAGAIN;
  if (next == NULL)
    next = (__typeof__ (&io_uring_submit)) dlsym (RTLD_NEXT, "io_uring_submit");
  return next (ring);
}

/* One call that reads a byte, and what came of it. */
typedef struct
{
  CoroRing *ring;               /* (unowned) */
  CoroFileOp call;
  char byte;
  gboolean made;
  GError *error;                /* (nullable) (owned) */
  gboolean cancelled_later;     /* a request was left for the next wait */
} Read;

static gboolean
read_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Read *self = user_data;

  self->made = coro_ring_run (self->ring, &self->call, &self->error);
  self->cancelled_later = !coro_check_cancelled (NULL);
  return TRUE;
}

static Read *
read_new (CoroRing *ring,
          int       fd)
{
  Read *self = g_new0 (Read, 1);

  self->ring = ring;
  self->byte = '-';
  self->call = (CoroFileOp) { .opcode = CORO_FILE_OP_READ, .fd = fd, .address = &self->byte, .length = 1, .offset = (guint64) -1 };
  return self;
}

static void
read_free (Read *self)
{
  g_clear_error (&self->error);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Read, read_free)

static void
assert_read (Read *self,
             char  byte)
{
  g_assert_no_error (self->error);
  g_assert_true (self->made);
  g_assert_cmpint (self->call.result, ==, 1);
  g_assert_cmpint (self->byte, ==, byte);
}

static void
assert_called_off (Read *self)
{
  g_assert_false (self->made);
  assert_cancelled (self->error);
  g_assert_cmpint (self->byte, ==, '-');
}

/* A ring, and a pipe whose reading end blocks. */
typedef struct
{
  CoroRing *ring;
  int fds[2];
} Fixture;

static Fixture
set_up (void)
{
  Fixture self = { NULL, { -1, -1 } };
  int error_number = 0;

  g_assert_cmpint (pipe2 (self.fds, O_CLOEXEC), ==, 0);
  self.ring = coro_ring_new (coro_scheduler_current, &error_number);
  g_assert_nonnull (self.ring);
  return self;
}

/* A ring goes with its scheduler: nothing that it has queued may be left. */
static void
tear_down (Fixture *self)
{
  g_assert_true (coro_test_settle (NULL));
  coro_ring_free (self->ring);
  close (self->fds[0]);
  close (self->fds[1]);
}

static void
put (Fixture    *self,
     const char *text)
{
  g_assert_cmpint (write (self->fds[1], text, strlen (text)), ==, (gssize) strlen (text));
}

/* What is left unread in the pipe. */
static char *
take (Fixture *self)
{
  char buffer[100] = "";

  fcntl (self->fds[0], F_SETFL, O_NONBLOCK);
  (void) !read (self->fds[0], buffer, sizeof buffer - 1);
  fcntl (self->fds[0], F_SETFL, 0);
  return g_strdup (buffer);
}

/* The descriptor of the ring, which has only this thread's. */
static int
find_ring_fd (void)
{
  int found = -1;

  for (int fd = 0; fd < 1000; fd++)
    {
      g_autofree char *name = g_strdup_printf ("/proc/self/fd/%d", fd);
      char target[100] = "";

      if (readlink (name, target, sizeof target - 1) > 0 && strstr (target, "[io_uring]") != NULL)
        {
          g_assert_cmpint (found, ==, -1);
          found = fd;
        }
    }
  g_assert_cmpint (found, >=, 0);
  return found;
}

/* --- calling off ------------------------------------------------------------------ */

static gboolean
answer_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Fixture fixture = set_up ();
  g_autoptr (Read) read = read_new (fixture.ring, fixture.fds[0]);
  g_autoptr (CoroTask) task = coro_spawn_task (read_cb, read, NULL);

  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (read->call.state, ==, CORO_RING_SUBMITTED);
  put (&fixture, "a");
  g_assert_true (coro_await (task, NULL, error));
  assert_read (read, 'a');
  tear_down (&fixture);
  return TRUE;
}

static gboolean
cancel_before_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Fixture fixture = set_up ();
  g_autoptr (Read) read = read_new (fixture.ring, fixture.fds[0]);

  coro_task_cancel (coro_task_get_current ());
  read->made = coro_ring_run (fixture.ring, &read->call, &read->error);
  assert_called_off (read);
  coro_task_uncancel (coro_task_get_current ());
  tear_down (&fixture);
  return TRUE;
}

static gboolean
cancel_during_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Fixture fixture = set_up ();
  g_autoptr (Read) read = read_new (fixture.ring, fixture.fds[0]);
  g_autoptr (CoroTask) task = coro_spawn_task (read_cb, read, NULL);
  g_autofree char *left = NULL;

  g_assert_true (coro_test_settle (error));
  coro_task_cancel (task);
  g_assert_true (coro_yield (error));
  coro_task_cancel (task);
  g_assert_true (coro_join (task, error));
  /* The kernel might have written to the buffer before its answer. */
  g_assert_cmpint (read->call.state, ==, CORO_RING_DONE);
  assert_called_off (read);
  put (&fixture, "a");
  left = take (&fixture);
  g_assert_cmpstr (left, ==, "a");
  tear_down (&fixture);
  return TRUE;
}

/* The kernel was done when we called it off: what it has read is not lost. */
static gboolean
cancel_after_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  Fixture fixture = set_up ();
  g_autoptr (Read) read = read_new (fixture.ring, fixture.fds[0]);
  g_autoptr (CoroTask) task = coro_spawn_task (read_cb, read, NULL);

  g_assert_true (coro_test_settle (error));
  put (&fixture, "a");
  coro_task_cancel (task);
  g_assert_true (coro_join (task, error));
  assert_read (read, 'a');
  g_assert_true (read->cancelled_later);
  tear_down (&fixture);
  return TRUE;
}

/* A cancelled scope calls it off as a request for one task does. */
static gboolean
scope_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Fixture fixture = set_up ();
  g_autoptr (Read) read = read_new (fixture.ring, fixture.fds[0]);
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);

  coro_task_group_spawn (group, read_cb, read, NULL);
  g_assert_true (coro_test_settle (error));
  coro_task_group_cancel (group);
  coro_task_group_join (group, NULL);
  assert_called_off (read);
  tear_down (&fixture);
  return TRUE;
}

/* --- many ------------------------------------------------------------------------- */

#define MANY 300

/* More than the ring takes at a time: the rest comes when there is room. */
static gboolean
many_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  gboolean cancel = GPOINTER_TO_INT (user_data);
  Fixture fixture = set_up ();
  Read *reads[MANY];
  CoroTask *tasks[MANY];
  guint n_submitted = 0;

  for (guint i = 0; i < MANY; i++)
    {
      reads[i] = read_new (fixture.ring, fixture.fds[0]);
      tasks[i] = coro_spawn_task (read_cb, reads[i], NULL);
    }
  g_assert_true (coro_test_settle (error));
  for (guint i = 0; i < MANY; i++)
    n_submitted += reads[i]->call.state == CORO_RING_SUBMITTED;
  g_assert_cmpuint (n_submitted, ==, 64);

  for (guint i = 0; i < MANY; i++)
    if (cancel)
      coro_task_cancel (tasks[i]);
    else
      put (&fixture, "x");
  for (guint i = 0; i < MANY; i++)
    {
      g_assert_true (coro_join (tasks[i], error));
      if (cancel)
        assert_called_off (reads[i]);
      else
        assert_read (reads[i], 'x');
      read_free (reads[i]);
      g_object_unref (tasks[i]);
    }
  tear_down (&fixture);
  return TRUE;
}

/* Reads of one pipe. */
typedef struct
{
  Read *reads[32];
  CoroTask *tasks[32];
} Crowd;

static void
crowd_start (Crowd    *self,
             CoroRing *ring,
             int       fd)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->reads); i++)
    {
      self->reads[i] = read_new (ring, fd);
      self->tasks[i] = coro_spawn_task (read_cb, self->reads[i], NULL);
    }
}

static void
crowd_cancel (Crowd *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->tasks); i++)
    coro_task_cancel (self->tasks[i]);
}

static void
crowd_join (Crowd   *self,
            gboolean made,
            int      result)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->tasks); i++)
    {
      g_assert_true (coro_join (self->tasks[i], NULL));
      g_assert_cmpint (self->reads[i]->made, ==, made);
      if (made)
        g_assert_cmpint (self->reads[i]->call.result, ==, result);
      else
        assert_called_off (self->reads[i]);
      read_free (self->reads[i]);
      g_object_unref (self->tasks[i]);
    }
}

/* The kernel takes nothing for a while, and there is no room left for requests to call something off: an
 * answer may come first, or the ring may break. */
static gboolean
no_room_to_cancel_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  gboolean breaks = GPOINTER_TO_INT (user_data);
  Fixture fixture = set_up ();
  Fixture others[2];
  Crowd early, late;
  g_autoptr (Read) queued = read_new (fixture.ring, fixture.fds[0]);
  g_autoptr (CoroTask) waiting = NULL;
  Read *reads[2];
  CoroTask *tasks[2];

  coro_test_keep_order (NULL);

  /* 34 are the kernel's. */
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpint (pipe2 (others[i].fds, O_CLOEXEC), ==, 0);
      reads[i] = read_new (fixture.ring, others[i].fds[0]);
      tasks[i] = coro_spawn_task (read_cb, reads[i], NULL);
    }
  crowd_start (&early, fixture.ring, fixture.fds[0]);
  g_assert_true (coro_test_settle (error));

  /* 30 more are prepared, 2 wait for their turn, and the 34 requests that fit are for others. */
  kernel_is_busy = TRUE;
  crowd_start (&late, fixture.ring, fixture.fds[0]);
  while (late.reads[29]->call.state != CORO_RING_SUBMITTED)
    g_assert_true (coro_yield (error));
  crowd_cancel (&late);
  crowd_cancel (&early);
  for (guint i = 0; i < 10; i++)
    g_assert_true (coro_yield (error));
  waiting = coro_spawn_task (read_cb, queued, NULL);
  for (guint i = 0; i < 2; i++)
    coro_task_cancel (tasks[i]);
  for (guint i = 0; i < 10; i++)
    g_assert_true (coro_yield (error));
  g_assert_true (reads[0]->call.cancelled && reads[1]->call.cancelled);
  g_assert_cmpint (queued->call.state, ==, CORO_RING_QUEUED);

  if (breaks)
    close (find_ring_fd ());
  for (guint i = 0; i < 2; i++)
    {
      if (breaks)
        kernel_is_busy = FALSE;
      g_assert_cmpint (write (others[i].fds[1], "x", 1), ==, 1);
      g_assert_true (coro_join (tasks[i], error));
      assert_read (reads[i], 'x');
      g_assert_true (reads[i]->cancelled_later);
    }
  kernel_is_busy = FALSE;

  /* The two for which there was no turn are called off without the kernel. */
  for (guint i = 0; i < G_N_ELEMENTS (late.reads); i++)
    {
      g_assert_true (coro_join (late.tasks[i], error));
      g_assert_cmpint (late.reads[i]->made, ==, breaks && i < 30);
      if (late.reads[i]->made)
        g_assert_cmpint (late.reads[i]->call.result, ==, -ENOSYS);
      read_free (late.reads[i]);
      g_object_unref (late.tasks[i]);
    }

  if (breaks)
    {
      g_assert_true (coro_ring_is_broken (fixture.ring));
      g_assert_true (coro_join (waiting, error));
      g_assert_cmpint (queued->call.result, ==, -ENOSYS);
      for (guint i = 0; i < G_N_ELEMENTS (early.reads); i++)
        put (&fixture, "x");
      crowd_join (&early, TRUE, 1);
    }
  else
    {
      crowd_join (&early, FALSE, 0);
      put (&fixture, "y");
      g_assert_true (coro_await (waiting, NULL, error));
      assert_read (queued, 'y');
    }
  for (guint i = 0; i < 2; i++)
    {
      read_free (reads[i]);
      g_object_unref (tasks[i]);
      close (others[i].fds[0]);
      close (others[i].fds[1]);
    }
  tear_down (&fixture);
  return TRUE;
}

/* What there was no room for is cancelled first: the kernel never hears of it. */
static gboolean
cancel_queued_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Fixture fixture = set_up ();
  g_autoptr (Read) queued = read_new (fixture.ring, fixture.fds[0]);
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  g_autoptr (CoroTask) task = NULL;
  g_autofree char *left = NULL;
  Read *reads[64];

  for (guint i = 0; i < G_N_ELEMENTS (reads); i++)
    {
      reads[i] = read_new (fixture.ring, fixture.fds[0]);
      coro_task_group_spawn (group, read_cb, reads[i], NULL);
    }
  g_assert_true (coro_test_settle (error));
  task = coro_spawn_task (read_cb, queued, NULL);
  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (queued->call.state, ==, CORO_RING_QUEUED);
  coro_task_cancel (task);
  g_assert_true (coro_join (task, error));
  assert_called_off (queued);

  for (guint i = 0; i < G_N_ELEMENTS (reads); i++)
    put (&fixture, "x");
  put (&fixture, "y");
  g_assert_true (coro_task_group_join (group, error));
  for (guint i = 0; i < G_N_ELEMENTS (reads); i++)
    {
      assert_read (reads[i], 'x');
      read_free (reads[i]);
    }
  left = take (&fixture);
  g_assert_cmpstr (left, ==, "y");
  tear_down (&fixture);
  return TRUE;
}

/* --- faults ----------------------------------------------------------------------- */

/* The mapping keeps the ring alive, and the kernel goes by the file: what is under way ends
 * well.  What comes after cannot be handed in. */
static gboolean
closed_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Fixture fixture = set_up ();
  g_autoptr (Read) read = read_new (fixture.ring, fixture.fds[0]);
  g_autoptr (Read) late = read_new (fixture.ring, fixture.fds[0]);
  g_autoptr (CoroTask) task = coro_spawn_task (read_cb, read, NULL);

  g_assert_true (coro_test_settle (error));
  close (find_ring_fd ());
  read_cb (late, NULL, NULL);
  g_assert_true (late->made);
  g_assert_cmpint (late->call.result, ==, -ENOSYS);
  g_assert_true (coro_ring_is_broken (fixture.ring));
  put (&fixture, "a");
  g_assert_true (coro_await (task, NULL, error));
  assert_read (read, 'a');
  tear_down (&fixture);
  return TRUE;
}

static gboolean
wait_cb (gpointer   fd,
         GValue    *result,
         GError   **error)
{
  return coro_fd_wait (GPOINTER_TO_INT (fd), G_IO_IN, -1, error) != 0;
}

/* Another file has got the number of the ring's descriptor, and a coroutine waits for that file.
 * The coroutine is woken, the read that is under way comes to its end, and the file stays open. */
static gboolean
reused_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  gboolean cancel = GPOINTER_TO_INT (user_data);
  Fixture fixture = set_up ();
  g_autoptr (Read) read = read_new (fixture.ring, fixture.fds[0]);
  g_autoptr (CoroTask) task = coro_spawn_task (read_cb, read, NULL);
  g_autoptr (CoroTask) waiting = NULL;
  int fd = find_ring_fd ();
  int others[2];

  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (pipe2 (others, O_CLOEXEC), ==, 0);
  g_assert_cmpint (dup2 (others[0], fd), ==, fd);
  waiting = coro_spawn_task (wait_cb, GINT_TO_POINTER (fd), NULL);
  g_assert_true (coro_test_settle (error));
  g_assert_true (coro_ring_is_broken (fixture.ring));

  if (cancel)
    coro_task_cancel (task);
  put (&fixture, "a");
  g_assert_true (coro_join (task, error));
  assert_read (read, 'a');
  g_assert_cmpint (write (others[1], "b", 1), ==, 1);
  g_assert_true (coro_await (waiting, NULL, error));

  tear_down (&fixture);
  g_assert_cmpint (fcntl (fd, F_GETFD), >=, 0);
  close (fd);
  close (others[0]);
  close (others[1]);
  return TRUE;
}

/* What the kernel has not taken when the descriptor is lost, it never will. */
static gboolean
lost_while_busy_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  Fixture fixture = set_up ();
  g_autoptr (Read) read = read_new (fixture.ring, fixture.fds[0]);
  g_autoptr (CoroTask) task = coro_spawn_task (read_cb, read, NULL);
  g_autoptr (CoroTask) waiting = NULL;
  int fd = find_ring_fd ();
  int others[2];

  kernel_is_busy = TRUE;
  while (read->call.state != CORO_RING_SUBMITTED)
    g_assert_true (coro_yield (error));
  g_assert_cmpint (pipe2 (others, O_CLOEXEC), ==, 0);
  g_assert_cmpint (dup2 (others[0], fd), ==, fd);
  waiting = coro_spawn_task (wait_cb, GINT_TO_POINTER (fd), NULL);
  g_assert_true (coro_test_settle (error));
  kernel_is_busy = FALSE;
  g_assert_true (coro_ring_is_broken (fixture.ring));
  g_assert_cmpint (read->call.state, ==, CORO_RING_DONE);
  g_assert_true (coro_join (task, error));
  g_assert_true (read->made);
  g_assert_cmpint (read->call.result, ==, -ENOSYS);

  coro_task_cancel (waiting);
  g_assert_true (coro_join (waiting, error));
  tear_down (&fixture);
  close (fd);
  close (others[0]);
  close (others[1]);
  return TRUE;
}

static gboolean
epoll_closed_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  Fixture fixture = set_up ();
  g_autoptr (Read) read = read_new (fixture.ring, fixture.fds[0]);
  g_autoptr (Read) again = read_new (fixture.ring, fixture.fds[0]);
  g_autoptr (CoroTask) task = coro_spawn_task (read_cb, read, NULL);

  g_assert_true (coro_test_settle (error));
  close (coro_scheduler_current->reactor.epoll_fd);
  put (&fixture, "ab");
  g_assert_true (coro_await (task, NULL, error));
  assert_read (read, 'a');
  read_cb (again, NULL, NULL);
  assert_read (again, 'b');
  tear_down (&fixture);
  return TRUE;
}

static struct rlimit old_limit;

/* No new ones; poll() may be given so many. */
static void
limit_descriptors (void)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &old_limit), ==, 0);
  limit = old_limit;
  limit.rlim_cur = 3;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
}

static void
unlimit_descriptors (void)
{
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &old_limit), ==, 0);
}

/* There is no other epoll to be had: the ring's descriptor is polled. */
static gboolean
no_epoll_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  Fixture fixture = set_up ();
  g_autoptr (Read) read = read_new (fixture.ring, fixture.fds[0]);
  g_autoptr (CoroTask) task = coro_spawn_task (read_cb, read, NULL);

  g_assert_true (coro_test_settle (error));
  close (coro_scheduler_current->reactor.epoll_fd);
  limit_descriptors ();
  coro_reactor_poll (&coro_scheduler_current->reactor);
  g_assert_cmpint (coro_scheduler_current->reactor.epoll_fd, ==, -1);
  g_assert_false (coro_ring_is_broken (fixture.ring));
  put (&fixture, "a");
  g_assert_true (coro_await (task, NULL, error));
  assert_read (read, 'a');
  unlimit_descriptors ();
  tear_down (&fixture);
  return TRUE;
}

/* No descriptor for the ring, and none lost by trying. */
static gboolean
no_descriptors_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  Fixture fixture = set_up ();
  int error_number = 0;

  limit_descriptors ();
  g_assert_null (coro_ring_new (coro_scheduler_current, &error_number));
  g_assert_cmpint (error_number, ==, EMFILE);
  unlimit_descriptors ();
  find_ring_fd ();
  tear_down (&fixture);
  return TRUE;
}

#ifndef __SANITIZE_THREAD__     /* to which a child switches between the fibers of its parent */

/* The parent's answers are its own: a child makes the call once more. */
static gboolean
forked_child_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  Fixture fixture = set_up ();
  g_autoptr (Read) read = read_new (fixture.ring, fixture.fds[0]);
  g_autoptr (CoroTask) task = coro_spawn_task (read_cb, read, NULL);
  int old_fd = find_ring_fd ();
  int status = -1;
  pid_t child;

  g_assert_true (coro_test_settle (error));
  child = fork ();
  if (child == 0)
    {
      alarm (20);
      if (!coro_join (task, NULL) || !read->made || read->call.result != 1 || read->byte != 'x')
        _exit (1);
      _exit (coro_ring_is_broken (fixture.ring) ? 2 : 0);
    }

  put (&fixture, "x");
  g_assert_true (coro_await (task, NULL, error));
  assert_read (read, 'x');
  put (&fixture, "x");
  while (waitpid (child, &status, 0) < 0 && errno == EINTR)
    continue;
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpint (find_ring_fd (), ==, old_fd);
  tear_down (&fixture);
  return TRUE;
}

/* A child that has closed everything, as daemons do, keeps what is new: a pipe, or what no
 * epoll takes. */
static gboolean
closed_in_child_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  Fixture fixture = set_up ();
  g_autoptr (Read) read = read_new (fixture.ring, fixture.fds[0]);
  g_autoptr (CoroTask) task = coro_spawn_task (read_cb, read, NULL);
  int new_fd = user_data != NULL ? open (user_data, O_RDONLY | O_CLOEXEC) : dup (fixture.fds[0]);
  int ring_fd = find_ring_fd ();
  int status = -1;
  struct stat before, after;
  pid_t child;

  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (fstat (new_fd, &before), ==, 0);
  child = fork ();
  if (child == 0)
    {
      alarm (20);
      dup2 (new_fd, ring_fd);
      if (!coro_join (task, NULL) || !read->made || read->byte != 'x')
        _exit (1);
      _exit (fstat (ring_fd, &after) == 0 && after.st_ino == before.st_ino ? 0 : 2);
    }

  put (&fixture, "xx");
  g_assert_true (coro_await (task, NULL, error));
  while (waitpid (child, &status, 0) < 0 && errno == EINTR)
    continue;
  g_assert_cmpint (status, ==, 0);
  close (new_fd);
  tear_down (&fixture);
  return TRUE;
}

/* Lost before the fork: the child takes none of the parent's answers from the mapping. */
static gboolean
lost_then_forked_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  Fixture fixture = set_up ();
  g_autoptr (Read) read = read_new (fixture.ring, fixture.fds[0]);
  g_autoptr (CoroTask) task = coro_spawn_task (read_cb, read, NULL);
  g_autoptr (CoroTask) waiting = NULL;
  int fd = find_ring_fd ();
  int status = -1;
  int others[2];
  pid_t child;

  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (pipe2 (others, O_CLOEXEC), ==, 0);
  g_assert_cmpint (dup2 (others[0], fd), ==, fd);
  waiting = coro_spawn_task (wait_cb, GINT_TO_POINTER (fd), NULL);
  g_assert_true (coro_test_settle (error));
  g_assert_true (coro_ring_is_broken (fixture.ring));

  child = fork ();
  if (child == 0)
    {
      alarm (20);
      if (!coro_join (task, NULL) || !read->made || read->call.result != 1 || read->byte != 'x')
        _exit (1);
      _exit (coro_ring_is_broken (fixture.ring) ? 2 : 0);
    }

  /* The parent does not look before the child has ended: the answer lies there to be taken. */
  put (&fixture, "xx");
  while (waitpid (child, &status, 0) < 0 && errno == EINTR)
    continue;
  g_assert_cmpint (status, ==, 0);
  g_assert_true (coro_await (task, NULL, error));
  assert_read (read, 'x');

  coro_task_cancel (waiting);
  g_assert_true (coro_join (waiting, error));
  tear_down (&fixture);
  close (fd);
  close (others[0]);
  close (others[1]);
  return TRUE;
}

#endif

/* Containers forbid io_uring, and valgrind does not see what comes through it. */
static gboolean
has_ring_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  int error_number = 0;
  CoroRing *ring = coro_ring_new (coro_scheduler_current, &error_number);

  if (ring != NULL)
    coro_ring_free (ring);
  else
    g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (error_number), g_strerror (error_number));
  return ring != NULL;
}

/* Of those that wait for their turn any can be called off, without the kernel. */
static gboolean
cancel_queued_in_any_order_cb (gpointer   user_data,
                               GValue    *result,
                               GError   **error)
{
  static const guint order[] = { 1, 2, 0 };
  Fixture fixture = set_up ();
  Crowd crowds[2];
  Read *queued[3];
  CoroTask *tasks[3];

  for (guint i = 0; i < 2; i++)
    crowd_start (&crowds[i], fixture.ring, fixture.fds[0]);
  g_assert_true (coro_test_settle (error));
  for (guint i = 0; i < 3; i++)
    {
      queued[i] = read_new (fixture.ring, fixture.fds[0]);
      tasks[i] = coro_spawn_task (read_cb, queued[i], NULL);
      g_assert_true (coro_test_settle (error));
      g_assert_cmpint (queued[i]->call.state, ==, CORO_RING_QUEUED);
    }

  for (guint i = 0; i < 3; i++)
    {
      coro_task_cancel (tasks[order[i]]);
      g_assert_true (coro_join (tasks[order[i]], error));
      assert_called_off (queued[order[i]]);
    }
  for (guint i = 0; i < 2; i++)
    crowd_cancel (&crowds[i]);
  for (guint i = 0; i < 2; i++)
    crowd_join (&crowds[i], FALSE, 0);
  for (guint i = 0; i < 3; i++)
    {
      read_free (queued[i]);
      g_object_unref (tasks[i]);
    }
  tear_down (&fixture);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("Calls by io_uring end once, with an answer or called off");

  if (g_getenv ("CORO_TEST_VALGRIND") != NULL || !coro_run (has_ring_cb, NULL, NULL, NULL))
    {
      g_print ("1..0 # SKIP there is no io_uring\n");
      return 0;
    }

  coro_test_add_func ("/io/ring/answer", answer_cb);
  coro_test_add_func ("/io/ring/cancel-before", cancel_before_cb);
  coro_test_add_func ("/io/ring/cancel-queued", cancel_queued_cb);
  coro_test_add_func ("/io/ring/cancel-queued-in-any-order", cancel_queued_in_any_order_cb);
  coro_test_add_func ("/io/ring/cancel-during", cancel_during_cb);
  coro_test_add_func ("/io/ring/cancel-after-keeps-the-answer", cancel_after_cb);
  coro_test_add_func ("/io/ring/scope-cancelled", scope_cb);
  coro_test_add_data_func ("/io/ring/more-than-fit", many_cb, GINT_TO_POINTER (FALSE), NULL);
  coro_test_add_data_func ("/io/ring/more-than-fit-cancelled", many_cb, GINT_TO_POINTER (TRUE), NULL);
  coro_test_add_data_func ("/io/ring/no-room-to-cancel", no_room_to_cancel_cb, GINT_TO_POINTER (FALSE), NULL);
  coro_test_add_data_func ("/io/ring/no-room-to-cancel-and-breaks", no_room_to_cancel_cb, GINT_TO_POINTER (TRUE), NULL);
  coro_test_add_func ("/io/ring/closed", closed_cb);
  coro_test_add_data_func ("/io/ring/number-reused", reused_cb, GINT_TO_POINTER (FALSE), NULL);
  coro_test_add_data_func ("/io/ring/number-reused-cancelled", reused_cb, GINT_TO_POINTER (TRUE), NULL);
  coro_test_add_func ("/io/ring/lost-while-busy", lost_while_busy_cb);
  coro_test_add_func ("/io/ring/epoll-closed", epoll_closed_cb);
  coro_test_add_func ("/io/ring/no-epoll", no_epoll_cb);
  coro_test_add_func ("/io/ring/no-descriptors", no_descriptors_cb);
#ifndef __SANITIZE_THREAD__
  coro_test_add_func ("/io/ring/forked-child", forked_child_cb);
  coro_test_add_func ("/io/ring/lost-then-forked", lost_then_forked_cb);
  coro_test_add_data_func ("/io/ring/pipe-in-its-place-in-child", closed_in_child_cb, NULL, NULL);
  coro_test_add_data_func ("/io/ring/file-in-its-place-in-child", closed_in_child_cb, (gpointer) "/dev/null", NULL);
#endif

  return g_test_run ();
}
