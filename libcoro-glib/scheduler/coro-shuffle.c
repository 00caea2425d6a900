/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-scheduler-private.h"

/* Among how many of those that wait longest the next is chosen: the way to it is walked at
 * every switch. */
#define WINDOW 64
/* Messages of other threads stay unread for fewer turns than this. */
#define MAX_UNREAD_TURNS 6

/* Splitmix64: any seed will do, a state is one word, and it is the same everywhere. */
static guint64
draw (guint64 *state)
{
  guint64 bits = *state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  bits = (bits ^ (bits >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  bits = (bits ^ (bits >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return bits ^ (bits >> 31);
}

/* Has chance decide which job comes next, where a test has its own clock; 0: order. */
void
coro_scheduler_set_seed (CoroScheduler *self,
                         guint          seed)
{
  self->shuffling = seed != 0;
  self->test_rng = seed;
  self->inbox_rng = ~(guint64) seed;
  self->n_unread_turns = draw (&self->inbox_rng) % MAX_UNREAD_TURNS;
}

/* Whether by chance the messages of other threads stay in the inbox for this turn.  It has a random
 * generator of its own, so that the arrival of messages does not change the order of jobs. */
gboolean
coro_scheduler_leaves_unread (CoroScheduler *self)
{
  if (self->n_unread_turns > 0)
    {
      self->n_unread_turns--;
      return TRUE;
    }

  self->n_unread_turns = draw (&self->inbox_rng) % MAX_UNREAD_TURNS;
  return FALSE;
}

/* Passes by the marker of low priority, which may stand anywhere. */
static CoroReady **
scheduler_skip_marker (CoroScheduler  *self,
                       CoroReady     **link)
{
  return *link == &self->low.marker ? &(*link)->next : link;
}

static CoroReady **
scheduler_find_nth (CoroScheduler  *self,
                    CoroReady     **head,
                    guint           n)
{
  CoroReady **link = scheduler_skip_marker (self, head);

  for (; n > 0; n--)
    link = scheduler_skip_marker (self, &(*link)->next);
  return link;
}

static CoroReady **
scheduler_find_callback (CoroScheduler  *self,
                         CoroReady     **head)
{
  CoroReady **link = scheduler_skip_marker (self, head);

  while ((*link)->klass == NULL)
    link = scheduler_skip_marker (self, &(*link)->next);
  return link;
}

/* Moves one to the head.  Callbacks keep their order, which a future promises: where chance
 * points to one, it is the turn of the first. */
static void
scheduler_shuffle_list (CoroScheduler  *self,
                        CoroReady     **head,
                        CoroReady    ***tail)
{
  CoroReady **link = scheduler_skip_marker (self, head);
  CoroReady *ready;
  guint n_ready = 0;

  /* None from behind the marker of high priority is to come before it. */
  for (; *link != NULL && *link != &self->high.marker && n_ready < WINDOW; n_ready++)
    link = scheduler_skip_marker (self, &(*link)->next);
  if (n_ready < 2)
    return;

  link = scheduler_find_nth (self, head, draw (&self->test_rng) % n_ready);
  if ((*link)->klass != NULL)
    link = scheduler_find_callback (self, head);

  ready = *link;
  if (ready->next == NULL)
    *tail = link;
  *link = ready->next;
  ready->next = *head;
  *head = ready;
}

/* Has chance decide which of those that are next by their priority is next.
 *
 * The queue itself stays a list and knows nothing of it: this is called where the clock is
 * read, which is at every switch while a test has its own. */
void
coro_scheduler_shuffle (CoroScheduler *self)
{
  CoroReady *ready;

  coro_priority_moves_apply (self);
  ready = self->ready_head;
  if (ready == &self->high.marker)
    scheduler_shuffle_list (self, &self->high.head, &self->high.tail);
  else if (ready == &self->low.marker && ready->next == NULL)
    scheduler_shuffle_list (self, &self->low.head, &self->low.tail);
  else
    scheduler_shuffle_list (self, &self->ready_head, &self->ready_tail);
}
