/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One GSocket, coroutines of several threads: it belongs to none of them.
 */
#include "socket-pair.h"

#include <unistd.h>

static CoroWorkerPool *pool;

/* What one coroutine receives, until the end. */
typedef struct
{
  GSocket *socket;
  GSocketAddress *address;      /* (nullable): to connect to */
  int begun;                    /* (atomic) */
  gssize n;
  GError *error;                /* (nullable) (owned) */
} Receiver;

static gboolean
receive_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Receiver *self = user_data;
  char buffer[100];
  gssize n;

  g_atomic_int_set (&self->begun, TRUE);
  while ((n = coro_socket_receive (self->socket, buffer, sizeof buffer, &self->error)) > 0)
    self->n += n;
  return TRUE;
}

static gboolean
nothing_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return TRUE;
}

/* Starts `func` in a worker, and returns when it is parked there: the coroutine that is spawned
 * after it in that thread has had its turn by then. */
static CoroTask *
park_in_worker (Receiver *self,
                CoroFunc  func,
                int       worker)
{
  CoroTask *task = coro_worker_pool_spawn_task_at (pool, worker, func, self, NULL, "here");
  g_autoptr (CoroTask) behind = NULL;

  while (!g_atomic_int_get (&self->begun))
    g_assert_true (coro_yield (NULL));
  behind = coro_worker_pool_spawn_task_at (pool, worker, nothing_cb, NULL, NULL, "here");
  g_assert_true (coro_await (behind, NULL, NULL));
  return task;
}

static CoroTask *
receive_in_worker (Receiver *self,
                   int       worker)
{
  return park_in_worker (self, receive_cb, worker);
}

/* --- used elsewhere --------------------------------------------------------------------- */

static gboolean
accepted_here_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_auto (Pair) pair = pair_new (TRUE);
  Receiver receiver = { .socket = pair.b };
  g_autoptr (CoroTask) task = receive_in_worker (&receiver, 0);

  g_assert_true (coro_socket_send_all (pair.a, "hello", 5, NULL, error));
  g_assert_true (coro_socket_close (pair.a, error));
  if (!coro_await (task, NULL, error))
    return FALSE;
  g_assert_no_error (receiver.error);
  g_assert_cmpint (receiver.n, ==, 5);
  return TRUE;
}

/* One after the other, and each of them has waited for it. */
static gboolean
in_turn_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_auto (Pair) pair = pair_new (TRUE);

  for (int i = 0; i < 10; i++)
    {
      Receiver receiver = { .socket = pair.b };
      g_autoptr (CoroTask) task = receive_in_worker (&receiver, i % 2);
      char c;

      coro_task_cancel (task);
      if (!coro_join (task, error))
        return FALSE;
      assert_cancelled (receiver.error);
      g_clear_error (&receiver.error);
      g_assert_cmpint (coro_socket_send (pair.a, "x", 1, error), ==, 1);
      g_assert_cmpint (coro_socket_receive (pair.b, &c, 1, error), ==, 1);
    }
  return TRUE;
}

/* --- used by several at once ------------------------------------------------------------ */

/* Each byte goes to one of them. */
static gboolean
several_receive_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_auto (Pair) pair = pair_new (TRUE);
  Receiver receivers[3] = { { .socket = pair.b }, { .socket = pair.b }, { .socket = pair.b } };
  CoroTask *tasks[3];
  int n_sent = is_slow () ? 500 : 20000;
  gssize n = 0;

  for (int i = 0; i < 3; i++)
    tasks[i] = receive_in_worker (&receivers[i], i);
  for (int i = 0; i < n_sent; i++)
    g_assert_cmpint (coro_socket_send (pair.a, "x", 1, error), ==, 1);
  g_assert_true (g_socket_shutdown (pair.a, FALSE, TRUE, error));
  for (int i = 0; i < 3; i++)
    {
      if (!coro_await (tasks[i], NULL, error))
        return FALSE;
      g_assert_no_error (receivers[i].error);
      n += receivers[i].n;
      g_object_unref (tasks[i]);
    }
  g_assert_cmpint (n, ==, n_sent);
  return TRUE;
}

typedef struct
{
  GSocket *socket;
  gsize size;
} Sender;

static gboolean
send_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Sender *self = user_data;
  g_autofree char *data = g_malloc0 (self->size);

  return coro_socket_send_all (self->socket, data, self->size, NULL, error) &&
         g_socket_shutdown (self->socket, FALSE, TRUE, error);
}

/* Both directions of both ends, four threads. */
static gboolean
send_and_receive_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_auto (Pair) pair = pair_new (TRUE);
  Receiver receivers[2] = { { .socket = pair.a }, { .socket = pair.b } };
  gsize size = is_slow () ? 1000000 : 10000000;
  Sender senders[2] = { { pair.a, size }, { pair.b, size } };
  CoroTask *receiving[2];
  CoroTask *sending[2];

  for (int i = 0; i < 2; i++)
    receiving[i] = receive_in_worker (&receivers[i], i);
  sending[0] = coro_worker_pool_spawn_task_at (pool, 2, send_cb, &senders[0], NULL, "here");
  sending[1] = coro_spawn_task (send_cb, &senders[1], NULL);
  for (int i = 0; i < 2; i++)
    {
      if (!coro_await (sending[i], NULL, error) || !coro_await (receiving[i], NULL, error))
        return FALSE;
      g_assert_no_error (receivers[i].error);
      g_assert_cmpint (receivers[i].n, ==, (gssize) size);
      g_object_unref (sending[i]);
      g_object_unref (receiving[i]);
    }
  return TRUE;
}

/* --- closed ------------------------------------------------------------------------------- */

/* Coroutines that wait in other threads are told that the socket was closed, whether the thread
 * that closes it has waited for it itself or not. */
static gboolean
closed_here_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  for (int i = 0; i < 20; i++)
    {
      g_auto (Pair) pair = pair_new (TRUE);
      Receiver receivers[3] = { { .socket = pair.b }, { .socket = pair.b }, { .socket = pair.b } };
      int n_receivers = 1 + i % 3;
      CoroTask *tasks[3];

      if (i % 2 == 0)
        {
          g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (1, NULL);
          char c;

          g_assert_cmpint (coro_socket_receive (pair.b, &c, 1, NULL), ==, -1);
          g_assert_true (coro_cancel_scope_catch (&scope));
        }
      for (int k = 0; k < n_receivers; k++)
        tasks[k] = receive_in_worker (&receivers[k], k);
      g_assert_true (coro_socket_close (pair.b, error));
      for (int k = 0; k < n_receivers; k++)
        {
          if (!coro_await (tasks[k], NULL, error))
            return FALSE;
          g_assert_error (receivers[k].error, G_IO_ERROR, G_IO_ERROR_CLOSED);
          g_clear_error (&receivers[k].error);
          g_object_unref (tasks[k]);
        }
    }
  return TRUE;
}

/* Coroutines that only wait for the socket to be ready, or connect it, are told as well. */
static gboolean
wait_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Receiver *self = user_data;

  g_atomic_int_set (&self->begun, TRUE);
  g_assert_cmpint (coro_socket_wait (self->socket, G_IO_IN, &self->error), ==, 0);
  return TRUE;
}

static gboolean
connect_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Receiver *self = user_data;

  g_atomic_int_set (&self->begun, TRUE);
  g_assert_false (coro_socket_connect (self->socket, self->address, &self->error));
  return TRUE;
}

static gboolean
assert_told (Receiver  *self,
             CoroFunc   func,
             GError   **error)
{
  g_autoptr (CoroTask) task = park_in_worker (self, func, 0);

  g_assert_true (coro_socket_close (self->socket, error));
  if (!coro_await (task, NULL, error))
    return FALSE;
  g_assert_error (self->error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&self->error);
  return TRUE;
}

static gboolean
closed_waiting_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_auto (Pair) pair = pair_new (TRUE);
  Receiver receiver = { .socket = pair.b };

  return assert_told (&receiver, wait_cb, error);
}

/* While the listener's queue is full, a connection attempt gets no answer. */
static gboolean
closed_connecting_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (GSocket) listener = new_tcp ();
  g_autoptr (GSocketAddress) any = loopback (0);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GPtrArray) queue = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GSocket) socket = new_tcp ();
  gboolean full = FALSE;

  g_socket_set_listen_backlog (listener, 0);
  g_assert_true (g_socket_bind (listener, any, FALSE, error) && g_socket_listen (listener, error));
  address = g_socket_get_local_address (listener, error);
  while (!full)
    {
      GSocket *queued = new_tcp ();

      g_ptr_array_add (queue, queued);
      g_socket_set_blocking (queued, FALSE);
      full = !g_socket_connect (queued, address, NULL, NULL) &&
             g_socket_condition_check (queued, G_IO_OUT) == 0;
    }
  return assert_told (&(Receiver) { .socket = socket, .address = address }, connect_cb, error);
}

/* A thread without coroutines closes the socket.  Its context is the default one, as is that of
 * the coroutine that waits: it must not touch what belongs to the coroutine's thread. */
static gpointer
close_thread (gpointer data)
{
  g_assert_true (coro_socket_close (data, NULL));
  return NULL;
}

static gboolean
closed_by_plain_thread_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  for (int i = 0; i < 20; i++)
    {
      gboolean cancelled = i % 2 == 0;
      int code = cancelled ? G_IO_ERROR_CANCELLED : G_IO_ERROR_CLOSED;
      g_auto (Pair) pair = pair_new (FALSE);
      Receiver receiver = { .socket = pair.b };
      g_autoptr (CoroTask) task = coro_spawn_task (receive_cb, &receiver, NULL);

      while (!receiver.begun)
        g_assert_true (coro_yield (error));
      if (cancelled)
        coro_task_cancel (task);        /* it still has to hear of it */
      g_thread_join (g_thread_new ("closer", close_thread, pair.b));
      g_assert_true (coro_join (task, error));
      g_assert_error (receiver.error, G_IO_ERROR, code);
      g_clear_error (&receiver.error);
    }
  return TRUE;
}

static void
test_closed_by_plain_thread (void)
{
  g_autoptr (CoroTask) task = coro_spawn_task (closed_by_plain_thread_cb, NULL, NULL);

  while (!coro_future_is_done (CORO_FUTURE (task)))
    g_main_context_iteration (NULL, TRUE);
  g_assert_no_error (coro_future_get_error (CORO_FUTURE (task)));
}

/* In another context of the thread that waits. */
typedef struct
{
  Pair pair;
  Receiver receiver;
  CoroTask *task;
} Elsewhere;

static gboolean
receive_elsewhere_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  Elsewhere *self = user_data;

  self->pair = pair_new (TRUE);
  self->receiver.socket = self->pair.b;
  self->task = coro_spawn_task (receive_cb, &self->receiver, NULL);
  while (!self->receiver.begun)
    g_assert_true (coro_yield (error));
  return TRUE;
}

static gboolean
close_elsewhere_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  return coro_socket_close (((Elsewhere *) user_data)->pair.b, error);
}

static gboolean
await_elsewhere_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  return coro_await (((Elsewhere *) user_data)->task, NULL, error);
}

static void
test_closed_by_other_context (void)
{
  g_autoptr (CoroRunner) waiting = coro_runner_new ();
  g_autoptr (CoroRunner) closing = coro_runner_new ();
  g_autoptr (GError) error = NULL;
  Elsewhere self = { { NULL, }, };

  coro_runner_run (waiting, receive_elsewhere_cb, &self, NULL, &error);
  g_assert_no_error (error);
  coro_runner_run (closing, close_elsewhere_cb, &self, NULL, &error);
  g_assert_no_error (error);
  coro_runner_run (waiting, await_elsewhere_cb, &self, NULL, &error);
  g_assert_no_error (error);
  g_assert_error (self.receiver.error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&self.receiver.error);
  g_object_unref (self.task);
  pair_clear (&self.pair);
  coro_runner_close (closing);
  coro_runner_close (waiting);
}

/* A coroutine is told as well if it is only about to wait when the socket is closed. */
G_GNUC_UNUSED static gboolean
closed_amid_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  int n_rounds = is_slow () ? 20 : 500;

  for (int i = 0; i < n_rounds; i++)
    {
      g_auto (Pair) pair = pair_new (TRUE);
      Receiver receiver = { .socket = pair.b };
      g_autoptr (CoroTask) task = coro_worker_pool_spawn_task (pool, receive_cb, &receiver, NULL);

      while (!g_atomic_int_get (&receiver.begun))
        continue;
      g_assert_true (coro_socket_close (pair.b, error));
      if (!coro_await (task, NULL, error))
        return FALSE;
      g_assert_error (receiver.error, G_IO_ERROR, G_IO_ERROR_CLOSED);
      g_clear_error (&receiver.error);
    }
  return TRUE;
}

/* Another socket has got the number of one that was closed: news of the old one does not reach the
 * coroutine that waits for the new one. */
static gboolean
number_reused_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  for (int i = 0; i < 20; i++)
    {
      g_auto (Pair) old = pair_new (TRUE);
      g_auto (Pair) fresh = { NULL, };
      Receiver before = { .socket = old.b };
      g_autoptr (CoroTask) waiting = receive_in_worker (&before, 0);
      Receiver after = { 0, };
      g_autoptr (CoroTask) task = NULL;

      g_assert_true (coro_socket_close (old.b, error));
      fresh = pair_new (TRUE);
      after.socket = fresh.b;
      task = receive_in_worker (&after, 0);
      if (!coro_await (waiting, NULL, error))
        return FALSE;
      g_assert_error (before.error, G_IO_ERROR, G_IO_ERROR_CLOSED);
      g_clear_error (&before.error);
      g_assert_cmpint (coro_socket_send (fresh.a, "new", 3, error), ==, 3);
      g_assert_true (coro_socket_close (fresh.a, error));
      if (!coro_await (task, NULL, error))
        return FALSE;
      g_assert_no_error (after.error);
      g_assert_cmpint (after.n, ==, 3);
    }
  return TRUE;
}

/* --- freed, and outlived -------------------------------------------------------------------- */

/* The last reference goes in another thread than the one that knows it, and its memory and
 * number are the next one's. */
static gboolean
freed_there_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  for (int i = 0; i < 100; i++)
    {
      g_auto (Pair) pair = pair_new (TRUE);
      Receiver receiver = { .socket = pair.b };
      g_autoptr (CoroTask) task = receive_in_worker (&receiver, i % 2);
      g_autoptr (CoroTask) freeing = NULL;

      g_assert_cmpint (coro_socket_send (pair.a, "x", 1, error), ==, 1);
      g_assert_true (coro_socket_close (pair.a, error));
      if (!coro_await (task, NULL, error))
        return FALSE;
      g_assert_cmpint (receiver.n, ==, 1);
      freeing = coro_worker_pool_spawn_task_at (pool, 2, nothing_cb, g_steal_pointer (&pair.b), g_object_unref, "here");
      if (!coro_await (freeing, NULL, error))
        return FALSE;
    }
  return TRUE;
}

/* The thread that used it first has ended, its scheduler with it. */
static gboolean
context_ended_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_auto (Pair) pair = pair_new (TRUE);
  Receiver there = { .socket = pair.b };
  Receiver here = { .socket = pair.b };
  g_autoptr (CoroTask) waiting = receive_in_worker (&there, 0);
  g_autoptr (CoroTask) task = NULL;

  if (!coro_worker_pool_shut_down (pool, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (waiting)), ==, CORO_FUTURE_RESOLVED);
  assert_cancelled (there.error);
  g_clear_error (&there.error);

  task = coro_spawn_task (receive_cb, &here, NULL);
  while (!here.begun)
    g_assert_true (coro_yield (error));
  g_assert_cmpint (coro_socket_send (pair.a, "here", 4, error), ==, 4);
  g_assert_true (coro_yield (error));
  g_assert_true (coro_socket_close (pair.b, error));    /* must not tell the thread that is gone */
  return coro_await (task, NULL, error) && (g_clear_error (&here.error), TRUE);
}

/* On the real clock, which is the one of the workers. */
static void
run_cb (gconstpointer func)
{
  g_autoptr (GError) error = NULL;

  pool = coro_worker_pool_new (3);
  coro_run ((CoroFunc) func, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (coro_worker_pool_shut_down (pool, NULL));
  g_assert_finalize_object (g_steal_pointer (&pool));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("Sockets that several threads use");

  g_test_add_data_func ("/io/socket-threads/accepted-here-served-there", accepted_here_cb, run_cb);
  g_test_add_data_func ("/io/socket-threads/in-turn", in_turn_cb, run_cb);
  g_test_add_data_func ("/io/socket-threads/several-receive", several_receive_cb, run_cb);
  g_test_add_data_func ("/io/socket-threads/send-and-receive", send_and_receive_cb, run_cb);
  g_test_add_data_func ("/io/socket-threads/closed-here-waited-for-there", closed_here_cb, run_cb);
  g_test_add_data_func ("/io/socket-threads/closed-here-waiting-there", closed_waiting_cb, run_cb);
  g_test_add_data_func ("/io/socket-threads/closed-here-connecting-there", closed_connecting_cb, run_cb);
  g_test_add_func ("/io/socket-threads/closed-by-plain-thread", test_closed_by_plain_thread);
  g_test_add_func ("/io/socket-threads/closed-by-other-context", test_closed_by_other_context);
#ifndef __SANITIZE_THREAD__     /* which sees what is so: a thread closes what another one reads from */
  g_test_add_data_func ("/io/socket-threads/closed-amid", closed_amid_cb, run_cb);
#endif
  g_test_add_data_func ("/io/socket-threads/number-reused", number_reused_cb, run_cb);
  g_test_add_data_func ("/io/socket-threads/freed-there", freed_there_cb, run_cb);
  g_test_add_data_func ("/io/socket-threads/first-context-ended", context_ended_cb, run_cb);
  return g_test_run ();
}
