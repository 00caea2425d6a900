/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "base/coro-drop-private.h"

/* Objects can hold each other in a chain of any length: an error in a group error in a group
 * error, the future of a gather in another gather.  Freeing the first object frees the second,
 * and so on, and a long chain would overflow the stack.  So once the calls are nested to a
 * certain depth, a further object is put on a list, and a loop frees the list. */
#define MAX_DEPTH 8

typedef struct
{
  gpointer data;
  GDestroyNotify destroy;
} CoroDropped;

static __thread guint depth __attribute__ ((tls_model ("initial-exec")));
static __thread GArray *dropped __attribute__ ((tls_model ("initial-exec")));  /* (nullable) (owned) */

static void
drop_later (gpointer       data,
            GDestroyNotify destroy)
{
  CoroDropped entry = { data, destroy };

  if (dropped == NULL)
    dropped = g_array_new (FALSE, FALSE, sizeof (CoroDropped));
  g_array_append_val (dropped, entry);
}

static void
drop_end (void)
{
  while (depth == MAX_DEPTH && dropped != NULL)
    {
      g_autoptr (GArray) entries = g_steal_pointer (&dropped);

      for (guint i = 0; i < entries->len; i++)
        {
          CoroDropped *entry = &g_array_index (entries, CoroDropped, i);

          entry->destroy (entry->data);
        }
    }
  depth--;
}

/* Frees `data`, which may hold another object of a chain. */
void
coro_drop (gpointer       data,
           GDestroyNotify destroy)
{
  if (depth == MAX_DEPTH)
    {
      drop_later (data, destroy);
      return;
    }

  depth++;
  destroy (data);
  drop_end ();
}

static void
free_value (gpointer data)
{
  g_value_unset (data);
  g_free (data);
}

/* Clears a value, which may hold an object of a chain.  The value may be empty already. */
void
coro_drop_value (GValue *value)
{
  GValue *moved;

  if (G_VALUE_TYPE (value) <= G_TYPE_POINTER)   /* numbers and strings hold nothing */
    {
      if (G_VALUE_TYPE (value) != 0)
        g_value_unset (value);
      return;
    }

  if (depth < MAX_DEPTH)
    {
      depth++;
      g_value_unset (value);
      drop_end ();
      return;
    }

  moved = g_new (GValue, 1);
  *moved = *value;
  *value = (GValue) G_VALUE_INIT;
  drop_later (moved, free_value);
}
