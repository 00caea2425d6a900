/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-coroutine-private.h"

#include "fiber/coro-error.h"
#include "scheduler/coro-scheduler-private.h"

/**
 * CoroCoroutine:
 *
 * A function that has not been called yet.
 *
 * It is what a call of an `async def` function gives in Python: nothing runs
 * until somebody awaits the object, which runs the body on the stack of the
 * awaiting coroutine, or makes a task of it with [func@spawn_coroutine]. It
 * runs once. One that is dropped without having run is reported: most likely
 * somebody forgot to await it. [method@Coroutine.close] says that it was
 * meant.
 *
 * C code seldom needs the object: a coroutine just calls functions. It is
 * there for code that passes work around before it runs.
 *
 * Since: 0.1
 */
struct _CoroCoroutine
{
  GObject parent_instance;

  CoroFunc func;
  gpointer user_data;           /* (owned): by destroy */
  GDestroyNotify destroy;       /* (nullable) */
  char *name;                   /* (owned) */
  CoroCoroutineState state;
  CoroJob *host;                /* (nullable): on whose stack the body runs */
  gboolean ok;                  /* how it ended */
  GValue value;
  GError *error;                /* (nullable) (owned) */
};

static void coro_coroutine_awaitable_init (CoroAwaitableInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (CoroCoroutine, coro_coroutine, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CORO_TYPE_AWAITABLE, coro_coroutine_awaitable_init))

static void
coroutine_destroy_cb (gpointer object)
{
  CoroCoroutine *self = object;
  GDestroyNotify destroy = g_steal_pointer (&self->destroy);

  if (destroy != NULL)
    destroy (g_steal_pointer (&self->user_data));
}

/* Runs the body on the running job's stack. */
static CoroWaitState
coroutine_begin (CoroAwaitable *awaitable,
                 CoroWaiter    *waiter)
{
  CoroCoroutine *self = CORO_COROUTINE (awaitable);

  if (self->state != CORO_COROUTINE_CREATED)
    return CORO_WAIT_READY;     /* finish() says what is wrong */

  g_object_ref (self);
  self->ok = coro_coroutine_run (self, &self->value, &self->error);
  g_object_unref (self);
  return CORO_WAIT_READY;
}

static CoroAbort
coroutine_abort (CoroAwaitable *awaitable,
                 CoroWaiter    *waiter)
{
  g_assert_not_reached ();      /* it is never pending */
}

static gboolean
coroutine_finish (CoroAwaitable  *awaitable,
                  GValue         *result,
                  GError        **error)
{
  CoroCoroutine *self = CORO_COROUTINE (awaitable);

  if (self->ok)
    {
      self->ok = FALSE;
      if (G_IS_VALUE (&self->value))
        {
          *result = self->value;
          self->value = (GValue) G_VALUE_INIT;
        }
      return TRUE;
    }

  if (self->error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->error));
  else
    g_set_error (error, CORO_ERROR, CORO_ERROR_PROTOCOL,
                 "Coroutine '%s' cannot be awaited again", self->name);
  return FALSE;
}

static void
coro_coroutine_awaitable_init (CoroAwaitableInterface *iface)
{
  iface->begin = coroutine_begin;
  iface->abort = coroutine_abort;
  iface->finish = coroutine_finish;
}

static void
coro_coroutine_finalize (GObject *object)
{
  CoroCoroutine *self = CORO_COROUTINE (object);

  if (self->state == CORO_COROUTINE_CREATED)
    g_warning ("coroutine '%s' was never awaited", self->name);

  coroutine_destroy_cb (self);
  if (G_IS_VALUE (&self->value))
    g_value_unset (&self->value);
  g_clear_error (&self->error);
  g_free (self->name);

  G_OBJECT_CLASS (coro_coroutine_parent_class)->finalize (object);
}

static void
coro_coroutine_class_init (CoroCoroutineClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = coro_coroutine_finalize;
}

static void
coro_coroutine_init (CoroCoroutine *self)
{
}

/* Runs the body of a coroutine that was created, in the running job. */
gboolean
coro_coroutine_run (CoroCoroutine  *self,
                    GValue         *result,
                    GError        **error)
{
  gboolean ok;

  if (self->state != CORO_COROUTINE_CREATED)
    {
      g_set_error (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "Coroutine '%s' has already run", self->name);
      return FALSE;
    }

  self->state = CORO_COROUTINE_RUNNING;
  self->host = coro_job_get_running ();
  ok = self->func (self->user_data, result, error);
  self->state = CORO_COROUTINE_CLOSED;
  self->host = NULL;
  coro_call_natively (coroutine_destroy_cb, self);
  return ok;
}

/**
 * coro_coroutine_new_named: (skip)
 * @func: (scope notified) (closure user_data) (destroy destroy): the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data, once, whether the body runs or not
 * @name: a name for messages
 *
 * Makes a coroutine object. Nothing runs. [func@coroutine_new] takes the
 * name from the function.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): a coroutine
 *
 * Since: 0.1
 */
CoroCoroutine *
coro_coroutine_new_named (CoroFunc        func,
                          gpointer        user_data,
                          GDestroyNotify  destroy,
                          const char     *name)
{
  CoroCoroutine *self;

  g_return_val_if_fail (func != NULL, NULL);

  self = g_object_new (CORO_TYPE_COROUTINE, NULL);
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  self->name = g_strdup (name);
  return self;
}

/**
 * coro_coroutine_get_state:
 * @self: a coroutine
 *
 * Gets what the body is doing.
 *
 * Callable from the coroutine's thread; never suspends.
 *
 * Returns: the state
 *
 * Since: 0.1
 */
CoroCoroutineState
coro_coroutine_get_state (CoroCoroutine *self)
{
  g_return_val_if_fail (CORO_IS_COROUTINE (self), CORO_COROUTINE_CLOSED);

  if (self->state == CORO_COROUTINE_RUNNING && self->host->state != CORO_JOB_RUNNING)
    return CORO_COROUTINE_SUSPENDED;
  return self->state;
}

/**
 * coro_coroutine_get_name:
 * @self: a coroutine
 *
 * Gets the name for messages.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer none): the name
 *
 * Since: 0.1
 */
const char *
coro_coroutine_get_name (CoroCoroutine *self)
{
  g_return_val_if_fail (CORO_IS_COROUTINE (self), NULL);

  return self->name;
}

/**
 * coro_coroutine_close:
 * @self: a coroutine
 * @error: return location for an error
 *
 * Says that the body is not to run. Its user data is freed now.
 *
 * Closing one that has ended does nothing.
 *
 * Callable from any thread; never suspends.
 *
 * @error is [error@Coro.Error.PROTOCOL] if the body is running: cancel the
 * task that runs it.
 *
 * Returns: %TRUE if it is closed
 *
 * Since: 0.1
 */
gboolean
coro_coroutine_close (CoroCoroutine  *self,
                      GError        **error)
{
  g_return_val_if_fail (CORO_IS_COROUTINE (self), FALSE);

  if (self->state == CORO_COROUTINE_RUNNING)
    {
      g_set_error (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "Coroutine '%s' is running", self->name);
      return FALSE;
    }

  self->state = CORO_COROUTINE_CLOSED;
  coro_call_natively (coroutine_destroy_cb, self);
  return TRUE;
}
