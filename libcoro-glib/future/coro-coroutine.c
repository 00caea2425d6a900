/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-coroutine-private.h"

#include "base/coro-error.h"
#include "scheduler/coro-scheduler-private.h"
#include "scheduler/coro-inner-fiber-private.h"

/**
 * CoroCoroutine:
 *
 * A function that has not been called yet.
 *
 * It is what a call of an `async def` function gives in Python: nothing runs
 * until the object is awaited, which runs the body on the stack of the
 * awaiting coroutine, or made a task with [func@spawn_coroutine]. It runs
 * once. One that is dropped without having run is reported: most likely the
 * await was forgotten. `coro_coroutine_close()` says that it was meant.
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
  gpointer created;             /* (nullable) (owned): by which call, for debug mode */
  CoroCoroutineState state;
  gboolean awaited;             /* a caller was about to run it, and it never came to that */
  CoroJob *host;                /* (nullable): on whose stack the body runs */
  gboolean ok;                  /* how it ended */
  GValue value;                 /* its result, or what it suspended with */
  GError *error;                /* (nullable) (owned) */

  CoroInnerFiber inner;       /* of one that is resumed by hand */
  CoroCoroutine *outer;         /* (nullable) (unowned): resumed by hand around us, in this thread */
  const GValue *sent;           /* (nullable): on its way in */
  gboolean closing;
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
  return CORO_ABORT_DONE;       /* of a coroutine that has passed it on: ours is never pending */
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

/* --- by hand ---------------------------------------------------------------------- */

/* The innermost coroutine of the thread that is being resumed. */
static __thread CoroCoroutine *innermost;

static GPrivate thread_stacks = G_PRIVATE_INIT ((GDestroyNotify) coro_stack_pool_free);

/* Where stacks come from: in a coroutine from its scheduler, else from the thread. */
static CoroStackPool *
get_stack_pool (void)
{
  CoroStackPool *pool;

  if (coro_scheduler_current != NULL)
    return coro_scheduler_current->stacks;

  pool = g_private_get (&thread_stacks);
  if (pool == NULL)
    {
      pool = coro_stack_pool_new ();
      g_private_set (&thread_stacks, pool);
    }
  return pool;
}

static void
coroutine_body (gpointer data)
{
  CoroCoroutine *self = data;

  self->ok = self->func (self->user_data, &self->value, &self->error);
}

static void
coroutine_unlink (CoroCoroutine *self)
{
  CoroCoroutine **link = &innermost;

  while (*link != self)
    link = &(*link)->outer;
  *link = self->outer;
  self->outer = NULL;
}

/* Runs the body to its next suspension or its end, with the value in self->value. */
static gboolean
coroutine_step (CoroCoroutine  *self,
                GError        **error)
{
  CoroJob *job = coro_job_get_running ();
  gboolean ok;

  if (job != NULL && !coro_job_check_suspend (job, error))
    return FALSE;
  if (!self->inner.started &&
      !coro_inner_fiber_start (&self->inner, get_stack_pool (), coroutine_body, self, error))
    return FALSE;

  g_object_ref (self);
  self->state = CORO_COROUTINE_RUNNING;
  self->host = job;
  self->outer = innermost;
  innermost = self;
  coro_inner_fiber_resume (&self->inner);
  coroutine_unlink (self);
  self->host = NULL;
  self->sent = NULL;
  self->state = self->inner.ended ? CORO_COROUTINE_CLOSED : CORO_COROUTINE_SUSPENDED;
  if (self->inner.ended)
    coro_call_on_thread_stack (coroutine_destroy_cb, self);
  g_object_unref (self);

  if (!self->inner.ended)
    return TRUE;

  ok = self->ok;
  self->ok = FALSE;             /* the result is told here, and to no later await */
  if (ok)
    return TRUE;

  if (self->error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->error));
  else
    g_set_error (error, CORO_ERROR, CORO_ERROR_NO_RESULT, "Coroutine '%s' failed and did not say why", self->name);
  return FALSE;
}

/* --- object ----------------------------------------------------------------------- */

static void
coro_coroutine_dispose (GObject *object)
{
  CoroCoroutine *self = CORO_COROUTINE (object);
  g_autoptr (GError) error = NULL;

  /* What it holds is on its stack.  Python closes it here as well. */
  if (self->state == CORO_COROUTINE_SUSPENDED && !coro_coroutine_close (self, &error))
    g_critical ("Coroutine '%s' was dropped and did not close: %s", self->name, error->message);

  G_OBJECT_CLASS (coro_coroutine_parent_class)->dispose (object);
}

static void
coroutine_warn_never_awaited (CoroCoroutine *self)
{
  g_autofree char *created = self->created != NULL ? coro_global_observer.describe (self->created) : NULL;

  if (created != NULL)
    g_warning ("coroutine '%s' was never awaited; it was made here:\n%s", self->name, created);
  else
    g_warning ("coroutine '%s' was never awaited", self->name);
}

static void
coro_coroutine_finalize (GObject *object)
{
  CoroCoroutine *self = CORO_COROUTINE (object);

  if (self->state == CORO_COROUTINE_CREATED && !self->awaited)
    coroutine_warn_never_awaited (self);

  coroutine_destroy_cb (self);
  if (G_IS_VALUE (&self->value))
    g_value_unset (&self->value);
  g_clear_error (&self->error);
  g_free (self->name);
  g_free (self->created);

  G_OBJECT_CLASS (coro_coroutine_parent_class)->finalize (object);
}

static void
coro_coroutine_class_init (CoroCoroutineClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = coro_coroutine_dispose;
  object_class->finalize = coro_coroutine_finalize;
}

static void
coro_coroutine_init (CoroCoroutine *self)
{
}

/* It was not forgotten: the coroutine that awaited it or made a task of it was cancelled before. */
void
coro_coroutine_mark_awaited (CoroCoroutine *self)
{
  self->awaited = TRUE;
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
  coro_call_on_thread_stack (coroutine_destroy_cb, self);
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
  if (G_UNLIKELY (coro_global_observer.capture != NULL))
    self->created = coro_global_observer.capture ();
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

  if (self->state == CORO_COROUTINE_RUNNING && self->host != NULL && self->host->state != CORO_JOB_RUNNING)
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
 * Says that the body is not to run, or to go on. Its user data is freed.
 *
 * In one that was suspended by hand, [func@suspend] fails with
 * [error@Coro.Error.GENERATOR_EXIT], and the body cleans up. Closing one that
 * has ended does nothing.
 *
 * Callable from any thread before it has started; then like
 * `coro_coroutine_resume()`.
 *
 * @error is [error@Coro.Error.PROTOCOL] if the body is running (cancel the
 * task that runs it) or goes on suspending, or what its cleanup fails with.
 *
 * Returns: %TRUE if it is closed
 *
 * Since: 0.1
 */
gboolean
coro_coroutine_close (CoroCoroutine  *self,
                      GError        **error)
{
  GError *local_error = NULL;

  g_return_val_if_fail (CORO_IS_COROUTINE (self), FALSE);

  if (self->state == CORO_COROUTINE_RUNNING)
    {
      g_set_error (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "Coroutine '%s' is running", self->name);
      return FALSE;
    }

  if (self->state == CORO_COROUTINE_SUSPENDED)
    {
      gboolean ok;

      self->closing = TRUE;
      ok = coroutine_step (self, &local_error);
      self->closing = FALSE;    /* if it goes on, it can be resumed and closed as before */
      if (!ok && !g_error_matches (local_error, CORO_ERROR, CORO_ERROR_GENERATOR_EXIT))
        {
          g_propagate_error (error, local_error);
          return FALSE;
        }
      g_clear_error (&local_error);

      if (self->state == CORO_COROUTINE_SUSPENDED)
        {
          if (G_IS_VALUE (&self->value))
            g_value_unset (&self->value);
          g_set_error (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "Coroutine '%s' ignored that it was closed", self->name);
          return FALSE;
        }
    }

  self->state = CORO_COROUTINE_CLOSED;
  coro_call_on_thread_stack (coroutine_destroy_cb, self);
  return TRUE;
}

/**
 * coro_coroutine_resume: (skip)
 * @self: a coroutine
 * @sent: (nullable): what [func@suspend] gives to the body; %NULL the first time
 * @value: (out caller-allocates) (optional): an empty value, %G_VALUE_INIT, for
 *   what the body suspends with, or its result
 * @error: return location for an error
 *
 * Runs the body by hand: until it calls [func@suspend], when the state is
 * %CORO_COROUTINE_SUSPENDED, or to its end, when it is
 * %CORO_COROUTINE_CLOSED.
 *
 * It is what a scheduler is made of; see `examples/scheduler.c`. It needs no
 * main loop. The body runs on behalf of the caller that resumes it: it can wait
 * if the caller is a coroutine.
 *
 * Callable from any thread, always the same for one coroutine; suspends if the
 * body waits.
 *
 * @error can be set to what the body fails with, and to
 * [error@Coro.Error.PROTOCOL] if it has ended or is running.
 *
 * Semantics: Python's `coroutine.send()`.
 *
 * Returns: %TRUE with a value; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_coroutine_resume (CoroCoroutine  *self,
                       const GValue   *sent,
                       GValue         *value,
                       GError        **error)
{
  g_return_val_if_fail (CORO_IS_COROUTINE (self), FALSE);
  g_return_val_if_fail (value == NULL || !G_IS_VALUE (value), FALSE);

  if (self->state == CORO_COROUTINE_RUNNING || self->state == CORO_COROUTINE_CLOSED)
    {
      g_set_error (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "Coroutine '%s' %s", self->name,
                   self->state == CORO_COROUTINE_RUNNING ? "is running" : "has already run");
      return FALSE;
    }
  if (self->state == CORO_COROUTINE_CREATED && sent != NULL)
    {
      g_set_error (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "Coroutine '%s' has not started: nothing can be sent",
                   self->name);
      return FALSE;
    }

  self->sent = sent;
  if (!coroutine_step (self, error))
    return FALSE;

  if (value != NULL)
    *value = self->value;
  else if (G_IS_VALUE (&self->value))
    g_value_unset (&self->value);
  self->value = (GValue) G_VALUE_INIT;
  return TRUE;
}

/**
 * coro_suspend: (skip)
 * @value: (nullable): what to give to the caller that resumes; copied
 * @sent: (out caller-allocates) (optional): an empty value, %G_VALUE_INIT, for
 *   what was sent along with the next resume; stays empty if nothing was
 * @error: return location for an error
 *
 * Suspends a coroutine that is resumed by hand, until
 * `coro_coroutine_resume()` is called again.
 *
 * Callable from the body of such a coroutine, at any depth.
 *
 * @error is set to [error@Coro.Error.GENERATOR_EXIT] if the coroutine was
 * closed, and to [error@Coro.Error.NOT_IN_COROUTINE] elsewhere.
 *
 * Returns: %TRUE once resumed; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_suspend (const GValue  *value,
              GValue        *sent,
              GError       **error)
{
  CoroCoroutine *self = innermost;

  while (self != NULL && !coro_inner_fiber_is_inside (&self->inner))
    self = self->outer;

  if (self == NULL)
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE,
                           "Only a coroutine that is resumed by hand can be suspended by hand");
      return FALSE;
    }

  if (value != NULL && G_IS_VALUE (value))
    {
      g_value_init (&self->value, G_VALUE_TYPE (value));
      g_value_copy (value, &self->value);
    }
  coro_inner_fiber_yield (&self->inner);

  if (self->closing)
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_GENERATOR_EXIT, "The coroutine was closed");
      return FALSE;
    }
  if (sent != NULL && self->sent != NULL)
    {
      g_value_init (sent, G_VALUE_TYPE (self->sent));
      g_value_copy (self->sent, sent);
    }
  return TRUE;
}
