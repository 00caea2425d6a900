/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Coroutines that are resumed by hand.
 */
#include "test-util.h"

static int
get_int (const GValue *value)
{
  return G_IS_VALUE (value) ? g_value_get_int (value) : -1;
}

static void
set_int (GValue *value,
         int     number)
{
  if (!G_IS_VALUE (value))
    g_value_init (value, G_TYPE_INT);
  g_value_set_int (value, number);
}

/* Suspends with 1, 2, …, telling what it is sent, and returns 42. */
static gboolean
counter_cb (gpointer   n,
            GValue    *result,
            GError   **error)
{
  for (int i = 1; i <= GPOINTER_TO_INT (n); i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;
      g_auto (GValue) sent = G_VALUE_INIT;
      g_autofree char *text = NULL;

      set_int (&value, i);
      if (!coro_suspend (&value, &sent, error))
        {
          note ("cleaned");
          return FALSE;
        }
      text = g_strdup_printf ("got %d", get_int (&sent));
      note (text);
    }
  return coro_return_int (result, 42);
}

static int
resume (CoroCoroutine *coroutine,
        const GValue  *sent)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_coroutine_resume (coroutine, sent, &value, &error));
  g_assert_no_error (error);
  return get_int (&value);
}

static void
test_values_in_and_out (void)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (counter_cb, GINT_TO_POINTER (2), NULL);
  g_auto (GValue) sent = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (coro_coroutine_get_state (coroutine), ==, CORO_COROUTINE_CREATED);
  set_int (&sent, 7);
  g_assert_false (coro_coroutine_resume (coroutine, &sent, NULL, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_clear_error (&error);

  g_assert_cmpint (resume (coroutine, NULL), ==, 1);
  g_assert_cmpint (coro_coroutine_get_state (coroutine), ==, CORO_COROUTINE_SUSPENDED);
  g_assert_cmpint (resume (coroutine, &sent), ==, 2);
  g_assert_cmpint (resume (coroutine, NULL), ==, 42);
  g_assert_cmpint (coro_coroutine_get_state (coroutine), ==, CORO_COROUTINE_CLOSED);
  assert_trace ("got 7 got -1");

  g_assert_false (coro_coroutine_resume (coroutine, NULL, NULL, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_PROTOCOL);
}

static gboolean
stubborn_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  coro_suspend (NULL, NULL, NULL);
  coro_suspend (NULL, NULL, NULL);
  return TRUE;
}

static void
test_close (void)
{
  int freed = 0;
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (counter_cb, GINT_TO_POINTER (2), NULL);
  g_autoptr (CoroCoroutine) other = coro_coroutine_new (stubborn_cb, &freed, count_cb);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (resume (coroutine, NULL), ==, 1);
  g_assert_true (coro_coroutine_close (coroutine, &error));
  g_assert_true (coro_coroutine_close (coroutine, &error));
  assert_trace ("cleaned");

  /* One that has not started just frees its data. */
  g_assert_true (coro_coroutine_close (other, &error));
  g_assert_cmpint (freed, ==, 1);
}

static void
test_dropped_is_closed (void)
{
  CoroCoroutine *coroutine = coro_coroutine_new (counter_cb, GINT_TO_POINTER (2), NULL);

  g_assert_cmpint (resume (coroutine, NULL), ==, 1);
  g_object_unref (coroutine);
  assert_trace ("cleaned");
}

static void
test_ignored_close (void)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (stubborn_cb, NULL, NULL);
  g_autoptr (GError) error = NULL;

  resume (coroutine, NULL);
  g_assert_false (coro_coroutine_close (coroutine, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_clear_error (&error);
  g_assert_true (coro_coroutine_close (coroutine, &error));
}

static void
test_failure (void)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (fail_cb, "broken", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (coro_coroutine_resume (coroutine, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpint (coro_coroutine_get_state (coroutine), ==, CORO_COROUTINE_CLOSED);
}

static void
test_outside (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (coro_suspend (NULL, NULL, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
}

/* The body of one coroutine resumes another; each coroutine suspends to the one that has resumed
 * it. */
static gboolean
outer_cb (gpointer   inner,
          GValue    *result,
          GError   **error)
{
  g_assert_cmpint (resume (inner, NULL), ==, 1);
  g_assert_true (coro_suspend (NULL, NULL, error));
  g_assert_cmpint (resume (inner, NULL), ==, 42);
  return TRUE;
}

static void
test_nested (void)
{
  g_autoptr (CoroCoroutine) inner = coro_coroutine_new (counter_cb, GINT_TO_POINTER (1), NULL);
  g_autoptr (CoroCoroutine) outer = coro_coroutine_new (outer_cb, inner, NULL);

  resume (outer, NULL);
  g_assert_cmpint (coro_coroutine_get_state (outer), ==, CORO_COROUTINE_SUSPENDED);
  g_assert_cmpint (coro_coroutine_get_state (inner), ==, CORO_COROUTINE_SUSPENDED);
  resume (outer, NULL);
  g_assert_cmpint (coro_coroutine_get_state (outer), ==, CORO_COROUTINE_CLOSED);
  assert_trace ("got -1");
}

static gboolean
resume_itself_cb (gpointer   self,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_cmpint (coro_coroutine_get_state (*(CoroCoroutine **) self), ==, CORO_COROUTINE_RUNNING);
  g_assert_false (coro_coroutine_resume (*(CoroCoroutine **) self, NULL, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  return TRUE;
}

static void
test_itself (void)
{
  CoroCoroutine *coroutine = NULL;

  coroutine = coro_coroutine_new (resume_itself_cb, &coroutine, NULL);
  resume (coroutine, NULL);
  g_object_unref (coroutine);
}

/* Resumed by a coroutine, the body can wait as that coroutine. */
static gboolean
sleeper_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return coro_sleep (10 * MILLISECOND, error) && coro_suspend (NULL, NULL, error) &&
         coro_sleep (10 * MILLISECOND, error);
}

static gboolean
test_waits_in_a_coroutine (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (sleeper_cb, NULL, NULL);
  gint64 start = now ();

  resume (coroutine, NULL);
  g_assert_cmpint (now () - start, ==, 10 * MILLISECOND);
  resume (coroutine, NULL);
  g_assert_cmpint (now () - start, ==, 20 * MILLISECOND);
  g_assert_cmpint (coro_coroutine_get_state (coroutine), ==, CORO_COROUTINE_CLOSED);
  return TRUE;
}

static gboolean
test_await_of_one_begun (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (counter_cb, GINT_TO_POINTER (1), NULL);
  g_autoptr (GError) local_error = NULL;

  g_assert_cmpint (resume (coroutine, NULL), ==, 1);
  g_assert_false (coro_await (coroutine, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_assert_true (coro_coroutine_close (coroutine, error));
  assert_trace ("cleaned");
  return TRUE;
}

/* --- longer than where it began ------------------------------------------------------- */

static gboolean
resume_once_cb (gpointer   coroutine,
                GValue    *result,
                GError   **error)
{
  return coro_coroutine_resume (coroutine, NULL, NULL, error);
}

static void
test_outlives_its_loop (void)
{
  g_autoptr (CoroCoroutine) one = coro_coroutine_new (counter_cb, GINT_TO_POINTER (2), NULL);
  g_autoptr (CoroCoroutine) two = coro_coroutine_new (counter_cb, GINT_TO_POINTER (2), NULL);

  g_assert_true (coro_run (resume_once_cb, one, NULL, NULL));
  g_assert_true (coro_run (resume_once_cb, two, NULL, NULL));
  g_assert_cmpint (resume (one, NULL), ==, 2);
  g_assert_true (coro_coroutine_close (one, NULL));
  assert_trace ("got -1 cleaned");
  g_clear_object (&two);
  assert_trace ("cleaned");
}

static gpointer
resume_in_thread (gpointer coroutine)
{
  g_assert_true (coro_coroutine_resume (coroutine, NULL, NULL, NULL));
  return NULL;
}

static void
test_outlives_its_thread (void)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (counter_cb, GINT_TO_POINTER (2), NULL);

  g_thread_join (g_thread_new ("begins", resume_in_thread, coroutine));
  g_assert_cmpint (resume (coroutine, NULL), ==, 2);
  g_clear_object (&coroutine);
  assert_trace ("got -1 cleaned");
}

/* --- what goes wrong ------------------------------------------------------------------ */

/* Suspends with 1, 2, … and 5, closed or not, and notes what it was told. */
static gboolean
five_times_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  for (int i = 1; i <= 5; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      set_int (&value, i);
      note (coro_suspend (&value, NULL, NULL) ? "resumed" : "closed");
    }
  return coro_return_int (result, 42);
}

/* A coroutine that ignored a close goes on as before. */
static void
test_goes_on_after_ignored_close (void)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (five_times_cb, NULL, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (resume (coroutine, NULL), ==, 1);
  for (int i = 0; i < 2; i++)
    {
      g_assert_false (coro_coroutine_close (coroutine, &error));
      g_assert_error (error, CORO_ERROR, CORO_ERROR_PROTOCOL);
      g_clear_error (&error);
      g_assert_cmpint (coro_coroutine_get_state (coroutine), ==, CORO_COROUTINE_SUSPENDED);
    }
  assert_trace ("closed closed");
  g_assert_cmpint (resume (coroutine, NULL), ==, 4);
  g_assert_cmpint (resume (coroutine, NULL), ==, 5);
  assert_trace ("resumed resumed");
  g_assert_true (coro_coroutine_close (coroutine, &error));
  g_assert_no_error (error);
  assert_trace ("closed");
}

static void
test_dropped_ignores_close (void)
{
  CoroCoroutine *coroutine = coro_coroutine_new (five_times_cb, NULL, NULL);

  g_assert_cmpint (resume (coroutine, NULL), ==, 1);
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*'five_times_cb' was dropped and did not close: *ignored*");
  g_object_unref (coroutine);
  g_test_assert_expected_messages ();
  assert_trace ("closed");
}

/* The result of a coroutine that was resumed to its end is not told again. */
static gboolean
test_await_of_one_ended (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (CoroCoroutine) resumed = coro_coroutine_new (counter_cb, NULL, NULL);
  g_autoptr (CoroCoroutine) closed = coro_coroutine_new (stubborn_cb, NULL, NULL);
  g_autoptr (GError) local_error = NULL;

  g_assert_cmpint (resume (resumed, NULL), ==, 42);
  g_assert_false (coro_await (resumed, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_clear_error (&local_error);

  g_assert_cmpint (resume (closed, NULL), ==, -1);
  g_assert_cmpint (resume (closed, NULL), ==, -1);
  g_assert_true (coro_coroutine_close (closed, error));
  g_assert_false (coro_await (closed, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  return TRUE;
}

static gboolean
mute_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  return FALSE;
}

static void
test_mute_failure (void)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (mute_cb, NULL, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (coro_coroutine_resume (coroutine, NULL, NULL, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NO_RESULT);
}

/* Fails with an error of its own when it is closed. */
static gboolean
fails_to_close_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  return coro_suspend (NULL, NULL, NULL) || fail_cb (NULL, result, error);
}

static void
test_fails_to_close (void)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (fails_to_close_cb, NULL, NULL);
  g_autoptr (GError) error = NULL;

  resume (coroutine, NULL);
  g_assert_false (coro_coroutine_close (coroutine, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpint (coro_coroutine_get_state (coroutine), ==, CORO_COROUTINE_CLOSED);
}

static gboolean
close_itself_cb (gpointer   self,
                 GValue    *result,
                 GError   **error)
{
  return coro_coroutine_close (*(CoroCoroutine **) self, error);
}

static void
test_closes_itself (void)
{
  CoroCoroutine *coroutine = NULL;
  g_autoptr (GError) error = NULL;

  coroutine = coro_coroutine_new (close_itself_cb, &coroutine, NULL);
  g_assert_false (coro_coroutine_resume (coroutine, NULL, NULL, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_object_unref (coroutine);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/spec/S352/values-in-and-out", test_values_in_and_out);
  g_test_add_func ("/future/resume/close-cleans-up", test_close);
  g_test_add_func ("/future/resume/dropped-is-closed", test_dropped_is_closed);
  g_test_add_func ("/future/resume/ignored-close-is-an-error", test_ignored_close);
  g_test_add_func ("/future/resume/failure", test_failure);
  g_test_add_func ("/future/resume/suspend-outside", test_outside);
  g_test_add_func ("/future/resume/nested", test_nested);
  g_test_add_func ("/future/resume/itself-is-an-error", test_itself);
  g_test_add_func ("/future/resume/outlives-its-loop", test_outlives_its_loop);
  g_test_add_func ("/future/resume/outlives-its-thread", test_outlives_its_thread);
  coro_test_add_func ("/future/resume/waits-in-a-coroutine", test_waits_in_a_coroutine);
  coro_test_add_func ("/future/resume/await-of-one-begun", test_await_of_one_begun);
  g_test_add_func ("/future/resume/goes-on-after-ignored-close", test_goes_on_after_ignored_close);
  g_test_add_func ("/future/resume/dropped-ignores-close", test_dropped_ignores_close);
  coro_test_add_func ("/future/resume/await-of-one-ended", test_await_of_one_ended);
  g_test_add_func ("/future/resume/mute-failure", test_mute_failure);
  g_test_add_func ("/future/resume/fails-to-close", test_fails_to_close);
  g_test_add_func ("/future/resume/closes-itself", test_closes_itself);

  return g_test_run ();
}
