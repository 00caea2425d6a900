/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Nothing that goes through a queue is lost, doubled or overtaken.
 */
#include "test-util.h"

static CoroQueue *queue;        /* of the test that runs */

static gboolean
take_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autofree char *item = NULL;

  if (!coro_queue_take (queue, (gpointer *) &item, error))
    return FALSE;
  note (item != NULL ? item : "end");
  return TRUE;
}

static gboolean
put_cb (gpointer   item,
        GValue    *result,
        GError   **error)
{
  gboolean ok = coro_queue_put (queue, g_strdup (item), error);

  note (ok ? "put" : "refused");
  return ok;
}

static void
put (const char *item)
{
  g_assert_true (coro_queue_put (queue, g_strdup (item), NULL));
}

static void
open_queue (guint capacity)
{
  queue = coro_queue_new (capacity, g_free);
}

static gboolean
close_up (void)
{
  g_clear_object (&queue);
  return TRUE;
}

static gboolean
first_in_first_out_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  open_queue (0);
  put ("1");
  put ("2");
  put ("3");
  g_assert_cmpint (coro_queue_get_length (queue), ==, 3);
  for (int i = 0; i < 3; i++)
    take_cb (NULL, NULL, error);
  assert_trace ("1 2 3");
  g_assert_cmpint (coro_queue_get_length (queue), ==, 0);
  return close_up ();
}

static gboolean
takers_in_order_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  CoroTask *tasks[3];

  open_queue (0);
  for (int i = 0; i < 3; i++)
    {
      tasks[i] = coro_spawn_task (take_cb, NULL, NULL);
      if (!coro_test_settle (error))
        return FALSE;
    }
  put ("1");
  put ("2");
  g_assert_cmpint (coro_queue_get_length (queue), ==, 0);       /* handed over already */
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace_in_any_order ("1 2");
  g_assert_false (coro_future_is_done (CORO_FUTURE (tasks[2])));
  put ("3");
  for (int i = 0; i < 3; i++)
    {
      if (!coro_await (tasks[i], NULL, error))
        return FALSE;
      g_object_unref (tasks[i]);
    }
  assert_trace ("3");
  return close_up ();
}

static gboolean
none_overtakes_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autofree char *item = NULL;

  open_queue (0);
  coro_spawn (take_cb, NULL, NULL);
  if (!coro_test_settle (error))
    return FALSE;
  put ("1");
  put ("2");
  if (!coro_queue_take (queue, (gpointer *) &item, error))
    return FALSE;
  g_assert_cmpstr (item, ==, "2");      /* "1" belongs to the waiter, which has not run yet */
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("1");
  return close_up ();
}

static gboolean
bounded_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autofree char *item = NULL;
  g_autoptr (CoroTask) second = NULL;
  g_autoptr (CoroTask) third = NULL;

  open_queue (1);
  put ("1");
  second = coro_spawn_task (put_cb, "2", NULL);
  if (!coro_test_settle (error))
    return FALSE;
  third = coro_spawn_task (put_cb, "3", NULL);
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("");
  if (!coro_queue_take (queue, (gpointer *) &item, error))
    return FALSE;
  g_assert_cmpstr (item, ==, "1");
  g_assert_cmpint (coro_queue_get_length (queue), ==, 1);       /* the place is the second's */
  if (!coro_await (second, NULL, error))
    return FALSE;
  assert_trace ("put");
  take_cb (NULL, NULL, error);
  if (!coro_await (third, NULL, error))
    return FALSE;
  take_cb (NULL, NULL, error);
  assert_trace ("2 put 3");
  return close_up ();
}

/* libdex gives the next item to a receiver that has timed out. */
static gboolean
cancelled_taker_loses_nothing_cb (gpointer   user_data,
                                  GValue    *result,
                                  GError   **error)
{
  g_autoptr (CoroTask) cancelled = NULL;
  g_autoptr (CoroTask) next = NULL;
  g_autofree char *item = NULL;
  g_autoptr (GError) local_error = NULL;

  open_queue (0);

  /* Before anything came. */
  cancelled = coro_spawn_task (take_cb, NULL, NULL);
  if (!coro_yield (error))
    return FALSE;
  coro_task_cancel (cancelled);
  if (!coro_join (cancelled, error))
    return FALSE;
  put ("1");
  g_assert_cmpint (coro_queue_get_length (queue), ==, 1);

  /* By a timeout. */
  take_cb (NULL, NULL, error);
  assert_trace ("1");
  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (10, &local_error);

    g_assert_false (coro_queue_take (queue, (gpointer *) &item, &local_error));
    g_assert_null (item);
  }
  assert_timed_out (local_error);
  put ("2");
  take_cb (NULL, NULL, error);
  assert_trace ("2");

  /* After it was handed an item. */
  g_object_unref (cancelled);
  cancelled = coro_spawn_task (take_cb, NULL, NULL);
  if (!coro_yield (error))
    return FALSE;
  put ("3");
  put ("4");
  coro_task_cancel (cancelled);
  if (!coro_join (cancelled, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (cancelled)), ==, CORO_FUTURE_CANCELLED);
  take_cb (NULL, NULL, error);
  take_cb (NULL, NULL, error);
  assert_trace ("3 4");

  /* Likewise, with another coroutine in line behind it. */
  g_object_unref (cancelled);
  cancelled = coro_spawn_task (take_cb, NULL, NULL);
  next = coro_spawn_task (take_cb, NULL, NULL);
  if (!coro_yield (error))
    return FALSE;
  put ("5");
  coro_task_cancel (cancelled);
  if (!coro_await (next, NULL, error))
    return FALSE;
  assert_trace ("5");
  return close_up ();
}

/* Several give back what they were handed: it is in order again. */
static gboolean
given_back_in_order_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);

  open_queue (0);
  for (int i = 0; i < 3; i++)
    coro_task_group_spawn (group, take_cb, NULL, NULL);
  if (!coro_yield (error))
    return FALSE;
  put ("1");
  put ("2");
  put ("3");
  put ("4");
  coro_task_group_cancel (group);
  if (!coro_task_group_join (group, error))
    return FALSE;
  g_assert_cmpint (coro_queue_get_length (queue), ==, 4);
  for (int i = 0; i < 4; i++)
    take_cb (NULL, NULL, error);
  assert_trace ("1 2 3 4");
  return close_up ();
}

static gboolean
cancelled_putter_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroTask) cancelled = NULL;
  g_autoptr (CoroTask) next = NULL;

  open_queue (1);
  put ("1");
  cancelled = coro_spawn_task (put_cb, "2", NULL);
  next = coro_spawn_task (put_cb, "3", NULL);
  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (cancelled);
  if (!coro_join (cancelled, error))
    return FALSE;
  take_cb (NULL, NULL, error);
  if (!coro_await (next, NULL, error))
    return FALSE;
  take_cb (NULL, NULL, error);
  assert_trace ("refused 1 put 3");
  return close_up ();
}

static gboolean
put_then_sleep_cb (gpointer   item,
                   GValue    *result,
                   GError   **error)
{
  return put_cb (item, result, error) && coro_sleep (SECOND, error);
}

/* Accepted, taken and cancelled in the same turn: it was put, and the cancel comes later. */
static gboolean
taken_was_put_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (CoroTask) task = NULL;

  open_queue (1);
  put ("1");
  task = coro_spawn_task (put_then_sleep_cb, "2", NULL);
  if (!coro_test_settle (error))
    return FALSE;
  take_cb (NULL, NULL, error);
  take_cb (NULL, NULL, error);
  coro_task_cancel (task);
  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  assert_trace ("1 2 put");
  return close_up ();
}

/* Accepted, and cancelled while it is still in: it comes out again, from wherever it is by
 * now, and makes room. */
static int
compare_text (gconstpointer a,
              gconstpointer b)
{
  return strcmp (a, b);
}

static gboolean
accepted_comes_out_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  for (int order = 0; order < 3; order++)
    {
      g_autoptr (CoroTask) cancelled = NULL;
      g_autoptr (CoroTask) next = NULL;
      const char *expected[] = { "1 refused put 2 4 5", "3 refused put 5 2 1", "1 refused put 2 4 5" };

      queue = order == 0 ? coro_queue_new (3, g_free)
                         : order == 1 ? coro_queue_new_lifo (3, g_free)
                                      : coro_queue_new_priority (3, g_free, compare_text);
      put ("1");
      put ("2");
      put (order == 1 ? "3" : "4");
      cancelled = coro_spawn_task (put_cb, order == 1 ? "4" : "3", NULL);
      if (!coro_test_settle (error))
        return FALSE;
      next = coro_spawn_task (put_cb, "5", NULL);
      if (!coro_test_settle (error))
        return FALSE;
      take_cb (NULL, NULL, error);
      g_assert_cmpuint (coro_queue_get_length (queue), ==, 3);
      coro_task_cancel (cancelled);
      if (!coro_join (cancelled, error) || !coro_await (next, NULL, error))
        return FALSE;
      g_assert_cmpint (coro_future_get_state (CORO_FUTURE (cancelled)), ==, CORO_FUTURE_CANCELLED);
      for (int i = 0; i < 3; i++)
        take_cb (NULL, NULL, error);
      assert_trace (expected[order]);
      for (int i = 0; i < 4; i++)
        g_assert_true (coro_queue_task_done (queue, NULL));
      if (!coro_queue_join (queue, error))      /* of the one that came out nothing is to be done */
        return FALSE;
      close_up ();
    }
  return TRUE;
}

static gboolean
closed_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_autoptr (CoroTask) putter = NULL;
  g_autoptr (GError) local_error = NULL;

  open_queue (1);
  put ("1");
  putter = coro_spawn_task (put_cb, "2", NULL);
  if (!coro_yield (error))
    return FALSE;
  coro_queue_close (queue);
  coro_queue_close (queue);
  g_assert_true (coro_queue_is_closed (queue));
  g_assert_false (coro_await (putter, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_CLOSED);
  g_clear_error (&local_error);
  g_assert_false (coro_queue_put (queue, g_strdup ("3"), &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_CLOSED);
  for (int i = 0; i < 3; i++)
    g_assert_true (take_cb (NULL, NULL, error));
  assert_trace ("refused 1 end end");
  return close_up ();
}

static gboolean
takers_learn_of_the_end_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);

  open_queue (0);
  for (int i = 0; i < 3; i++)
    coro_task_group_spawn (group, take_cb, NULL, NULL);
  if (!coro_test_settle (error))
    return FALSE;
  put ("1");
  coro_queue_close (queue);
  if (!coro_task_group_join (group, error))
    return FALSE;
  assert_trace_in_any_order ("1 end end");
  return close_up ();
}

static gboolean
close_and_cancel_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroTask) taker = NULL;
  g_autoptr (CoroTask) putter = NULL;

  open_queue (1);
  taker = coro_spawn_task (take_cb, NULL, NULL);
  if (!coro_test_settle (error))
    return FALSE;
  coro_queue_close (queue);
  coro_task_cancel (taker);
  if (!coro_join (taker, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (taker)), ==, CORO_FUTURE_CANCELLED);
  close_up ();

  open_queue (1);
  put ("1");
  putter = coro_spawn_task (put_cb, "2", NULL);
  if (!coro_test_settle (error))
    return FALSE;
  coro_queue_close (queue);
  coro_task_cancel (putter);
  if (!coro_join (putter, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (putter)), ==, CORO_FUTURE_CANCELLED);
  assert_trace ("refused");
  return close_up ();                           /* "1" is freed with it */
}

static gboolean
consumer_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  int *sum = user_data;
  g_autofree char *item = NULL;

  while (coro_queue_take (queue, (gpointer *) &item, error) && item != NULL)
    {
      *sum += atoi (item);
      g_clear_pointer (&item, g_free);
      if (!coro_yield (error))
        return FALSE;
    }
  return *error == NULL;
}

/* Random cancelling of consumers: every item arrives once. */
static gboolean
random_cancelling_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  int n = is_slow () ? 300 : 3000, sum = 0, expected = 0;
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  CoroTask *consumers[5];

  open_queue (3);
  for (int i = 0; i < 5; i++)
    consumers[i] = coro_task_group_spawn_task (group, consumer_cb, &sum, NULL);

  for (int i = 0; i < n; i++)
    {
      int which = g_test_rand_int_range (0, 5);

      expected += i;
      if (!coro_queue_put (queue, g_strdup_printf ("%d", i), error))
        return FALSE;
      if (g_test_rand_int_range (0, 3) == 0)
        {
          /* It must not have an item in hand, which would be lost with it. */
          coro_task_cancel (consumers[which]);
          if (!coro_join (consumers[which], error))
            return FALSE;
          g_object_unref (consumers[which]);
          consumers[which] = coro_task_group_spawn_task (group, consumer_cb, &sum, NULL);
        }
      if (g_test_rand_int_range (0, 2) == 0 && !coro_yield (error))
        return FALSE;
    }

  coro_queue_close (queue);
  if (!coro_task_group_join (group, error))
    return FALSE;
  for (int i = 0; i < 5; i++)
    g_object_unref (consumers[i]);
  g_assert_cmpint (sum, ==, expected);
  return close_up ();
}

static gboolean
put_item_cb (gpointer   own,
             GValue    *result,
             GError   **error)
{
  static int item;

  return coro_queue_put (own, &item, error);
}

static int n_items_freed;

static void
item_freed_cb (gpointer item)
{
  n_items_freed++;
}

/* The owner closes it and drops it in the same turn. */
static gboolean
closed_and_dropped_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  for (int i = 0; i < 2; i++)
    {
      CoroQueue *own = coro_queue_new (1, item_freed_cb);
      g_autoptr (GError) local_error = NULL;
      g_autoptr (CoroTask) task = NULL;

      n_items_freed = 0;
      g_assert_true (coro_queue_put (own, own, error));
      task = coro_spawn_task (put_item_cb, own, NULL);
      g_assert_true (coro_test_settle (error));
      coro_queue_close (own);
      if (i == 1)
        coro_task_cancel (task);
      g_object_unref (own);
      g_assert_cmpint (n_items_freed, ==, 0);   /* it lasts as long as the wait */
      g_assert_false (coro_await (task, NULL, &local_error));
      if (i == 1)
        assert_cancelled (local_error);
      else
        g_assert_error (local_error, CORO_ERROR, CORO_ERROR_CLOSED);
      g_assert_cmpint (n_items_freed, ==, 2);
    }
  return TRUE;
}

/* Accepted and cancelled in the same turn, with another behind it: only that one is in the queue. */
static gboolean
accepted_is_taken_back_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroTask) cancelled = NULL;
  g_autoptr (CoroTask) next = NULL;

  coro_test_keep_order (NULL);
  open_queue (2);
  put ("1");
  put ("2");
  cancelled = coro_spawn_task (put_cb, "3", NULL);
  next = coro_spawn_task (put_cb, "4", NULL);
  if (!coro_test_settle (error))
    return FALSE;
  take_cb (NULL, NULL, error);
  take_cb (NULL, NULL, error);
  coro_task_cancel (cancelled);
  if (!coro_join (cancelled, error) || !coro_await (next, NULL, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (cancelled)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (coro_queue_get_length (queue), ==, 1);
  take_cb (NULL, NULL, error);
  sort_trace ();
  assert_trace ("1 2 4 put refused");
  return close_up ();
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/queue/first-in-first-out", first_in_first_out_cb);
  coro_test_add_func ("/queue/closed-and-dropped", closed_and_dropped_cb);
  coro_test_add_func ("/queue/takers-in-order", takers_in_order_cb);
  coro_test_add_func ("/queue/none-overtakes", none_overtakes_cb);
  coro_test_add_func ("/queue/bounded", bounded_cb);
  coro_test_add_func ("/queue/cancelled-taker-loses-nothing", cancelled_taker_loses_nothing_cb);
  coro_test_add_func ("/queue/given-back-in-order", given_back_in_order_cb);
  coro_test_add_func ("/queue/cancelled-putter", cancelled_putter_cb);
  coro_test_add_func ("/queue/taken-was-put", taken_was_put_cb);
  coro_test_add_func ("/queue/accepted-comes-out", accepted_comes_out_cb);
  coro_test_add_func ("/queue/closed", closed_cb);
  coro_test_add_func ("/queue/accepted-is-taken-back", accepted_is_taken_back_cb);
  coro_test_add_func ("/queue/takers-learn-of-the-end", takers_learn_of_the_end_cb);
  coro_test_add_func ("/queue/close-and-cancel", close_and_cancel_cb);
  coro_test_add_func ("/spec/S246/random-cancelling", random_cancelling_cb);

  return g_test_run ();
}
