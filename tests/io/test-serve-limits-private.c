/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Servers for which there are no stacks left: the next connections wait, and no other suffers.
 * The limit holds for the whole process, which is one of its own.
 */
#include "config.h"

#include "socket-util.h"

#include "fiber/coro-stack-private.h"

#define N_CLIENTS 60
#define N_AT_ONCE 10
#define N_FIRST 40
#define LIMIT 30

static int n_served;            /* (atomic) */
static int n_open;              /* (atomic) */

static gboolean
echo_cb (GSocket   *socket,
         gpointer   user_data,
         GError   **error)
{
  char buffer[100];
  gssize n;

  g_atomic_int_inc (&n_served);
  g_atomic_int_inc (&n_open);
  while ((n = coro_socket_receive (socket, buffer, sizeof buffer, error)) > 0)
    if (!coro_socket_send_all (socket, buffer, (gsize) n, NULL, error))
      break;
  g_atomic_int_add (&n_open, -1);
  return n == 0;
}

/* The first ones are served before the others come. */
static void
clients_connect (GSocket  *listener,
                 GSocket **clients)
{
  g_atomic_int_set (&n_served, 0);
  for (int i = 0; i < N_CLIENTS; i++)
    {
      g_assert_nonnull (clients[i] = connect_to (listener, NULL));
      if (i < N_AT_ONCE)
        assert_echo (clients[i]);
    }
}

static void
clients_free (GSocket **clients,
              int       from,
              int       to)
{
  for (int i = from; i < to; i++)
    g_object_unref (clients[i]);
}

static void
assert_cancels (CoroTask *server)
{
  g_assert_false (coro_future_is_done (CORO_FUTURE (server)));
  g_assert_true (coro_task_cancel (server));
  g_assert_true (coro_join (server, NULL));
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (server)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (g_atomic_int_get (&n_open), ==, 0);
}

/* --- in one thread ------------------------------------------------------------------ */

static gboolean
serve_cb (gpointer   listener,
          GValue    *result,
          GError   **error)
{
  return coro_socket_serve (listener, echo_cb, NULL, error);
}

static gboolean
stack_limit_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GSocket) listener = listen_on_loopback ();
  g_autoptr (CoroTask) server = coro_spawn_task (serve_cb, listener, NULL);
  GSocket *clients[N_CLIENTS];
  int n_first;

  coro_stack_pool_use_mprotect (LIMIT);
  clients_connect (listener, clients);
  g_assert_true (coro_test_settle (error));
  n_first = n_served;
  g_assert_cmpint (n_first, >, 0);
  g_assert_cmpint (n_first, <, LIMIT);
  for (int i = 0; i < n_first; i++)
    assert_echo (clients[i]);

  clients_free (clients, 0, N_FIRST);
  for (int i = N_FIRST; i < N_CLIENTS; i++)
    assert_echo (clients[i]);
  g_assert_cmpint (n_served, ==, N_CLIENTS);

  clients_free (clients, N_FIRST, N_CLIENTS);
  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (n_open, ==, 0);
  assert_cancels (server);
  return TRUE;
}

/* The server ends while a connection waits for a stack. */
static gboolean
cancelled_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (GSocket) listener = listen_on_loopback ();
  g_autoptr (CoroTask) server = coro_spawn_task (serve_cb, listener, NULL);
  GSocket *clients[N_CLIENTS];

  coro_stack_pool_use_mprotect (LIMIT);
  clients_connect (listener, clients);
  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (n_served, <, LIMIT);
  assert_cancels (server);
  for (int i = 0; i <= n_served; i++)
    assert_end (clients[i]);
  clients_free (clients, 0, N_CLIENTS);
  return TRUE;
}

/* --- in many ------------------------------------------------------------------------ */

static CoroWorkerPool *pool;

static gboolean
pool_serve_cb (gpointer   listener,
               GValue    *result,
               GError   **error)
{
  return coro_worker_pool_serve (pool, listener, echo_cb, NULL, error);
}

static gboolean
pool_stack_limit_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (GSocket) listener = listen_on_loopback ();
  g_autoptr (CoroTask) server = coro_spawn_task (pool_serve_cb, listener, NULL);
  GSocket *clients[N_CLIENTS];

  coro_stack_pool_use_mprotect (LIMIT);
  clients_connect (listener, clients);
  for (int i = 0; i < N_AT_ONCE; i++)
    assert_echo (clients[i]);
  g_assert_cmpint (g_atomic_int_get (&n_served), <, LIMIT);

  clients_free (clients, 0, N_FIRST);
  for (int i = N_FIRST; i < N_CLIENTS; i++)
    assert_echo (clients[i]);
  g_assert_cmpint (g_atomic_int_get (&n_served), ==, N_CLIENTS);

  clients_free (clients, N_FIRST, N_CLIENTS);
  assert_cancels (server);
  return TRUE;
}

/* With connections that wait for a stack, which none of them will get. */
static gboolean
pool_cancelled_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (GSocket) listener = listen_on_loopback ();
  g_autoptr (CoroTask) server = coro_spawn_task (pool_serve_cb, listener, NULL);
  GSocket *clients[N_CLIENTS];

  coro_stack_pool_use_mprotect (LIMIT);
  clients_connect (listener, clients);
  if (user_data != NULL)
    {
      g_assert_true (coro_worker_pool_shut_down (pool, error));
      g_assert_true (coro_join (server, error));
      g_assert_error (coro_future_get_error (CORO_FUTURE (server)), CORO_ERROR, CORO_ERROR_CLOSED);
      g_assert_cmpint (g_atomic_int_get (&n_open), ==, 0);
    }
  else
    {
      assert_cancels (server);
    }
  clients_free (clients, 0, N_CLIENTS);
  return TRUE;
}

/* On the real clock, which is the one of the workers. */
static void
run_pool (CoroFunc func,
          gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  pool = coro_worker_pool_new (2);
  coro_run (func, user_data, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (coro_worker_pool_shut_down (pool, NULL));
  g_assert_finalize_object (g_steal_pointer (&pool));
}

static void
test_pool_stack_limit (void)
{
  run_pool (pool_stack_limit_cb, NULL);
}

static void
test_pool_cancelled (void)
{
  run_pool (pool_cancelled_cb, NULL);
}

static void
test_pool_shut_down (void)
{
  run_pool (pool_cancelled_cb, GINT_TO_POINTER (TRUE));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/io/serve-limits/stacks", stack_limit_cb);
  coro_test_add_func ("/io/serve-limits/cancelled-without-stacks", cancelled_cb);
  g_test_add_func ("/io/serve-limits/pool/stacks", test_pool_stack_limit);
  g_test_add_func ("/io/serve-limits/pool/cancelled-without-stacks", test_pool_cancelled);
  g_test_add_func ("/io/serve-limits/pool/shut-down-without-stacks", test_pool_shut_down);
  return g_test_run ();
}
