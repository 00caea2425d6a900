/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Queues: their kinds, what never waits, unfinished work, closing.
 */
#include "test-util.h"

#include <stdlib.h>

/* Items compare by what is before the dash: "2-a" and "2-b" are equals. */
static int
compare_cb (gconstpointer a,
            gconstpointer b)
{
  return atoi (a) - atoi (b);
}

static void
put (CoroQueue  *queue,
     const char *item)
{
  g_autoptr (GError) error = NULL;

  coro_queue_put (queue, g_strdup (item), &error);
  g_assert_no_error (error);
}

static void
put_each (CoroQueue  *queue,
          const char *items)
{
  g_auto (GStrv) parts = g_strsplit (items, " ", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    put (queue, parts[i]);
}

/* Notes everything that is in the queue. */
static void
take_all (CoroQueue *queue)
{
  while (coro_queue_get_length (queue) > 0)
    {
      g_autofree char *item = NULL;

      g_assert_true (coro_queue_take (queue, (gpointer *) &item, NULL));
      note (item);
    }
}

/* Takes one and notes it; "end" at the end, "cancelled" if that is it. */
static gboolean
take_one_cb (gpointer   queue,
             GValue    *result,
             GError   **error)
{
  g_autofree char *item = NULL;

  if (!coro_queue_take (queue, (gpointer *) &item, error))
    {
      note ("cancelled");
      return FALSE;
    }
  note (item != NULL ? item : "end");
  return TRUE;
}

static gboolean
put_late_cb (gpointer   queue,
             GValue    *result,
             GError   **error)
{
  return coro_queue_put (queue, g_strdup ("late"), error);
}

static void
give_way (void)
{
  g_assert_true (coro_test_settle (NULL));
}

static gboolean
test_fifo (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (0, g_free);

  put_each (queue, "a b c");
  take_all (queue);
  assert_trace ("a b c");

  /* Round and round, and growing in between. */
  put_each (queue, "1 2 3 4 5 6");
  for (int i = 0; i < 4; i++)
    g_assert_true (take_one_cb (queue, NULL, NULL));
  put_each (queue, "7 8 9 10 11 12 13 14");
  take_all (queue);
  assert_trace ("1 2 3 4 5 6 7 8 9 10 11 12 13 14");
  return TRUE;
}

static gboolean
test_lifo (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new_lifo (0, g_free);

  put_each (queue, "a b c");
  g_assert_true (take_one_cb (queue, NULL, NULL));
  put (queue, "d");
  take_all (queue);
  assert_trace ("c d b a");
  return TRUE;
}

static gboolean
test_priority (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new_priority (0, g_free, compare_cb);

  put_each (queue, "5 3 9 1 7 2 8 4 6 0");
  take_all (queue);
  assert_trace ("0 1 2 3 4 5 6 7 8 9");
  return TRUE;
}

static gboolean
test_priority_stable (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new_priority (0, g_free, compare_cb);

  put_each (queue, "2-a 1-a 2-b 1-b 2-c 1-c 2-d 1-d");
  take_all (queue);
  assert_trace ("1-a 1-b 1-c 1-d 2-a 2-b 2-c 2-d");
  return TRUE;
}

typedef struct
{
  CoroQueue *queue;             /* (unowned) */
  char *item;                   /* (owned): what it was served */
} Taker;

static gboolean
taker_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Taker *self = user_data;

  return coro_queue_take (self->queue, (gpointer *) &self->item, error);
}

/* Coroutines that wait for an item are served in the order of their coming, in every kind of
 * queue. */
static gboolean
test_takers_in_order (gpointer   make,
                      GValue    *result,
                      GError   **error)
{
  static const char *const expected[] = { "3", "2", "1" };
  g_autoptr (CoroQueue) queue = ((CoroQueue *(*) (void)) make) ();
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
  Taker takers[] = { { queue, NULL }, { queue, NULL }, { queue, NULL } };

  for (int i = 0; i < 3; i++)
    {
      coro_task_group_spawn (nursery.group, taker_cb, &takers[i], NULL);
      g_assert_true (coro_test_settle (error));
    }
  put_each (queue, "3 2 1");            /* each is handed over at once */
  g_assert_cmpuint (coro_queue_get_length (queue), ==, 0);
  g_assert_true (coro_nursery_join (&nursery));
  for (int i = 0; i < 3; i++)
    {
      g_assert_cmpstr (takers[i].item, ==, expected[i]);
      g_free (takers[i].item);
    }
  return TRUE;
}

static CoroQueue *
make_lifo (void)
{
  return coro_queue_new_lifo (0, g_free);
}

static CoroQueue *
make_priority (void)
{
  return coro_queue_new_priority (0, g_free, compare_cb);
}

/* Two that were handed an item and are cancelled in the same turn: both items are where
 * they were. */
static gboolean
test_undo_in_order (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  static const char *const expected[] = { "1 2 3", "3 2 1", "1 2 3" };
  g_autoptr (CoroQueue) fifo = coro_queue_new (0, g_free);
  g_autoptr (CoroQueue) lifo = make_lifo ();
  g_autoptr (CoroQueue) priority = make_priority ();
  CoroQueue *queues[] = { fifo, lifo, priority };

  for (guint i = 0; i < G_N_ELEMENTS (queues); i++)
    {
      g_autoptr (CoroTask) first = coro_spawn_task (take_one_cb, queues[i], NULL);
      g_autoptr (CoroTask) second = NULL;

      give_way ();
      second = coro_spawn_task (take_one_cb, queues[i], NULL);
      give_way ();
      put_each (queues[i], "1 2 3");    /* the third stays */
      g_assert_cmpuint (coro_queue_get_length (queues[i]), ==, 1);
      coro_task_cancel (first);
      coro_task_cancel (second);
      g_assert_false (coro_await (first, NULL, NULL));
      g_assert_false (coro_await (second, NULL, NULL));
      assert_trace ("cancelled cancelled");
      take_all (queues[i]);
      assert_trace (expected[i]);
    }
  return TRUE;
}

static gboolean
test_try (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (1, g_free);
  g_autoptr (GError) local = NULL;
  g_autofree char *item = NULL;

  g_assert_false (coro_queue_try_take (queue, (gpointer *) &item, &local));
  g_assert_error (local, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  g_clear_error (&local);

  g_assert_true (coro_queue_try_put (queue, g_strdup ("a"), &local));
  g_assert_false (coro_queue_try_put (queue, g_strdup ("b"), &local));
  g_assert_error (local, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  g_clear_error (&local);

  g_assert_true (coro_queue_try_take (queue, (gpointer *) &item, &local));
  g_assert_cmpstr (item, ==, "a");
  g_clear_pointer (&item, g_free);

  coro_queue_close (queue);
  g_assert_false (coro_queue_try_put (queue, g_strdup ("c"), &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_CLOSED);
  g_assert_true (coro_queue_try_take (queue, (gpointer *) &item, error));
  g_assert_null (item);
  return TRUE;
}

/* A call that does not wait gets no place before the coroutines that do. */
static gboolean
test_try_does_not_barge (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (1, g_free);
  g_autoptr (CoroTask) putter = NULL;

  put (queue, "first");
  putter = coro_spawn_task (put_late_cb, queue, NULL);
  give_way ();
  g_assert_true (take_one_cb (queue, NULL, NULL));
  g_assert_false (coro_queue_try_put (queue, g_strdup ("barging"), NULL));
  take_all (queue);
  g_assert_true (coro_await (putter, NULL, error));
  assert_trace ("first late");
  return TRUE;
}

static gboolean
try_put_cb (gpointer queue)
{
  g_assert_true (coro_queue_try_put (queue, g_strdup ("from a callback"), NULL));
  return G_SOURCE_REMOVE;
}

/* A callback of the main loop feeds coroutines. */
static gboolean
test_try_put_from_callback (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (0, g_free);
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, try_put_cb, queue, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  g_assert_true (take_one_cb (queue, NULL, error));
  assert_trace ("from a callback");
  return TRUE;
}

static gboolean
work_cb (gpointer   queue,
         GValue    *result,
         GError   **error)
{
  while (TRUE)
    {
      g_autofree char *item = NULL;

      if (!coro_queue_take (queue, (gpointer *) &item, error))
        return FALSE;
      if (item == NULL)
        return TRUE;
      if (!coro_sleep (10 * MILLISECOND, error))
        return FALSE;
      note (item);
      g_assert_true (coro_queue_task_done (queue, NULL));
    }
}

static gboolean
test_join_waits (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (0, g_free);
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
  gint64 start = now ();

  coro_task_group_spawn (nursery.group, work_cb, queue, NULL);
  coro_task_group_spawn (nursery.group, work_cb, queue, NULL);
  put_each (queue, "a b c");
  g_assert_cmpuint (coro_queue_get_n_unfinished (queue), ==, 3);
  g_assert_true (coro_queue_join (queue, error));
  assert_trace_in_any_order ("a b c");
  g_assert_cmpint (now () - start, ==, 20 * MILLISECOND);
  g_assert_cmpuint (coro_queue_get_n_unfinished (queue), ==, 0);

  coro_queue_close (queue);
  return coro_nursery_join (&nursery);
}

static gboolean
test_join_without_work (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (0, g_free);

  return coro_queue_join (queue, error);
}

static gboolean
test_join_cancelled (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (0, g_free);
  g_autoptr (GError) local = NULL;

  put (queue, "a");
  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (SECOND, &local);

    g_assert_false (coro_queue_join (queue, &local));
  }
  assert_timed_out (local);
  take_all (queue);
  assert_trace ("a");
  g_assert_true (coro_queue_task_done (queue, error));
  return coro_queue_join (queue, error);
}

static gboolean
test_task_done_too_often (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (0, g_free);
  g_autoptr (GError) local = NULL;

  g_assert_false (coro_queue_task_done (queue, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_clear_error (&local);

  put (queue, "a");
  g_assert_false (coro_queue_task_done (queue, &local));        /* it was not taken */
  g_assert_error (local, CORO_ERROR, CORO_ERROR_PROTOCOL);
  take_all (queue);
  assert_trace ("a");
  return coro_queue_task_done (queue, error);
}

static gboolean
test_close_keeps_items (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (2, g_free);
  g_autoptr (CoroTask) putter = NULL;
  g_autoptr (GError) local = NULL;

  put_each (queue, "a b");
  putter = coro_spawn_task (put_late_cb, queue, NULL);
  give_way ();
  coro_queue_close (queue);
  g_assert_false (coro_await (putter, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_CLOSED);

  for (int i = 0; i < 3; i++)
    g_assert_true (take_one_cb (queue, NULL, NULL));
  assert_trace ("a b end");
  return TRUE;
}

static int n_freed;

static void
free_cb (gpointer item)
{
  g_free (item);
  n_freed++;
}

static gboolean
join_cb (gpointer   queue,
         GValue    *result,
         GError   **error)
{
  if (!coro_queue_join (queue, error))
    return FALSE;
  note ("joined");
  return TRUE;
}

static gboolean
test_close_now (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (2, free_cb);
  g_autoptr (CoroTask) putter = NULL;
  g_autoptr (CoroTask) joiner = NULL;
  g_autoptr (GError) local = NULL;

  n_freed = 0;
  put_each (queue, "a b");
  putter = coro_spawn_task (put_late_cb, queue, NULL);
  joiner = coro_spawn_task (join_cb, queue, NULL);
  give_way ();
  coro_queue_close_now (queue);
  g_assert_cmpint (n_freed, ==, 2);
  g_assert_true (coro_queue_is_closed (queue));
  g_assert_true (take_one_cb (queue, NULL, NULL));

  g_assert_false (coro_await (putter, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_CLOSED);
  g_assert_cmpint (n_freed, ==, 3);
  g_assert_true (coro_await (joiner, NULL, error));
  assert_trace ("end joined");
  coro_queue_close_now (queue);         /* once more is nothing */
  return TRUE;
}

/* What was taken before is still to be finished. */
static gboolean
test_close_now_taken (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (0, g_free);

  put_each (queue, "a b");
  g_assert_true (take_one_cb (queue, NULL, NULL));
  coro_queue_close_now (queue);
  assert_trace ("a");
  g_assert_cmpuint (coro_queue_get_n_unfinished (queue), ==, 1);
  g_assert_true (coro_queue_task_done (queue, error));
  return coro_queue_join (queue, error);
}

/* Handed over, then closed at once, then cancelled: it is dropped with the others. */
static gboolean
test_close_now_undone (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (0, free_cb);
  g_autoptr (CoroTask) taker = coro_spawn_task (take_one_cb, queue, NULL);

  n_freed = 0;
  give_way ();
  put (queue, "a");
  coro_queue_close_now (queue);
  g_assert_cmpint (n_freed, ==, 0);
  coro_task_cancel (taker);
  g_assert_false (coro_await (taker, NULL, NULL));
  assert_trace ("cancelled");
  g_assert_cmpint (n_freed, ==, 1);
  g_assert_cmpuint (coro_queue_get_length (queue), ==, 0);
  return coro_queue_join (queue, error);
}

/* --- S246: a pipeline ---------------------------------------------------------------- */

typedef struct
{
  CoroQueue *queue;
  int n_taken;
  int expected;
} Pipeline;

static gboolean
produce_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Pipeline *self = user_data;

  for (int i = 1; i <= 1000; i++)
    if (!coro_queue_put (self->queue, GINT_TO_POINTER (i), error))
      return FALSE;
  coro_queue_close (self->queue);
  return TRUE;
}

static gboolean
consume_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Pipeline *self = user_data;

  while (TRUE)
    {
      gpointer item;

      if (!coro_queue_take (self->queue, &item, error))
        return FALSE;
      if (item == NULL)
        return TRUE;
      g_assert_cmpint (GPOINTER_TO_INT (item), ==, ++self->expected);
      self->n_taken++;
      if (self->n_taken % 7 == 0 && !coro_sleep (MILLISECOND, error))
        return FALSE;
    }
}

static gboolean
test_pipeline (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (3, NULL);
  Pipeline pipeline = { queue, 0, 0 };
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, produce_cb, &pipeline, NULL);
  coro_task_group_spawn (nursery.group, consume_cb, &pipeline, NULL);
  g_assert_true (coro_nursery_join (&nursery));
  g_assert_cmpint (pipeline.n_taken, ==, 1000);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("Queues keep their order, whatever happens to the coroutines that wait");

  coro_test_add_func ("/spec/S246/pipeline-in-order", test_pipeline);
  coro_test_add_func ("/queue/fifo", test_fifo);
  coro_test_add_func ("/queue/lifo", test_lifo);
  coro_test_add_func ("/queue/priority", test_priority);
  coro_test_add_func ("/queue/priority-stable-among-equals", test_priority_stable);
  coro_test_add_data_func ("/queue/lifo-takers-in-order", test_takers_in_order, make_lifo, NULL);
  coro_test_add_data_func ("/queue/priority-takers-in-order", test_takers_in_order, make_priority, NULL);
  coro_test_add_func ("/queue/cancelled-takers-give-back-in-order", test_undo_in_order);
  coro_test_add_func ("/queue/try-never-waits", test_try);
  coro_test_add_func ("/queue/try-does-not-barge", test_try_does_not_barge);
  coro_test_add_func ("/queue/try-put-from-a-callback", test_try_put_from_callback);
  coro_test_add_func ("/queue/join-waits-for-work", test_join_waits);
  coro_test_add_func ("/queue/join-without-work", test_join_without_work);
  coro_test_add_func ("/queue/join-cancelled", test_join_cancelled);
  coro_test_add_func ("/queue/done-too-often", test_task_done_too_often);
  coro_test_add_func ("/queue/close-keeps-items", test_close_keeps_items);
  coro_test_add_func ("/queue/close-now-drops-items", test_close_now);
  coro_test_add_func ("/queue/close-now-keeps-taken-work", test_close_now_taken);
  coro_test_add_func ("/queue/close-now-and-cancel", test_close_now_undone);
  return g_test_run ();
}
