/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-context-private.h"

#include "scheduler/coro-scheduler-private.h"

/* Setting again and again without taking back makes the list long; then only the latest
 * value of each variable stays. */
#define MAX_DEPTH 256

static guint64 last_serial;     /* (atomic) */

/* Outside of coroutines, and in callbacks. */
static __thread CoroBinding *thread_values;

CoroBinding *
coro_binding_ref (CoroBinding *self)
{
  if (self != NULL)
    g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
coro_binding_unref (CoroBinding *self)
{
  while (self != NULL && g_atomic_ref_count_dec (&self->ref_count))
    {
      CoroBinding *parent = self->parent;

      if (G_IS_VALUE (&self->value))
        g_value_unset (&self->value);
      g_free (self);
      self = parent;
    }
}

/* Takes `parent`. */
static CoroBinding *
binding_push (CoroBinding   *parent,
              gconstpointer  key,
              const GValue  *value,
              guint64        serial)
{
  CoroBinding *self = g_new0 (CoroBinding, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->depth = parent != NULL ? parent->depth + 1 : 1;
  self->serial = serial;
  self->parent = parent;
  self->key = key;
  if (value != NULL && G_IS_VALUE (value))
    {
      g_value_init (&self->value, G_VALUE_TYPE (value));
      g_value_copy (value, &self->value);
    }
  return self;
}

/* The same values without those that cannot be seen any more. */
static CoroBinding *
binding_compact (CoroBinding *self)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) latest = g_ptr_array_new ();
  CoroBinding *copy = NULL;

  for (CoroBinding *binding = self; binding != NULL; binding = binding->parent)
    if (g_hash_table_add (seen, (gpointer) binding->key))
      g_ptr_array_add (latest, binding);

  for (guint i = latest->len; i-- > 0;)
    {
      CoroBinding *binding = latest->pdata[i];

      copy = binding_push (copy, binding->key, &binding->value, binding->serial);
    }
  return copy;
}

/* `parent` (transfer full) with another value; an empty one unsets it. */
CoroBinding *
coro_binding_new (CoroBinding   *parent,
                  gconstpointer  key,
                  const GValue  *value)
{
  guint64 serial = __atomic_add_fetch (&last_serial, 1, __ATOMIC_RELAXED);

  if (parent != NULL && parent->depth >= MAX_DEPTH)
    {
      CoroBinding *compact = binding_compact (parent);

      coro_binding_unref (parent);
      parent = compact;
    }
  return binding_push (parent, key, value, serial);
}

/* The latest value for `key`; NULL when there is none. */
CoroBinding *
coro_binding_find (CoroBinding   *self,
                   gconstpointer  key)
{
  while (self != NULL && self->key != key)
    self = self->parent;
  return self != NULL && G_IS_VALUE (&self->value) ? self : NULL;
}

CoroBinding *
coro_binding_find_serial (CoroBinding *self,
                          guint64      serial)
{
  while (self != NULL && self->serial != serial)
    self = self->parent;
  return self;
}

CoroBinding **
coro_context_get_slot (void)
{
  CoroJob *job = coro_job_get_running ();

  return job != NULL ? &job->context : &thread_values;
}

CoroBinding *
coro_context_dup_current (void)
{
  return coro_binding_ref (*coro_context_get_slot ());
}

/* Calls a function that sees `bindings` (transfer none); what it sets is seen only
 * by itself.  Not inside a coroutine. */
void
coro_context_call (CoroBinding  *bindings,
                   void        (*func) (gpointer data),
                   gpointer      data)
{
  CoroBinding *outer = thread_values;

  thread_values = coro_binding_ref (bindings);
  func (data);
  coro_binding_unref (thread_values);
  thread_values = outer;
}
