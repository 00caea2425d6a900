/* An object of one's own that can be awaited: it sleeps and then has a result.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

#define DELAYED_TYPE_RESULT (delayed_result_get_type ())
G_DECLARE_FINAL_TYPE (DelayedResult, delayed_result, DELAYED, RESULT, GObject)

struct _DelayedResult
{
  GObject parent_instance;

  const char *value;
  GTimeSpan delay;
};

static void delayed_result_awaitable_init (CoroAwaitableInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (DelayedResult, delayed_result, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CORO_TYPE_AWAITABLE, delayed_result_awaitable_init))

/* There is nothing to be woken by: all the waiting is done in finish(), which runs on the
 * stack of the coroutine that awaits. */
static CoroWaitState
delayed_result_begin (CoroAwaitable *awaitable,
                      CoroWaiter    *waiter)
{
  return CORO_WAIT_READY;
}

static CoroAbort
delayed_result_abort (CoroAwaitable *awaitable,
                      CoroWaiter    *waiter)
{
  return CORO_ABORT_DONE;
}

static gboolean
delayed_result_finish (CoroAwaitable  *awaitable,
                       GValue         *result,
                       GError        **error)
{
  DelayedResult *self = DELAYED_RESULT (awaitable);

  return coro_sleep (self->delay, error) && coro_return_string (result, self->value);
}

static void
delayed_result_awaitable_init (CoroAwaitableInterface *iface)
{
  iface->begin = delayed_result_begin;
  iface->abort = delayed_result_abort;
  iface->finish = delayed_result_finish;
}

static void
delayed_result_class_init (DelayedResultClass *klass)
{
}

static void
delayed_result_init (DelayedResult *self)
{
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (DelayedResult) delayed = g_object_new (DELAYED_TYPE_RESULT, NULL);
  g_autofree char *text = NULL;

  delayed->value = "custom result";
  delayed->delay = 10 * G_TIME_SPAN_MILLISECOND;
  text = coro_await_string (delayed, error);
  if (text == NULL)
    return FALSE;
  g_print ("Got: %s\n", text);
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
