/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static GQuark
age_quark (void)
{
  return g_quark_from_static_string ("fuzz-age");
}

void
world_fail (World      *self,
            const char *where,
            const char *condition)
{
  fprintf (stderr, "%s: %s: %s does not hold\n", self->name, where, condition);
  abort ();
}

guint
world_draw (World *self,
            guint  n)
{
  return draw (&self->draw, n);
}

static void
object_gone_cb (gpointer  world,
                GObject  *object)
{
  ((World *) world)->n_objects--;
}

/* Has the object counted until it is finalized.  Returns it. */
gpointer
world_track (World    *self,
             gpointer  object)
{
  self->n_objects++;
  g_object_weak_ref (object, object_gone_cb, self);
  return object;
}

gpointer
world_item_new (World *self)
{
  World **item = g_new (World *, 1);

  *item = self;
  self->n_items++;
  return item;
}

void
world_item_free (gpointer item)
{
  World *self = *(World **) item;

  self->n_items--;
  g_free (item);
}

Token *
world_token_new (World *self,
                 int    depth)
{
  Token *token = g_new (Token, 1);

  *token = (Token) { self, ++self->last_age, depth };
  self->n_tokens++;
  return token;
}

void
world_token_free (gpointer token)
{
  ((Token *) token)->world->n_tokens--;
  g_free (token);
}

/* Transfer full, nullable. */
CoroFuture *
world_pick (World *self)
{
  CoroFuture *future = self->futures[world_draw (self, N_FUTURES)];

  return future != NULL ? g_object_ref (future) : NULL;
}

/* Takes the future, in the place of another one. */
void
world_keep (World      *self,
            CoroFuture *future)
{
  CoroFuture **place = &self->futures[world_draw (self, N_FUTURES)];
  CoroFuture *old = *place;

  *place = future;
  g_clear_object (&old);
}

/* A coroutine waits only for younger coroutines, because a circle of waits would never end. */
void
world_set_age (gpointer future,
               guint    age)
{
  g_object_set_qdata (future, age_quark (), GUINT_TO_POINTER (age));
}

guint
world_get_age (CoroFuture *future)
{
  gpointer age = g_object_get_qdata (G_OBJECT (future), age_quark ());

  return age != NULL ? GPOINTER_TO_UINT (age) : G_MAXUINT;
}

void
world_init (World      *self,
            const char *name,
            Draw        draw)
{
  *self = (World) { .draw = draw, .name = name, .budget = 150 };

  world_check (self, pipe2 (self->pipe, O_NONBLOCK | O_CLOEXEC) == 0);
  for (int i = 0; i < N_EACH; i++)
    {
      self->queues[i] = world_track (self, i == 1 ? coro_queue_new_lifo (0, world_item_free)
                                                  : coro_queue_new (i == 0 ? 2 : 1, world_item_free));
      self->locks[i] = world_track (self, coro_lock_new ());
      self->semaphores[i] = world_track (self, i == 0 ? coro_semaphore_new_bounded (2) : coro_semaphore_new (2));
      self->conditions[i] = world_track (self, coro_condition_new ());
      self->events[i] = world_track (self, coro_event_new ());
      self->barriers[i] = world_track (self, coro_barrier_new (2 + world_draw (self, 2)));
    }
}

/* After the run: nothing is held, and nothing is left. */
void
world_clear (World *self)
{
  world_check (self, self->n_bodies == 0);
  for (int i = 0; i < N_FUTURES; i++)
    g_clear_object (&self->futures[i]);

  for (int i = 0; i < N_EACH; i++)
    {
      world_check (self, self->n_inside[i] == 0 && !coro_lock_is_locked (self->locks[i]));
      world_check (self, self->n_permits[i] == 0 && coro_semaphore_get_value (self->semaphores[i]) == 2);
      world_check (self, coro_barrier_get_n_waiting (self->barriers[i]) == 0);
      g_clear_object (&self->queues[i]);
      g_clear_object (&self->locks[i]);
      g_clear_object (&self->semaphores[i]);
      g_clear_object (&self->conditions[i]);
      g_clear_object (&self->events[i]);
      g_clear_object (&self->barriers[i]);
    }

  world_check (self, self->n_items == 0);
  world_check (self, self->n_tokens == 0);
  world_check (self, self->n_objects == 0);
  close (self->pipe[0]);
  close (self->pipe[1]);
}
