/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a coroutine is, and what it is often taken for: S294 to S300, S304, S305, S328 to
 * S330, S353 to S366.
 */
#include "lib/process.h"
#include "test-util.h"

#include <execinfo.h>

static gboolean
answer_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  note ("start");
  if (!coro_sleep (SECOND, error))
    return FALSE;
  note ("end");
  return coro_return_int (result, 42);
}

/* --- awaiting -------------------------------------------------------------------------- */

static gboolean
await_future_cb (gpointer   future,
                 GValue    *result,
                 GError   **error)
{
  int value;

  note ("call");
  value = coro_await_int (future, error);
  note ("resume");
  return coro_return_int (result, value + 1);
}

static gboolean
test_steps_of_an_await (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) task = coro_spawn_task (await_future_cb, future, NULL);
  g_autoptr (CoroTask) again = NULL;

  g_assert_true (coro_test_settle (error));
  note ("others");
  coro_future_resolve_int (future, 1);
  note ("woken");
  g_assert_cmpint (coro_await_int (task, error), ==, 2);
  assert_trace ("call others woken resume");

  /* What is done is not waited for. */
  again = coro_spawn_task (await_future_cb, future, NULL);
  g_assert_true (coro_test_settle (error));
  note ("others");
  g_assert_true (coro_future_is_done (CORO_FUTURE (again)));
  assert_trace ("call resume others");
  return TRUE;
}

static gboolean
echo_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  for (int i = 0; i < 2; i++)
    {
      g_auto (GValue) sent = G_VALUE_INIT;

      if (!coro_suspend (NULL, &sent, error))
        return FALSE;
      note (G_IS_VALUE (&sent) ? g_value_get_string (&sent) : "nothing");
    }
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "enough");
  return FALSE;
}

static void
test_send (void)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (echo_cb, NULL, NULL);
  g_auto (GValue) sent = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_value_init (&sent, G_TYPE_STRING);
  g_value_set_string (&sent, "a");
  g_assert_true (coro_coroutine_resume (coroutine, NULL, NULL, &error));
  g_assert_true (coro_coroutine_resume (coroutine, &sent, NULL, &error));
  assert_trace ("a");
  g_assert_false (coro_coroutine_resume (coroutine, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  assert_trace ("nothing");
  g_assert_cmpint (coro_coroutine_get_state (coroutine), ==, CORO_COROUTINE_CLOSED);
}

static gboolean
void_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  return coro_yield (error);
}

static gboolean
test_results (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (CoroCoroutine) answer = coro_coroutine_new (answer_cb, NULL, NULL);
  g_autoptr (CoroCoroutine) nothing = coro_coroutine_new (void_cb, NULL, NULL);
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_cmpint (coro_await_int (answer, error), ==, 42);
  g_assert_true (coro_await (nothing, &value, error));
  g_assert_false (G_IS_VALUE (&value));
  assert_trace ("start end");
  return TRUE;
}

static gboolean
await_failing (GError **error)
{
  g_autoptr (CoroCoroutine) failing = coro_coroutine_new (fail_cb, (gpointer) "bad", NULL);

  if (!coro_await (failing, NULL, error))
    return FALSE;
  note ("after");
  return TRUE;
}

static gboolean
caught_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  if (await_failing (&local_error))
    return coro_return_int (result, 1);
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpstr (local_error->message, ==, "bad");
  return coro_return_int (result, 0);
}

static void
test_error_at_the_await (void)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_run (caught_cb, NULL, &value, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_value_get_int (&value), ==, 0);
  assert_trace ("");
}

/* --- running --------------------------------------------------------------------------- */

static gboolean
jumping_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  gint64 start;

  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  start = now ();
  if (!answer_cb (user_data, result, error))
    return FALSE;
  g_assert_cmpint (now () - start, ==, SECOND);
  return TRUE;
}

static void
test_run_gives_the_result (void)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_run (jumping_cb, NULL, &value, &error));
  g_assert_cmpint (g_value_get_int (&value), ==, 42);
  assert_trace ("start end");
}

static gboolean
finally_body (CoroGenerator  *generator,
              gpointer        user_data,
              GError        **error)
{
  gboolean ok = coro_generator_produce_int (generator, 1, error);

  note ("finally");
  return ok;
}

static gboolean
leave_generator_cb (gpointer   generator,
                    GValue    *result,
                    GError   **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  return coro_iterator_next (generator, &value, error);
}

static void
test_run_closes_generators (void)
{
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, finally_body, NULL, NULL);

  g_assert_true (coro_run (leave_generator_cb, generator, NULL, NULL));
  assert_trace ("finally");
}

/* --- what a suspended one holds ---------------------------------------------------------- */

/* Large enough for the allocator to give it back at once. */
#define LARGE (100 * 1024 * 1024)

typedef struct
{
  GObject *weak;                /* (nullable) (unowned): what the coroutine holds */
  gboolean clears;
} Holder;

static gboolean
hold_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Holder *self = user_data;
  g_autoptr (GObject) local = g_object_new (G_TYPE_OBJECT, NULL);
  g_autofree char *large = g_malloc (LARGE);

  memset (large, 1, LARGE);
  self->weak = local;
  g_object_add_weak_pointer (local, (gpointer *) &self->weak);
  if (self->clears)
    {
      g_clear_object (&local);
      g_clear_pointer (&large, g_free);
    }
  return coro_sleep (SECOND, error);
}

/* Whether about so much more than `before` is in use.  Sanitizers and valgrind keep what was
 * freed for a while. */
static void
assert_grown (gssize before,
              gssize growth)
{
  gssize slack = LARGE / 10;

  if (is_slow ())
    return;
  g_assert_cmpint (get_resident () - before, >, growth - slack);
  g_assert_cmpint (get_resident () - before, <, growth + slack);
}

static gboolean
test_locals_live (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  gssize before = get_resident ();
  Holder holder = { NULL, FALSE };
  g_autoptr (CoroTask) task = coro_spawn_task (hold_cb, &holder, NULL);

  g_assert_true (coro_sleep (SECOND / 2, error));
  g_assert_nonnull (holder.weak);
  assert_grown (before, LARGE);
  g_assert_true (coro_await (task, NULL, error));
  g_assert_null (holder.weak);
  assert_grown (before, 0);
  return TRUE;
}

static gboolean
test_cleared_locals (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  gssize before = get_resident ();
  Holder holder = { NULL, TRUE };
  g_autoptr (CoroTask) task = coro_spawn_task (hold_cb, &holder, NULL);

  g_assert_true (coro_sleep (SECOND / 2, error));
  g_assert_null (holder.weak);
  assert_grown (before, 0);
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
  return coro_await (task, NULL, error);
}

/* --- misunderstandings ------------------------------------------------------------------- */

static gboolean
test_new_runs_nothing (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (answer_cb, NULL, NULL);

  g_assert_cmpint (coro_coroutine_get_state (coroutine), ==, CORO_COROUTINE_CREATED);
  g_assert_cmpstr (coro_coroutine_get_name (coroutine), ==, "answer_cb");
  g_assert_true (coro_sleep (SECOND, error));
  assert_trace ("");
  return coro_coroutine_close (coroutine, error);
}

static gboolean
count_threads_cb (gpointer   future,
                  GValue    *result,
                  GError   **error)
{
  guint n = count_threads ();

  coro_future_resolve_int (future, (int) n);
  return TRUE;
}

static gboolean
test_await_makes_no_thread (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  guint before = count_threads ();

  if (before == 0)
    {
      g_test_skip ("no /proc");
      return TRUE;
    }
  coro_spawn (count_threads_cb, future, NULL);
  g_assert_cmpint (coro_await_int (future, error), ==, (int) before);
  return TRUE;
}

static gboolean
test_awaited_once (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (answer_cb, NULL, NULL);
  g_autoptr (GError) local_error = NULL;

  g_assert_cmpint (coro_await_int (coroutine, error), ==, 42);
  g_assert_false (coro_await (coroutine, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  assert_trace ("start end");
  return TRUE;
}

static gboolean
test_spawn_is_no_await (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  gint64 start = now ();
  g_autoptr (CoroTask) task = coro_spawn_task (answer_cb, NULL, NULL);

  g_assert_cmpint (now (), ==, start);
  assert_trace ("");
  g_assert_cmpint (coro_await_int (task, error), ==, 42);
  g_assert_cmpint (now () - start, ==, SECOND);
  assert_trace ("start end");
  return TRUE;
}

G_GNUC_NO_INLINE static int
unwind (void **frames,
        int    n_frames)
{
  return backtrace (frames, n_frames);
}

static gboolean
test_ordinary_frames (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  void *before[64], *after[64];
  int n = unwind (before, G_N_ELEMENTS (before));

  /* A chain of frames that ends, at the bottom of the coroutine; the same one after a wait. */
  g_assert_cmpint (n, >=, 2);
  g_assert_cmpint (n, <, G_N_ELEMENTS (before));
  g_assert_true (coro_sleep (SECOND, error));
  g_assert_cmpint (unwind (after, G_N_ELEMENTS (after)), ==, n);
  g_assert_true (before[n - 1] == after[n - 1]);
  return TRUE;
}

/* --- the whole life ---------------------------------------------------------------------- */

typedef struct
{
  CoroFuture *first;
  CoroFuture *second;
  CoroTask *task;
} Life;

static void
note_state (CoroTask *task)
{
  static const char * const names[] = { "created", "running", "suspended", "closed" };

  note (names[coro_task_get_coroutine_state (task)]);
}

static gboolean
life_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Life *self = user_data;

  note_state (self->task);
  g_assert_cmpint (coro_await_int (self->first, error), ==, 1);
  note_state (self->task);
  if (coro_await (self->second, NULL, error))
    return TRUE;
  note_state (self->task);
  return FALSE;
}

static gboolean
test_life (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_autoptr (CoroFuture) first = coro_future_new ();
  g_autoptr (CoroFuture) second = coro_future_new ();
  Life life = { first, second, NULL };
  g_autoptr (CoroTask) task = coro_spawn_task (life_cb, &life, NULL);
  g_autoptr (GError) local_error = NULL;

  life.task = task;
  note_state (task);
  g_assert_true (coro_test_settle (error));
  note_state (task);
  coro_future_resolve_int (first, 1);
  g_assert_true (coro_test_settle (error));
  note_state (task);
  coro_future_reject (second, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "busy"));
  g_assert_false (coro_await (task, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_BUSY);
  note_state (task);
  assert_trace ("created running suspended running suspended running closed");
  return TRUE;
}

static int
f (void)
{
  return coro_yield (NULL) ? 1 : -1;
}

static int
g (void)
{
  return f () + 1;
}

static gboolean
g_cb (gpointer   user_data,
      GValue    *result,
      GError   **error)
{
  return coro_return_int (result, g ());
}

static void
test_reading (void)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_true (coro_run (g_cb, NULL, &value, NULL));
  g_assert_cmpint (g_value_get_int (&value), ==, 2);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/spec/S294/steps-of-an-await", test_steps_of_an_await);
  g_test_add_func ("/spec/S295/sent-received-failed", test_send);
  coro_test_add_func ("/spec/S297-S298/a-result-or-none", test_results);
  g_test_add_func ("/spec/S299-S300/error-at-the-await", test_error_at_the_await);
  g_test_add_func ("/spec/S304/run-gives-the-result", test_run_gives_the_result);
  g_test_add_func ("/spec/S305/run-closes-generators", test_run_closes_generators);
  coro_test_add_func ("/spec/S328-S329/locals-live", test_locals_live);
  coro_test_add_func ("/spec/S330/cleared-locals-are-gone", test_cleared_locals);
  coro_test_add_func ("/spec/S354-S363/new-runs-nothing", test_new_runs_nothing);
  coro_test_add_func ("/spec/S355/await-makes-no-thread", test_await_makes_no_thread);
  coro_test_add_func ("/spec/S357/awaited-once", test_awaited_once);
  coro_test_add_func ("/spec/S358/spawn-is-no-await", test_spawn_is_no_await);
  coro_test_add_func ("/spec/S361/ordinary-frames", test_ordinary_frames);
  g_test_add_func ("/spec/S362/f-and-g", test_reading);
  coro_test_add_func ("/spec/S366/the-whole-life", test_life);

  return g_test_run ();
}
