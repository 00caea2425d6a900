/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-context-var.h"

#include "base/coro-error.h"
#include "scheduler/coro-context-private.h"

/**
 * CoroContextVar: (skip)
 *
 * A variable of which every coroutine has a value of its own: a request's
 * number, a transaction, a language.
 *
 * A coroutine begins with the values of its spawner, and what it sets is
 * seen by itself, by those it spawns from then on, by functions it runs in
 * threads and by callbacks it registers. Thread-local variables would mix up
 * coroutines, which share a thread.
 *
 * Semantics: Python's `contextvars`.
 *
 * Since: 0.1
 */
struct _CoroContextVar
{
  char *name;                   /* (owned) */
  GType type;
  GValue fallback;              /* empty: none */
};

/**
 * coro_context_var_new: (skip)
 * @name: a name for messages
 * @type: the type of its values
 * @fallback: (nullable): its value where none is set; copied
 *
 * Makes a variable. Most are made once and never freed.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): a variable
 *
 * Since: 0.1
 */
CoroContextVar *
coro_context_var_new (const char   *name,
                      GType         type,
                      const GValue *fallback)
{
  CoroContextVar *self;

  g_return_val_if_fail (fallback == NULL || G_VALUE_HOLDS (fallback, type), NULL);

  self = g_new0 (CoroContextVar, 1);
  self->name = g_strdup (name);
  self->type = type;
  if (fallback != NULL)
    {
      g_value_init (&self->fallback, G_VALUE_TYPE (fallback));
      g_value_copy (fallback, &self->fallback);
    }
  return self;
}

/**
 * coro_context_var_free: (skip)
 * @self: (transfer full): a variable that is not used any more
 *
 * Frees a variable.
 *
 * Callable from any thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_context_var_free (CoroContextVar *self)
{
  g_return_if_fail (self != NULL);

  if (G_IS_VALUE (&self->fallback))
    g_value_unset (&self->fallback);
  g_free (self->name);
  g_free (self);
}

/**
 * coro_context_var_get_name: (skip)
 * @self: a variable
 *
 * Gets its name.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer none): the name
 *
 * Since: 0.1
 */
const char *
coro_context_var_get_name (CoroContextVar *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->name;
}

/* The value here, or the fallback; NULL without either. */
static const GValue *
context_var_lookup (CoroContextVar *self)
{
  CoroContextValue *entry = coro_context_value_find (*coro_context_get_slot (), self);

  if (entry != NULL)
    return &entry->value;
  return G_IS_VALUE (&self->fallback) ? &self->fallback : NULL;
}

/**
 * coro_context_var_get: (skip)
 * @self: a variable
 * @value: (out caller-allocates): an empty value, %G_VALUE_INIT
 * @error: return location for an error
 *
 * Gets the value that the variable has here.
 *
 * Callable from any thread; never suspends.
 *
 * @error is set to [error@Coro.Error.NO_RESULT] if there is neither a value
 * nor a fallback.
 *
 * Returns: %TRUE with a value; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_context_var_get (CoroContextVar  *self,
                      GValue          *value,
                      GError         **error)
{
  const GValue *current;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (value != NULL && !G_IS_VALUE (value), FALSE);

  current = context_var_lookup (self);
  if (current == NULL)
    {
      g_set_error (error, CORO_ERROR, CORO_ERROR_NO_RESULT, "Context variable '%s' has no value", self->name);
      return FALSE;
    }

  g_value_init (value, G_VALUE_TYPE (current));
  g_value_copy (current, value);
  return TRUE;
}

/**
 * coro_context_var_get_string: (skip)
 * @self: a variable of strings
 *
 * Gets the value that the variable has here.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (nullable) (transfer none): the value, until another is set here;
 *   %NULL without one
 *
 * Since: 0.1
 */
const char *
coro_context_var_get_string (CoroContextVar *self)
{
  const GValue *value;

  g_return_val_if_fail (self != NULL && self->type == G_TYPE_STRING, NULL);

  value = context_var_lookup (self);
  return value != NULL ? g_value_get_string (value) : NULL;
}

/**
 * coro_context_var_get_int: (skip)
 * @self: a variable of integers
 *
 * Gets the value that the variable has here.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: the value; 0 without one
 *
 * Since: 0.1
 */
int
coro_context_var_get_int (CoroContextVar *self)
{
  const GValue *value;

  g_return_val_if_fail (self != NULL && self->type == G_TYPE_INT, 0);

  value = context_var_lookup (self);
  return value != NULL ? g_value_get_int (value) : 0;
}

/**
 * coro_context_var_get_object: (skip)
 * @self: a variable of objects
 *
 * Gets the value that the variable has here.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (nullable) (transfer none): the value, until another is set here;
 *   %NULL without one
 *
 * Since: 0.1
 */
gpointer
coro_context_var_get_object (CoroContextVar *self)
{
  const GValue *value;

  g_return_val_if_fail (self != NULL && g_type_is_a (self->type, G_TYPE_OBJECT), NULL);

  value = context_var_lookup (self);
  return value != NULL ? g_value_get_object (value) : NULL;
}

/**
 * coro_context_var_set: (skip)
 * @self: a variable
 * @value: a value; copied
 *
 * Sets the value that the variable has here, and in what is spawned here from
 * now on.
 *
 * Held in a `g_auto (CoroContextToken)`, the old value comes back when the
 * block is left; dropped, the value stays.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: what [method@ContextToken.clear] takes back
 *
 * Since: 0.1
 */
CoroContextToken
coro_context_var_set (CoroContextVar *self,
                      const GValue   *value)
{
  CoroContextValue **slot = coro_context_get_slot ();

  g_return_val_if_fail (self != NULL && G_VALUE_HOLDS (value, self->type), ((CoroContextToken) { NULL, NULL, 0 }));

  *slot = coro_context_value_new (*slot, self, value);
  return (CoroContextToken) { self, slot, (*slot)->serial };
}

/**
 * coro_context_var_set_string: (skip)
 * @self: a variable of strings
 * @value: (nullable): a value; copied
 *
 * [method@ContextVar.set] for this type.
 *
 * Returns: what [method@ContextToken.clear] takes back
 *
 * Since: 0.1
 */
CoroContextToken
coro_context_var_set_string (CoroContextVar *self,
                             const char     *value)
{
  g_auto (GValue) box = G_VALUE_INIT;

  g_value_init (&box, G_TYPE_STRING);
  g_value_set_string (&box, value);
  return coro_context_var_set (self, &box);
}

/**
 * coro_context_var_set_int: (skip)
 * @self: a variable of integers
 * @value: a value
 *
 * [method@ContextVar.set] for this type.
 *
 * Returns: what [method@ContextToken.clear] takes back
 *
 * Since: 0.1
 */
CoroContextToken
coro_context_var_set_int (CoroContextVar *self,
                          int             value)
{
  g_auto (GValue) box = G_VALUE_INIT;

  g_value_init (&box, G_TYPE_INT);
  g_value_set_int (&box, value);
  return coro_context_var_set (self, &box);
}

/**
 * coro_context_var_set_object: (skip)
 * @self: a variable of objects
 * @object: (nullable) (type GObject.Object): an object; referenced
 *
 * [method@ContextVar.set] for this type.
 *
 * Returns: what [method@ContextToken.clear] takes back
 *
 * Since: 0.1
 */
CoroContextToken
coro_context_var_set_object (CoroContextVar *self,
                             gpointer        object)
{
  g_auto (GValue) box = G_VALUE_INIT;

  g_value_init (&box, object != NULL ? G_OBJECT_TYPE (object) : self->type);
  g_value_set_object (&box, object);
  return coro_context_var_set (self, &box);
}

/**
 * coro_context_token_clear: (skip)
 * @self: what setting a variable returned
 *
 * Gives the variable the value back that it had before; `g_auto` does it.
 * Doing it twice is doing it once.
 *
 * Callable from the coroutine that set it; never suspends.
 *
 * Since: 0.1
 */
void
coro_context_token_clear (CoroContextToken *self)
{
  CoroContextVar *var = g_steal_pointer (&self->var);
  CoroContextValue **slot = coro_context_get_slot ();
  CoroContextValue *entry, *old;

  if (var == NULL)
    return;

  if (slot != self->slot)
    {
      g_critical ("A token of context variable '%s' belongs to another coroutine", var->name);
      return;
    }

  /* What was set last is simply taken off; else the old value is set anew on top. */
  if ((*slot)->serial == self->serial)
    {
      entry = *slot;
      *slot = coro_context_value_ref (entry->parent);
      coro_context_value_unref (entry);
      return;
    }

  entry = coro_context_value_find_serial (*slot, self->serial);
  old = entry != NULL ? coro_context_value_find (entry->parent, var) : NULL;
  *slot = coro_context_value_new (*slot, var, old != NULL ? &old->value : NULL);
}
