/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-return.h"

/**
 * coro_return_boolean: (skip)
 * @result: the result of a coroutine
 * @value: what to return
 *
 * Sets the result of a coroutine.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE
 *
 * Since: 0.1
 */
gboolean
coro_return_boolean (GValue   *result,
                     gboolean  value)
{
  g_value_init (result, G_TYPE_BOOLEAN);
  g_value_set_boolean (result, value);
  return TRUE;
}

/**
 * coro_return_int: (skip)
 * @result: the result of a coroutine
 * @value: what to return
 *
 * Sets the result of a coroutine.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE
 *
 * Since: 0.1
 */
gboolean
coro_return_int (GValue *result,
                 int     value)
{
  g_value_init (result, G_TYPE_INT);
  g_value_set_int (result, value);
  return TRUE;
}

/**
 * coro_return_int64: (skip)
 * @result: the result of a coroutine
 * @value: what to return
 *
 * Sets the result of a coroutine.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE
 *
 * Since: 0.1
 */
gboolean
coro_return_int64 (GValue *result,
                   gint64  value)
{
  g_value_init (result, G_TYPE_INT64);
  g_value_set_int64 (result, value);
  return TRUE;
}

/**
 * coro_return_double: (skip)
 * @result: the result of a coroutine
 * @value: what to return
 *
 * Sets the result of a coroutine.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE
 *
 * Since: 0.1
 */
gboolean
coro_return_double (GValue *result,
                    double  value)
{
  g_value_init (result, G_TYPE_DOUBLE);
  g_value_set_double (result, value);
  return TRUE;
}

/**
 * coro_return_string: (skip)
 * @result: the result of a coroutine
 * @value: (nullable): what to return; copied
 *
 * Sets the result of a coroutine.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE
 *
 * Since: 0.1
 */
gboolean
coro_return_string (GValue     *result,
                    const char *value)
{
  return coro_return_take_string (result, g_strdup (value));
}

/**
 * coro_return_take_string: (skip)
 * @result: the result of a coroutine
 * @value: (nullable) (transfer full): what to return
 *
 * Sets the result of a coroutine.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE
 *
 * Since: 0.1
 */
gboolean
coro_return_take_string (GValue *result,
                         char   *value)
{
  g_value_init (result, G_TYPE_STRING);
  g_value_take_string (result, value);
  return TRUE;
}

/**
 * coro_return_object: (skip)
 * @result: the result of a coroutine
 * @object: (nullable) (type GObject.Object): what to return
 *
 * Sets the result of a coroutine.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE
 *
 * Since: 0.1
 */
gboolean
coro_return_object (GValue   *result,
                    gpointer  object)
{
  return coro_return_take_object (result, object != NULL ? g_object_ref (object) : NULL);
}

/**
 * coro_return_take_object: (skip)
 * @result: the result of a coroutine
 * @object: (nullable) (type GObject.Object) (transfer full): what to return
 *
 * Sets the result of a coroutine.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE
 *
 * Since: 0.1
 */
gboolean
coro_return_take_object (GValue   *result,
                         gpointer  object)
{
  g_value_init (result, object != NULL ? G_OBJECT_TYPE (object) : G_TYPE_OBJECT);
  g_value_take_object (result, object);
  return TRUE;
}

/**
 * coro_return_take_boxed: (skip)
 * @result: the result of a coroutine
 * @type: the type of @boxed
 * @boxed: (nullable) (transfer full): what to return
 *
 * Sets the result of a coroutine.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE
 *
 * Since: 0.1
 */
gboolean
coro_return_take_boxed (GValue   *result,
                        GType     type,
                        gpointer  boxed)
{
  g_return_val_if_fail (g_type_is_a (type, G_TYPE_BOXED), TRUE);

  g_value_init (result, type);
  g_value_take_boxed (result, boxed);
  return TRUE;
}

/**
 * coro_return_take_variant: (skip)
 * @result: the result of a coroutine
 * @variant: (nullable) (transfer full): what to return; a floating
 *   reference is sunk
 *
 * Sets the result of a coroutine.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE
 *
 * Since: 0.1
 */
gboolean
coro_return_take_variant (GValue   *result,
                          GVariant *variant)
{
  g_value_init (result, G_TYPE_VARIANT);
  g_value_take_variant (result, variant != NULL ? g_variant_take_ref (variant) : NULL);
  return TRUE;
}

/**
 * coro_return_pointer: (skip)
 * @result: the result of a coroutine
 * @pointer: (nullable): what to return; it has no owner
 *
 * Sets the result of a coroutine.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE
 *
 * Since: 0.1
 */
gboolean
coro_return_pointer (GValue   *result,
                     gpointer  pointer)
{
  g_value_init (result, G_TYPE_POINTER);
  g_value_set_pointer (result, pointer);
  return TRUE;
}
