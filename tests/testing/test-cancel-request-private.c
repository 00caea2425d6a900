/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Cancelling at every await: that it finds a wait which drops the request.
 */
#include "test-util.h"

#include "scheduler/coro-job-private.h"

static gboolean drops_request;

/* A wait that a cancel cannot undo, and that is over. */
static gboolean
wait_and_succeed (void)
{
  {
    g_auto (CoroShield) shield = coro_shield_enter (0);

    if (!coro_sleep (SECOND, NULL))
      return FALSE;
  }
  if (drops_request)
    coro_job_get_running ()->cancel_pending = FALSE;
  return TRUE;
}

static gboolean
then_sleep_body (gpointer   fixture,
                 GError   **error)
{
  return wait_and_succeed () && coro_sleep (SECOND, error);
}

static gboolean
then_return_body (gpointer   fixture,
                  GError   **error)
{
  return wait_and_succeed ();
}

static void
assert_finds_what_is_dropped (CoroTestFunc body)
{
  const CoroTestCancel test = { .body = body, .flags = CORO_TEST_CANCEL_TASK };
  g_autoptr (GError) error = NULL;

  drops_request = FALSE;
  g_assert_true (coro_test_cancel_everywhere (&test, NULL, &error));
  g_assert_no_error (error);

  drops_request = TRUE;
  g_assert_false (coro_test_cancel_everywhere (&test, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "Await 1, task cancelled before it waits: The request is lost"));
}

static void
test_before_another_await (void)
{
  assert_finds_what_is_dropped (then_sleep_body);
}

static void
test_before_the_end (void)
{
  assert_finds_what_is_dropped (then_return_body);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/test-cancel/finds-lost-request/before-another-await", test_before_another_await);
  g_test_add_func ("/test-cancel/finds-lost-request/before-the-end", test_before_the_end);

  return g_test_run ();
}
