/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The order that a seed makes, what it leaves alone, and waiting for rest.
 */
#include "test-util.h"

static const char *program;

static gboolean
note_cb (gpointer   name,
         GValue    *result,
         GError   **error)
{
  for (int i = 0; i < 2; i++)
    {
      note (name);
      if (!coro_yield (error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
five_cb (gpointer   keep_order,
         GValue    *result,
         GError   **error)
{
  static const char *const names[] = { "a", "b", "c", "d", "e" };

  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  if (keep_order)
    coro_test_keep_order (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    coro_spawn (note_cb, (gpointer) names[i], NULL);
  return coro_test_settle (error);
}

/* What five coroutines do that give way once. */
static char *
get_order (guint    seed,
           gboolean keep)
{
  g_autoptr (GError) error = NULL;
  guint outer = coro_test_get_seed ();

  coro_test_set_seed (seed);
  g_assert_cmpuint (coro_test_get_seed (), ==, seed);
  coro_run (five_cb, GINT_TO_POINTER (keep), NULL, &error);
  g_assert_no_error (error);
  coro_test_set_seed (outer);
  return g_string_free (g_steal_pointer (&trace), FALSE);
}

#define IN_ORDER "a b c d e a b c d e"

static void
test_none_is_in_order (void)
{
  g_autofree char *order = get_order (0, FALSE);

  g_assert_cmpstr (order, ==, IN_ORDER);
}

static void
test_same_seed_same_order (void)
{
  for (guint seed = 1; seed <= 50; seed++)
    {
      g_autofree char *first = get_order (seed, FALSE);
      g_autofree char *second = get_order (seed, FALSE);

      g_assert_cmpstr (first, ==, second);
    }
}

/* On every machine. */
static void
test_known_order (void)
{
  g_autofree char *one = get_order (1, FALSE);
  g_autofree char *two = get_order (2, FALSE);

  g_assert_cmpstr (one, ==, "a a b c e c d e b d");
  g_assert_cmpstr (two, ==, "a c d e e c b b d a");
}

static void
test_seeds_differ (void)
{
  g_autoptr (GHashTable) orders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint seed = 1; seed <= 50; seed++)
    g_hash_table_add (orders, get_order (seed, FALSE));
  g_assert_cmpuint (g_hash_table_size (orders), >=, 40);
}

static void
test_keep_order (void)
{
  g_autofree char *order = get_order (1, TRUE);

  g_assert_cmpstr (order, ==, IN_ORDER);
}

static gboolean
without_clock_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  coro_spawn (note_cb, "a", NULL);
  coro_spawn (note_cb, "b", NULL);
  coro_spawn (note_cb, "c", NULL);
  for (int i = 0; i < 3; i++)
    if (!coro_yield (error))
      return FALSE;
  assert_trace ("a b c a b c");
  return TRUE;
}

static void
test_without_clock (void)
{
  guint outer = coro_test_get_seed ();

  for (guint seed = 1; seed <= 10; seed++)
    {
      g_autoptr (GError) error = NULL;

      coro_test_set_seed (seed);
      coro_run (without_clock_cb, NULL, NULL, &error);
      g_assert_no_error (error);
    }
  coro_test_set_seed (outer);
}

/* --- messages of other threads --------------------------------------------------------- */

static gpointer
post_cb (gpointer context)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (context);

  coro_scheduler_call_soon (scheduler, count_cb, g_object_get_data (G_OBJECT (scheduler), "called"), NULL);
  return NULL;
}

static gboolean
count_unread_turns_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  int *n_turns = user_data;
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  int called = 0;

  *n_turns = 0;
  coro_test_clock_start (scheduler, TRUE);
  g_object_set_data (G_OBJECT (scheduler), "called", &called);
  g_thread_join (g_thread_new ("sender", post_cb, coro_scheduler_get_context (scheduler)));
  while (called == 0)
    {
      g_assert_true (coro_yield (error));
      ++*n_turns;
    }
  return TRUE;
}

static int
count_unread_turns (guint seed)
{
  g_autoptr (GError) error = NULL;
  guint outer = coro_test_get_seed ();
  int n_turns;

  coro_test_set_seed (seed);
  coro_run (count_unread_turns_cb, &n_turns, NULL, &error);
  g_assert_no_error (error);
  coro_test_set_seed (outer);
  return n_turns;
}

static void
test_messages_wait (void)
{
  int n_late = 0;

  for (guint seed = 1; seed <= 50; seed++)
    {
      int n_turns = count_unread_turns (seed);

      g_assert_cmpint (count_unread_turns (seed), ==, n_turns);
      n_late += n_turns > count_unread_turns (0) + 1;
    }
  g_assert_cmpint (n_late, >=, 10);
}

/* --- what is promised stays ----------------------------------------------------------- */

static void
note_future_cb (CoroFuture  *future,
                gpointer     name,
                GError     **error)
{
  note (name);
}

static gboolean
callbacks_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  coro_spawn (note_cb, "x", NULL);
  coro_spawn (note_cb, "x", NULL);
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("x x x x");

  coro_future_on_done (future, note_future_cb, "1", NULL);
  coro_future_on_done (future, note_future_cb, "2", NULL);
  coro_future_on_done (future, note_future_cb, "3", NULL);
  coro_future_on_done (future, note_future_cb, "4", NULL);
  coro_future_resolve (future, NULL);
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("1 2 3 4");
  return TRUE;
}

static gboolean
equal_deadlines_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  static const char *const names[] = { "1", "2", "3", "4", "5", "6" };
  CoroFuture *futures[G_N_ELEMENTS (names)];

  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      futures[i] = coro_sleep_future (SECOND);
      coro_future_on_done (futures[i], note_future_cb, (gpointer) names[i], NULL);
    }
  if (!coro_sleep (2 * SECOND, error))
    return FALSE;
  assert_trace ("1 2 3 4 5 6");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_object_unref (futures[i]);
  return TRUE;
}

static gpointer
resolve_each_cb (gpointer data)
{
  CoroFuture **futures = data;

  for (guint i = 0; i < 4; i++)
    coro_future_resolve (futures[i], NULL);
  return NULL;
}

static gboolean
messages_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  static const char *const names[] = { "1", "2", "3", "4" };
  CoroFuture *futures[G_N_ELEMENTS (names)];

  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      futures[i] = coro_future_new ();
      coro_future_on_done (futures[i], note_future_cb, (gpointer) names[i], NULL);
    }
  g_thread_join (g_thread_new ("resolver", resolve_each_cb, futures));
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("1 2 3 4");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_object_unref (futures[i]);
  return TRUE;
}

typedef struct
{
  CoroLock *lock;
  const char *name;
} Holder;

static gboolean
hold_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Holder *self = user_data;
  g_auto (CoroLocker) locker = coro_locker_enter (self->lock, error);

  if (!coro_locker_ok (&locker))
    return FALSE;
  note (self->name);
  return coro_yield (error);
}

static gboolean
lock_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroLock) lock = coro_lock_new ();
  Holder holders[] = { { lock, "1" }, { lock, "2" }, { lock, "3" }, { lock, "4" } };

  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  if (!coro_lock_acquire (lock, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (holders); i++)
    {
      coro_spawn (hold_cb, &holders[i], NULL);
      if (!coro_test_settle (error))
        return FALSE;
    }
  coro_lock_release (lock);
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("1 2 3 4");
  return TRUE;
}

static void
test_under_seeds (gconstpointer func)
{
  guint outer = coro_test_get_seed ();

  for (guint seed = 1; seed <= 20; seed++)
    {
      g_autoptr (GError) error = NULL;

      coro_test_set_seed (seed);
      coro_run ((CoroFunc) func, NULL, NULL, &error);
      g_assert_no_error (error);
    }
  coro_test_set_seed (outer);
}

static gboolean
count_turns_cb (gpointer   n_turns,
                GValue    *result,
                GError   **error)
{
  for (int i = 0; i < 100; i++)
    {
      ++*(int *) n_turns;
      if (!coro_yield (error))
        return FALSE;
    }
  return TRUE;
}

/* More than are chosen among: each has all of its turns. */
static gboolean
crowd_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  int n_turns = 0;

  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  for (int i = 0; i < 200; i++)
    coro_spawn (count_turns_cb, &n_turns, NULL);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpint (n_turns, ==, 200 * 100);
  return TRUE;
}

/* --- the environment and failures ------------------------------------------------------ */

static void
test_environment (void)
{
  if (g_test_subprocess ())
    {
      g_setenv ("CORO_TEST_SEED", "7", TRUE);
      g_assert_cmpuint (coro_test_get_seed (), ==, 7);
      coro_test_set_seed (8);
      g_assert_cmpuint (coro_test_get_seed (), ==, 8);
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

static void
test_not_a_number (void)
{
  if (g_test_subprocess ())
    {
      g_setenv ("CORO_TEST_SEED", "many", TRUE);
      coro_test_get_seed ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*CORO_TEST_SEED*many*");
}

/* --- cases that fail, for what is printed then --------------------------------------- */

static gboolean
aborts_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_assert_not_reached ();
}

/* What this program prints when it runs one of those. */
static char *
get_output (const char *path,
            const char *seed)
{
  const char *const argv[] = { program, "--tap", "-k", "-p", path, NULL };
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GError) error = NULL;
  char *output = NULL;
  int status;

  environment = g_environ_setenv (environment, "CORO_TEST_SEED", seed, TRUE);
  environment = g_environ_setenv (environment, "CORO_TEST_FAILING", "1", TRUE);
  g_spawn_sync (NULL, (char **) argv, environment, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output, NULL, &status,
                &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, !=, 0);
  return output;
}

static void
test_abort_names_it (void)
{
  g_autofree char *output = get_output ("/testing/failing/aborts", "12345");

  if (strstr (output, "CORO_TEST_SEED=12345") == NULL)
    g_test_fail_printf ("%s", output);
}

static gboolean
failing_body (gpointer   fixture,
              GError   **error)
{
  return fail_cb (NULL, NULL, error);
}

static const CoroTestCancel failing_test = { .body = failing_body };

/* In the line that says what has failed.  Newer versions of GLib indent the lines of a child. */
static void
test_failure_names_it (gconstpointer path)
{
  g_autofree char *output = get_output (path, "12345");

  if (!g_regex_match_simple ("^ *not ok .*failed.* \\(CORO_TEST_SEED=12345\\)$", output, G_REGEX_MULTILINE, 0))
    g_test_fail_printf ("%s", output);
}

static void
test_failure_without_seed (void)
{
  g_autofree char *output = get_output ("/testing/failing/fails", "0");

  if (!g_regex_match_simple ("^ *not ok .*failed$", output, G_REGEX_MULTILINE, 0))
    g_test_fail_printf ("%s", output);
}

/* --- rest ------------------------------------------------------------------------------ */

static gboolean
note_idle_cb (gpointer name)
{
  note (name);
  return G_SOURCE_REMOVE;
}

static gboolean
settle_lets_all_happen_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  gint64 start = now ();

  coro_test_keep_order (NULL);
  g_source_set_callback (source, note_idle_cb, "idle", NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  coro_spawn (note_cb, "a", NULL);
  coro_spawn (note_cb, "b", NULL);
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("a b a b idle");
  g_assert_cmpint (now (), ==, start);
  return TRUE;
}

static gboolean
sleep_and_note_cb (gpointer   name,
                   GValue    *result,
                   GError   **error)
{
  if (!coro_sleep (SECOND, error))
    return FALSE;
  note (name);
  return TRUE;
}

static gboolean
settle_takes_no_time_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  gint64 start = now ();

  coro_spawn (sleep_and_note_cb, "woke", NULL);
  if (!coro_test_settle (error) || !coro_test_settle (error))
    return FALSE;
  assert_trace ("");
  g_assert_cmpint (now (), ==, start);
  if (!coro_sleep (SECOND + 1, error))
    return FALSE;
  assert_trace ("woke");
  return TRUE;
}

static gboolean
settle_and_note_cb (gpointer   name,
                    GValue    *result,
                    GError   **error)
{
  if (!coro_test_settle (error))
    return FALSE;
  note (name);
  return TRUE;
}

static gboolean
several_settle_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  coro_spawn (settle_and_note_cb, "1", NULL);
  coro_spawn (settle_and_note_cb, "1", NULL);
  coro_spawn (note_cb, "0", NULL);
  if (!coro_sleep (1, error))           /* the clock does not advance while a coroutine settles */
    return FALSE;
  assert_trace ("0 0 1 1");
  return TRUE;
}

static gboolean
settle_cancelled_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (CoroTask) during = NULL;
  g_autoptr (CoroTask) before = NULL;

  coro_test_keep_order (NULL);
  during = coro_spawn_task (settle_and_note_cb, "during", NULL);
  before = coro_spawn_task (settle_and_note_cb, "before", NULL);
  coro_task_cancel (before);
  if (!coro_yield (error))
    return FALSE;
  coro_task_cancel (during);
  g_assert_false (coro_await (during, NULL, &local_error));
  assert_cancelled (local_error);
  g_assert_false (coro_await (before, NULL, NULL));
  assert_trace ("");

  /* No cancelled coroutine is left behind in the list of those that settle. */
  return coro_test_settle (error);
}

static void
test_settle_outside (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (coro_test_settle (&error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
}

int
main (int    argc,
      char **argv)
{
  program = argv[0];
  g_test_init (&argc, &argv, NULL);

  if (g_getenv ("CORO_TEST_FAILING") != NULL)
    {
      coro_test_add_func ("/testing/failing/aborts", aborts_cb);
      coro_test_add_func ("/testing/failing/fails", fail_cb);
      coro_test_add_cancel ("/testing/failing/cancelled", &failing_test);
      return g_test_run ();
    }

  g_test_add_func ("/testing/seed/none-is-in-order", test_none_is_in_order);
  g_test_add_func ("/testing/seed/same-seed-same-order", test_same_seed_same_order);
  g_test_add_func ("/testing/seed/known-order", test_known_order);
  g_test_add_func ("/testing/seed/seeds-differ", test_seeds_differ);
  g_test_add_func ("/testing/seed/keep-order", test_keep_order);
  g_test_add_func ("/testing/seed/without-clock-in-order", test_without_clock);
  g_test_add_func ("/testing/seed/messages-wait", test_messages_wait);
  g_test_add_data_func ("/testing/seed/callbacks-in-order", callbacks_cb, test_under_seeds);
  g_test_add_data_func ("/testing/seed/equal-deadlines-in-order", equal_deadlines_cb, test_under_seeds);
  g_test_add_data_func ("/testing/seed/messages-in-order", messages_cb, test_under_seeds);
  g_test_add_data_func ("/testing/seed/locks-in-order", lock_cb, test_under_seeds);
  g_test_add_data_func ("/testing/seed/crowds", crowd_cb, test_under_seeds);
  g_test_add_func ("/testing/seed/environment", test_environment);
  g_test_add_func ("/testing/seed/not-a-number", test_not_a_number);
  g_test_add_func ("/testing/seed/abort-names-it", test_abort_names_it);
  g_test_add_data_func ("/testing/seed/failure-names-it", "/testing/failing/fails", test_failure_names_it);
  g_test_add_data_func ("/testing/seed/failure-when-cancelled-names-it", "/testing/failing/cancelled", test_failure_names_it);
  g_test_add_func ("/testing/seed/failure-without-seed", test_failure_without_seed);
  coro_test_add_func ("/testing/settle/lets-all-happen", settle_lets_all_happen_cb);
  coro_test_add_func ("/testing/settle/takes-no-time", settle_takes_no_time_cb);
  coro_test_add_func ("/testing/settle/several", several_settle_cb);
  coro_test_add_func ("/testing/settle/cancelled", settle_cancelled_cb);
  g_test_add_func ("/testing/settle/outside", test_settle_outside);

  return g_test_run ();
}
