/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-server.h"

#include <libsoup/soup.h>

#include "demo-server-request.h"

/* DemoServer: serves the files below a folder, slowly, on a loopback port.
 *
 * It is there so that the Network page has something to download without a network, and so
 * that every fault can be had at will.  One coroutine answers one request, in the same
 * thread as the window; hundreds of slow answers cost the main loop nothing. */

#define ACCEPT_PAUSE (200 * G_TIME_SPAN_MILLISECOND)
#define SOCKET_KEY "coro-demo-socket"

struct _DemoServer
{
  GObject parent_instance;

  GFile *root;            /* (owned) */
  CoroTaskGroup *group;   /* (owned): whose members answer; cancelled by its owner */
  SoupServer *soup;       /* (owned): speaks HTTP on connections that we accept */
  GSocketListener *listener;   /* (owned) */
  GSocket *refusing;      /* (owned): bound and not listening, so connecting is refused */
  GHashTable *counts;     /* (owned): address → number of requests so far */
  char *base;             /* (owned): "http://127.0.0.1:PORT" */
  guint n_requests;
  guint n_resumed;
};

/* What a coroutine needs to answer. */
typedef struct
{
  DemoServer *server;           /* (owned) */
  DemoServerRequest *request;   /* (owned) */
} Answer;

G_DEFINE_FINAL_TYPE (DemoServer, demo_server, G_TYPE_OBJECT)

/* --- requests --------------------------------------------------------------------- */

static void
answer_free (Answer *answer)
{
  demo_server_request_free (answer->request);
  g_object_unref (answer->server);
  g_free (answer);
}

static gboolean
answer_cb (gpointer user_data, GValue *result, GError **error)
{
  Answer *answer = user_data;
  gboolean resumed = FALSE;
  gboolean ok = demo_server_request_serve (answer->request, &resumed, error);

  answer->server->n_resumed += resumed;
  return ok;
}

/* Only files below the folder, whatever "../" the address holds. */
static GFile *
server_find_file (DemoServer *self, const char *path)
{
  g_autoptr (GFile) file = g_file_resolve_relative_path (self->root, path + strspn (path, "/"));

  return g_file_has_prefix (file, self->root) ? g_steal_pointer (&file) : NULL;
}

static guint
server_count (DemoServer *self, SoupServerMessage *msg)
{
  g_autofree char *address = g_uri_to_string (soup_server_message_get_uri (msg));
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (self->counts, address));

  self->n_requests++;
  g_hash_table_insert (self->counts, g_steal_pointer (&address), GUINT_TO_POINTER (count + 1));
  return count;
}

/* The address that libsoup was given with the connection still has its socket. */
static GSocket *
server_get_socket (SoupServerMessage *msg)
{
  return g_object_get_data (G_OBJECT (soup_server_message_get_remote_address (msg)), SOCKET_KEY);
}

/* libsoup calls this outside any coroutine, so the message is paused and left to one. */
static void
server_handle_cb (SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer user_data)
{
  DemoServer *self = user_data;
  g_autoptr (GFile) file = server_find_file (self, path);
  Answer *answer;

  if (file == NULL || !g_str_equal (soup_server_message_get_method (msg), SOUP_METHOD_GET))
    {
      soup_server_message_set_status (msg, file == NULL ? SOUP_STATUS_NOT_FOUND : SOUP_STATUS_METHOD_NOT_ALLOWED, NULL);
      return;
    }

  answer = g_new (Answer, 1);
  answer->server = g_object_ref (self);
  answer->request = demo_server_request_new (msg, server_get_socket (msg), query, file, server_count (self, msg));

  soup_server_message_pause (msg);
  coro_task_group_spawn (self->group, answer_cb, answer, (GDestroyNotify) answer_free);
}

/* --- connections ------------------------------------------------------------------ */

static gboolean
server_take_connection (DemoServer *self, GSocketConnection *connection, GError **error)
{
  g_autoptr (GSocketAddress) local = g_socket_connection_get_local_address (connection, error);
  g_autoptr (GSocketAddress) remote = local != NULL ? g_socket_connection_get_remote_address (connection, error) : NULL;

  if (remote == NULL)
    return FALSE;
  g_object_set_data_full (G_OBJECT (remote), SOCKET_KEY,
                          g_object_ref (g_socket_connection_get_socket (connection)), g_object_unref);
  return soup_server_accept_iostream (self->soup, G_IO_STREAM (connection), local, remote, error);
}

static gboolean
server_accept (DemoServer *self, GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GSocketConnection) connection =
    g_socket_listener_accept_finish (self->listener, CORO_CALL (&op, g_socket_listener_accept_async, self->listener),
                                     NULL, error);

  return connection != NULL && server_take_connection (self, connection, error);
}

/* The classic loop of a server, and nothing else is blocked by it.  soup_server_listen_local()
 * would do it too, but with it libsoup 3.2 loses a socket with every connection. */
static gboolean
accept_cb (gpointer user_data, GValue *result, GError **error)
{
  DemoServer *self = user_data;

  while (TRUE)
    {
      g_autoptr (GError) local_error = NULL;

      if (server_accept (self, &local_error))
        continue;
      if (coro_error_is_cancelled (local_error))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      /* Out of file descriptors, or a client that was gone at once: it passes. */
      g_message ("%s", local_error->message);
      if (!coro_sleep (ACCEPT_PAUSE, error))
        return FALSE;
    }
}

static GSocketAddress *
create_loopback_address (void)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);

  return g_inet_socket_address_new (loopback, 0);
}

static gboolean
server_listen (DemoServer *self, GError **error)
{
  g_autoptr (GSocketAddress) address = create_loopback_address ();
  g_autoptr (GSocketAddress) effective = NULL;

  if (!g_socket_listener_add_address (self->listener, address, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL,
                                      &effective, error))
    return FALSE;
  self->base = g_strdup_printf ("http://127.0.0.1:%d", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (effective)));
  return TRUE;
}

/* A port that is ours and refuses: no other process can listen on it. */
static gboolean
server_bind_refusing (DemoServer *self, GError **error)
{
  g_autoptr (GSocketAddress) address = create_loopback_address ();

  self->refusing = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
  return self->refusing != NULL && g_socket_bind (self->refusing, address, FALSE, error);
}

/* --- the object ------------------------------------------------------------------- */

static void
demo_server_dispose (GObject *object)
{
  DemoServer *self = DEMO_SERVER (object);

  if (self->soup != NULL)
    soup_server_disconnect (self->soup);
  if (self->listener != NULL)
    g_socket_listener_close (self->listener);
  g_clear_object (&self->soup);
  g_clear_object (&self->listener);
  g_clear_object (&self->group);

  G_OBJECT_CLASS (demo_server_parent_class)->dispose (object);
}

static void
demo_server_finalize (GObject *object)
{
  DemoServer *self = DEMO_SERVER (object);

  g_clear_object (&self->root);
  g_clear_object (&self->refusing);
  g_clear_pointer (&self->counts, g_hash_table_unref);
  g_free (self->base);

  G_OBJECT_CLASS (demo_server_parent_class)->finalize (object);
}

static void
demo_server_class_init (DemoServerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = demo_server_dispose;
  object_class->finalize = demo_server_finalize;
}

static void
demo_server_init (DemoServer *self)
{
  self->soup = soup_server_new ("server-header", "coro-demo", NULL);
  self->listener = g_socket_listener_new ();
  self->counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

/* The server and every request are members of @group: the group's owner ends them. */
DemoServer *
demo_server_new (GFile *root, CoroTaskGroup *group, GError **error)
{
  g_autoptr (DemoServer) self = g_object_new (DEMO_TYPE_SERVER, NULL);

  self->root = g_object_ref (root);
  self->group = g_object_ref (group);
  soup_server_add_handler (self->soup, NULL, server_handle_cb, self, NULL);
  if (!server_listen (self, error) || !server_bind_refusing (self, error))
    return NULL;
  coro_task_group_spawn (group, accept_cb, g_object_ref (self), g_object_unref);
  return g_steal_pointer (&self);
}

GFile *
demo_server_get_root (DemoServer *self)
{
  g_return_val_if_fail (DEMO_IS_SERVER (self), NULL);

  return self->root;
}

/* @query: the faults asked for, or NULL. */
char *
demo_server_dup_url (DemoServer *self, const char *path, const char *query)
{
  g_autofree char *escaped = g_uri_escape_string (path, "/", FALSE);

  g_return_val_if_fail (DEMO_IS_SERVER (self), NULL);

  return g_strconcat (self->base, "/", escaped, query != NULL ? "?" : NULL, query, NULL);
}

/* An address at which no socket listens. */
char *
demo_server_dup_refused_url (DemoServer *self)
{
  g_autoptr (GSocketAddress) address = NULL;

  g_return_val_if_fail (DEMO_IS_SERVER (self), NULL);

  address = g_socket_get_local_address (self->refusing, NULL);
  return g_strdup_printf ("http://127.0.0.1:%d/refused.h", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)));
}

guint
demo_server_get_n_requests (DemoServer *self)
{
  g_return_val_if_fail (DEMO_IS_SERVER (self), 0);

  return self->n_requests;
}

/* How many requests went on with a part that a client had kept. */
guint
demo_server_get_n_resumed (DemoServer *self)
{
  g_return_val_if_fail (DEMO_IS_SERVER (self), 0);

  return self->n_resumed;
}
