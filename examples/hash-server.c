/* A server that has something to compute, on all processors: it answers each block of up to
 * 4096 bytes with its hash:
 * hash-server [PORT]
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

#include <string.h>

/* In one of the pool's threads. */
static gboolean
hash_cb (GSocket   *socket,
         gpointer   user_data,
         GError   **error)
{
  guchar buffer[4096];
  gssize size;

  while ((size = coro_socket_receive (socket, buffer, sizeof buffer, error)) > 0)
    {
      g_autofree char *hash = g_compute_checksum_for_data (G_CHECKSUM_SHA256, buffer, (gsize) size);

      if (!coro_socket_send_all (socket, hash, strlen (hash), NULL, error))
        return FALSE;
    }
  return size == 0;
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroWorkerPool) pool = coro_worker_pool_new (0);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", *(guint *) user_data);
  g_autoptr (GSocket) socket = coro_socket_listen (address, error);
  g_autoptr (GSocketAddress) bound = socket != NULL ? g_socket_get_local_address (socket, error) : NULL;

  if (bound == NULL)
    return FALSE;

  g_print ("%d\n", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
  return coro_worker_pool_serve (pool, socket, hash_cb, NULL, error);
}

int
main (int    argc,
      char **argv)
{
  guint port = argc > 1 ? (guint) g_ascii_strtoull (argv[1], NULL, 10) : 0;

  return coro_run_main (main_cb, &port);
}
