/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "debug/debug-util.h"

/* Notes what happens to coroutines that are named "traced". */
static GList *awaited;          /* (element-type GObject): by each event that has one */
static gboolean result_failed;

static const char * const event_names[] = {
  "created", "started", "awaiting", "suspended", "resumed", "result",
  "returned", "failed", "cancelled", "finished", "freed",
};

static void
trace_cb (const CoroTraceRecord *record,
          gpointer               user_data)
{
  if (record->site == NULL || !g_str_has_prefix (record->site, "traced"))
    return;

  note (event_names[record->event]);
  if (record->event == CORO_TRACE_AWAITING || record->event == CORO_TRACE_SUSPENDED)
    awaited = g_list_append (awaited, record->awaited);
  else
    g_assert_null (record->awaited);
  if (record->event != CORO_TRACE_RESULT)
    g_assert_cmpint (record->error != NULL, ==,
                     record->event == CORO_TRACE_FAILED || record->event == CORO_TRACE_CANCELLED);
  else
    result_failed = record->error != NULL;
}

static void
begin_trace (void)
{
  g_clear_pointer (&awaited, g_list_free);
  coro_scheduler_set_tracer (scheduler (), trace_cb, NULL, NULL);
}

static gboolean
traced_await_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  return coro_await (user_data, NULL, error);
}

static gboolean
traced_return_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  return TRUE;
}

static gboolean
test_awaiting_and_failing_task (gpointer   user_data,
                                GValue    *result,
                                GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) task = NULL;

  begin_trace ();
  task = coro_spawn_task (traced_await_cb, future, NULL);
  assert_trace ("created");

  g_assert_true (coro_test_settle (error));
  assert_trace ("started awaiting suspended");
  g_assert_cmpuint (g_list_length (awaited), ==, 2);
  g_assert_true (awaited->data == future);
  g_assert_true (awaited->next->data == future);

  coro_future_reject (future, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "no"));
  g_assert_false (coro_await (task, NULL, NULL));
  assert_trace ("resumed result failed finished freed");
  g_assert_false (result_failed);      /* of the wait: the future did come, with an error */
  return TRUE;
}

/* The five steps of an await: made, it waits, it is parked, the loop goes on with it, it
 * has the result. */
static gboolean
test_five_steps_of_an_await (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) task = NULL;

  begin_trace ();
  task = coro_spawn_task (traced_await_cb, future, NULL);
  g_assert_true (coro_test_settle (error));
  coro_future_resolve_int (future, 1);
  g_assert_true (coro_await (task, NULL, error));
  assert_trace ("created started awaiting suspended resumed result returned finished freed");
  g_assert_false (result_failed);
  return TRUE;
}

static gboolean
test_what_is_there_is_no_wait (gpointer   user_data,
                               GValue    *result,
                               GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) task = NULL;

  coro_future_resolve_int (future, 1);
  begin_trace ();
  task = coro_spawn_task (traced_await_cb, future, NULL);
  g_assert_true (coro_await (task, NULL, error));
  assert_trace ("created started returned finished freed");
  return TRUE;
}

static gboolean
test_cancelled_task (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) task = NULL;

  begin_trace ();
  task = coro_spawn_task (traced_await_cb, future, NULL);
  g_assert_true (coro_test_settle (error));
  coro_task_cancel (task);
  g_assert_true (coro_join (task, error));
  assert_trace ("created started awaiting suspended resumed result cancelled finished freed");
  g_assert_true (result_failed);
  return TRUE;
}

static gboolean
test_returning_task (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroTask) task = NULL;

  begin_trace ();
  task = coro_spawn_task (traced_return_cb, NULL, NULL);
  g_assert_true (coro_await (task, NULL, error));
  assert_trace ("created started returned finished freed");
  return TRUE;
}

/* --- the four outcomes of a step ------------------------------------------------------ */

typedef struct
{
  CoroTask *task;               /* (owned) */
  int n_events[CORO_TRACE_FREED + 1];
} Traced;

static void
count_cb_by_name (const CoroTraceRecord *record,
                  gpointer               user_data)
{
  Traced *tasks = user_data;

  if (record->name != NULL && g_str_has_prefix (record->name, "task "))
    tasks[record->name[strlen ("task ")] - '0'].n_events[record->event]++;
}

static gboolean
traced_fail_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no");
  return FALSE;
}

static void
assert_outcomes (const Traced *self,
                 int           n_suspended,
                 int           n_returned,
                 int           n_failed,
                 int           n_cancelled)
{
  g_assert_cmpint (self->n_events[CORO_TRACE_SUSPENDED], ==, n_suspended);
  g_assert_cmpint (self->n_events[CORO_TRACE_RETURNED], ==, n_returned);
  g_assert_cmpint (self->n_events[CORO_TRACE_FAILED], ==, n_failed);
  g_assert_cmpint (self->n_events[CORO_TRACE_CANCELLED], ==, n_cancelled);
}

/* A task that awaits, one that returns, one that fails and one that is cancelled. */
static gboolean
test_four_outcomes (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  static const CoroFunc bodies[] = { traced_await_cb, traced_return_cb, traced_fail_cb, forever_cb };
  g_autoptr (CoroFuture) future = coro_future_new ();
  Traced tasks[4] = { { NULL, }, };

  coro_scheduler_set_tracer (scheduler (), count_cb_by_name, tasks, NULL);
  for (int i = 0; i < 4; i++)
    {
      g_autofree char *name = g_strdup_printf ("task %d", i);

      tasks[i].task = coro_spawn_task (bodies[i], future, NULL);
      coro_task_set_name (tasks[i].task, name);
    }
  coro_task_cancel (tasks[3].task);
  g_assert_true (coro_test_settle (error));
  assert_outcomes (&tasks[0], 1, 0, 0, 0);
  assert_outcomes (&tasks[1], 0, 1, 0, 0);
  assert_outcomes (&tasks[2], 0, 0, 1, 0);
  assert_outcomes (&tasks[3], 0, 0, 0, 1);

  coro_future_resolve_int (future, 1);
  for (int i = 0; i < 4; i++)
    {
      g_assert_cmpint (coro_await (tasks[i].task, NULL, NULL), ==, i < 2);
      g_object_unref (tasks[i].task);
    }
  assert_outcomes (&tasks[0], 1, 1, 0, 0);
  coro_scheduler_set_tracer (scheduler (), NULL, NULL, NULL);
  return TRUE;
}

/* --- the tracer ----------------------------------------------------------------------- */

static gboolean
test_no_more_events_without_tracer (gpointer   user_data,
                                    GValue    *result,
                                    GError   **error)
{
  g_autoptr (CoroTask) task = NULL;

  begin_trace ();
  coro_scheduler_set_tracer (scheduler (), NULL, NULL, NULL);
  task = coro_spawn_task (traced_return_cb, NULL, NULL);
  g_assert_true (coro_await (task, NULL, error));
  assert_trace ("");
  return TRUE;
}

static int n_freed;

static gboolean
replace_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  coro_scheduler_set_tracer (scheduler (), trace_cb, &n_freed, count_cb);
  coro_scheduler_set_tracer (scheduler (), trace_cb, &n_freed, count_cb);
  g_assert_cmpint (n_freed, ==, 1);
  return TRUE;
}

static void
test_data_is_freed_once (void)
{
  g_autoptr (GError) error = NULL;

  n_freed = 0;
  coro_run (replace_cb, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (n_freed, ==, 2);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("A tracer is told what happens to coroutines, in order");

  coro_test_add_func ("/spec/S216-S364/awaiting-and-failing-task", test_awaiting_and_failing_task);
  coro_test_add_func ("/spec/S195/five-steps-of-an-await", test_five_steps_of_an_await);
  coro_test_add_func ("/spec/S195/what-is-there-is-no-wait", test_what_is_there_is_no_wait);
  coro_test_add_func ("/spec/S216-S364/cancelled-task", test_cancelled_task);
  coro_test_add_func ("/spec/S216/returning-task", test_returning_task);
  coro_test_add_func ("/spec/S216/four-outcomes", test_four_outcomes);
  coro_test_add_func ("/debug/tracer/no-more-events-without-tracer", test_no_more_events_without_tracer);
  g_test_add_func ("/debug/tracer/data-is-freed-once", test_data_is_freed_once);

  return g_test_run ();
}
