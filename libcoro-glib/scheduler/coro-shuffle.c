/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-scheduler-private.h"

/* Among how many of those that wait longest the next is chosen: the way to it is walked at
 * every switch. */
#define WINDOW 64

/* Splitmix64: any seed will do, a state is one word, and it is the same everywhere. */
static guint64
scheduler_draw (CoroScheduler *self)
{
  guint64 bits = self->chance += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

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
  self->chance = seed;
}

/* Moves one that is ready to the head of the queue.  Callbacks keep their order, which a
 * future promises: where chance points to one, it is the turn of the first.
 *
 * The queue itself stays a list and knows nothing of it: this is called where the clock is
 * read, which is at every switch while a test has its own. */
void
coro_scheduler_shuffle (CoroScheduler *self)
{
  CoroReady **link = &self->ready_head;
  CoroReady *ready = self->ready_head;
  guint n_ready = 0;

  for (; ready != NULL && n_ready < WINDOW; ready = ready->next)
    n_ready++;
  if (n_ready < 2)
    return;

  for (guint i = scheduler_draw (self) % n_ready; i > 0; i--)
    link = &(*link)->next;
  if ((*link)->call != NULL)
    for (link = &self->ready_head; (*link)->call == NULL;)
      link = &(*link)->next;

  ready = *link;
  if (ready->next == NULL)
    self->ready_tail = link;
  *link = ready->next;
  coro_scheduler_push_front (self, ready);
}
