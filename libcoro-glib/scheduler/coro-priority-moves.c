/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-priority-moves-private.h"

#include "scheduler/coro-scheduler-private.h"

/* Holds the new place of a job. */
typedef struct
{
  CoroReady ready;              /* first */
  CoroJob *job;                 /* (nullable): NULL when the job was moved once more */
} CoroStandIn;

static void
stand_in_call (CoroReady *ready)
{
  g_assert_not_reached ();
}

static const CoroReadyClass stand_in_class = { stand_in_call, NULL };

void
coro_priority_moves_init (CoroPriorityMoves *self)
{
  self->marker.klass = &coro_run_queue_marker_class;
}

/* Gives a ready job the last place of a priority. */
void
coro_priority_moves_add (CoroJob      *job,
                         CoroPriority  priority)
{
  CoroScheduler *scheduler = coro_job_get_scheduler (job);
  CoroPriorityMoves *self = &scheduler->moves;
  CoroStandIn *stand_in = g_new0 (CoroStandIn, 1);
  CoroStandIn *former;

  if (self->stand_ins == NULL)
    {
      self->stand_ins = g_hash_table_new (NULL, NULL);
      coro_scheduler_push_front (scheduler, &self->marker);
    }

  former = g_hash_table_lookup (self->stand_ins, job);
  if (former != NULL)
    former->job = NULL;

  stand_in->ready.klass = &stand_in_class;
  stand_in->job = job;
  g_hash_table_insert (self->stand_ins, job, stand_in);
  coro_run_queue_add (scheduler, priority, &stand_in->ready);
}

static gboolean
moves_is_left (CoroPriorityMoves *self,
               CoroReady         *ready)
{
  return ready == &self->marker || (ready->klass == NULL && g_hash_table_contains (self->stand_ins, ready));
}

/* Takes what moves out of its old place.  Returns how many there were. */
static guint
moves_take_out (CoroPriorityMoves   *self,
                CoroReady          **link,
                CoroReady         ***tail,
                guint               *n_fresh)
{
  guint n_taken = 0;

  while (*link != NULL)
    {
      CoroReady *ready = *link;

      if (!moves_is_left (self, ready))
        {
          link = &ready->next;
          continue;
        }

      if (ready != &self->marker && ((CoroJob *) ready)->fresh)
        {
          ((CoroJob *) ready)->fresh = FALSE;
          (*n_fresh)++;
        }
      *link = ready->next;
      n_taken++;
    }

  *tail = link;
  return n_taken;
}

/* Puts jobs into the places of their stand-ins.  Returns how many stand-ins had none. */
static guint
moves_put_in (CoroReady  **link,
              CoroReady ***tail)
{
  guint n_empty = 0;

  while (*link != NULL)
    {
      CoroStandIn *stand_in = (CoroStandIn *) *link;

      if ((*link)->klass != &stand_in_class)
        {
          link = &(*link)->next;
          continue;
        }

      if (stand_in->job != NULL)
        {
          stand_in->job->ready.next = stand_in->ready.next;
          *link = &stand_in->job->ready;
          link = &(*link)->next;
        }
      else
        {
          *link = stand_in->ready.next;
          n_empty++;
        }
      g_free (stand_in);
    }

  *tail = link;
  return n_empty;
}

void
coro_priority_moves_apply_slow (CoroScheduler *scheduler)
{
  CoroPriorityMoves *self = &scheduler->moves;
  CoroPriorityList *high = &scheduler->high;
  CoroPriorityList *low = &scheduler->low;
  CoroAdmission *admission = &scheduler->admission;
  guint n_from_admission = 0;
  guint n_admitted = 0;

  /* All are out before the first is in: a job has one link for both places. */
  scheduler->n_ready -= moves_take_out (self, &scheduler->ready_head, &scheduler->ready_tail, &n_admitted);
  moves_take_out (self, &high->head, &high->tail, &n_admitted);
  moves_take_out (self, &low->head, &low->tail, &n_admitted);
  moves_take_out (self, &admission->head, &admission->tail, &n_from_admission);

  scheduler->n_ready -= moves_put_in (&scheduler->ready_head, &scheduler->ready_tail);
  moves_put_in (&high->head, &high->tail);
  moves_put_in (&low->head, &low->tail);

  g_clear_pointer (&self->stand_ins, g_hash_table_unref);

  admission->n_admitted -= n_admitted;
  for (guint i = 0; i < n_admitted; i++)
    coro_admission_admit_next (scheduler);
}
