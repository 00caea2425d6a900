/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the loop does: when each coroutine runs, what it watches, and what shares it.
 */
#include "lib/process.h"
#include "test-util.h"

#include <sys/resource.h>
#include <sys/socket.h>

static gboolean
note_cb (gpointer   text,
         GValue    *result,
         GError   **error)
{
  note (text);
  return TRUE;
}

static void
busy (GTimeSpan duration)
{
  gint64 end = g_get_monotonic_time () + duration;

  while (g_get_monotonic_time () < end)
    ;
}

/* --- no other coroutine runs in between ---------------------------------------------- */

typedef struct
{
  int counter;
  int n_switches;
  GThread *thread;
} Shared;

static gboolean
increment_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  Shared *shared = user_data;

  for (int i = 0; i < 1000; i++)
    {
      for (int j = 0; j < 1000; j++)
        shared->counter = shared->counter + 1;
      if (!coro_yield (error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
test_shared_counter (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  Shared shared = { 0, };
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, increment_cb, &shared, NULL);
  coro_task_group_spawn (nursery.group, increment_cb, &shared, NULL);
  g_assert_true (coro_nursery_join (&nursery));
  g_assert_cmpint (shared.counter, ==, 2 * 1000 * 1000);
  return TRUE;
}

/* Takes the last seat, if there is one. */
static gboolean
take_seat_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  Shared *shared = user_data;

  if (!coro_yield (error))
    return FALSE;
  g_assert_true (shared->thread == g_thread_self ());
  if (shared->counter > 0)
    {
      shared->counter--;
      g_assert_cmpint (shared->counter, >=, 0);
      shared->n_switches++;
    }
  return TRUE;
}

static gboolean
test_check_then_act (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  Shared shared = { 7, 0, g_thread_self () };
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < 100; i++)
    coro_task_group_spawn (nursery.group, take_seat_cb, &shared, NULL);
  g_assert_true (coro_nursery_join (&nursery));
  g_assert_cmpint (shared.counter, ==, 0);
  g_assert_cmpint (shared.n_switches, ==, 7);
  return TRUE;
}

static guint64 epoch;

static gboolean
count_epochs_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  while (TRUE)
    {
      epoch++;
      if (!coro_yield (error))
        return FALSE;
    }
}

static gboolean
test_runs_between_awaits (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_autoptr (CoroTask) other = coro_spawn_task (count_epochs_cb, NULL, NULL);
  guint64 before;

  for (epoch = 0; epoch == 0;)
    g_assert_true (coro_yield (error));
  before = epoch;

  /* step1: calls of the library that do not wait are no exception */
  busy (5 * MILLISECOND);
  g_object_unref (coro_future_new ());
  coro_spawn (note_cb, "spawned", NULL);
  g_assert_true (coro_check_cancelled (error));
  g_assert_cmpuint (epoch, ==, before);

  while (epoch == before || trace == NULL)
    g_assert_true (coro_yield (error));
  coro_task_cancel (other);
  assert_trace ("spawned");
  return TRUE;
}

/* --- the order of running ------------------------------------------------------------ */

static gboolean
spawn_d_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  note ("a");
  coro_spawn (note_cb, "d", NULL);
  return TRUE;
}

static gboolean
test_ready_queue (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  coro_test_keep_order (NULL);
  coro_spawn (spawn_d_cb, NULL, NULL);
  coro_spawn (note_cb, "b", NULL);
  coro_spawn (note_cb, "c", NULL);
  g_assert_true (coro_yield (error));
  assert_trace ("a b c");
  g_assert_true (coro_yield (error));
  assert_trace ("d");
  return TRUE;
}

typedef struct
{
  const char *name;
  GTimeSpan cpu;
  GTimeSpan sleep;
  gint64 *started;
} Phase;

/* What a computation takes is said by the clock of the test. */
static gboolean
phase_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Phase *self = user_data;
  g_autofree char *begin = NULL;
  g_autofree char *end = NULL;

  begin = g_strdup_printf ("%s:%d", self->name, (int) ((now () - *self->started) / MILLISECOND));
  note (begin);
  coro_test_clock_advance (coro_scheduler_get_running (), self->cpu);
  if (!coro_sleep (self->sleep, error))
    return FALSE;
  end = g_strdup_printf ("%s!%d", self->name, (int) ((now () - *self->started) / MILLISECOND));
  note (end);
  return coro_return_string (result, self->name);
}

static gboolean
test_schedule (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  gint64 started = now ();
  Phase phases[] = { { "A", 100 * MILLISECOND, 500 * MILLISECOND, &started },
                     { "B", 100 * MILLISECOND, 300 * MILLISECOND, &started },
                     { "C", 100 * MILLISECOND, 200 * MILLISECOND, &started } };
  CoroFuture *tasks[3];
  g_autoptr (CoroFuture) all = NULL;

  coro_test_keep_order (NULL);
  for (int i = 0; i < 3; i++)
    tasks[i] = CORO_FUTURE (coro_spawn_task (phase_cb, &phases[i], NULL));
  all = coro_gather (tasks, 3);
  g_assert_true (CORO_IS_FUTURE (all));
  g_assert_true (coro_await (all, NULL, error));

  assert_trace ("A:0 B:100 C:200 B!500 C!500 A!600");
  g_assert_cmpint (now () - started, ==, 600 * MILLISECOND);
  for (int i = 0; i < 3; i++)
    {
      g_autofree char *name = coro_await_string (tasks[i], error);

      g_assert_cmpstr (name, ==, phases[i].name);
      g_object_unref (tasks[i]);
    }
  return TRUE;
}

static gboolean
sleep_cb (gpointer   duration,
          GValue    *result,
          GError   **error)
{
  return coro_sleep (GPOINTER_TO_INT (duration), error);
}

static gboolean
test_two_sleepers (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  gint64 started = now ();
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < 2; i++)
    coro_task_group_spawn (nursery.group, sleep_cb, GINT_TO_POINTER (50 * MILLISECOND), NULL);
  g_assert_true (coro_nursery_join (&nursery));
  g_assert_cmpint (now () - started, ==, 50 * MILLISECOND);
  return TRUE;
}

static gboolean
test_many_sleepers (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  int n = is_slow () ? 1000 : 10000;
  gint64 started = now ();

  for (int i = 0; i < n; i++)
    coro_spawn (sleep_cb, GINT_TO_POINTER ((1 + i % 100) * MILLISECOND), NULL);
  g_assert_cmpuint (coro_scheduler_count_coroutines (coro_scheduler_get_running ()), ==, n + 1);
  g_assert_true (coro_sleep (100 * MILLISECOND, error));
  g_assert_true (coro_test_settle (error));
  g_assert_cmpuint (coro_scheduler_count_coroutines (coro_scheduler_get_running ()), ==, 1);
  g_assert_cmpint (now () - started, ==, 100 * MILLISECOND);
  return TRUE;
}

static gboolean
test_gather_when_all (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  CoroFuture *futures[3];
  g_autoptr (CoroFuture) all = NULL;

  for (int i = 0; i < 3; i++)
    futures[i] = coro_future_new ();
  all = coro_gather (futures, 3);
  for (int i = 0; i < 3; i++)
    {
      g_assert_true (coro_test_settle (error));
      g_assert_false (coro_future_is_done (all));
      coro_future_resolve_int (futures[i], i);
    }
  g_assert_true (coro_test_settle (error));
  g_assert_true (coro_future_is_done (all));
  g_assert_true (coro_await (all, NULL, error));
  for (int i = 0; i < 3; i++)
    g_object_unref (futures[i]);
  return TRUE;
}

/* One loop a thread: two that compute take as long as one after the other. */
static gboolean
busy_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  busy (20 * MILLISECOND);
  return TRUE;
}

static gboolean
test_no_parallelism (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  gint64 started = g_get_monotonic_time ();
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, busy_cb, NULL, NULL);
  coro_task_group_spawn (nursery.group, busy_cb, NULL, NULL);
  g_assert_true (coro_nursery_join (&nursery));
  g_assert_cmpint (g_get_monotonic_time () - started, >=, 40 * MILLISECOND);
  return TRUE;
}

/* --- giving way ---------------------------------------------------------------------- */

static gboolean
tick_cb (gpointer   n_ticks,
         GValue    *result,
         GError   **error)
{
  while (coro_sleep (2 * MILLISECOND, error))
    ++*(int *) n_ticks;
  return FALSE;
}

/* 10 000 items of 10 µs, giving way now and then, beside a beat each 2 ms. */
static gboolean
process_batches_cb (gpointer   batch,
                    GValue    *result,
                    GError   **error)
{
  int n_beats = 0, n_items = 0;
  g_autoptr (CoroTask) ticker = coro_spawn_task (tick_cb, &n_beats, NULL);
  guint counter = 0;

  for (int i = 0; i < 10000; i++)
    {
      g_assert_true (coro_yield_every (&counter, GPOINTER_TO_INT (batch), error));
      busy (10);
      n_items++;
    }
  coro_task_cancel (ticker);
  g_assert_true (coro_join (ticker, error));
  g_assert_cmpint (n_items, ==, 10000);
  return coro_return_int (result, n_beats);
}

static int
count_beats (int batch)
{
  g_auto (GValue) result = G_VALUE_INIT;

  g_assert_true (coro_run (process_batches_cb, GINT_TO_POINTER (batch), &result, NULL));
  return g_value_get_int (&result);
}

/* 100 ms on the real clock: a batch takes 1 ms, or all of it. */
static void
test_yield_every (void)
{
  g_assert_cmpint (count_beats (100), >=, 10);
  g_assert_cmpint (count_beats (10000), <=, 1);
}

static gboolean
test_yield_if_needed (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  guint64 before;
  gint64 started = g_get_monotonic_time ();

  g_autoptr (CoroTask) other = coro_spawn_task (count_epochs_cb, NULL, NULL);

  g_assert_true (coro_yield (error));
  before = epoch;
  while (epoch == before && g_get_monotonic_time () - started < 10 * SECOND)
    {
      busy (200);
      g_assert_true (coro_yield_if_needed (error));
    }
  g_assert_cmpuint (epoch, >, before);
  coro_task_cancel (other);
  return TRUE;
}

/* Cancelled, a loop hears of it although it does not wait. */
static gboolean
hog_cb (gpointer   n_rounds,
        GValue    *result,
        GError   **error)
{
  guint counter = 0;

  for (int i = 0; i < 1000; i++)
    {
      ++*(int *) n_rounds;
      if (i == 500)
        coro_task_cancel (coro_task_get_current ());
      if (!coro_yield_every (&counter, 10000, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
test_yield_every_cancelled (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  int n_rounds = 0;
  g_autoptr (CoroTask) task = coro_spawn_task (hog_cb, &n_rounds, NULL);

  g_assert_true (coro_join (task, error));
  g_assert_cmpint (n_rounds, ==, 501);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

typedef struct
{
  int n;
  int values[1000];
} Processed;

static gboolean
process_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  int base = GPOINTER_TO_INT (user_data);
  Processed processed = { 0, };         /* local: no other coroutine sees it */

  for (int i = 0; i < 1000; i++)
    {
      processed.values[processed.n++] = base + i;
      if (i % 100 == 0 && !coro_yield (error))
        return FALSE;
    }
  for (int i = 0; i < 1000; i++)
    g_assert_cmpint (processed.values[i], ==, base + i);
  return TRUE;
}

static gboolean
test_locals (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, process_cb, GINT_TO_POINTER (0), NULL);
  coro_task_group_spawn (nursery.group, process_cb, GINT_TO_POINTER (5000), NULL);
  return coro_nursery_join (&nursery);
}

/* An endless coroutine that is awaited instead of spawned does not let its caller go on. */
static gboolean
test_await_blocks (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  int n_ticks = 0;
  g_autoptr (CoroCoroutine) heartbeat = coro_coroutine_new (tick_cb, &n_ticks, NULL);
  g_autoptr (GError) local = NULL;

  g_assert_false (coro_wait_for (heartbeat, SECOND, NULL, &local));
  assert_timed_out (local);
  g_assert_cmpint (n_ticks, >=, 499);
  return TRUE;
}

/* --- where it belongs ---------------------------------------------------------------- */

static gboolean
return_scheduler_cb (gpointer   scheduler,
                     GValue    *result,
                     GError   **error)
{
  g_assert_true (coro_scheduler_get_running () == scheduler);
  g_assert_true (coro_task_get_scheduler (coro_task_get_current ()) == scheduler);
  return coro_return_int (result, 6);
}

static gboolean
test_same_scheduler (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  g_autoptr (CoroTask) task = coro_spawn_task (return_scheduler_cb, scheduler, NULL);

  g_assert_nonnull (coro_task_get_current ());
  g_assert_true (coro_task_get_scheduler (task) == scheduler);
  g_assert_cmpint (coro_await_int (task, error), ==, 6);
  return TRUE;
}

static gboolean
background_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (return_scheduler_cb, coro_scheduler_get_running (), NULL);

  return coro_await (task, result, error);
}

static gboolean
test_background_work (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (background_cb, NULL, NULL);

  g_assert_cmpint (coro_await_int (coroutine, error), ==, 6);
  return TRUE;
}

/* A thread that runs nothing has no loop, and asking makes none. */
static void
test_no_hidden_loop (void)
{
  g_autoptr (GError) local = NULL;

  g_assert_null (coro_scheduler_get_running ());
  g_assert_null (coro_task_get_current ());
  g_assert_false (coro_sleep (1, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
  g_clear_error (&local);
  g_assert_false (coro_yield_if_needed (&local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
  g_assert_null (coro_scheduler_get_running ());
}

typedef struct
{
  GMainLoop *loop;
  int stage;
} Clicked;

static gboolean
on_click_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  Clicked *self = user_data;

  g_assert_cmpint (self->stage, ==, 1);         /* the handler has returned */
  g_main_loop_quit (self->loop);
  return TRUE;
}

static gboolean
clicked_cb (gpointer user_data)
{
  Clicked *self = user_data;

  coro_spawn (on_click_cb, self, NULL);
  self->stage = 1;
  return G_SOURCE_REMOVE;
}

static void
test_from_callback (void)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Clicked clicked = { loop, 0 };

  g_idle_add (clicked_cb, &clicked);
  g_main_loop_run (loop);
  g_assert_cmpint (clicked.stage, ==, 1);
}

/* --- what it watches ----------------------------------------------------------------- */

/* One direction of a pair of sockets. */
typedef struct
{
  GIOStream *reader;
  GIOStream *writer;
  GInputStream *in;             /* (unowned) */
  GOutputStream *out;           /* (unowned) */
} Pipe;

static GIOStream *
stream_for_fd (int fd)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, NULL);

  return G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
}

static void
pipe_open (Pipe *self)
{
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  self->reader = stream_for_fd (fds[0]);
  self->writer = stream_for_fd (fds[1]);
  self->in = g_io_stream_get_input_stream (self->reader);
  self->out = g_io_stream_get_output_stream (self->writer);
}

static void
pipe_close (Pipe *self)
{
  g_object_unref (self->reader);
  g_object_unref (self->writer);
}

static gssize
read_some (GInputStream  *in,
           char          *buffer,
           gsize          size,
           GError       **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return g_input_stream_read_finish (in, CORO_CALL (&op, g_input_stream_read_async, in, buffer, size,
                                                    G_PRIORITY_DEFAULT), error);
}

static gboolean
write_later_cb (gpointer   out,
                GValue    *result,
                GError   **error)
{
  note ("writes");
  return coro_yield (error) && g_output_stream_write_all (out, "hi", 2, NULL, NULL, error);
}

static gboolean
test_resumes_on_data (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  char buffer[8] = "";
  Pipe p;

  pipe_open (&p);
  coro_spawn (write_later_cb, p.out, NULL);
  g_assert_cmpint (read_some (p.in, buffer, sizeof buffer, error), ==, 2);
  g_assert_cmpstr (buffer, ==, "hi");
  assert_trace ("writes");
  pipe_close (&p);
  return TRUE;
}

static gboolean
read_cb (gpointer   in,
         GValue    *result,
         GError   **error)
{
  char buffer[8];

  return read_some (in, buffer, sizeof buffer, error) >= 0;
}

/* Cancelled, nothing watches the descriptor any more: what comes then is still there. */
static gboolean
test_cancelled_watch (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (CoroTask) task = NULL;
  char buffer[8] = "";
  Pipe p;

  pipe_open (&p);
  task = coro_spawn_task (read_cb, p.in, NULL);
  g_assert_true (coro_yield (error));
  g_assert_true (coro_task_cancel (task));
  g_assert_true (coro_join (task, error));
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_false (g_input_stream_has_pending (p.in));

  g_assert_true (g_output_stream_write_all (p.out, "x", 1, NULL, NULL, error));
  g_assert_cmpint (read_some (p.in, buffer, sizeof buffer, error), ==, 1);
  pipe_close (&p);
  return TRUE;
}

static gboolean
allow_descriptors (rlim_t n)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < n)
    return FALSE;
  limit.rlim_cur = MAX (limit.rlim_cur, n);
  return setrlimit (RLIMIT_NOFILE, &limit) == 0;
}

static gboolean
echo_cb (gpointer   socket,
         GValue    *result,
         GError   **error)
{
  char buffer[64];
  gssize size;

  while ((size = coro_socket_receive (socket, buffer, sizeof buffer, error)) > 0)
    if (!coro_socket_send_all (socket, buffer, size, NULL, error))
      return FALSE;
  return size == 0;
}

/* All wait at once, each on a stack of its own; all are asked before the first answer is
 * read, and answers are read the other way round. */
static gboolean
test_many_connections (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  enum { N_MAX = 1000, N_ROUNDS = 3 };
  int n = is_slow () ? 100 : N_MAX;
  gssize before = get_resident ();
  gssize growth;
  GSocket *mine[N_MAX];
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  if (!allow_descriptors (2 * n + 64))
    {
      g_test_skip ("too few descriptors are allowed");
      return TRUE;
    }

  for (int i = 0; i < n; i++)
    {
      int fds[2];

      g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
      mine[i] = g_socket_new_from_fd (fds[0], error);
      coro_task_group_spawn (nursery.group, echo_cb, g_socket_new_from_fd (fds[1], error), g_object_unref);
    }
  g_assert_true (coro_test_settle (error));
  g_assert_cmpuint (coro_scheduler_count_coroutines (coro_scheduler_get_running ()), ==, n + 1);

  for (int round = 0; round < N_ROUNDS; round++)
    {
      for (int i = 0; i < n; i++)
        {
          int sent = i * N_ROUNDS + round;

          g_assert_true (coro_socket_send_all (mine[i], &sent, sizeof sent, NULL, error));
        }
      for (int i = n; i-- > 0;)
        {
          int got = -1;

          g_assert_true (coro_socket_receive_all (mine[i], &got, sizeof got, NULL, error));
          g_assert_cmpint (got, ==, i * N_ROUNDS + round);
        }
    }

  growth = get_resident () - before;
  g_test_message ("%d connections: %d KiB", n, (int) (growth / 1024));
  if (!is_slow ())
    g_assert_cmpint (growth, <, 64 * 1024 * 1024);

  for (int i = 0; i < n; i++)
    {
      g_assert_true (coro_socket_close (mine[i], error));
      g_object_unref (mine[i]);
    }
  return coro_nursery_join (&nursery);
}

/* --- cancelled before their time ----------------------------------------------------- */

static void
note_call_cb (gpointer text)
{
  note (text);
}

/* Each of the three ways to have something called, beside one that is not called off. */
static gboolean
test_called_off (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  guint64 soon = coro_call_soon (note_call_cb, "soon", NULL);
  guint64 later, at;

  g_assert_true (coro_call_cancel (soon));
  later = coro_call_later (50 * MILLISECOND, note_call_cb, "later", NULL);
  at = coro_call_at (now () + 50 * MILLISECOND, note_call_cb, "at", NULL);
  coro_call_later (50 * MILLISECOND, note_call_cb, "called", NULL);

  g_assert_true (coro_sleep (10 * MILLISECOND, error));
  g_assert_true (coro_call_cancel (later));
  g_assert_true (coro_call_cancel (at));
  g_assert_true (coro_sleep (SECOND, error));
  assert_trace ("called");
  return TRUE;
}

static gboolean
await_cb (gpointer   future,
          GValue    *result,
          GError   **error)
{
  return coro_join (future, error);
}

/* The future that a cancelled task waited for has forgotten it: it can go. */
static gboolean
test_cancelled_waiter (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  CoroFuture *future = coro_future_new ();
  g_autoptr (CoroTask) task = coro_spawn_task (await_cb, future, NULL);

  g_assert_true (coro_test_settle (error));
  g_assert_true (coro_task_cancel (task));
  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (coro_future_get_state (future), ==, CORO_FUTURE_PENDING);
  g_object_add_weak_pointer (G_OBJECT (future), (gpointer *) &future);
  g_object_unref (future);
  g_assert_null (future);
  return TRUE;
}

/* --- another clock ------------------------------------------------------------------- */

static gboolean
later_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  if (!coro_sleep (50 * MILLISECOND, error))
    return FALSE;
  note ("called");
  return TRUE;
}

static gboolean
run_trace_cb (gpointer   virtual_clock,
              GValue    *result,
              GError   **error)
{
  if (virtual_clock != NULL)
    coro_test_clock_start (coro_scheduler_get_running (), TRUE);

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

    for (int i = 3; i > 0; i--)
      coro_task_group_spawn (nursery.group, later_cb, NULL, NULL);
    coro_task_group_spawn (nursery.group, note_cb, "first", NULL);
    return coro_nursery_join (&nursery);
  }
}

/* What replaces the clock changes when things happen, not what happens. */
static void
test_any_clock (void)
{
  g_assert_true (coro_run (run_trace_cb, NULL, NULL, NULL));
  assert_trace ("first called called called");
  g_assert_true (coro_run (run_trace_cb, "virtual", NULL, NULL));
  assert_trace ("first called called called");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("One thread, one at a time, in order, and every coroutine gets a turn");

  coro_test_add_func ("/spec/S101/shared-counter", test_shared_counter);
  coro_test_add_func ("/spec/S106/check-then-act", test_check_then_act);
  coro_test_add_func ("/spec/S234-S235-S239/runs-between-awaits", test_runs_between_awaits);
  coro_test_add_func ("/spec/S108/ready-queue", test_ready_queue);
  coro_test_add_func ("/spec/S148-S150-S152-S154-S155/schedule", test_schedule);
  coro_test_add_func ("/spec/S140/two-sleepers", test_two_sleepers);
  coro_test_add_func ("/spec/S243/many-sleepers", test_many_sleepers);
  coro_test_add_func ("/spec/S156/gather-when-all", test_gather_when_all);
  coro_test_add_func ("/spec/S237/no-parallelism", test_no_parallelism);
  g_test_add_func ("/spec/S146-S175/yield-every", test_yield_every);
  coro_test_add_func ("/spec/S146/yield-if-needed", test_yield_if_needed);
  coro_test_add_func ("/spec/S146/yield-every-cancelled", test_yield_every_cancelled);
  coro_test_add_func ("/spec/S176/locals", test_locals);
  coro_test_add_func ("/spec/S180/await-blocks", test_await_blocks);
  coro_test_add_func ("/spec/S130-S157-S172/same-scheduler", test_same_scheduler);
  coro_test_add_func ("/spec/S133/background-work", test_background_work);
  g_test_add_func ("/spec/S132/no-hidden-loop", test_no_hidden_loop);
  g_test_add_func ("/spec/S129/from-a-callback", test_from_callback);
  coro_test_add_func ("/spec/S105/resumes-on-data", test_resumes_on_data);
  coro_test_add_func ("/spec/S109-S220/cancelled-watch", test_cancelled_watch);
  coro_test_add_func ("/spec/S220-S241/many-connections", test_many_connections);
  coro_test_add_func ("/spec/S222/called-off", test_called_off);
  coro_test_add_func ("/spec/S223/cancelled-waiter", test_cancelled_waiter);
  g_test_add_func ("/spec/S227/any-clock", test_any_clock);
  return g_test_run ();
}
