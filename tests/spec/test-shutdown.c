/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the creation of a loop to its end; and what needs no loop.
 */
#include "lib/process.h"
#include "test-util.h"

#include <unistd.h>

#include <sys/socket.h>

/* --- the order of the end ------------------------------------------------------------- */

static CoroRunner *runner;

static void
note_state (void)
{
  static const char *const names[] = { "created", "running", "shutting-down", "closed" };

  note (names[coro_runner_get_state (runner)]);
}

static gboolean
leftover_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  gboolean ok = coro_sleep (1000 * SECOND, error);
  g_auto (CoroShield) shield = coro_shield_enter (0);

  g_assert_true (coro_sleep (MILLISECOND, NULL));
  note ("task");
  note_state ();
  return ok;
}

static gboolean
endless (CoroGenerator  *generator,
         gpointer        user_data,
         GError        **error)
{
  while (coro_generator_produce_int (generator, 1, error))
    ;
  note ("generator");
  return FALSE;
}

static gboolean
leave_cb (gpointer   generator,
          GValue    *result,
          GError   **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  note_state ();
  coro_spawn (leftover_cb, NULL, NULL);
  *(CoroGenerator **) generator = coro_generator_new (G_TYPE_INT, endless, NULL, NULL);
  if (!coro_yield (error))
    return FALSE;
  return coro_iterator_next (*(gpointer *) generator, &value, error);
}

static void
test_order (void)
{
  CoroGenerator *generator = NULL;

  runner = coro_runner_new ();
  note_state ();
  g_assert_true (coro_runner_run (runner, leave_cb, &generator, NULL, NULL));
  coro_runner_close (runner);
  note_state ();
  assert_trace ("created running task shutting-down generator closed");
  g_object_unref (generator);
  g_clear_object (&runner);
}

/* --- everything is gone ---------------------------------------------------------------- */

/* One item, and it would have more. */
static gboolean
endless_body (CoroGenerator  *generator,
              gpointer        freed,
              GError        **error)
{
  while (coro_generator_produce_int (generator, 1, error))
    ;
  count_cb (freed);
  return FALSE;
}

static gboolean
leave_generator_cb (gpointer   freed,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, endless_body, freed, NULL);
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_true (coro_iterator_next (generator, &value, error));
  return coro_sleep (1000 * SECOND, error);
}

static int n_threads;           /* (atomic): functions in threads that have not ended */

static gpointer
block_in_thread (gpointer       user_data,
                 GCancellable  *cancellable,
                 GError       **error)
{
  GPollFD fd;

  g_atomic_int_inc (&n_threads);
  if (g_cancellable_make_pollfd (cancellable, &fd))
    {
      g_poll (&fd, 1, -1);
      g_cancellable_release_fd (cancellable);
    }
  g_cancellable_set_error_if_cancelled (cancellable, error);
  g_atomic_int_add (&n_threads, -1);
  return NULL;
}

static gboolean
leave_thread_cb (gpointer   freed,
                 GValue    *result,
                 GError   **error)
{
  coro_run_in_thread (block_in_thread, NULL, NULL, error);
  count_cb (freed);
  return FALSE;
}
/* Nothing ever comes; the descriptors are the coroutine's. */
static gboolean
watch_cb (gpointer   freed,
          GValue    *result,
          GError   **error)
{
  int fds[2];
  GIOCondition condition;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  condition = coro_fd_wait (fds[0], G_IO_IN, -1, error);
  g_assert_cmpint (condition, ==, 0);
  g_assert_true (coro_fd_close (fds[0], NULL));
  g_assert_true (coro_fd_close (fds[1], NULL));
  count_cb (freed);
  return FALSE;
}

static gboolean
litter_cb (gpointer   freed,
           GValue    *result,
           GError   **error)
{
  for (int i = 0; i < 10; i++)
    coro_spawn (forever_cb, freed, count_cb);
  coro_spawn (leftover_cb, NULL, NULL);
  coro_spawn (leave_generator_cb, freed, NULL);
  coro_spawn (leave_thread_cb, freed, NULL);
  coro_spawn (watch_cb, freed, NULL);
  g_object_unref (coro_sleep_future (SECOND));
  while (g_atomic_int_get (&n_threads) == 0)    /* until all have begun */
    g_assert_true (coro_sleep (MILLISECOND, error));
  return TRUE;
}

static void
test_nothing_is_left (void)
{
  int freed = 0;
  guint before;

  runner = coro_runner_new ();          /* for note_state() */
  g_assert_true (coro_run (litter_cb, &freed, NULL, NULL));
  before = count_descriptors ();
  freed = 0;
  for (int i = 0; i < 5; i++)
    g_assert_true (coro_run (litter_cb, &freed, NULL, NULL));
  g_assert_cmpint (freed, ==, 5 * 13);
  g_assert_cmpint (g_atomic_int_get (&n_threads), ==, 0);
  g_assert_cmpuint (count_descriptors (), ==, before);
  coro_runner_close (runner);
  g_clear_object (&runner);
  g_string_free (trace, TRUE);
  trace = NULL;
}

/* --- not from inside ------------------------------------------------------------------- */

static gboolean
nested_cb (gpointer   freed,
           GValue    *result,
           GError   **error)
{
  g_autoptr (CoroRunner) inner = coro_runner_new ();
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (forever_cb, freed, count_cb);
  g_autoptr (GError) local = NULL;

  g_assert_false (coro_runner_run_coroutine (inner, coroutine, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_NESTED_RUN);
  g_assert_cmpint (coro_coroutine_get_state (coroutine), ==, CORO_COROUTINE_CLOSED);
  return TRUE;
}

static void
test_nested (void)
{
  int freed = 0;

  g_assert_true (coro_run (nested_cb, &freed, NULL, NULL));
  g_assert_cmpint (freed, ==, 1);
}

/* --- coroutines that do not stop ------------------------------------------------------- */

/* Advances the clock by a second in every turn, so that any time limit is soon over. */
static gboolean
stubborn_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  while (coro_scheduler_get_running () != NULL)
    {
      coro_test_clock_advance (coro_scheduler_get_running (), SECOND);
      coro_yield (NULL);
    }
  return TRUE;
}

static gboolean
leave_stubborn_cb (gpointer   n_stubborn,
                   GValue    *result,
                   GError   **error)
{
  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  for (int i = 0; i < GPOINTER_TO_INT (n_stubborn); i++)
    coro_spawn (stubborn_cb, NULL, NULL);
  return TRUE;
}

/* What they hold is leaked, so the process ends by _exit(), without a leak check. */
static void
test_stubborn (gconstpointer n_stubborn)
{
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }

  if (GPOINTER_TO_INT (n_stubborn) > 10)
    g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*leaves 12 coroutines that did not stop: stubborn_cb*, …");
  else
    g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*leaves 1 coroutines that did not stop: stubborn_cb*)");
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*unfinished coroutines; what they hold is leaked");
  g_assert_true (coro_run (leave_stubborn_cb, (gpointer) n_stubborn, NULL, NULL));
  g_test_assert_expected_messages ();
  _exit (0);
}

/* --- without a loop -------------------------------------------------------------------- */

static gboolean
two_halves_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  note ("one");
  if (!coro_suspend (NULL, NULL, error))
    return FALSE;
  note ("two");
  return coro_return_int (result, 42);
}

static void
test_by_hand (void)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (two_halves_cb, NULL, NULL);
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_null (coro_scheduler_get_running ());
  g_assert_true (coro_coroutine_resume (coroutine, NULL, NULL, NULL));
  assert_trace ("one");
  g_assert_true (coro_coroutine_resume (coroutine, NULL, &value, NULL));
  assert_trace ("two");
  g_assert_cmpint (g_value_get_int (&value), ==, 42);
}

/* --- subprocesses ---------------------------------------------------------------------- */

static gboolean
test_subprocess (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (GSubprocess) process = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, error, "sh", "-c", "exit 3", NULL);
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  g_assert_nonnull (process);
  g_assert_true (g_subprocess_wait_finish (process, CORO_CALL (&op, g_subprocess_wait_async, process), error));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 3);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("What a loop began it ends, in order");

  g_test_add_func ("/spec/S119-S122-S124/order", test_order);
  g_test_add_func ("/spec/S114-S160/nothing-is-left", test_nothing_is_left);
  g_test_add_func ("/spec/S159/nested-closes-the-object", test_nested);
  g_test_add_data_func ("/spec/S114/one-does-not-stop", GINT_TO_POINTER (1), test_stubborn);
  g_test_add_data_func ("/spec/S114/many-do-not-stop", GINT_TO_POINTER (12), test_stubborn);
  g_test_add_func ("/spec/S217/by-hand", test_by_hand);
  coro_test_add_func ("/spec/S244/exit-status", test_subprocess);
  return g_test_run ();
}
