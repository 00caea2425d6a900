/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Cancelling at every await: that it does so, and that it finds what is wrong.
 */
#include "test-util.h"

static gboolean
three_sleeps (gpointer   fixture,
              GError   **error)
{
  return coro_sleep (SECOND, error) && coro_sleep (SECOND, error) && coro_sleep (SECOND, error);
}

static guint
count_runs (CoroTestFunc        body,
            CoroTestCancelFlags flags)
{
  const CoroTestCancel test = { .body = body, .flags = flags };
  g_autoptr (GError) error = NULL;
  guint n_runs;

  coro_test_cancel_everywhere (&test, &n_runs, &error);
  g_assert_no_error (error);
  return n_runs;
}

static void
test_once_for_each_await (void)
{
  /* The first step is one more moment of CORO_TEST_CANCEL_WOKEN, and no scope is around it. */
  g_assert_cmpuint (count_runs (three_sleeps, CORO_TEST_CANCEL_TASK | CORO_TEST_CANCEL_BEFORE), ==, 3);
  g_assert_cmpuint (count_runs (three_sleeps, CORO_TEST_CANCEL_TASK | CORO_TEST_CANCEL_PARKED), ==, 3);
  g_assert_cmpuint (count_runs (three_sleeps, CORO_TEST_CANCEL_TASK | CORO_TEST_CANCEL_WOKEN), ==, 4);
  g_assert_cmpuint (count_runs (three_sleeps, CORO_TEST_CANCEL_SCOPE), ==, 9);
  g_assert_cmpuint (count_runs (three_sleeps, CORO_TEST_CANCEL_TIMEOUT), ==, 9);
  g_assert_cmpuint (count_runs (three_sleeps, 0), ==, 28);
}

static gboolean
sleeper_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return coro_sleep (SECOND, error);
}

static gboolean
two_members (gpointer   fixture,
             GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, sleeper_cb, NULL, NULL);
  coro_task_group_spawn (nursery.group, sleeper_cb, NULL, NULL);
  return coro_nursery_join (&nursery);
}

static void
test_of_every_coroutine (void)
{
  /* The two members, and the coroutine that joins them. */
  g_assert_cmpuint (count_runs (two_members, CORO_TEST_CANCEL_TASK | CORO_TEST_CANCEL_PARKED), ==, 3);
}

typedef struct
{
  CoroSemaphore *semaphore;
  CoroFuture *future;
} Fixture;

static GString *noted;
static GObject *lost;

static gboolean
noting_body (gpointer   fixture,
             GError   **error)
{
  gboolean slept = coro_sleep (SECOND, error);

  g_string_append (noted, slept ? "slept " : error != NULL && *error != NULL ? "cancelled " : "? ");
  return slept;
}

static gboolean
noting_set_up (gpointer   fixture,
               GError   **error)
{
  g_assert_null (((Fixture *) fixture)->semaphore);
  ((Fixture *) fixture)->semaphore = coro_semaphore_new (1);
  coro_test_cancel_track (((Fixture *) fixture)->semaphore);
  g_string_append (noted, "up ");
  return coro_sleep (SECOND, error);
}

static gboolean
noting_check (gpointer   fixture,
              GError   **error)
{
  g_string_append (noted, "check ");
  return coro_sleep (SECOND, error);
}

static gboolean
noting_tear_down (gpointer   fixture,
                  GError   **error)
{
  g_clear_object (&((Fixture *) fixture)->semaphore);
  g_string_append (noted, "down\n");
  return coro_sleep (SECOND, error);
}

static void
test_fresh_fixture_in_each_run (void)
{
  const CoroTestCancel test = {
    .fixture_size = sizeof (Fixture),
    .set_up = noting_set_up,
    .body = noting_body,
    .check = noting_check,
    .tear_down = noting_tear_down,
    .flags = CORO_TEST_CANCEL_PARKED | CORO_TEST_CANCEL_SCOPE,
  };
  g_autoptr (GError) error = NULL;

  noted = g_string_new (NULL);
  g_assert_true (coro_test_cancel_everywhere (&test, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (noted->str, ==, "up slept check down\nup cancelled check down\nup slept check down\n");
  g_string_free (g_steal_pointer (&noted), TRUE);
}

/* A deadline leaves what had arrived, a call does not. */
static gboolean
must_be_cancelled (gpointer   fixture,
                   GError   **error)
{
  gboolean slept = coro_sleep (SECOND, error);

  g_string_append (noted, slept ? "slept " : "cancelled ");
  return slept;
}

static void
test_woken_and_cancelled_in_one_turn (void)
{
  noted = g_string_new (NULL);
  count_runs (must_be_cancelled, CORO_TEST_CANCEL_WOKEN | CORO_TEST_CANCEL_SCOPE);
  g_assert_cmpstr (noted->str, ==, "slept cancelled slept ");
  g_string_truncate (noted, 0);
  count_runs (must_be_cancelled, CORO_TEST_CANCEL_WOKEN | CORO_TEST_CANCEL_TIMEOUT);
  g_assert_cmpstr (noted->str, ==, "slept slept slept ");
  g_string_free (g_steal_pointer (&noted), TRUE);
}

/* --- what is wrong ---------------------------------------------------------------- */

static void
assert_found (CoroTestFunc  set_up,
              CoroTestFunc  body,
              CoroTestFunc  check,
              CoroTestFunc  tear_down,
              const char   *what,
              const char   *where)
{
  const CoroTestCancel test = {
    .fixture_size = sizeof (Fixture),
    .set_up = set_up,
    .body = body,
    .check = check,
    .tear_down = tear_down,
  };
  g_autoptr (GError) error = NULL;

  g_assert_false (coro_test_cancel_everywhere (&test, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, what));
  g_assert_nonnull (strstr (error->message, where));
}

static gboolean
semaphore_set_up (gpointer   fixture,
                  GError   **error)
{
  ((Fixture *) fixture)->semaphore = coro_semaphore_new (1);
  return TRUE;
}

static gboolean
semaphore_tear_down (gpointer   fixture,
                     GError   **error)
{
  g_clear_object (&((Fixture *) fixture)->semaphore);
  return TRUE;
}

static gboolean
forgetful_body (gpointer   fixture,
                GError   **error)
{
  CoroSemaphore *semaphore = ((Fixture *) fixture)->semaphore;

  return coro_semaphore_acquire (semaphore, error) && coro_sleep (SECOND, error) &&
         coro_semaphore_release (semaphore, error);
}

static gboolean
semaphore_check (gpointer   fixture,
                 GError   **error)
{
  if (coro_semaphore_get_value (((Fixture *) fixture)->semaphore) == 1)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "a permit is missing");
  return FALSE;
}

static void
test_finds_lost_permit (void)
{
  assert_found (semaphore_set_up, forgetful_body, semaphore_check, semaphore_tear_down,
                "Await 2, task cancelled before it waits: The check has failed: a permit is missing", "forgetful_body");
}

static gboolean
leaky_body (gpointer   fixture,
            GError   **error)
{
  lost = G_OBJECT (coro_future_new ());
  if (!coro_sleep (SECOND, error))
    return FALSE;
  g_clear_object (&lost);
  return TRUE;
}

static void
test_finds_lost_future (void)
{
  assert_found (NULL, leaky_body, NULL, NULL, "1 futures, tasks, groups or generators were not freed", "leaky_body");
  g_clear_object (&lost);
}

static gboolean
timer_body (gpointer   fixture,
            GError   **error)
{
  ((Fixture *) fixture)->future = coro_sleep_future (10 * SECOND);
  return coro_sleep (20 * SECOND, error);
}

static gboolean
timer_tear_down (gpointer   fixture,
                 GError   **error)
{
  g_clear_object (&((Fixture *) fixture)->future);
  return TRUE;
}

static void
test_finds_pending_timer (void)
{
  assert_found (NULL, timer_body, NULL, timer_tear_down, "The body has left 1 timers behind", "Await 1,");
}

static gboolean
lost_object_body (gpointer   fixture,
                  GError   **error)
{
  lost = g_object_new (G_TYPE_OBJECT, NULL);
  coro_test_cancel_track (lost);
  if (!coro_sleep (SECOND, error))
    return FALSE;
  g_clear_object (&lost);
  return TRUE;
}

static void
test_finds_lost_object (void)
{
  assert_found (NULL, lost_object_body, NULL, NULL, "A GObject was not freed", "lost_object_body");
  g_clear_object (&lost);
}

static gboolean
wrong_error_body (gpointer   fixture,
                  GError   **error)
{
  if (coro_sleep (SECOND, NULL))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no idea");
  return FALSE;
}

static void
test_finds_other_error (void)
{
  assert_found (NULL, wrong_error_body, NULL, NULL, "The body has failed: no idea", "Await 1,");
}

static gboolean
broken_body (gpointer   fixture,
             GError   **error)
{
  return coro_sleep (SECOND, error) && fail_cb (NULL, NULL, error);
}

static void
test_finds_broken_body (void)
{
  assert_found (NULL, broken_body, NULL, NULL, "Without a cancel: The body has failed", "failed");
}

static gboolean
idle_body (gpointer   fixture,
           GError   **error)
{
  return TRUE;
}

static gboolean
nothing_check (gpointer   fixture,
               GError   **error)
{
  return TRUE;
}

static void
test_finds_body_without_awaits (void)
{
  const CoroTestCancel test = { .body = idle_body, .check = nothing_check, .flags = CORO_TEST_CANCEL_SCOPE };
  g_autoptr (GError) error = NULL;

  g_assert_false (coro_test_cancel_everywhere (&test, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
}

static gboolean
ticker_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  while (TRUE)
    coro_sleep (SECOND, NULL);
  return TRUE;
}

static gboolean
ticker_body (gpointer   fixture,
             GError   **error)
{
  coro_spawn (ticker_cb, NULL, NULL);
  return coro_sleep (SECOND, error);
}

static void
test_finds_coroutine_without_end (void)
{
  assert_found (NULL, ticker_body, NULL, NULL, "Without a cancel: The body's coroutines do not end", "ticker_cb");
}

static gboolean
silent_set_up (gpointer   fixture,
               GError   **error)
{
  return FALSE;
}

static void
test_finds_silent_set_up (void)
{
  assert_found (silent_set_up, idle_body, NULL, NULL, "Without a cancel: The set-up has failed: it did not say why", "");
}

static gboolean
waiting_body (gpointer   future,
              GError   **error)
{
  /* The body is given up and keeps its reference: a leak checker must find the future. */
  static GObject *never;

  never = G_OBJECT (coro_future_new ());
  if (!coro_await (never, NULL, error))         /* no tail call: this function is looked for in the stack */
    return FALSE;
  g_clear_object (&never);
  return TRUE;
}

/* The only wait for real time: some seconds without a step. */
static void
test_finds_body_without_end (void)
{
  assert_found (NULL, waiting_body, NULL, NULL, "Without a cancel: The body does not end", "waiting_body");
}

static gboolean
produce_cb (CoroGenerator  *generator,
            gpointer        user_data,
            GError        **error)
{
  return coro_generator_produce_int (generator, 1, error) && coro_generator_produce_int (generator, 2, error);
}

static gboolean
generator_body (gpointer   fixture,
                GError   **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  lost = G_OBJECT (coro_generator_new (G_TYPE_INT, produce_cb, NULL, NULL));
  return coro_iterator_next (lost, &value, error);
}

static gboolean
generator_tear_down (gpointer   fixture,
                     GError   **error)
{
  gboolean closed = coro_generator_close (CORO_GENERATOR (lost), error);

  g_clear_object (&lost);
  return closed;
}

static void
test_finds_open_generator (void)
{
  assert_found (NULL, generator_body, NULL, generator_tear_down,
                "Without a cancel: The body has left 1 generators that were not closed behind", "");
}

static gboolean
twice_forgetful_body (gpointer   fixture,
                      GError   **error)
{
  CoroSemaphore *semaphore = ((Fixture *) fixture)->semaphore;

  return coro_semaphore_acquire (semaphore, error) && coro_sleep (SECOND, error) && coro_sleep (SECOND, error) &&
         coro_semaphore_release (semaphore, error);
}

/* What is said of each way to cancel. */
static void
test_names_the_way (void)
{
  static const struct
  {
    CoroTestCancelFlags flags;
    const char *name;
  } ways[] = {
    { CORO_TEST_CANCEL_BEFORE | CORO_TEST_CANCEL_SCOPE, "Await 2, scope cancelled before it waits: The check" },
    { CORO_TEST_CANCEL_PARKED | CORO_TEST_CANCEL_TASK, "Await 1, task cancelled while it is parked: The check" },
    { CORO_TEST_CANCEL_PARKED | CORO_TEST_CANCEL_TIMEOUT, "Await 1, timed out while it is parked: The check" },
    { CORO_TEST_CANCEL_WOKEN | CORO_TEST_CANCEL_TIMEOUT, "Await 1, timed out once it was woken: The check" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      const CoroTestCancel test = { sizeof (Fixture), semaphore_set_up, twice_forgetful_body, semaphore_check,
                                    semaphore_tear_down, ways[i].flags };
      g_autoptr (GError) error = NULL;

      g_assert_false (coro_test_cancel_everywhere (&test, NULL, &error));
      g_test_message ("%s", error->message);
      g_assert_true (g_str_has_prefix (error->message, ways[i].name));
      g_assert_false (coro_test_cancel_everywhere (&test, NULL, NULL));
    }
}

/* --- with debug mode -------------------------------------------------------------- */

static guint n_events[CORO_TRACE_FREED + 1];
static guint n_warnings;

static void
trace_cb (const CoroTraceRecord *record,
          gpointer               user_data)
{
  n_events[record->event]++;
}

static void
warn_cb (const char     *domain,
         GLogLevelFlags  level,
         const char     *message,
         gpointer        user_data)
{
  g_assert_nonnull (strstr (message, "was dropped before its end"));
  n_warnings++;
}

static gboolean
locking_cb (gpointer   lock,
            GValue    *result,
            GError   **error)
{
  gboolean slept;

  if (!coro_lock_acquire (lock, error))
    return FALSE;
  slept = coro_sleep (SECOND, NULL);
  coro_lock_release (lock);
  if (!slept)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "not slept");
  return slept;
}

static gboolean
debugged_body (gpointer   fixture,
               GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  g_autoptr (CoroLock) lock = coro_lock_new ();
  g_autoptr (CoroTask) task = NULL;
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, produce_cb, NULL, NULL);
  g_auto (GValue) value = G_VALUE_INIT;

  coro_scheduler_set_debug (scheduler, CORO_DEBUG_CHECKS);
  coro_scheduler_set_tracer (scheduler, trace_cb, NULL, NULL);
  if (!coro_iterator_next (generator, &value, error))
    return FALSE;
  g_clear_object (&generator);
  task = coro_spawn_task (locking_cb, lock, NULL);
  if (!coro_await (task, NULL, error))
    return FALSE;
  coro_scheduler_set_tracer (scheduler, NULL, NULL, NULL);
  coro_scheduler_set_debug (scheduler, CORO_DEBUG_NONE);
  return coro_sleep (SECOND, error);
}

static gboolean
debug_off_body (gpointer   fixture,
                GError   **error)
{
  coro_scheduler_set_debug (coro_scheduler_get_running (), CORO_DEBUG_NONE);
  return coro_sleep (SECOND, error);
}

/* Debug mode and the test do not come in each other's way, whichever is first. */
static void
test_with_debug_mode (void)
{
  guint handler = g_log_set_handler ("Coro", G_LOG_LEVEL_WARNING, warn_cb, NULL);
  CoroDebugFlags flags = coro_debug_get_flags ();

  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_assert_cmpuint (count_runs (debug_off_body, CORO_TEST_CANCEL_TASK | CORO_TEST_CANCEL_PARKED), ==, 1);
  for (guint round = 0; round < 2; round++)
    {
      memset (n_events, 0, sizeof n_events);
      n_warnings = 0;
      g_assert_cmpuint (count_runs (debugged_body, CORO_TEST_CANCEL_TASK | CORO_TEST_CANCEL_PARKED), ==, 3);
      for (guint i = 0; i < G_N_ELEMENTS (n_events); i++)
        if (i != CORO_TRACE_FAILED)
          g_assert_cmpuint (n_events[i], >, 0);
      g_assert_cmpuint (n_warnings, >, 0);
      coro_debug_set_flags (CORO_DEBUG_CHECKS);
    }
  coro_debug_set_flags (flags);
  g_log_remove_handler ("Coro", handler);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/testing/cancel/once-for-each-await", test_once_for_each_await);
  g_test_add_func ("/testing/cancel/of-every-coroutine", test_of_every_coroutine);
  g_test_add_func ("/testing/cancel/fresh-fixture-in-each-run", test_fresh_fixture_in_each_run);
  g_test_add_func ("/testing/cancel/woken-and-cancelled-in-one-turn", test_woken_and_cancelled_in_one_turn);
  g_test_add_func ("/testing/cancel/finds-lost-permit", test_finds_lost_permit);
  g_test_add_func ("/testing/cancel/finds-lost-future", test_finds_lost_future);
  g_test_add_func ("/testing/cancel/finds-pending-timer", test_finds_pending_timer);
  g_test_add_func ("/testing/cancel/finds-lost-object", test_finds_lost_object);
  g_test_add_func ("/testing/cancel/finds-other-error", test_finds_other_error);
  g_test_add_func ("/testing/cancel/finds-broken-body", test_finds_broken_body);
  g_test_add_func ("/testing/cancel/finds-body-without-awaits", test_finds_body_without_awaits);
  g_test_add_func ("/testing/cancel/finds-coroutine-without-end", test_finds_coroutine_without_end);
  g_test_add_func ("/testing/cancel/finds-silent-set-up", test_finds_silent_set_up);
  g_test_add_func ("/testing/cancel/finds-body-without-end", test_finds_body_without_end);
  g_test_add_func ("/testing/cancel/finds-open-generator", test_finds_open_generator);
  g_test_add_func ("/testing/cancel/names-the-way", test_names_the_way);
  g_test_add_func ("/testing/cancel/with-debug-mode", test_with_debug_mode);
  return g_test_run ();
}
