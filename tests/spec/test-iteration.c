/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Iterators, and what generators are not: S279 to S292, S296, S326, S349, S350.
 */
#include "test-util.h"

#include <sys/socket.h>
#include <unistd.h>

/* --- an iterator that is no generator ------------------------------------------------- */

#define TEST_TYPE_COUNTER (test_counter_get_type ())
G_DECLARE_FINAL_TYPE (TestCounter, test_counter, TEST, COUNTER, GObject)

struct _TestCounter
{
  GObject parent_instance;

  int next;
  int last;
  int fail_at;                  /* 0: never */
  GQuark domain;                /* of that failure; 0: none is said */
  int code;
  gboolean says_true;           /* although it fails */
  gboolean gives_both;          /* a value with its failure */
};

static gboolean
test_counter_next (CoroIterator  *iterator,
                   GValue        *value,
                   GError       **error)
{
  TestCounter *self = TEST_COUNTER (iterator);

  if (!coro_sleep (MILLISECOND, error))
    return FALSE;
  if (self->next == self->fail_at)
    {
      if (self->domain != 0)
        g_set_error_literal (error, self->domain, self->code, "the third is broken");
      if (self->gives_both)
        coro_return_int (value, 3);
      return self->says_true;
    }
  return self->next > self->last || coro_return_int (value, self->next++);
}

static void
test_counter_iterator_init (CoroIteratorInterface *iface)
{
  iface->next = test_counter_next;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestCounter, test_counter, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CORO_TYPE_ITERATOR, test_counter_iterator_init))

static void
test_counter_class_init (TestCounterClass *klass)
{
}

static void
test_counter_init (TestCounter *self)
{
  self->next = 1;
}

static TestCounter *
counter_new (int last)
{
  TestCounter *self = g_object_new (TEST_TYPE_COUNTER, NULL);

  self->last = last;
  return self;
}

static TestCounter *
broken_counter_new (GQuark domain,
                    int    code)
{
  TestCounter *self = counter_new (5);

  self->fail_at = 3;
  self->domain = domain;
  self->code = code;
  return self;
}

/* The sum of what an iteration gives. */
static gboolean
sum_up (gpointer   iterator,
        int       *sum,
        GError   **error)
{
  g_auto (CoroLoop) loop = coro_loop_enter (iterator, error);
  g_auto (GValue) value = G_VALUE_INIT;

  while (coro_loop_next (&loop, &value))
    *sum = 10 * *sum + g_value_get_int (&value);
  return coro_loop_ok (&loop);
}

/* --- iterators ------------------------------------------------------------------------ */

static gboolean
test_all_in_order (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (TestCounter) counter = counter_new (4);
  int sum = 0;

  g_assert_true (sum_up (counter, &sum, error));
  g_assert_cmpint (sum, ==, 1234);
  g_assert_no_error (*error);
  return TRUE;
}

static gboolean
test_failure_is_no_end (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (TestCounter) counter = broken_counter_new (G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_autoptr (GError) local_error = NULL;
  int sum = 0;

  g_assert_false (sum_up (counter, &sum, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_cmpint (sum, ==, 12);
  return TRUE;
}

static gboolean
lines_of (CoroGenerator  *generator,
          gpointer        stream,
          GError        **error)
{
  while (TRUE)
    {
      g_auto (CoroOperation) op = CORO_OPERATION_INIT;
      GError *local_error = NULL;
      g_autofree char *line =
        g_data_input_stream_read_line_finish (stream, CORO_CALL (&op, g_data_input_stream_read_line_async,
                                                                 stream, G_PRIORITY_DEFAULT), NULL, &local_error);

      if (line == NULL)
        {
          if (local_error != NULL)
            g_propagate_error (error, local_error);
          return local_error == NULL;
        }
      if (!coro_generator_produce_string (generator, line, error))
        return FALSE;
    }
}

/* Writes a line now and then, and closes. */
static gboolean
slow_writer_cb (gpointer   fd,
                GValue    *result,
                GError   **error)
{
  for (int i = 0; i < 3; i++)
    {
      if (!coro_sleep (10 * MILLISECOND, error))
        return FALSE;
      note ("write");
      g_assert_cmpint (write (GPOINTER_TO_INT (fd), "line\n", 5), ==, 5);
    }
  return close (GPOINTER_TO_INT (fd)) == 0;
}

static gboolean
test_items_need_io (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  int fds[2];
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GSocketConnection) connection = NULL;
  GInputStream *input;
  g_autoptr (CoroGenerator) lines = NULL;
  g_auto (GValue) line = G_VALUE_INIT;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_test_clock_stop (coro_scheduler_get_running ());         /* a clock that jumps waits for the reader */
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  socket = g_socket_new_from_fd (fds[0], error);
  connection = g_socket_connection_factory_create_connection (socket);
  input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  lines = coro_generator_new (G_TYPE_STRING, lines_of, g_data_input_stream_new (input), g_object_unref);
  coro_task_group_spawn (nursery.group, slow_writer_cb, GINT_TO_POINTER (fds[1]), NULL);

  {
    g_auto (CoroLoop) loop = coro_loop_enter (lines, error);

    while (coro_loop_next (&loop, &line))
      note (g_value_get_string (&line));
    g_assert_true (coro_loop_ok (&loop));
  }
  assert_trace ("write line write line write line");
  return coro_nursery_join (&nursery);
}

static gboolean
test_break_leaves_the_rest (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (TestCounter) counter = counter_new (3);
  int sum = 0;

  {
    g_auto (CoroLoop) loop = coro_loop_enter (counter, error);
    g_auto (GValue) value = G_VALUE_INIT;

    g_assert_true (coro_loop_next (&loop, &value));
  }

  /* It has nothing to close: it goes on. */
  g_assert_true (sum_up (counter, &sum, error));
  g_assert_cmpint (sum, ==, 23);
  return TRUE;
}

/* --- what may be read into an end ----------------------------------------------------- */

static gboolean
test_exhausted_is_no_failure (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  for (int says_true = 0; says_true <= 1; says_true++)
    {
      g_autoptr (TestCounter) counter = broken_counter_new (CORO_ERROR, CORO_ERROR_EXHAUSTED);
      g_autoptr (GError) local_error = NULL;
      int sum = 0;

      counter->says_true = says_true;
      g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*TestCounter*exhausted by an error*");
      g_assert_false (sum_up (counter, &sum, &local_error));
      g_test_assert_expected_messages ();
      g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
    }
  return TRUE;
}

static gboolean
exhausted_body (CoroGenerator  *generator,
                gpointer        user_data,
                GError        **error)
{
  g_set_error_literal (error, CORO_ERROR, CORO_ERROR_EXHAUSTED, "that is all");
  return FALSE;
}

static gboolean
test_exhausted_body (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, exhausted_body, NULL, NULL);
  g_autoptr (GError) local_error = NULL;
  int sum = 0;

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*CoroGenerator*exhausted by an error*");
  g_assert_false (sum_up (generator, &sum, &local_error));
  g_test_assert_expected_messages ();
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  return TRUE;
}

static gboolean
test_mute_failure (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (TestCounter) counter = broken_counter_new (0, 0);
  g_autoptr (GError) local_error = NULL;
  int sum = 0;

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*TestCounter*did not say why*");
  g_assert_false (sum_up (counter, &sum, &local_error));
  g_test_assert_expected_messages ();
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_NO_RESULT);
  return TRUE;
}

/* GIO's own iterations end without that code. */
static gboolean
test_exhausted_is_ours (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (GInputStream) empty = g_memory_input_stream_new ();
  g_autoptr (CoroGenerator) lines =
    coro_generator_new (G_TYPE_STRING, lines_of, g_data_input_stream_new (empty), g_object_unref);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) local_error = NULL;

  g_assert_true (coro_iterator_next (lines, &value, &local_error));
  g_assert_no_error (local_error);
  g_assert_false (G_IS_VALUE (&value));
  g_assert_false (coro_iterator_next_required (lines, &value, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_EXHAUSTED);
  return TRUE;
}

/* --- delegating ------------------------------------------------------------------------ */

/* Produces what it was sent; 9 after a failure. */
static gboolean
echo (CoroGenerator  *generator,
      gpointer        user_data,
      GError        **error)
{
  int value = 0;

  while (value < 5)
    {
      g_autoptr (GError) local_error = NULL;
      const GValue *sent;

      if (!coro_generator_produce_int (generator, value, &local_error))
        {
          note (local_error->domain == CORO_ERROR ? "closed" : "thrown");
          if (local_error->domain != CORO_ERROR)
            return coro_generator_produce_int (generator, 9, error);
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      sent = coro_generator_get_sent (generator);
      value = sent != NULL ? g_value_get_int (sent) : 5;
    }
  note ("ended");
  return TRUE;
}

static gboolean
delegating (CoroGenerator  *generator,
            gpointer        inner,
            GError        **error)
{
  if (!coro_generator_delegate (generator, inner, error))
    return FALSE;
  return coro_generator_produce_int (generator, 100, error);
}

static int
send_int (CoroGenerator *generator,
          int            number)
{
  g_auto (GValue) sent = G_VALUE_INIT;
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&sent, G_TYPE_INT);
  g_value_set_int (&sent, number);
  g_assert_true (coro_generator_send (generator, number == 0 ? NULL : &sent, &value, NULL));
  return G_IS_VALUE (&value) ? g_value_get_int (&value) : -1;
}

static CoroGenerator *
delegating_new (void)
{
  return coro_generator_new (G_TYPE_INT, delegating, coro_generator_new (G_TYPE_INT, echo, NULL, NULL),
                             g_object_unref);
}

static gboolean
test_send_reaches_the_inner (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  g_autoptr (CoroGenerator) outer = delegating_new ();

  g_assert_cmpint (send_int (outer, 0), ==, 0);
  g_assert_cmpint (send_int (outer, 3), ==, 3);
  g_assert_cmpint (send_int (outer, 4), ==, 4);
  g_assert_cmpint (send_int (outer, 5), ==, 100);
  g_assert_cmpint (send_int (outer, 0), ==, -1);
  assert_trace ("ended");
  return TRUE;
}

static gboolean
test_throw_reaches_the_inner (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  g_autoptr (CoroGenerator) outer = delegating_new ();
  g_autoptr (GError) busy = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "busy");
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_cmpint (send_int (outer, 0), ==, 0);
  g_assert_true (coro_generator_throw (outer, busy, &value, error));
  g_assert_cmpint (g_value_get_int (&value), ==, 9);
  g_assert_cmpint (send_int (outer, 0), ==, 100);
  assert_trace ("thrown");
  return coro_generator_close (outer, error);
}

static gboolean
test_close_reaches_the_inner (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  g_autoptr (CoroGenerator) outer = delegating_new ();

  g_assert_cmpint (send_int (outer, 0), ==, 0);
  g_assert_true (coro_generator_close (outer, error));
  assert_trace ("closed");
  return TRUE;
}

/* --- for callers outside of coroutines -------------------------------------------------- */

typedef struct
{
  GMainLoop *loop;
  GValue value;
  GError *error;
  gboolean ok;
  gboolean in_coroutine;
} Answer;

static void
answer_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  Answer *self = user_data;

  self->ok = coro_iterator_next_finish (CORO_ITERATOR (source), result, &self->value, &self->error);
  self->in_coroutine = coro_task_get_current () != NULL;
  g_main_loop_quit (self->loop);
}

static void
ask (gpointer      iterator,
     GCancellable *cancellable,
     Answer       *answer)
{
  *answer = (Answer) { g_main_loop_new (NULL, FALSE), G_VALUE_INIT, NULL, FALSE, FALSE };
  coro_iterator_next_async (iterator, cancellable, answer_cb, answer);
  g_main_loop_run (answer->loop);
  g_main_loop_unref (answer->loop);
}

static void
test_next_async (void)
{
  g_autoptr (TestCounter) counter = counter_new (1);
  Answer answer;

  ask (counter, NULL, &answer);
  g_assert_true (answer.ok);
  g_assert_false (answer.in_coroutine);
  g_assert_cmpint (g_value_get_int (&answer.value), ==, 1);
  g_value_unset (&answer.value);

  ask (counter, NULL, &answer);
  g_assert_true (answer.ok);
  g_assert_false (G_IS_VALUE (&answer.value));
}

static void
test_next_async_fails (void)
{
  g_autoptr (TestCounter) counter = broken_counter_new (G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  Answer answer;

  counter->next = 3;
  ask (counter, NULL, &answer);
  g_assert_false (answer.ok);
  g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_clear_error (&answer.error);
}

static void
test_next_async_cancelled (void)
{
  g_autoptr (TestCounter) counter = counter_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Answer answer;

  g_cancellable_cancel (cancellable);
  ask (counter, cancellable, &answer);
  g_assert_false (answer.ok);
  assert_cancelled (answer.error);
  g_clear_error (&answer.error);
  g_assert_cmpint (counter->next, ==, 1);
}

static gboolean
wait_then_object (CoroGenerator  *generator,
                  gpointer        future,
                  GError        **error)
{
  g_autoptr (GObject) object = NULL;

  note ("begun");
  object = coro_await_object (future, error);
  return object != NULL && coro_generator_produce_object (generator, object, error);
}

static gboolean
cancel_cb (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

/* The request comes while the generator waits for its first value. */
static void
test_next_async_cancelled_in_the_middle (void)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_OBJECT, wait_then_object, future, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Answer answer;

  g_idle_add_full (G_PRIORITY_LOW, cancel_cb, cancellable, NULL);
  ask (generator, cancellable, &answer);
  assert_trace ("begun");
  g_assert_false (answer.ok);
  assert_cancelled (answer.error);
  g_clear_error (&answer.error);
  g_assert_true (coro_future_is_done (future));

  /* The body has ended with it. */
  ask (generator, NULL, &answer);
  g_assert_true (answer.ok);
  g_assert_false (G_IS_VALUE (&answer.value));
}

static void
leave_unread_cb (GObject      *source,
                 GAsyncResult *result,
                 gpointer      n_calls)
{
  ++*(int *) n_calls;
}

/* A value that the callback leaves alone is freed, and so is the mark of the end. */
static void
test_next_async_unread (void)
{
  CoroFuture *future = coro_future_new ();
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_OBJECT, wait_then_object, future, g_object_unref);
  GObject *object = g_object_new (G_TYPE_OBJECT, NULL);
  int n_calls = 0;

  g_object_add_weak_pointer (object, (gpointer *) &object);
  coro_future_resolve_object (future, object);
  g_object_unref (object);

  coro_iterator_next_async (CORO_ITERATOR (generator), NULL, leave_unread_cb, &n_calls);
  while (n_calls < 1)
    g_main_context_iteration (NULL, TRUE);
  coro_iterator_next_async (CORO_ITERATOR (generator), NULL, leave_unread_cb, &n_calls);
  while (n_calls < 2)
    g_main_context_iteration (NULL, TRUE);
  settle (NULL);
  g_assert_null (object);
  assert_trace ("begun");
}

/* --- what is what ----------------------------------------------------------------------- */

static gboolean
two_values (CoroGenerator  *generator,
            gpointer        user_data,
            GError        **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  coro_future_resolve_int (future, 7);
  return coro_generator_produce_int (generator, coro_await_int (future, error), error) &&
         coro_generator_produce_int (generator, 8, error);
}

static gboolean
produce_elsewhere_cb (gpointer   generator,
                      GValue    *result,
                      GError   **error)
{
  return coro_generator_produce_int (generator, 1, error);
}

static gboolean
test_callers_that_may_produce (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, two_values, NULL, NULL);
  g_autoptr (GError) local_error = NULL;
  g_auto (GValue) value = G_VALUE_INIT;

  /* A plain coroutine produces nothing; a generator's body may await. */
  g_assert_false (produce_elsewhere_cb (generator, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_assert_true (coro_iterator_next (generator, &value, error));
  g_assert_cmpint (g_value_get_int (&value), ==, 7);
  return coro_generator_close (generator, error);
}

static gboolean
test_predicates_and_collect (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (forever_cb, NULL, NULL);
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, two_values, NULL, NULL);
  g_autoptr (GArray) values = NULL;

  g_assert_false (CORO_IS_ITERATOR (coroutine));
  g_assert_true (CORO_IS_AWAITABLE (coroutine));
  g_assert_true (CORO_IS_ITERATOR (generator));
  g_assert_false (CORO_IS_AWAITABLE (generator));
  g_assert_true (coro_coroutine_close (coroutine, error));

  values = coro_iterator_collect (generator, error);
  g_assert_nonnull (values);
  g_assert_cmpuint (values->len, ==, 2);
  g_assert_cmpint (g_value_get_int (&g_array_index (values, GValue, 0)), ==, 7);
  g_assert_cmpint (g_value_get_int (&g_array_index (values, GValue, 1)), ==, 8);
  return TRUE;
}

static gboolean
test_collect_fails (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (TestCounter) counter = broken_counter_new (G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_autoptr (GError) local_error = NULL;

  g_assert_null (coro_iterator_collect (counter, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  return TRUE;
}

/* A value that comes with a failure is dropped. */
static gboolean
test_failure_with_a_value (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (TestCounter) counter = broken_counter_new (G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_autoptr (GError) local_error = NULL;
  g_auto (GValue) value = G_VALUE_INIT;

  counter->next = 3;
  counter->gives_both = TRUE;
  g_assert_false (coro_iterator_next (counter, &value, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_false (G_IS_VALUE (&value));
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/spec/S279-S291/all-in-order-then-the-end", test_all_in_order);
  coro_test_add_func ("/spec/S280/failure-is-no-end", test_failure_is_no_end);
  coro_test_add_func ("/spec/S281/others-run-between-items", test_items_need_io);
  coro_test_add_func ("/spec/S282/break-leaves-the-rest", test_break_leaves_the_rest);
  coro_test_add_func ("/spec/S290/exhausted-is-ours", test_exhausted_is_ours);
  coro_test_add_func ("/spec/S292/exhausted-by-error-is-a-failure", test_exhausted_is_no_failure);
  coro_test_add_func ("/spec/S292/exhausted-body-is-a-failure", test_exhausted_body);
  coro_test_add_func ("/spec/S280/mute-failure", test_mute_failure);
  coro_test_add_func ("/spec/S280/failure-with-a-value", test_failure_with_a_value);
  coro_test_add_func ("/spec/S296/send-reaches-the-inner", test_send_reaches_the_inner);
  coro_test_add_func ("/spec/S296/throw-reaches-the-inner", test_throw_reaches_the_inner);
  coro_test_add_func ("/spec/S296/close-reaches-the-inner", test_close_reaches_the_inner);
  g_test_add_func ("/spec/S326/value-then-the-end", test_next_async);
  g_test_add_func ("/spec/S326/failure", test_next_async_fails);
  g_test_add_func ("/spec/S326/cancelled-takes-nothing", test_next_async_cancelled);
  g_test_add_func ("/spec/S326/cancelled-in-the-middle", test_next_async_cancelled_in_the_middle);
  g_test_add_func ("/spec/S326/unread-value-is-freed", test_next_async_unread);
  coro_test_add_func ("/spec/S349/callers-that-may-produce", test_callers_that_may_produce);
  coro_test_add_func ("/spec/S350/predicates-and-collect", test_predicates_and_collect);
  coro_test_add_func ("/spec/S350/collect-fails", test_collect_fails);

  return g_test_run ();
}
