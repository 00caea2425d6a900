/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "flow/coro-generator.h"

#include "base/coro-container-private.h"
#include "base/coro-error.h"
#include "future/coro-sleep.h"
#include "scheduler/coro-revived-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scheduler/coro-inner-fiber-private.h"
#include "scope/coro-shield.h"
#include "scope/coro-spawn.h"
#include "scope/coro-task-group-private.h"

/**
 * CoroGenerator:
 *
 * An iterator that is made of a function: the body runs until it has produced
 * a value, and goes on when the next one is asked for.
 *
 * The body has a stack of its own but runs as a part of the coroutine that asks
 * for a value, with the task and the time limits of this coroutine. So a guard
 * that the body has opened must be closed before it produces a value.
 *
 * A generator that has started must be run to its end or closed, because the
 * stack of its body holds resources. A generator that is dropped before its end
 * closes itself later, in a coroutine of its own, and debug mode warns of it;
 * [func@Loop.enter] closes a generator as soon as the loop is left.
 *
 * A generator belongs to the thread that begins it. In another thread its
 * functions fail with [error@Coro.Error.PROTOCOL].
 *
 * Semantics: Python's asynchronous generators.
 *
 * Since: 0.1
 */

typedef enum
{
  GENERATOR_CREATED,            /* the body has not started */
  GENERATOR_SUSPENDED,          /* the body has produced a value */
  GENERATOR_RUNNING,            /* a caller waits for the next one */
  GENERATOR_CLOSED              /* the body has ended */
} CoroGeneratorState;

/* µs for the cleanup of one that was dropped. */
#define CLOSE_GRACE (5 * G_TIME_SPAN_SECOND)

struct _CoroGenerator
{
  GObject parent_instance;

  GType element_type;
  CoroGeneratorFunc func;
  gpointer user_data;           /* (owned): by destroy */
  GDestroyNotify destroy;       /* (nullable) */
  CoroScheduler *scheduler;     /* (nullable) (owned): once it has started */
  CoroShutdown shutdown;
  CoroInnerFiber inner;
  CoroGeneratorState state;
  CoroScope *scope;             /* (nullable): the caller's, when the step began */
  GValue value;                 /* on its way out */
  const GValue *sent;           /* (nullable): on its way in */
  const GError *thrown;         /* (nullable): the same */
  gboolean closing;
  gboolean ignored_close;       /* the body was asked to close by its latest step, and goes on */
  gboolean ok;                  /* how the body ended */
  GError *error;                /* (nullable) (owned) */
};

static void coro_generator_iterator_init (CoroIteratorInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (CoroGenerator, coro_generator, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CORO_TYPE_ITERATOR, coro_generator_iterator_init))

static void
generator_destroy_cb (gpointer object)
{
  CoroGenerator *self = object;
  GDestroyNotify destroy = g_steal_pointer (&self->destroy);

  if (destroy != NULL)
    destroy (g_steal_pointer (&self->user_data));
}

static void
generator_body (gpointer data)
{
  CoroGenerator *self = data;

  self->ok = self->func (self, self->user_data, &self->error);
}

static gboolean
close_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_auto (CoroShield) shield = coro_shield_enter (CLOSE_GRACE);

  return coro_generator_close (user_data, error);
}

/* At the end of coro_run(), in a coroutine. */
static void
generator_shutdown_cb (CoroShutdown *shutdown)
{
  CoroGenerator *self = CORO_CONTAINER_OF (shutdown, CoroGenerator, shutdown);
  g_autoptr (GError) error = NULL;

  g_object_ref (self);
  if (!close_cb (self, NULL, &error))
    g_warning ("%s failed to close: %s", shutdown->name, error->message);
  g_object_unref (self);
}

static gboolean
generator_start (CoroGenerator  *self,
                 GError        **error)
{
  self->scheduler = g_object_ref (coro_scheduler_current);
  if (!coro_inner_fiber_start (&self->inner, self->scheduler->stacks, generator_body, self, error))
    {
      g_clear_object (&self->scheduler);
      return FALSE;
    }

  self->shutdown.run = generator_shutdown_cb;
  coro_scheduler_add_shutdown (self->scheduler, &self->shutdown);
  return TRUE;
}

static void
generator_end (CoroGenerator *self)
{
  self->state = GENERATOR_CLOSED;
  if (self->scheduler != NULL)
    coro_scheduler_remove_shutdown (self->scheduler, &self->shutdown);
  coro_call_on_thread_stack (generator_destroy_cb, self);
}

static gboolean
generator_check_idle (CoroGenerator  *self,
                      GError        **error)
{
  if (self->scheduler != NULL &&
      !coro_scheduler_require_mine (self->scheduler, "A generator goes on in the thread that has begun it", error))
    return FALSE;
  if (self->state != GENERATOR_RUNNING)
    return TRUE;

  g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "The generator is already running");
  return FALSE;
}

/* Runs the body on behalf of the running coroutine, to its next value or its end.  TRUE:
 * there is a value in self->value, or the body has ended well. */
static gboolean
generator_step (CoroGenerator  *self,
                GError        **error)
{
  CoroJob *job = coro_job_require (error);

  if (job == NULL || !coro_job_check_suspend (job, error))
    return FALSE;
  if (self->state == GENERATOR_CREATED && !generator_start (self, error))
    return FALSE;

  g_object_ref (self);
  self->state = GENERATOR_RUNNING;
  self->scope = job->scope;
  coro_inner_fiber_resume (&self->inner);
  self->sent = NULL;
  self->thrown = NULL;
  self->state = GENERATOR_SUSPENDED;
  self->ignored_close = self->closing;
  if (self->inner.ended)
    generator_end (self);
  g_object_unref (self);

  if (!self->inner.ended || self->ok)
    return TRUE;

  if (self->error == NULL)
    g_set_error_literal (&self->error, CORO_ERROR, CORO_ERROR_NO_RESULT, "The generator failed and did not say why");
  g_propagate_error (error, g_steal_pointer (&self->error));
  return FALSE;
}

static gboolean
generator_take_value (CoroGenerator  *self,
                      GValue         *value,
                      GError        **error)
{
  if (!generator_step (self, error))
    return FALSE;

  if (self->state == GENERATOR_SUSPENDED)
    {
      *value = self->value;
      self->value = (GValue) G_VALUE_INIT;
    }
  return TRUE;
}

static gboolean
generator_next (CoroIterator  *iterator,
                GValue        *value,
                GError       **error)
{
  return coro_generator_send (CORO_GENERATOR (iterator), NULL, value, error);
}

static gboolean
generator_close (CoroIterator  *iterator,
                 GError       **error)
{
  return coro_generator_close (CORO_GENERATOR (iterator), error);
}

static void
coro_generator_iterator_init (CoroIteratorInterface *iface)
{
  iface->next = generator_next;
  iface->close = generator_close;
}

static void
generator_tell_dropped (CoroGenerator *self)
{
  CoroObserver *observer = coro_scheduler_is_mine (self->scheduler) ? self->scheduler->observer : NULL;

  if (G_UNLIKELY (observer != NULL) && observer->generator_dropped != NULL)
    observer->generator_dropped (observer, self->shutdown.name);
}

/* A started body can only be left by running it: the generator lives on until a coroutine
 * has closed it.  A body that ignores this is not asked for ever. */
static void
coro_generator_dispose (GObject *object)
{
  CoroGenerator *self = CORO_GENERATOR (object);
  gboolean is_revived = FALSE;

  if (self->state == GENERATOR_SUSPENDED && !self->ignored_close)
    {
      generator_tell_dropped (self);
      if (self->scheduler->closed)
        g_critical ("%s was dropped after its main loop had ended; what it holds is leaked",
                    self->shutdown.name);
      else
        {
          is_revived = TRUE;
          coro_spawn_at (coro_task_group_get_root (self->scheduler), close_cb,
                         g_object_ref (self), g_object_unref, self->shutdown.name);
        }
    }

  G_OBJECT_CLASS (coro_generator_parent_class)->dispose (object);

  if (is_revived && !coro_scheduler_is_mine (self->scheduler))
    coro_keep_revived (self);
}

static void
coro_generator_finalize (GObject *object)
{
  CoroGenerator *self = CORO_GENERATOR (object);

  if (self->state == GENERATOR_SUSPENDED)
    coro_scheduler_remove_shutdown (self->scheduler, &self->shutdown);
  generator_destroy_cb (self);
  if (G_IS_VALUE (&self->value))
    g_value_unset (&self->value);
  g_clear_error (&self->error);
  g_clear_object (&self->scheduler);

  G_OBJECT_CLASS (coro_generator_parent_class)->finalize (object);
}

static void
coro_generator_class_init (CoroGeneratorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = coro_generator_dispose;
  object_class->finalize = coro_generator_finalize;
}

static void
coro_generator_init (CoroGenerator *self)
{
}

/**
 * coro_generator_new_at: (skip)
 * @element_type: the type of the values
 * @func: (scope notified) (closure user_data) (destroy destroy): the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data, once, whether the body runs or not
 * @site: (nullable): a static string that names it in messages
 *
 * Makes a generator. Nothing runs until the first value is asked for.
 *
 * Callable from any thread; never suspends. It belongs to the thread that
 * asks for the first value.
 *
 * Returns: (transfer full): a generator
 *
 * Since: 0.1
 */
CoroGenerator *
coro_generator_new_at (GType              element_type,
                       CoroGeneratorFunc  func,
                       gpointer           user_data,
                       GDestroyNotify     destroy,
                       const char        *site)
{
  CoroGenerator *self;

  g_return_val_if_fail (func != NULL, NULL);

  self = g_object_new (CORO_TYPE_GENERATOR, NULL);
  self->element_type = element_type;
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  self->shutdown.name = site != NULL ? site : "A generator";
  return self;
}

/* What is wrong with producing a value right now. */
static gboolean
generator_check_produce (CoroGenerator  *self,
                         const GValue   *value,
                         GError        **error)
{
  if (!coro_inner_fiber_is_inside (&self->inner))
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "Only a generator's own body produces its values");
      return FALSE;
    }

  if (coro_job_get_running ()->scope != self->scope)
    {
      g_critical ("A generator produced a value inside a timeout, a group or a shield of its own");
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "A generator's guards must be closed while it produces");
      return FALSE;
    }

  if (!G_VALUE_HOLDS (value, self->element_type))
    {
      g_set_error (error, CORO_ERROR, CORO_ERROR_TYPE_MISMATCH, "The value is %s, not of type %s",
                   G_VALUE_TYPE_NAME (value), g_type_name (self->element_type));
      return FALSE;
    }

  return TRUE;
}

/**
 * coro_generator_produce: (skip)
 * @self: the generator whose body calls
 * @value: a value; copied
 * @error: return location for an error
 *
 * Gives a value to the caller that asked for it, and returns when the next one
 * is asked for.
 *
 * Callable from the generator's body, which it suspends.
 *
 * @error is set to [error@Coro.Error.GENERATOR_EXIT] if no value will be asked
 * for any more: the body cleans up, for which it may wait, and returns. It can
 * be set to what [method@Generator.throw] passes, and to
 * [error@Coro.Error.PROTOCOL] or [error@Coro.Error.TYPE_MISMATCH].
 *
 * Returns: %TRUE if another value is wanted; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_generator_produce (CoroGenerator  *self,
                        const GValue   *value,
                        GError        **error)
{
  g_return_val_if_fail (CORO_IS_GENERATOR (self), FALSE);
  g_return_val_if_fail (G_IS_VALUE (value), FALSE);

  if (!generator_check_produce (self, value, error))
    return FALSE;

  g_value_init (&self->value, G_VALUE_TYPE (value));
  g_value_copy (value, &self->value);
  coro_inner_fiber_yield (&self->inner);

  if (self->thrown != NULL)
    {
      g_propagate_error (error, g_error_copy (self->thrown));
      return FALSE;
    }

  if (self->closing)
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_GENERATOR_EXIT, "The generator was closed");
      return FALSE;
    }

  return TRUE;
}

/**
 * coro_generator_produce_int: (skip)
 * @self: the generator whose body calls
 * @value: a value
 * @error: return location for an error
 *
 * [method@Generator.produce] for this type.
 *
 * Returns: %TRUE if another value is wanted; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_generator_produce_int (CoroGenerator  *self,
                            int             value,
                            GError        **error)
{
  g_auto (GValue) box = G_VALUE_INIT;

  g_value_init (&box, G_TYPE_INT);
  g_value_set_int (&box, value);
  return coro_generator_produce (self, &box, error);
}

/**
 * coro_generator_produce_string: (skip)
 * @self: the generator whose body calls
 * @value: (nullable): a value; copied
 * @error: return location for an error
 *
 * [method@Generator.produce] for this type.
 *
 * Returns: %TRUE if another value is wanted; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_generator_produce_string (CoroGenerator  *self,
                               const char     *value,
                               GError        **error)
{
  g_auto (GValue) box = G_VALUE_INIT;

  g_value_init (&box, G_TYPE_STRING);
  g_value_set_string (&box, value);
  return coro_generator_produce (self, &box, error);
}

/**
 * coro_generator_produce_object: (skip)
 * @self: the generator whose body calls
 * @object: (type GObject.Object): an object; referenced
 * @error: return location for an error
 *
 * [method@Generator.produce] for this type.
 *
 * Returns: %TRUE if another value is wanted; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_generator_produce_object (CoroGenerator  *self,
                               gpointer        object,
                               GError        **error)
{
  g_auto (GValue) box = G_VALUE_INIT;

  g_return_val_if_fail (G_IS_OBJECT (object), FALSE);

  g_value_init (&box, G_OBJECT_TYPE (object));
  g_value_set_object (&box, object);
  return coro_generator_produce (self, &box, error);
}

/* Tells `inner` what produce() has failed with: TRUE if it answers with another value. */
static gboolean
delegate_failure (CoroGenerator  *self,
                  CoroGenerator  *inner,
                  const GError   *failure,
                  GValue         *value,
                  GError        **error)
{
  g_value_unset (value);

  if (self->thrown != NULL && g_error_matches (failure, self->thrown->domain, self->thrown->code))
    return coro_generator_throw (inner, self->thrown, value, error);

  if (coro_generator_close (inner, error))
    g_propagate_error (error, g_error_copy (failure));
  return FALSE;
}

/**
 * coro_generator_delegate: (skip)
 * @self: the generator whose body calls
 * @inner: another generator
 * @error: return location for an error
 *
 * Produces all values of @inner. What is sent to @self or thrown at it goes
 * to @inner, and closing it closes @inner.
 *
 * Callable from the generator's body, which it suspends.
 *
 * @error can be set to what @inner fails with, and to those of
 * [method@Generator.produce].
 *
 * Semantics: Python's `yield from`.
 *
 * Returns: %TRUE at the end of @inner; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_generator_delegate (CoroGenerator  *self,
                         CoroGenerator  *inner,
                         GError        **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_return_val_if_fail (CORO_IS_GENERATOR (self), FALSE);
  g_return_val_if_fail (CORO_IS_GENERATOR (inner) && inner != self, FALSE);

  if (!coro_generator_send (inner, NULL, &value, error))
    return FALSE;

  while (G_IS_VALUE (&value))
    {
      g_autoptr (GError) local_error = NULL;

      if (coro_generator_produce (self, &value, &local_error))
        {
          g_value_unset (&value);
          if (!coro_generator_send (inner, self->sent, &value, error))
            return FALSE;
        }
      else if (!delegate_failure (self, inner, local_error, &value, error))
        return FALSE;
    }
  return TRUE;
}

/**
 * coro_generator_get_sent: (skip)
 * @self: the generator whose body calls
 *
 * Gets what [method@Generator.send] has passed along with the question for
 * the next value.
 *
 * Callable from the generator's body; never suspends.
 *
 * Returns: (nullable) (transfer none): the value, until the next one is
 *   produced
 *
 * Since: 0.1
 */
const GValue *
coro_generator_get_sent (CoroGenerator *self)
{
  g_return_val_if_fail (CORO_IS_GENERATOR (self), NULL);

  return self->sent;
}

/**
 * coro_generator_send: (skip)
 * @self: a generator
 * @sent: (nullable): what to tell the body; %NULL for the first value
 * @value: (out caller-allocates): an empty value, %G_VALUE_INIT, for the next
 *   one; stays empty at the end
 * @error: return location for an error
 *
 * [method@Iterator.next], telling the body something.
 *
 * Callable from a coroutine, which it may suspend. Cancellation: see
 * [iface@Awaitable].
 *
 * @error can be set to what the body fails with, and to
 * [error@Coro.Error.PROTOCOL] if another coroutine is asking, or if something
 * is sent to a body that has not started.
 *
 * Returns: %TRUE with a value or at the end; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_generator_send (CoroGenerator  *self,
                     const GValue   *sent,
                     GValue         *value,
                     GError        **error)
{
  g_return_val_if_fail (CORO_IS_GENERATOR (self), FALSE);
  g_return_val_if_fail (value != NULL && !G_IS_VALUE (value), FALSE);

  if (!generator_check_idle (self, error) || !coro_check_cancelled (error))
    return FALSE;
  if (self->state == GENERATOR_CLOSED)
    return TRUE;

  if (sent != NULL && self->state == GENERATOR_CREATED)
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "The generator has not started: nothing can be sent");
      return FALSE;
    }

  self->sent = sent;
  return generator_take_value (self, value, error);
}

/**
 * coro_generator_throw: (skip)
 * @self: a generator
 * @thrown: an error; copied
 * @value: (out caller-allocates): an empty value, %G_VALUE_INIT, for the next
 *   one; stays empty at the end
 * @error: return location for an error
 *
 * Has the body fail where it has produced its last value.
 *
 * If the body takes that and produces another value, this is the result. In a
 * body that has not started or has ended the error is the result.
 *
 * Callable from a coroutine, which it may suspend.
 *
 * Returns: %TRUE with a value or at the end; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_generator_throw (CoroGenerator  *self,
                      const GError   *thrown,
                      GValue         *value,
                      GError        **error)
{
  g_return_val_if_fail (CORO_IS_GENERATOR (self), FALSE);
  g_return_val_if_fail (thrown != NULL, FALSE);
  g_return_val_if_fail (value != NULL && !G_IS_VALUE (value), FALSE);

  if (!generator_check_idle (self, error))
    return FALSE;

  if (self->state != GENERATOR_SUSPENDED)
    {
      if (self->state == GENERATOR_CREATED)
        generator_end (self);
      g_propagate_error (error, g_error_copy (thrown));
      return FALSE;
    }

  self->thrown = thrown;
  return generator_take_value (self, value, error);
}

/**
 * coro_generator_close: (skip)
 * @self: a generator
 * @error: return location for an error
 *
 * Ends the generator: in its body, [method@Generator.produce] fails with
 * [error@Coro.Error.GENERATOR_EXIT], and it cleans up. A body that has not
 * started never will; closing it twice is closing it once.
 *
 * Callable from a coroutine, which it may suspend; a generator that has not
 * started can be closed anywhere.
 *
 * @error can be set to what the body fails with instead, and to
 * [error@Coro.Error.PROTOCOL] if it goes on producing.
 *
 * Returns: %TRUE if it is closed; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_generator_close (CoroGenerator  *self,
                      GError        **error)
{
  GError *local_error = NULL;
  gboolean ok;

  g_return_val_if_fail (CORO_IS_GENERATOR (self), FALSE);

  if (!generator_check_idle (self, error))
    return FALSE;
  if (self->state == GENERATOR_CREATED)
    generator_end (self);
  if (self->state == GENERATOR_CLOSED)
    return TRUE;

  self->closing = TRUE;
  ok = generator_step (self, &local_error);
  self->closing = FALSE;        /* if it goes on, it can be asked and closed as before */
  if (!ok && !g_error_matches (local_error, CORO_ERROR, CORO_ERROR_GENERATOR_EXIT))
    {
      g_propagate_error (error, local_error);
      return FALSE;
    }
  g_clear_error (&local_error);

  if (self->state == GENERATOR_CLOSED)
    return TRUE;

  g_value_unset (&self->value);
  g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "The generator ignored that it was closed");
  return FALSE;
}
