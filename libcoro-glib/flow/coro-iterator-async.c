/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "flow/coro-iterator.h"

#include "scope/coro-spawn.h"

/* One call for a value by a caller that is no coroutine. */
typedef struct
{
  CoroTask *coroutine;          /* (owned) */
  gulong cancelled_id;          /* 0: there is no cancellable */
} NextCall;

static void
next_call_free (gpointer data)
{
  NextCall *self = data;

  g_clear_object (&self->coroutine);
  g_free (self);
}

static gboolean
next_cb (gpointer   iterator,
         GValue    *result,
         GError   **error)
{
  return coro_iterator_next (iterator, result, error);
}

/* In any thread. */
static void
next_cancelled_cb (GCancellable *cancellable,
                   gpointer      coroutine)
{
  coro_future_cancel (coroutine);
}

static void
box_free_cb (gpointer box)
{
  if (G_IS_VALUE ((GValue *) box))
    g_value_unset (box);
  g_free (box);
}

/* On the thread stack: the callback is the application's. */
static void
next_done_cb (CoroFuture  *future,
              gpointer     task,
              GError     **error)
{
  NextCall *self = g_task_get_task_data (task);
  GValue *box = g_new0 (GValue, 1);
  GError *local_error = NULL;

  if (self->cancelled_id != 0)
    g_cancellable_disconnect (g_task_get_cancellable (task), self->cancelled_id);

  if (coro_future_get_result (future, box, &local_error))
    {
      g_task_return_pointer (task, box, box_free_cb);
      return;
    }

  g_free (box);
  g_task_return_error (task, local_error);
}

/**
 * coro_iterator_next_async: (skip)
 * @self: an iterator
 * @cancellable: (nullable): cancels the wait for the value
 * @callback: (scope async): called when there is a value, at the end and on failure
 * @user_data: what to pass to it
 *
 * [method@Iterator.next] for code that is no coroutine.
 *
 * Callable from the iterator's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_iterator_next_async (CoroIterator        *self,
                          GCancellable        *cancellable,
                          GAsyncReadyCallback  callback,
                          gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  NextCall *call;

  g_return_if_fail (CORO_IS_ITERATOR (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  call = g_new0 (NextCall, 1);
  call->coroutine = coro_spawn_task (next_cb, g_object_ref (self), g_object_unref);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, coro_iterator_next_async);
  /* A value that has come is not lost because of a cancellation that comes too late. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, call, next_call_free);

  if (cancellable != NULL)
    call->cancelled_id = g_cancellable_connect (cancellable, G_CALLBACK (next_cancelled_cb),
                                                g_object_ref (call->coroutine), g_object_unref);
  coro_future_on_done (CORO_FUTURE (call->coroutine), next_done_cb, g_object_ref (task), g_object_unref);
}

/**
 * coro_iterator_next_finish: (skip)
 * @self: an iterator
 * @result: what the callback was given
 * @value: (out caller-allocates): an empty value, %G_VALUE_INIT, for the next
 *   one; stays empty at the end
 * @error: return location for an error
 *
 * Finishes [method@Iterator.next_async].
 *
 * Callable from the callback; never suspends.
 *
 * @error can be set to %G_IO_ERROR_CANCELLED and to what the iterator fails
 * with.
 *
 * Returns: %TRUE with a value or at the end; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_iterator_next_finish (CoroIterator  *self,
                           GAsyncResult  *result,
                           GValue        *value,
                           GError       **error)
{
  GValue *box;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (value != NULL && !G_IS_VALUE (value), FALSE);

  box = g_task_propagate_pointer (G_TASK (result), error);
  if (box == NULL)
    return FALSE;

  *value = *box;
  g_free (box);
  return TRUE;
}
