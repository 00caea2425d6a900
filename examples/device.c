/* An awaitable of one's own whose events come from a callback, and a session that is
 * closed on every path, by a cleanup that waits.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

/* --- the next event of a made-up device driver ---------------------------------------- */

#define MY_TYPE_DEVICE (my_device_get_type ())
G_DECLARE_FINAL_TYPE (MyDevice, my_device, MY, DEVICE, GObject)

struct _MyDevice
{
  GObject parent_instance;

  CoroWaiter *waiter;           /* (nullable): of the coroutine that waits */
  GQueue events;
};

/* In the coroutine that awaits. */
static CoroWaitState
my_device_begin (CoroAwaitable *awaitable,
                 CoroWaiter    *waiter)
{
  MyDevice *self = MY_DEVICE (awaitable);

  if (!g_queue_is_empty (&self->events))
    return CORO_WAIT_READY;
  self->waiter = waiter;
  return CORO_WAIT_PENDING;
}

static CoroAbort
my_device_abort (CoroAwaitable *awaitable,
                 CoroWaiter    *waiter)
{
  MY_DEVICE (awaitable)->waiter = NULL;         /* nothing was consumed */
  return CORO_ABORT_DONE;
}

static gboolean
my_device_finish (CoroAwaitable  *awaitable,
                  GValue         *result,
                  GError        **error)
{
  return coro_return_int (result, GPOINTER_TO_INT (g_queue_pop_head (&MY_DEVICE (awaitable)->events)));
}

static void
my_device_awaitable_init (CoroAwaitableInterface *iface)
{
  iface->begin = my_device_begin;
  iface->abort = my_device_abort;
  iface->finish = my_device_finish;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (MyDevice, my_device, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CORO_TYPE_AWAITABLE, my_device_awaitable_init))

static void
my_device_class_init (MyDeviceClass *klass)
{
}

static void
my_device_init (MyDevice *self)
{
}

/* In a callback of the driver. */
static void
my_device_push (MyDevice *self,
                int       event)
{
  g_queue_push_tail (&self->events, GINT_TO_POINTER (event));
  if (self->waiter != NULL)
    coro_waiter_wake (g_steal_pointer (&self->waiter));
}

/* --- a session ------------------------------------------------------------------------ */

static CoroContextVar *request_id;

typedef const char Session;

/* The shield keeps a cancelled coroutine from failing the wait at once. */
static void
session_close (Session *name)
{
  g_auto (CoroShield) shield = coro_shield_enter (5 * G_TIME_SPAN_SECOND);

  if (coro_sleep (10 * G_TIME_SPAN_MILLISECOND, NULL))
    g_print ("%s: %s is closed\n", coro_context_var_get_string (request_id), name);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Session, session_close)

static gboolean
serve_cb (gpointer   device,
          GValue    *result,
          GError   **error)
{
  g_auto (CoroContextToken) token = coro_context_var_set_string (request_id, "r-42");
  G_GNUC_UNUSED g_autoptr (Session) session = "the session";            /* closed on every path, cancelled or not */

  while (TRUE)
    {
      GError *local_error = NULL;
      int event = coro_await_int (device, &local_error);

      if (local_error != NULL)
        {
          g_propagate_error (error, local_error);
          return FALSE;
        }
      g_print ("event %d\n", event);
    }
}

static gboolean
driver_cb (gpointer device)
{
  my_device_push (device, 7);
  my_device_push (device, 8);
  return G_SOURCE_REMOVE;
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (MyDevice) device = g_object_new (MY_TYPE_DEVICE, NULL);
  g_autoptr (CoroTask) server = coro_spawn_task (serve_cb, device, NULL);
  g_autoptr (GSource) driver = g_timeout_source_new (10);

  g_source_set_callback (driver, driver_cb, device, NULL);
  g_source_attach (driver, g_main_context_get_thread_default ());
  if (!coro_sleep (200 * G_TIME_SPAN_MILLISECOND, error))
    return FALSE;
  coro_task_cancel (server);
  return coro_join (server, error);
}

int
main (void)
{
  int status;

  request_id = coro_context_var_new ("request-id", G_TYPE_STRING, NULL);
  status = coro_run_main (main_cb, NULL);
  coro_context_var_free (request_id);
  return status;
}
