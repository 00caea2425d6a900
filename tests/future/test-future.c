/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Futures in one thread.
 */
#include "lib/context.h"

static GError *
new_error (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "bad");
}

/* --- states ----------------------------------------------------------------------- */

static void
test_pending (void)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (coro_future_get_state (future), ==, CORO_FUTURE_PENDING);
  g_assert_false (coro_future_is_done (future));
  g_assert_null (coro_future_get_value (future));
  g_assert_null (coro_future_get_error (future));
  g_assert_false (coro_future_get_result (future, NULL, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NO_RESULT);
}

static void
assert_done_for_good (CoroFuture *future)
{
  CoroFutureState state = coro_future_get_state (future);

  g_assert_true (coro_future_is_done (future));
  g_assert_false (coro_future_resolve_int (future, 5));
  g_assert_false (coro_future_resolve_string (future, "five"));
  g_assert_false (coro_future_resolve (future, NULL));
  g_assert_false (coro_future_reject (future, new_error ()));
  g_assert_false (coro_future_cancel (future));
  g_assert_cmpint (coro_future_get_state (future), ==, state);
}

static void
test_resolved (void)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_true (coro_future_resolve_int (future, 42));
  g_assert_cmpint (coro_future_get_state (future), ==, CORO_FUTURE_RESOLVED);
  assert_done_for_good (future);
  g_assert_cmpint (g_value_get_int (coro_future_get_value (future)), ==, 42);
  g_assert_null (coro_future_get_error (future));
  g_assert_true (coro_future_get_result (future, &value, NULL));
  g_assert_cmpint (g_value_get_int (&value), ==, 42);
}

static void
test_rejected (void)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_future_reject (future, new_error ()));
  g_assert_cmpint (coro_future_get_state (future), ==, CORO_FUTURE_REJECTED);
  assert_done_for_good (future);
  g_assert_null (coro_future_get_value (future));
  g_assert_error (coro_future_get_error (future), G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_false (coro_future_get_result (future, &value, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_true (error != coro_future_get_error (future));
  g_assert_false (G_IS_VALUE (&value));
}

static void
test_cancelled (void)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_future_cancel (future));
  g_assert_cmpint (coro_future_get_state (future), ==, CORO_FUTURE_CANCELLED);
  assert_done_for_good (future);
  assert_cancelled (coro_future_get_error (future));
  g_assert_false (coro_future_get_result (future, NULL, &error));
  assert_cancelled (error);
}

static void
test_every_kind_of_value (void)
{
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (CoroFuture) flag = coro_future_new ();
  g_autoptr (CoroFuture) text = coro_future_new ();
  g_autoptr (CoroFuture) no_text = coro_future_new ();
  g_autoptr (CoroFuture) thing = coro_future_new ();
  g_autoptr (CoroFuture) no_thing = coro_future_new ();
  g_autoptr (CoroFuture) nothing = coro_future_new ();
  g_auto (GValue) value = G_VALUE_INIT;

  coro_future_resolve_boolean (flag, TRUE);
  g_assert_true (g_value_get_boolean (coro_future_get_value (flag)));
  coro_future_resolve_string (text, "text");
  g_assert_cmpstr (g_value_get_string (coro_future_get_value (text)), ==, "text");
  coro_future_resolve_string (no_text, NULL);
  g_assert_null (g_value_get_string (coro_future_get_value (no_text)));
  coro_future_resolve_object (thing, object);
  g_assert_true (g_value_get_object (coro_future_get_value (thing)) == object);
  coro_future_resolve_object (no_thing, NULL);
  g_assert_null (g_value_get_object (coro_future_get_value (no_thing)));
  coro_future_resolve (nothing, NULL);
  g_assert_null (coro_future_get_value (nothing));
  g_assert_true (coro_future_get_result (nothing, &value, NULL));
  g_assert_false (G_IS_VALUE (&value));
  g_assert_true (coro_future_get_result (text, NULL, NULL));
}

static void
test_value_is_released (void)
{
  GObject *object = g_object_new (G_TYPE_OBJECT, NULL);
  CoroFuture *future = coro_future_new ();
  gpointer weak = object;

  g_object_add_weak_pointer (object, &weak);
  coro_future_resolve_object (future, object);
  g_object_unref (object);
  settle (NULL);                /* before the first dispatch it goes by message */
  g_assert_nonnull (weak);
  g_object_unref (future);
  g_assert_null (weak);
}

static void
test_made_done (void)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = new_error ();
  g_autoptr (CoroFuture) resolved = NULL;
  g_autoptr (CoroFuture) rejected = NULL;

  g_value_init (&value, G_TYPE_DOUBLE);
  g_value_set_double (&value, 0.5);
  resolved = coro_future_new_for_value (&value);
  g_assert_cmpfloat (g_value_get_double (coro_future_get_value (resolved)), ==, 0.5);
  rejected = coro_future_new_for_error (error);
  g_assert_error (coro_future_get_error (rejected), G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

/* --- errors that remain unread ---------------------------------------------------- */

static void
test_unread_error_is_said_once (void)
{
  CoroFuture *future = coro_future_new ();

  coro_future_reject (future, new_error ());
  settle (NULL);
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*The error of a CoroFuture was never retrieved: bad*");
  g_object_unref (future);
  g_test_assert_expected_messages ();
}

static void
test_read_error_is_not_said (void)
{
  g_autoptr (CoroFuture) looked_at = coro_future_new ();
  g_autoptr (CoroFuture) asked = coro_future_new ();
  g_autoptr (CoroFuture) cancelled = coro_future_new ();

  coro_future_reject (looked_at, new_error ());
  coro_future_get_error (looked_at);
  coro_future_reject (asked, new_error ());
  coro_future_get_result (asked, NULL, NULL);
  coro_future_cancel (cancelled);
}

static gboolean
await_int_cb (gpointer   future,
              GValue    *result,
              GError   **error)
{
  int value = coro_await_int (future, error);

  return *error == NULL && coro_return_int (result, value);
}

static gboolean
awaited_error_is_not_said_cb (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  coro_future_reject (future, new_error ());
  g_assert_false (coro_await (future, NULL, NULL));
  return TRUE;
}

/* --- callbacks -------------------------------------------------------------------- */

static void
note_done_cb (CoroFuture  *future,
              gpointer     text,
              GError     **error)
{
  note (text);
}

static void
note_destroy_cb (gpointer text)
{
  note ("destroy");
}

static void
test_callbacks_in_order (void)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  coro_future_on_done (future, note_done_cb, "1", NULL);
  coro_future_on_done (future, note_done_cb, "2", note_destroy_cb);
  coro_future_on_done (future, note_done_cb, "3", NULL);
  coro_future_resolve (future, NULL);
  assert_trace ("");            /* never from inside */
  settle (NULL);
  assert_trace ("1 2 destroy 3");

  coro_future_on_done (future, note_done_cb, "4", note_destroy_cb);
  coro_future_on_done (future, note_done_cb, "5", NULL);
  assert_trace ("");
  settle (NULL);
  assert_trace ("4 destroy 5");
}

static void
add_more_cb (CoroFuture  *future,
             gpointer     text,
             GError     **error)
{
  note (text);
  coro_future_on_done (future, note_done_cb, "added", NULL);
}

static void
test_callback_adds_another (void)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  coro_future_on_done (future, add_more_cb, "1", NULL);
  coro_future_on_done (future, note_done_cb, "2", NULL);
  coro_future_cancel (future);
  settle (NULL);
  assert_trace ("1 2 added");
}

static void
unref_future_cb (CoroFuture  *future,
                 gpointer     user_data,
                 GError     **error)
{
  g_object_unref (*(CoroFuture **) user_data);
  *(CoroFuture **) user_data = NULL;
  g_assert_true (coro_future_is_done (future));
}

static void
test_callback_drops_the_future (void)
{
  CoroFuture *future = coro_future_new ();

  coro_future_on_done (future, unref_future_cb, &future, NULL);
  coro_future_on_done (future, note_done_cb, "2", NULL);
  coro_future_resolve (future, NULL);
  settle (NULL);
  g_assert_null (future);
  assert_trace ("2");
}

static void
failing_done_cb (CoroFuture  *future,
                 gpointer     user_data,
                 GError     **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "callback");
}

static void
test_callback_error_is_said (void)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  coro_future_on_done (future, failing_done_cb, NULL, NULL);
  coro_future_on_done (future, note_done_cb, "next", NULL);
  coro_future_resolve (future, NULL);
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*callback*");
  settle (NULL);
  g_test_assert_expected_messages ();
  assert_trace ("next");
}

/* A future that is never done takes its callbacks with it. */
static void
note_outcome_cb (CoroFuture  *future,
                 gpointer     user_data,
                 GError     **error)
{
  note (g_error_matches (coro_future_get_error (future), G_IO_ERROR, G_IO_ERROR_CANCELLED) ? "cancelled" : "done");
  g_assert_true (coro_future_is_done (future));
}

static void
freed_cb (gpointer  data,
          GObject  *object)
{
  note ("freed");
}

/* A dropped future can never be completed any more, so its callbacks are told. */
static void
test_dropped_with_callbacks (void)
{
  CoroFuture *future = coro_future_new ();

  coro_future_on_done (future, note_outcome_cb, NULL, note_destroy_cb);
  coro_future_on_done (future, note_outcome_cb, NULL, NULL);
  settle (NULL);                /* before the first dispatch it goes by message */
  g_object_unref (future);
  assert_trace ("");
  settle (NULL);
  assert_trace ("cancelled destroy cancelled");
}

static gboolean
dropped_sleep_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  CoroFuture *future = coro_sleep_future (SECOND);
  gint64 start = now ();

  coro_future_on_done (future, note_outcome_cb, NULL, note_destroy_cb);
  g_object_unref (future);
  if (!coro_sleep (SECOND / 2, error))
    return FALSE;
  assert_trace ("cancelled destroy");

  /* The timer has gone with it. */
  if (!coro_sleep (SECOND, error))
    return FALSE;
  assert_trace ("");
  g_assert_cmpint (now () - start, ==, SECOND + SECOND / 2);
  return TRUE;
}

/* Without a callback it is gone at once, and with it what it was waiting for. */
static gboolean
dropped_alone_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  CoroFuture *future = coro_sleep_future (SECOND);

  g_object_weak_ref (G_OBJECT (future), freed_cb, NULL);
  g_object_unref (future);
  assert_trace ("freed");
  return coro_sleep (2 * SECOND, error);
}

static gpointer
drop_in_thread (gpointer future)
{
  g_object_unref (future);
  return NULL;
}

static void
test_dropped_in_another_thread (void)
{
  CoroFuture *future = coro_future_new ();

  coro_future_on_done (future, note_outcome_cb, NULL, note_destroy_cb);
  settle (NULL);
  g_thread_join (g_thread_new ("dropper", drop_in_thread, future));
  assert_trace ("");
  settle (NULL);
  assert_trace ("cancelled destroy");
}

static void
test_callbacks_in_own_context (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroFuture) future = future_new_in (context);

  coro_future_on_done (future, note_done_cb, "done", NULL);
  coro_future_resolve (future, NULL);
  settle (NULL);
  assert_trace ("");
  settle (context);
  assert_trace ("done");
}

/* --- awaiting --------------------------------------------------------------------- */

static gboolean
await_gets_value_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) one = coro_spawn_task (await_int_cb, future, NULL);
  g_autoptr (CoroTask) two = coro_spawn_task (await_int_cb, future, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpint (coro_task_get_coroutine_state (one), ==, CORO_COROUTINE_SUSPENDED);
  coro_future_resolve_int (future, 42);
  g_assert_false (coro_future_is_done (CORO_FUTURE (one)));     /* nothing runs inside resolve */
  g_assert_cmpint (coro_await_int (one, error), ==, 42);
  g_assert_cmpint (coro_await_int (two, error), ==, 42);
  g_assert_cmpint (coro_await_int (one, error), ==, 42);        /* awaiting consumes nothing */
  return *error == NULL;
}

static gboolean
await_gets_error_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  CoroTask *tasks[3];

  for (int i = 0; i < 3; i++)
    tasks[i] = coro_spawn_task (await_int_cb, future, NULL);
  if (!coro_yield (error))
    return FALSE;
  coro_future_reject (future, new_error ());
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (GError) local_error = NULL;

      g_assert_false (coro_await (tasks[i], NULL, &local_error));
      g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
      g_assert_cmpstr (local_error->message, ==, "bad");
      g_object_unref (tasks[i]);
    }
  return TRUE;
}

static gboolean
idle_cb (gpointer counter)
{
  ++*(int *) counter;
  return G_SOURCE_CONTINUE;
}

static gboolean
ready_takes_no_turn_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  g_autoptr (CoroFuture) future = coro_future_new_for_value (NULL);
  int n_idle = 0;

  coro_test_keep_order (NULL);
  g_source_set_callback (source, idle_cb, &n_idle, NULL);
  g_source_set_priority (source, G_PRIORITY_HIGH);
  g_source_attach (source, g_main_context_get_thread_default ());
  coro_scheduler_set_time_slice (coro_scheduler_get_running (), SECOND);
  if (!coro_sleep (0, error))
    return FALSE;
  coro_spawn (fail_cb, "must not run in between", NULL);
  n_idle = 0;
  for (int i = 0; i < 10; i++)
    if (!coro_await (future, NULL, error))
      return FALSE;
  g_assert_cmpint (n_idle, ==, 0);
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*must not run in between*");
  if (!coro_yield (error))
    return FALSE;
  g_test_assert_expected_messages ();
  g_source_destroy (source);
  return TRUE;
}

static void
test_await_outside (void)
{
  g_autoptr (CoroFuture) pending = coro_future_new ();
  g_autoptr (CoroFuture) done = coro_future_new ();
  g_autoptr (GError) error = NULL;

  g_assert_false (coro_await (pending, NULL, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
  coro_future_resolve_int (done, 5);
  g_assert_cmpint (coro_await_int (done, NULL), ==, 5);
}

static gboolean
cancelled_future_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) task = coro_spawn_task (await_int_cb, future, NULL);
  g_autoptr (GError) local_error = NULL;

  if (!coro_yield (error))
    return FALSE;
  coro_future_cancel (future);
  g_assert_false (coro_await (task, NULL, &local_error));
  assert_cancelled (local_error);
  g_assert_cmpint (coro_task_get_cancelling (coro_task_get_current ()), ==, 0);
  return TRUE;
}

/* --- typed awaits ----------------------------------------------------------------- */

#define ASSERT_TYPED(future, kind, expected, assertion)                      \
  G_STMT_START                                                               \
    {                                                                        \
      assertion (coro_await_##kind (future, error), ==, expected);           \
      g_assert_no_error (*error);                                            \
    }                                                                        \
  G_STMT_END

static CoroFuture *
new_for (GType       type,
         const char *name)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, type);
  if (type == G_TYPE_INT64)
    g_value_set_int64 (&value, G_MININT64);
  else if (type == G_TYPE_DOUBLE)
    g_value_set_double (&value, 0.25);
  else if (type == G_TYPE_VARIANT)
    g_value_set_variant (&value, g_variant_new_string (name));
  else if (type == G_TYPE_BYTES)
    g_value_take_boxed (&value, g_bytes_new_static (name, strlen (name)));
  else if (type == G_TYPE_FILE)
    g_value_take_object (&value, g_file_new_for_path (name));
  return coro_future_new_for_value (&value);
}

static gboolean
typed_awaits_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroFuture) flag = coro_future_new ();
  g_autoptr (CoroFuture) number = coro_future_new ();
  g_autoptr (CoroFuture) text = coro_future_new ();
  g_autoptr (CoroFuture) large = new_for (G_TYPE_INT64, NULL);
  g_autoptr (CoroFuture) real = new_for (G_TYPE_DOUBLE, NULL);
  g_autoptr (CoroFuture) variant_future = new_for (G_TYPE_VARIANT, "v");
  g_autoptr (CoroFuture) bytes_future = new_for (G_TYPE_BYTES, "bytes");
  g_autoptr (CoroFuture) file_future = new_for (G_TYPE_FILE, "/file");
  g_autofree char *string = NULL;
  g_autoptr (GVariant) variant = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GFile) file = NULL;

  coro_future_resolve_boolean (flag, TRUE);
  coro_future_resolve_int (number, -7);
  coro_future_resolve_string (text, "text");

  g_assert_true (coro_await_boolean (flag, error));
  ASSERT_TYPED (number, int, -7, g_assert_cmpint);
  ASSERT_TYPED (large, int64, G_MININT64, g_assert_cmpint);
  ASSERT_TYPED (real, double, 0.25, g_assert_cmpfloat);
  string = coro_await_string (text, error);
  g_assert_cmpstr (string, ==, "text");
  variant = coro_await_variant (variant_future, error);
  g_assert_cmpstr (g_variant_get_string (variant, NULL), ==, "v");
  bytes = coro_await_boxed (bytes_future, G_TYPE_BYTES, error);
  g_assert_cmpint (g_bytes_get_size (bytes), ==, 5);
  file = coro_await_object (file_future, error);
  g_assert_cmpstr (g_file_peek_path (file), ==, "/file");
  return *error == NULL;
}

static gboolean
type_mismatch_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (CoroFuture) text = coro_future_new ();
  g_autoptr (CoroFuture) empty = coro_future_new_for_value (NULL);
  g_autoptr (GError) first = NULL;
  g_autoptr (GError) second = NULL;
  g_autoptr (GError) third = NULL;

  coro_future_resolve_string (text, "text");
  g_assert_cmpint (coro_await_int (text, &first), ==, 0);
  g_assert_error (first, CORO_ERROR, CORO_ERROR_TYPE_MISMATCH);
  g_assert_null (coro_await_boxed (text, G_TYPE_BYTES, &second));
  g_assert_error (second, CORO_ERROR, CORO_ERROR_TYPE_MISMATCH);
  g_assert_cmpint (coro_await_int (empty, &third), ==, 0);
  g_assert_error (third, CORO_ERROR, CORO_ERROR_TYPE_MISMATCH);
  g_assert_cmpint (coro_await_int (text, NULL), ==, 0);
  return TRUE;
}

static gboolean
result_across_a_yield_cb (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
  GObject *awaited;

  coro_future_resolve_object (future, object);
  awaited = coro_await_object (future, error);
  g_assert_true (awaited == object);
  g_assert_cmpint (object->ref_count, ==, 3);   /* ours, the future's, the awaited */
  g_object_unref (awaited);
  return TRUE;
}

/* --- many callbacks, late callbacks ------------------------------------------------- */

static void
count_call_cb (CoroFuture  *future,
               gpointer     counter,
               GError     **error)
{
  ++*(int *) counter;
}

/* To take back the last of many makes an index, which goes with the callbacks. */
static void
test_many_callbacks (void)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  int counters[100] = { 0, };

  for (guint i = 0; i < G_N_ELEMENTS (counters); i++)
    coro_future_on_done (future, count_call_cb, &counters[i], NULL);
  settle (NULL);                /* before the first dispatch it goes by message */
  g_assert_cmpuint (coro_future_remove_on_done (future, count_call_cb, &counters[99]), ==, 1);
  g_assert_cmpuint (coro_future_remove_on_done (future, count_call_cb, &counters[98]), ==, 1);
  g_assert_cmpuint (coro_future_remove_on_done (future, count_call_cb, &counters[98]), ==, 0);
  coro_future_resolve (future, NULL);
  settle (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (counters); i++)
    g_assert_cmpint (counters[i], ==, i < 98 ? 1 : 0);
}

static void
add_too_late_cb (gpointer  text,
                 GObject  *future)
{
  coro_future_on_done (CORO_FUTURE (future), note_done_cb, text, note_destroy_cb);
  coro_future_on_done (CORO_FUTURE (future), note_done_cb, text, note_destroy_cb);
}

/* While a future is disposed of it is too late for a callback: it is not called, but freed, and
 * not inside the call that drops the future. */
static void
test_callback_for_a_dying_future (void)
{
  CoroFuture *future = coro_future_new ();

  coro_call_soon (note_destroy_cb, NULL, NULL);
  settle (NULL);
  assert_trace ("destroy");
  g_object_weak_ref (G_OBJECT (future), add_too_late_cb, (gpointer) "called");
  g_object_unref (future);
  assert_trace ("");
  settle (NULL);
  assert_trace ("destroy destroy");
}

static gboolean
return_object_cb (gpointer   object,
                  GValue    *result,
                  GError   **error)
{
  return coro_return_object (result, object);
}

/* The result has a reference of its own. */
static gboolean
return_object_keeps_ours_cb (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (CoroTask) task = coro_spawn_task (return_object_cb, object, NULL);
  g_autoptr (CoroTask) none = coro_spawn_task (return_object_cb, NULL, NULL);
  g_autoptr (GObject) awaited = coro_await_object (task, error);

  g_assert_true (awaited == object);
  g_clear_object (&awaited);
  g_clear_object (&task);
  g_assert_cmpint (object->ref_count, ==, 1);
  g_assert_null (coro_await_object (none, error));
  return *error == NULL;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/spec/S250/pending", test_pending);
  g_test_add_func ("/spec/S255/resolved-once", test_resolved);
  g_test_add_func ("/future/rejected-once", test_rejected);
  g_test_add_func ("/future/cancelled-once", test_cancelled);
  g_test_add_func ("/future/every-kind-of-value", test_every_kind_of_value);
  g_test_add_func ("/future/value-is-released", test_value_is_released);
  g_test_add_func ("/future/made-done", test_made_done);
  g_test_add_func ("/spec/S332/unread-error-is-said-once", test_unread_error_is_said_once);
  g_test_add_func ("/future/read-error-is-not-said", test_read_error_is_not_said);
  coro_test_add_func ("/future/awaited-error-is-not-said", awaited_error_is_not_said_cb);
  g_test_add_func ("/future/callbacks/in-order", test_callbacks_in_order);
  g_test_add_func ("/future/callbacks/add-another", test_callback_adds_another);
  g_test_add_func ("/future/callbacks/drop-the-future", test_callback_drops_the_future);
  g_test_add_func ("/future/callbacks/error-is-said", test_callback_error_is_said);
  g_test_add_func ("/future/callbacks/dropped-future-is-cancelled", test_dropped_with_callbacks);
  g_test_add_func ("/future/callbacks/dropped-in-another-thread", test_dropped_in_another_thread);
  coro_test_add_func ("/future/callbacks/dropped-operation-is-cancelled", dropped_sleep_cb);
  coro_test_add_func ("/future/dropped-operation-is-undone", dropped_alone_cb);
  g_test_add_func ("/future/callbacks/in-own-context", test_callbacks_in_own_context);
  coro_test_add_func ("/spec/S253/await-gets-value", await_gets_value_cb);
  coro_test_add_func ("/spec/S257/every-waiter-gets-the-error", await_gets_error_cb);
  coro_test_add_func ("/spec/S252/ready-takes-no-turn", ready_takes_no_turn_cb);
  g_test_add_func ("/spec/S055/await-outside", test_await_outside);
  coro_test_add_func ("/spec/S258/await-cancelled", cancelled_future_cb);
  coro_test_add_func ("/spec/S016/typed-awaits", typed_awaits_cb);
  coro_test_add_func ("/future/type-mismatch", type_mismatch_cb);
  coro_test_add_func ("/future/object-is-referenced", result_across_a_yield_cb);
  g_test_add_func ("/future/callbacks/many", test_many_callbacks);
  g_test_add_func ("/future/callbacks/for-a-dying-future", test_callback_for_a_dying_future);
  coro_test_add_func ("/future/return-object-keeps-ours", return_object_keeps_ours_cb);

  return g_test_run ();
}
