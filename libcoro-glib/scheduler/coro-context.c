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
static __thread CoroContextValue *thread_values;

CoroContextValue *
coro_context_value_ref (CoroContextValue *self)
{
  if (self != NULL)
    g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
coro_context_value_unref (CoroContextValue *self)
{
  while (self != NULL && g_atomic_ref_count_dec (&self->ref_count))
    {
      CoroContextValue *parent = self->parent;

      if (G_IS_VALUE (&self->value))
        g_value_unset (&self->value);
      g_free (self);
      self = parent;
    }
}

/* Takes `parent`. */
static CoroContextValue *
context_value_push (CoroContextValue *parent,
                    gconstpointer     key,
                    const GValue     *value,
                    guint64           serial)
{
  CoroContextValue *self = g_new0 (CoroContextValue, 1);

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
static CoroContextValue *
context_value_compact (CoroContextValue *self)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) latest = g_ptr_array_new ();
  CoroContextValue *copy = NULL;

  for (CoroContextValue *entry = self; entry != NULL; entry = entry->parent)
    if (g_hash_table_add (seen, (gpointer) entry->key))
      g_ptr_array_add (latest, entry);

  for (guint i = latest->len; i-- > 0;)
    {
      CoroContextValue *entry = latest->pdata[i];

      copy = context_value_push (copy, entry->key, &entry->value, entry->serial);
    }
  return copy;
}

/* `parent` (transfer full) with another value; an empty one unsets it. */
CoroContextValue *
coro_context_value_new (CoroContextValue *parent,
                        gconstpointer     key,
                        const GValue     *value)
{
  guint64 serial = __atomic_add_fetch (&last_serial, 1, __ATOMIC_RELAXED);

  if (parent != NULL && parent->depth >= MAX_DEPTH)
    {
      CoroContextValue *compact = context_value_compact (parent);

      coro_context_value_unref (parent);
      parent = compact;
    }
  return context_value_push (parent, key, value, serial);
}

/* The latest value for `key`; NULL when there is none. */
CoroContextValue *
coro_context_value_find (CoroContextValue *self,
                         gconstpointer     key)
{
  while (self != NULL && self->key != key)
    self = self->parent;
  return self != NULL && G_IS_VALUE (&self->value) ? self : NULL;
}

CoroContextValue *
coro_context_value_find_serial (CoroContextValue *self,
                                guint64           serial)
{
  while (self != NULL && self->serial != serial)
    self = self->parent;
  return self;
}

CoroContextValue **
coro_context_get_slot (void)
{
  CoroJob *job = coro_job_get_running ();

  return job != NULL ? &job->context : &thread_values;
}

CoroContextValue *
coro_context_dup_current (void)
{
  return coro_context_value_ref (*coro_context_get_slot ());
}

/* Calls a function that sees `values` (transfer none); what it sets is seen only
 * by itself.  Not inside a coroutine. */
void
coro_context_call (CoroContextValue *values,
                   void            (*func) (gpointer data),
                   gpointer          data)
{
  CoroContextValue *outer = thread_values;

  thread_values = coro_context_value_ref (values);
  func (data);
  coro_context_value_unref (thread_values);
  thread_values = outer;
}
