/* Sends each of its arguments to an echo server, all at once, and prints the answers:
 * echo-client PORT TEXT…
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

#include <string.h>

typedef struct
{
  const char *port;
  char **texts;
} Client;

static gboolean
ask_cb (char     **text,
        gpointer   user_data,
        GError   **error)
{
  Client *self = user_data;
  g_autoptr (GSocketAddress) address =
    g_inet_socket_address_new_from_string ("127.0.0.1", (guint) g_ascii_strtoull (self->port, NULL, 10));
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
  g_autofree char *answer = g_strdup (*text);

  if (socket == NULL || !coro_socket_connect (socket, address, error) ||
      !coro_socket_send_all (socket, *text, strlen (*text), NULL, error) ||
      !coro_socket_receive_all (socket, answer, strlen (*text), NULL, error))
    return FALSE;

  g_print ("%s\n", answer);
  return TRUE;
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Client *self = user_data;

  return coro_each (self->texts, g_strv_length (self->texts), sizeof (char *), 0, (CoroEachFunc) ask_cb, self, error);
}

int
main (int    argc,
      char **argv)
{
  Client client;

  if (argc < 2)
    {
      g_printerr ("Usage: %s PORT TEXT…\n", argv[0]);
      return 2;
    }

  client = (Client) { argv[1], argv + 2 };
  return coro_run_main (main_cb, &client);
}
