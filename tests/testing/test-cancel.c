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
  /* The first step is one more for who was woken, and no scope is around it. */
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
  /* The two members, and who joins them. */
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
  return g_test_run ();
}
