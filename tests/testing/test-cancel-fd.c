/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Descriptors, sockets and the coroutines of other threads, cancelled at every await: no
 * byte is lost or comes twice, and no descriptor stays open or watched.
 */
#include "lib/process.h"
#include "test-util.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  int fds[2];                   /* from the one to the other */
  GSocket *sockets[2];          /* the same */
  GSocket *listener;
  guint64 call;                 /* to the other side */
  gsize n_sent;
  gsize n_received;
  guint n_open;                 /* descriptors, before */
} Fixture;

#define assert_nothing_is_open(self) g_assert_cmpuint (count_descriptors (), ==, (self)->n_open)

#define TEST(name, prefix)                                                                \
  static const CoroTestCancel name##_test = { sizeof (Fixture), prefix##_set_up, name##_body, prefix##_check, \
                                              prefix##_tear_down, 0 }

/* What is there, of the receiving end. */
static gssize
recv_or_read (Fixture *self,
              char    *buffer,
              gsize    size)
{
  if (self->sockets[1] != NULL)
    return recv (self->fds[1], buffer, size, MSG_DONTWAIT);
  return read (self->fds[0], buffer, size);
}

/* --- a pipe ----------------------------------------------------------------------------- */

static gboolean
pipe_set_up (gpointer   fixture,
             GError   **error)
{
  Fixture *self = fixture;

  self->n_open = count_descriptors ();
  g_assert_cmpint (pipe2 (self->fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
  return TRUE;
}

static gboolean
pipe_tear_down (gpointer   fixture,
                GError   **error)
{
  Fixture *self = fixture;
  gboolean ok = coro_fd_close (self->fds[0], error) && coro_fd_close (self->fds[1], error);

  assert_nothing_is_open (self);
  return ok;
}

/* What was sent and not received is still in there; and it is as good as new. */
static gboolean
pipe_check (gpointer   fixture,
            GError   **error)
{
  Fixture *self = fixture;
  char buffer[4096];
  gssize n;

  while ((n = recv_or_read (self, buffer, sizeof buffer)) > 0)
    self->n_received += (gsize) n;
  g_assert_cmpuint (self->n_received, ==, self->n_sent);
  return coro_fd_write_all (self->fds[1], "again", 5, NULL, error) &&
         coro_fd_read (self->fds[0], buffer, sizeof buffer, error) == 5;
}

/* The other side is no coroutine: nothing can be cancelled there. */
static void
write_late (gpointer fixture)
{
  Fixture *self = fixture;

  g_assert_cmpint (write (self->fds[1], "ping", 4), ==, 4);
  self->n_sent += 4;
}

static gboolean
read_body (gpointer   fixture,
           GError   **error)
{
  Fixture *self = fixture;
  guint64 call = coro_call_later (SECOND, write_late, self, NULL);
  char buffer[16];
  gssize n = coro_fd_read (self->fds[0], buffer, sizeof buffer, error);

  coro_call_cancel (call);
  if (n > 0)
    self->n_received += (gsize) n;
  return n == 4;
}

TEST (read, pipe);

static void
drain (gpointer fixture)
{
  Fixture *self = fixture;
  char buffer[16384];
  gssize n;

  while ((n = recv_or_read (self, buffer, sizeof buffer)) > 0)
    self->n_received += (gsize) n;
  self->call = coro_call_later (SECOND, drain, self, NULL);
}

/* Much more than there is room for: how far it came is known. */
static gboolean
write_body (gpointer   fixture,
            GError   **error)
{
  Fixture *self = fixture;
  g_autofree char *data = g_malloc0 (256 * 1024);
  gboolean ok;

  self->call = coro_call_later (SECOND, drain, self, NULL);
  ok = coro_fd_write_all (self->fds[1], data, 256 * 1024, &self->n_sent, error);
  coro_call_cancel (self->call);
  g_assert_true (ok == (self->n_sent == 256 * 1024));
  return ok;
}

TEST (write, pipe);

/* By a time limit, by a future, and two for one descriptor. */
static gboolean
wait_body (gpointer   fixture,
           GError   **error)
{
  Fixture *self = fixture;
  g_autoptr (GError) timeout = NULL;
  g_autoptr (CoroFuture) first = NULL;
  g_autoptr (CoroFuture) second = NULL;

  if (coro_fd_wait (self->fds[0], G_IO_IN, SECOND, &timeout) != 0)
    return FALSE;
  if (!g_error_matches (timeout, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    {
      g_propagate_error (error, g_steal_pointer (&timeout));
      return FALSE;
    }
  first = coro_fd_wait_future (self->fds[0], G_IO_IN, -1);
  second = coro_fd_wait_future (self->fds[0], G_IO_IN, -1);
  coro_test_cancel_track (first);
  coro_test_cancel_track (second);
  if (!coro_sleep (SECOND, error))
    goto out;
  if (!coro_fd_write_all (self->fds[1], "ping", 4, &self->n_sent, error))
    goto out;
  return coro_await (first, NULL, error) && coro_await (second, NULL, error);

out:
  coro_future_cancel (first);
  coro_future_cancel (second);
  return FALSE;
}

TEST (wait, pipe);

/* --- a pair of sockets ----------------------------------------------------------------- */

static gboolean
pair_set_up (gpointer   fixture,
             GError   **error)
{
  Fixture *self = fixture;

  self->n_open = count_descriptors ();
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, self->fds), ==, 0);
  for (int i = 0; i < 2; i++)
    {
      self->sockets[i] = g_socket_new_from_fd (self->fds[i], error);
      coro_test_cancel_track (self->sockets[i]);
    }
  return TRUE;
}

static gboolean
pair_tear_down (gpointer   fixture,
                GError   **error)
{
  Fixture *self = fixture;

  g_clear_object (&self->sockets[0]);
  g_clear_object (&self->sockets[1]);
  assert_nothing_is_open (self);
  return TRUE;
}

static gboolean
pair_check (gpointer   fixture,
            GError   **error)
{
  Fixture *self = fixture;
  char buffer[4096];
  gssize n;

  while ((n = recv_or_read (self, buffer, sizeof buffer)) > 0)
    self->n_received += (gsize) n;
  g_assert_cmpuint (self->n_received, ==, self->n_sent);
  return coro_socket_send_all (self->sockets[0], "again", 5, NULL, error) &&
         coro_socket_receive_all (self->sockets[1], buffer, 5, NULL, error);
}

static void
send_piece (gpointer fixture)
{
  Fixture *self = fixture;

  g_assert_cmpint (send (self->fds[0], "ping", 4, 0), ==, 4);
  self->n_sent += 4;
  self->call = self->n_sent < 12 ? coro_call_later (SECOND, send_piece, self, NULL) : 0;
}

static gboolean
receive_body (gpointer   fixture,
              GError   **error)
{
  Fixture *self = fixture;
  char buffer[12];
  gsize n_more = 0;
  gboolean ok = FALSE;
  gssize n;

  self->call = coro_call_later (SECOND, send_piece, self, NULL);
  n = coro_socket_receive (self->sockets[1], buffer, 2, error);
  if (n > 0)
    ok = coro_socket_receive_all (self->sockets[1], buffer, 12 - (gsize) n, &n_more, error);
  self->n_received += (gsize) MAX (n, 0) + n_more;
  coro_call_cancel (self->call);
  return ok;
}

TEST (receive, pair);

static gboolean
send_body (gpointer   fixture,
           GError   **error)
{
  Fixture *self = fixture;
  g_autofree char *data = g_malloc0 (1024 * 1024);
  GOutputVector vectors[] = { { data, 1 }, { data, 1024 * 1024 - 1 } };
  gboolean ok;

  self->call = coro_call_later (SECOND, drain, self, NULL);
  ok = coro_socket_send_vectors (self->sockets[0], vectors, 2, &self->n_sent, error);
  coro_call_cancel (self->call);
  g_assert_true (ok == (self->n_sent == 1024 * 1024));
  return ok;
}

TEST (send, pair);

static gboolean
socket_future_body (gpointer   fixture,
                    GError   **error)
{
  Fixture *self = fixture;
  g_autoptr (CoroFuture) receiving = coro_socket_receive_future (self->sockets[1], 4);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("ping", 4);
  g_autoptr (CoroFuture) sending = NULL;

  coro_test_cancel_track (receiving);
  if (coro_sleep (SECOND, error))
    {
      sending = coro_socket_send_future (self->sockets[0], bytes);
      coro_test_cancel_track (sending);
      if (coro_await (sending, NULL, error) && coro_await (receiving, NULL, error))
        {
          self->n_sent = self->n_received = 4;
          return TRUE;
        }
    }

  /* The body was cancelled, so it cancels its futures too. */
  coro_future_cancel (receiving);
  if (sending != NULL)
    coro_future_cancel (sending);
  {
    g_auto (CoroShield) shield = coro_shield_enter (0);

    if (sending != NULL && coro_join (sending, NULL) &&
        coro_future_get_state (sending) == CORO_FUTURE_RESOLVED)
      self->n_sent = 4;
    if (coro_join (receiving, NULL) && coro_future_get_state (receiving) == CORO_FUTURE_RESOLVED)
      self->n_received = 4;
  }
  return FALSE;
}

TEST (socket_future, pair);

/* --- a server -------------------------------------------------------------------------- */

static gboolean
server_set_up (gpointer   fixture,
               GError   **error)
{
  Fixture *self = fixture;
  g_autoptr (GSocketAddress) any_port = g_inet_socket_address_new_from_string ("127.0.0.1", 0);

  self->n_open = count_descriptors ();
  self->listener = coro_socket_listen (any_port, error);
  if (self->listener == NULL)
    return FALSE;
  coro_test_cancel_track (self->listener);
  return TRUE;
}

static gboolean
server_tear_down (gpointer   fixture,
                  GError   **error)
{
  Fixture *self = fixture;

  g_clear_object (&self->listener);
  assert_nothing_is_open (self);
  return TRUE;
}

static GSocket *
connect_tcp (Fixture  *self,
             GError  **error)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (self->listener, NULL);
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);

  coro_test_cancel_track (socket);
  return coro_socket_connect (socket, address, error) ? g_steal_pointer (&socket) : NULL;
}

/* Clients that were cancelled may still be in the kernel's queue: they have hung up. */
static gboolean
server_check (gpointer   fixture,
              GError   **error)
{
  Fixture *self = fixture;
  g_autoptr (GSocket) mine = connect_tcp (self, error);
  char byte;

  if (mine == NULL || !coro_socket_send_all (mine, "x", 1, NULL, error))
    return FALSE;
  while (TRUE)
    {
      g_autoptr (GSocket) theirs = coro_socket_accept (self->listener, error);

      if (theirs == NULL)
        return FALSE;
      if (coro_socket_receive (theirs, &byte, 1, NULL) == 1 && byte == 'x')
        return TRUE;
    }
}

/* Both ends in one coroutine. */
static gboolean
accept_body (gpointer   fixture,
             GError   **error)
{
  Fixture *self = fixture;
  g_autoptr (GSocket) mine = connect_tcp (self, error);
  g_autoptr (GSocket) theirs = NULL;
  char buffer[4];

  if (mine == NULL || !coro_socket_wait (mine, G_IO_OUT, error))
    return FALSE;
  theirs = coro_socket_accept (self->listener, error);
  if (theirs == NULL)
    return FALSE;
  coro_test_cancel_track (theirs);
  return coro_socket_send_all (mine, "ping", 4, NULL, error) &&
         coro_socket_receive_all (theirs, buffer, 4, NULL, error) &&
         coro_socket_close (mine, error) &&
         coro_socket_receive (theirs, buffer, 4, error) == 0;
}

TEST (accept, server);

static void
connect_later (gpointer fixture)
{
  Fixture *self = fixture;
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (self->listener, NULL);

  self->sockets[0] = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  coro_test_cancel_track (self->sockets[0]);
  g_assert_true (g_socket_connect (self->sockets[0], address, NULL, NULL));
  g_assert_cmpint (g_socket_send (self->sockets[0], "ping", 4, NULL, NULL), ==, 4);
}

static gboolean
receive_twice_cb (GSocket   *socket,
                  gpointer   fixture,
                  GError   **error)
{
  Fixture *self = fixture;
  char buffer[16];
  gssize size;

  coro_test_cancel_track (socket);
  while ((size = coro_socket_receive (socket, buffer, sizeof buffer, error)) > 0)
    self->n_received += (gsize) size;
  return size == 0;
}

/* Until its time is over, with a connection that is open then. */
static gboolean
serve_body (gpointer   fixture,
            GError   **error)
{
  Fixture *self = fixture;
  g_autoptr (GError) timeout = NULL;
  guint64 call = coro_call_later (SECOND, connect_later, self, NULL);

  {
    g_auto (CoroTimeout) limit = coro_timeout_enter (5 * SECOND, &timeout);

    g_assert_false (coro_socket_serve (self->listener, receive_twice_cb, self, &timeout));
  }
  coro_call_cancel (call);
  g_clear_object (&self->sockets[0]);
  if (!g_error_matches (timeout, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    {
      g_propagate_error (error, g_steal_pointer (&timeout));
      return FALSE;
    }
  return TRUE;
}

TEST (serve, server);

/* --- workers --------------------------------------------------------------------------- */

typedef struct
{
  CoroWorkerPool *pool;
  int n_running;                /* (atomic): in workers */
} Workers;

static gboolean
pool_set_up (gpointer   fixture,
             GError   **error)
{
  Workers *self = fixture;

  self->pool = coro_worker_pool_new (2);
  return TRUE;
}

static gboolean
compute_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Workers *self = user_data;
  gboolean ok;

  g_atomic_int_inc (&self->n_running);
  ok = coro_yield (error) && coro_sleep (1, error) && coro_return_int (result, 42);
  g_atomic_int_add (&self->n_running, -1);
  return ok;
}

/* A body that is cancelled while it awaits a worker's task cancels the task as well, and goes on
 * when it has ended. */
static gboolean
pool_body (gpointer   fixture,
           GError   **error)
{
  Workers *self = fixture;
  g_autoptr (CoroTask) one = coro_worker_pool_spawn_task (self->pool, compute_cb, self, NULL);
  g_autoptr (CoroTask) two = NULL;

  if (coro_await_int (one, error) != 42)
    return FALSE;
  two = coro_worker_pool_spawn_task (self->pool, compute_cb, self, NULL);
  return coro_await_int (two, error) == 42;
}

static gboolean
pool_check (gpointer   fixture,
            GError   **error)
{
  Workers *self = fixture;
  g_autoptr (CoroTask) task = coro_worker_pool_spawn_task (self->pool, compute_cb, self, NULL);

  return coro_await_int (task, error) == 42;
}

static gboolean
pool_tear_down (gpointer   fixture,
                GError   **error)
{
  Workers *self = fixture;

  if (!coro_worker_pool_shut_down (self->pool, error))
    return FALSE;
  g_assert_cmpint (g_atomic_int_get (&self->n_running), ==, 0);
  g_assert_cmpint (coro_worker_pool_count_coroutines (self->pool, CORO_WORKER_ANY), ==, 0);
  g_clear_object (&self->pool);
  return TRUE;
}

static const CoroTestCancel pool_test = { sizeof (Workers), pool_set_up, pool_body, pool_check, pool_tear_down, 0 };

/* A shutdown is not cut short by a cancel.  A body that is cancelled before it leaves the pool to
 * end later, so what the workers use must not belong to the fixture. */
static int n_over;              /* (atomic) */

static void
over_cb (gpointer user_data)
{
  g_atomic_int_inc (&n_over);
}

static gboolean
shut_down_body (gpointer   fixture,
                GError   **error)
{
  g_autoptr (CoroWorkerPool) pool = coro_worker_pool_new (2);
  g_autoptr (CoroTask) one = coro_worker_pool_spawn_task (pool, forever_cb, NULL, over_cb);
  g_autoptr (CoroTask) two = coro_worker_pool_spawn_task (pool, forever_cb, NULL, over_cb);
  int before;

  coro_test_cancel_track (pool);
  if (!coro_yield (error))
    return FALSE;
  before = g_atomic_int_get (&n_over);
  g_assert_true (coro_worker_pool_shut_down (pool, NULL));
  g_assert_true (coro_future_is_done (CORO_FUTURE (one)));
  g_assert_true (coro_future_is_done (CORO_FUTURE (two)));
  g_assert_cmpint (g_atomic_int_get (&n_over), >=, before + 2);
  return coro_check_cancelled (error);
}

static const CoroTestCancel shut_down_test = { 1, NULL, shut_down_body, NULL, NULL, 0 };

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_cancel ("/cancel/fd/read", &read_test);
  coro_test_add_cancel ("/cancel/fd/write", &write_test);
  coro_test_add_cancel ("/cancel/fd/wait", &wait_test);
  coro_test_add_cancel ("/cancel/socket/receive", &receive_test);
  coro_test_add_cancel ("/cancel/socket/send", &send_test);
  coro_test_add_cancel ("/cancel/socket/futures", &socket_future_test);
  coro_test_add_cancel ("/cancel/socket/accept", &accept_test);
  coro_test_add_cancel ("/cancel/socket/serve", &serve_test);
  coro_test_add_cancel ("/cancel/worker-pool/tasks", &pool_test);
  coro_test_add_cancel ("/cancel/worker-pool/shut-down", &shut_down_test);

  return g_test_run ();
}
