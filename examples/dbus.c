/* A D-Bus service whose methods may wait, and a client of it; both ends are in this program,
 * and need no bus: dbus URI…
 * SPDX-License-Identifier: CC0-1.0
 */
#include <sys/socket.h>

#include <coro-glib/coro-glib.h>

#define PATH "/org/example/Fetcher"
#define INTERFACE "org.example.Fetcher"

static const char introspection[] =
  "<node>"
  "  <interface name='" INTERFACE "'>"
  "    <method name='Fetch'><arg type='s' direction='in'/><arg type='t' direction='out'/></method>"
  "  </interface>"
  "</node>";

/* --- the service ----------------------------------------------------------------------- */

/* One call; other callers are served meanwhile. */
static gboolean
fetch_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  GDBusMethodInvocation *invocation = user_data;
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GFile) file = NULL;
  const char *uri;

  g_variant_get (g_dbus_method_invocation_get_parameters (invocation), "(&s)", &uri);
  file = g_file_new_for_uri (uri);
  bytes = coro_file_load_bytes (file, NULL, &local_error);

  /* Either of them takes the invocation. */
  if (bytes == NULL)
    g_dbus_method_invocation_return_gerror (invocation, local_error);
  else
    g_dbus_method_invocation_return_value (invocation, g_variant_new ("(t)", (guint64) g_bytes_get_size (bytes)));
  return TRUE;
}

static void
method_call_cb (GDBusConnection       *connection,
                const char            *sender,
                const char            *path,
                const char            *interface,
                const char            *method,
                GVariant              *parameters,
                GDBusMethodInvocation *invocation,
                gpointer               user_data)
{
  coro_spawn (fetch_cb, invocation, NULL);
}

static gboolean
service_export (GDBusConnection  *connection,
                GError          **error)
{
  static const GDBusInterfaceVTable vtable = { method_call_cb, NULL, NULL, { NULL } };
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (introspection, error);

  return node != NULL &&
         g_dbus_connection_register_object (connection, PATH, node->interfaces[0], &vtable, NULL, NULL, error) != 0;
}

/* --- both ends ------------------------------------------------------------------------- */

static GDBusConnection *
connect_to (int                   fd,
            GDBusConnectionFlags  flags,
            GError              **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, error);
  g_autoptr (GSocketConnection) stream = NULL;
  g_autofree char *guid = g_dbus_generate_guid ();

  if (socket == NULL)
    return NULL;
  stream = g_socket_connection_factory_create_connection (socket);
  return g_dbus_connection_new_finish (CORO_CALL (&op, g_dbus_connection_new, G_IO_STREAM (stream),
                                                  flags & G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER ? guid : NULL,
                                                  flags, NULL), error);
}

static gboolean
serve_cb (gpointer   fd,
          GValue    *result,
          GError   **error)
{
  g_autoptr (GDBusConnection) connection =
    connect_to (GPOINTER_TO_INT (fd), G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER |
                                      G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING, error);

  if (connection == NULL || !service_export (connection, error))
    return FALSE;
  g_dbus_connection_start_message_processing (connection);      /* from now on a call finds the object */
  return coro_sleep (G_MAXINT64, error);        /* until it is cancelled */
}

static gboolean
call_fetch (GDBusConnection  *connection,
            const char       *uri,
            guint64          *size,
            GError          **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GVariant) reply =
    g_dbus_connection_call_finish (connection, CORO_CALL (&op, g_dbus_connection_call, connection, NULL, PATH,
                                                          INTERFACE, "Fetch", g_variant_new ("(s)", uri),
                                                          G_VARIANT_TYPE ("(t)"), G_DBUS_CALL_FLAGS_NONE, -1), error);

  if (reply == NULL)
    return FALSE;
  g_variant_get (reply, "(t)", size);
  return TRUE;
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  char **uris = user_data;
  int fds[2];
  g_autoptr (GDBusConnection) connection = NULL;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    {
      g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (errno), g_strerror (errno));
      return FALSE;
    }
  coro_task_group_spawn (nursery.group, serve_cb, GINT_TO_POINTER (fds[0]), NULL);
  connection = connect_to (fds[1], G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, error);
  if (connection == NULL)
    return FALSE;

  for (int i = 0; uris[i] != NULL; i++)
    {
      g_autoptr (GError) local_error = NULL;
      guint64 size;

      if (call_fetch (connection, uris[i], &size, &local_error))
        g_print ("%" G_GUINT64_FORMAT " bytes\n", size);
      else
        g_print ("no: %s\n", local_error->message);
    }
  return TRUE;                                  /* the service ends here, with the nursery */
}

int
main (int    argc,
      char **argv)
{
  return coro_run_main (main_cb, argv + 1);
}
