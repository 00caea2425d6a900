/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "testing/coro-test-cancel-private.h"

/* What a run must not leave behind. */

/* µs for threads to let go of objects. */
#define PATIENCE G_TIME_SPAN_SECOND

typedef struct
{
  GWeakRef object;
  const char *type;
} CoroCancelTracked;

__thread CoroCancelRun *coro_cancel_run_current;

CoroCancelCounts
coro_cancel_run_count (CoroCancelRun *self)
{
  CoroCancelCounts counts = { self->scheduler->timers.n_slots, coro_stack_pool_count_in_use (self->scheduler->stacks),
                              self->scheduler->n_external, 0 };

  for (CoroShutdown *shutdown = self->scheduler->shutdowns; shutdown != NULL; shutdown = shutdown->next)
    counts.n_shutdowns++;
  return counts;
}

static gboolean
set_left_error (guint        before,
                guint        after,
                const char  *what,
                GError     **error)
{
  if (after > before)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The body has left %u %s behind", after - before, what);
  return after > before;
}

/* Coroutines that were there before may end meanwhile: less is well. */
gboolean
coro_cancel_run_check_counts (CoroCancelRun     *self,
                              CoroCancelCounts   before,
                              GError           **error)
{
  CoroCancelCounts after = coro_cancel_run_count (self);

  return !set_left_error (before.n_timers, after.n_timers, "timers", error) &&
         !set_left_error (before.n_shutdowns, after.n_shutdowns, "generators that were not closed", error) &&
         !set_left_error (before.n_stacks, after.n_stacks, "stacks", error) &&
         !set_left_error (before.n_external, after.n_external, "operations under way", error);
}

void
coro_cancel_tracked_free (gpointer data)
{
  CoroCancelTracked *self = data;

  g_weak_ref_clear (&self->object);
  g_free (self);
}

/* Every future, task, group and generator keeps its scheduler; so do we. */
static guint
run_count_left (CoroCancelRun *self)
{
  return (guint) g_atomic_int_get ((int *) &G_OBJECT (self->scheduler)->ref_count) - 1;
}

/* (nullable) (transfer none): the type of one that is alive. */
static const char *
run_find_tracked (CoroCancelRun *self)
{
  for (guint i = 0; i < self->tracked->len; i++)
    {
      CoroCancelTracked *tracked = self->tracked->pdata[i];
      g_autoptr (GObject) object = g_weak_ref_get (&tracked->object);

      if (object != NULL)
        return tracked->type;
    }
  return NULL;
}

/* Once everything is over and freed; but a thread of GIO's may hold what it worked with
 * for some µs longer than the answer takes. */
gboolean
coro_cancel_run_check_objects (CoroCancelRun  *self,
                               GError        **error)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;
  const char *type;
  guint n_left = 0;

  while ((type = run_find_tracked (self)) != NULL || (n_left = run_count_left (self)) > 0)
    {
      if (g_get_monotonic_time () < deadline)
        {
          g_usleep (100);
          continue;
        }
      if (type != NULL)
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "A %s was not freed", type);
      else
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%u futures, tasks, groups or generators were not freed", n_left);
      return FALSE;
    }
  return TRUE;
}

/**
 * coro_test_cancel_track: (skip)
 * @object: (type GObject.Object): an object
 *
 * Says that @object must be gone at the end of this run of
 * [method@TestCancel.everywhere].
 *
 * Callable from the functions of a [struct@TestCancel]; never suspends.
 *
 * Since: 0.1
 */
void
coro_test_cancel_track (gpointer object)
{
  CoroCancelTracked *tracked;

  g_return_if_fail (G_IS_OBJECT (object));
  g_return_if_fail (coro_cancel_run_current != NULL);

  tracked = g_new0 (CoroCancelTracked, 1);
  g_weak_ref_init (&tracked->object, object);
  tracked->type = G_OBJECT_TYPE_NAME (object);
  g_ptr_array_add (coro_cancel_run_current->tracked, tracked);
}
