/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-errand-private.h"

#include "scheduler/coro-scheduler-private.h"

void
coro_errand_begin (CoroErrand    *self,
                   CoroScheduler *scheduler,
                   void         (*lost) (CoroErrand *self))
{
  self->lost = lost;
  self->n_forks = coro_n_forks;
  self->next = scheduler->errands;
  if (self->next != NULL)
    self->next->link = &self->next;
  self->link = &scheduler->errands;
  scheduler->errands = self;

  scheduler->n_external++;
  scheduler->n_works++;
}

void
coro_errand_end (CoroErrand    *self,
                 CoroScheduler *scheduler)
{
  g_assert (self->link != NULL);

  *self->link = self->next;
  if (self->next != NULL)
    self->next->link = self->link;
  self->link = NULL;

  scheduler->n_external--;
  scheduler->n_works--;
}

/* What hears of it only makes something ready: the list stays as it is.  What was begun
 * since the fork has a thread. */
static void
lose_cb (CoroReady *ready)
{
  CoroScheduler *scheduler = (CoroScheduler *) ((char *) ready - offsetof (CoroScheduler, losing));

  scheduler->loses = FALSE;
  for (CoroErrand *errand = scheduler->errands; errand != NULL; errand = errand->next)
    if (errand->n_forks != coro_n_forks)
      {
        errand->n_forks = coro_n_forks;
        errand->lost (errand);
      }
}

static const CoroReadyClass losing_class = { lose_cb, NULL };

/* In a forked child, as soon as the inbox was looked into. */
void
coro_errand_lose_all (CoroScheduler *scheduler)
{
  scheduler->n_forks = coro_n_forks;
  if (scheduler->loses || scheduler->errands == NULL)
    return;

  scheduler->loses = TRUE;
  scheduler->losing.klass = &losing_class;
  coro_scheduler_push (scheduler, &scheduler->losing);
}
