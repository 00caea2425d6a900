/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "flow/coro-iterator.h"

#include "base/coro-error.h"
#include "scope/coro-shield.h"

/**
 * CoroIterator:
 *
 * Values that come one after the other, each after a wait perhaps.
 *
 * The end of an iteration is no error: it is success without a value, as with
 * [method@Gio.FileEnumerator.iterate]. So the error may be %NULL.
 *
 * [class@Generator] makes one of a function.
 *
 * Since: 0.1
 */

/* µs for what an iteration that is left early may clean up. */
#define CLOSE_GRACE (5 * G_TIME_SPAN_SECOND)

G_DEFINE_INTERFACE (CoroIterator, coro_iterator, G_TYPE_OBJECT)

static void
coro_iterator_default_init (CoroIteratorInterface *iface)
{
}

/* What an iterator must not say: nothing, a value and an error, or an end that is reported as
 * an error, which would be taken for one. */
static void
iterator_check_failure (CoroIterator  *self,
                        GValue        *value,
                        GError       **error)
{
  if (G_IS_VALUE (value))
    g_value_unset (value);

  if (*error == NULL)
    {
      g_critical ("A %s failed and did not say why", G_OBJECT_TYPE_NAME (self));
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_NO_RESULT, "The iterator failed and did not say why");
    }
  else if (g_error_matches (*error, CORO_ERROR, CORO_ERROR_EXHAUSTED))
    {
      g_critical ("A %s said that it is exhausted by an error", G_OBJECT_TYPE_NAME (self));
      (*error)->code = CORO_ERROR_PROTOCOL;
    }
}

/**
 * coro_iterator_next: (skip)
 * @self: (type Coro.Iterator): an iterator
 * @value: (out caller-allocates): an empty value, %G_VALUE_INIT, for the next
 *   one; stays empty at the end
 * @error: return location for an error
 *
 * Gets the next value.
 *
 * Callable from a coroutine, which it may suspend. Cancellation: see
 * [iface@Awaitable].
 *
 * @error can be set to what the iterator fails with; after a failure it is at
 * its end.
 *
 * Returns: %TRUE with a value or at the end; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_iterator_next (gpointer   self,
                    GValue    *value,
                    GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_return_val_if_fail (CORO_IS_ITERATOR (self), FALSE);
  g_return_val_if_fail (value != NULL && !G_IS_VALUE (value), FALSE);

  if (CORO_ITERATOR_GET_IFACE (self)->next (self, value, &local_error) && local_error == NULL)
    return TRUE;

  iterator_check_failure (self, value, &local_error);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/**
 * coro_iterator_next_required: (skip)
 * @iterator: (type Coro.Iterator): an iterator
 * @value: (out caller-allocates): an empty value, %G_VALUE_INIT, for the next one
 * @error: return location for an error
 *
 * [method@Iterator.next] for a caller that needs a value: the end is
 * [error@Coro.Error.EXHAUSTED].
 *
 * Returns: %TRUE with a value; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_iterator_next_required (gpointer   iterator,
                             GValue    *value,
                             GError   **error)
{
  if (!coro_iterator_next (iterator, value, error))
    return FALSE;
  if (G_IS_VALUE (value))
    return TRUE;

  g_set_error_literal (error, CORO_ERROR, CORO_ERROR_EXHAUSTED, "There is no next value");
  return FALSE;
}

/**
 * coro_iterator_next_or: (skip)
 * @iterator: (type Coro.Iterator): an iterator
 * @fallback: what to give at the end; copied
 * @value: (out caller-allocates): an empty value, %G_VALUE_INIT
 * @error: return location for an error
 *
 * [method@Iterator.next] with a value for the end.
 *
 * Returns: %TRUE with a value; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_iterator_next_or (gpointer       iterator,
                       const GValue  *fallback,
                       GValue        *value,
                       GError       **error)
{
  g_return_val_if_fail (G_IS_VALUE (fallback), FALSE);

  if (!coro_iterator_next (iterator, value, error))
    return FALSE;

  if (!G_IS_VALUE (value))
    {
      g_value_init (value, G_VALUE_TYPE (fallback));
      g_value_copy (fallback, value);
    }
  return TRUE;
}

/**
 * coro_iterator_next_object: (skip)
 * @iterator: (type Coro.Iterator): an iterator over objects
 * @out_object: (out) (transfer full) (nullable): the next one; %NULL at the end
 * @error: return location for an error
 *
 * [method@Iterator.next] for objects.
 *
 * @error can also be [error@Coro.Error.TYPE_MISMATCH].
 *
 * Returns: %TRUE with an object or at the end; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_iterator_next_object (gpointer   iterator,
                           gpointer  *out_object,
                           GError   **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_return_val_if_fail (out_object != NULL, FALSE);

  *out_object = NULL;
  if (!coro_iterator_next (iterator, &value, error))
    return FALSE;

  if (!G_IS_VALUE (&value))
    return TRUE;
  if (G_VALUE_HOLDS_OBJECT (&value))
    {
      *out_object = g_value_dup_object (&value);
      return TRUE;
    }

  g_set_error (error, CORO_ERROR, CORO_ERROR_TYPE_MISMATCH, "The value is %s, not an object",
               G_VALUE_TYPE_NAME (&value));
  return FALSE;
}

static void
value_clear_cb (gpointer value)
{
  g_value_unset (value);
}

/**
 * coro_iterator_collect: (skip)
 * @iterator: (type Coro.Iterator): an iterator
 * @error: return location for an error
 *
 * Gets all values that are left. After a failure the iterator is closed.
 *
 * Callable from a coroutine, which it may suspend. Cancellation: see
 * [iface@Awaitable].
 *
 * @error can be set to what the iterator fails with.
 *
 * Returns: (transfer full) (nullable): an array of `GValue`; %NULL with
 *   @error set
 *
 * Since: 0.1
 */
GArray *
coro_iterator_collect (gpointer   iterator,
                       GError   **error)
{
  g_auto (CoroLoop) loop = coro_loop_enter (iterator, error);
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (GValue));
  GValue value = G_VALUE_INIT;

  g_array_set_clear_func (values, value_clear_cb);
  while (coro_loop_next (&loop, &value))
    {
      g_array_append_val (values, value);
      value = (GValue) G_VALUE_INIT;        /* it is the array's now */
    }
  return coro_loop_ok (&loop) ? g_steal_pointer (&values) : NULL;
}

/**
 * coro_iterator_close: (skip)
 * @self: (type Coro.Iterator): an iterator
 * @error: return location for an error
 *
 * Ends an iteration before its end: a generator cleans up.
 *
 * Callable from a coroutine, which it may suspend.
 *
 * @error can be set to what the iterator's cleanup fails with.
 *
 * Returns: %TRUE if it is closed; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_iterator_close (gpointer   self,
                     GError   **error)
{
  CoroIteratorInterface *iface;

  g_return_val_if_fail (CORO_IS_ITERATOR (self), FALSE);

  iface = CORO_ITERATOR_GET_IFACE (self);
  return iface->close == NULL || iface->close (self, error);
}

/**
 * coro_loop_enter: (skip)
 * @iterator: (type Coro.Iterator): an iterator
 * @error: (nullable): the caller's own error location
 *
 * Opens a guard for a loop over @iterator, which is closed as soon as the
 * block is left, also by `break` and `return`.
 *
 * ```c
 * g_auto (CoroLoop) loop = coro_loop_enter (lines, error);
 * g_auto (GValue) line = G_VALUE_INIT;
 *
 * while (coro_loop_next (&loop, &line))
 *   g_print ("%s\n", g_value_get_string (&line));
 * return coro_loop_ok (&loop);
 * ```
 *
 * Callable from a coroutine; never suspends.
 *
 * Returns: the guard, for a `g_auto (CoroLoop)`
 *
 * Since: 0.1
 */
CoroLoop
coro_loop_enter (gpointer   iterator,
                 GError   **error)
{
  g_return_val_if_fail (CORO_IS_ITERATOR (iterator), ((CoroLoop) { NULL, error, FALSE }));

  return (CoroLoop) { g_object_ref (iterator), error, TRUE };
}

/**
 * coro_loop_next: (skip)
 * @self: an open guard
 * @value: an empty value, or the one before, which is unset
 *
 * Gets the next value.
 *
 * Callable from a coroutine, which it may suspend. Cancellation: see
 * [iface@Awaitable].
 *
 * Returns: %TRUE with a value; %FALSE at the end and on failure: see
 *   [method@Loop.ok]
 *
 * Since: 0.1
 */
gboolean
coro_loop_next (CoroLoop *self,
                GValue   *value)
{
  g_return_val_if_fail (self->iterator != NULL, FALSE);

  if (G_IS_VALUE (value))
    g_value_unset (value);
  if (!self->ok)
    return FALSE;

  self->ok = coro_iterator_next (self->iterator, value, self->error);
  return self->ok && G_IS_VALUE (value);
}

/**
 * coro_loop_next_object: (skip)
 * @self: an open guard
 * @out_object: (inout) (transfer full) (nullable): %NULL, or the object before,
 *   which is unreferenced
 *
 * [method@Loop.next] for objects.
 *
 * Returns: %TRUE with an object; %FALSE at the end and on failure
 *
 * Since: 0.1
 */
gboolean
coro_loop_next_object (CoroLoop *self,
                       gpointer *out_object)
{
  g_return_val_if_fail (self->iterator != NULL, FALSE);

  if (*out_object != NULL)
    g_object_unref (g_steal_pointer (out_object));
  if (!self->ok)
    return FALSE;

  self->ok = coro_iterator_next_object (self->iterator, out_object, self->error);
  return self->ok && *out_object != NULL;
}

/**
 * coro_loop_ok: (skip)
 * @self: a guard
 *
 * Whether no value has failed so far.
 *
 * Callable from the coroutine that opened it; never suspends.
 *
 * Returns: %FALSE if the error given to [func@Loop.enter] is set
 *
 * Since: 0.1
 */
gboolean
coro_loop_ok (const CoroLoop *self)
{
  return self->ok;
}

/**
 * coro_loop_exit: (skip)
 * @self: a guard
 *
 * Closes the guard and the iterator; `g_auto` does it. The cleanup of the
 * iterator may wait although the coroutine was cancelled; what it fails with
 * is logged.
 *
 * Callable from the coroutine that opened it, which it may suspend.
 *
 * Since: 0.1
 */
void
coro_loop_exit (CoroLoop *self)
{
  g_autoptr (CoroIterator) iterator = g_steal_pointer (&self->iterator);
  g_autoptr (GError) error = NULL;
  g_auto (CoroShield) shield = { NULL };

  if (iterator == NULL)
    return;

  shield = coro_shield_enter (CLOSE_GRACE);
  if (!coro_iterator_close (iterator, &error))
    g_warning ("An iterator failed to close: %s", error->message);
}
