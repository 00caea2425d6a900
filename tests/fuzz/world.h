/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <coro-glib/coro-glib.h>

#include "draw.h"

#define N_EACH 3                /* locks, queues, … of each kind */
#define N_FUTURES 24
#define N_CALLS 8

/* What one random program works with, and what it is held to. */
typedef struct
{
  Draw draw;
  const char *name;             /* of the program, for messages */
  CoroFuture *futures[N_FUTURES];       /* (owned) (nullable) */
  CoroQueue *queues[N_EACH];
  CoroLock *locks[N_EACH];
  CoroSemaphore *semaphores[N_EACH];
  CoroCondition *conditions[N_EACH];
  CoroEvent *events[N_EACH];
  CoroBarrier *barriers[N_EACH];
  guint64 calls[N_CALLS];
  int pipe[2];

  int budget;                   /* coroutines that may still be spawned */
  guint last_age;
  guint64 n_operations;

  /* What is left of everything that was made. */
  int n_objects;
  int n_items;
  int n_tokens;
  int n_bodies;
  int n_inside[N_EACH];         /* holders of the lock */
  int n_permits[N_EACH];        /* permits taken from the semaphore */
} World;

/* User data of what the library calls, so that its loss or a second free is noticed. */
typedef struct
{
  World *world;
  guint age;
  int depth;
} Token;

#define world_check(self, condition)                                             \
  G_STMT_START                                                                   \
    {                                                                            \
      if (G_UNLIKELY (!(condition)))                                             \
        world_fail ((self), G_STRLOC, #condition);                               \
    }                                                                            \
  G_STMT_END

void        world_init         (World       *self,
                                const char  *name,
                                Draw         draw);
void        world_clear        (World       *self);
void        world_fail         (World       *self,
                                const char  *where,
                                const char  *condition) G_GNUC_NORETURN;
guint       world_draw         (World       *self,
                                guint        n);
gpointer    world_track        (World       *self,
                                gpointer     object);
gpointer    world_item_new     (World       *self);
void        world_item_free    (gpointer     item);
Token      *world_token_new    (World       *self,
                                int          depth);
void        world_token_free   (gpointer     token);
CoroFuture *world_pick         (World       *self);
void        world_keep         (World       *self,
                                CoroFuture  *future);
void        world_set_age      (gpointer     future,
                                guint        age);
guint       world_get_age      (CoroFuture  *future);

/* operations.c */
gboolean    operations_run     (World       *self,
                                guint        age,
                                int          depth,
                                GError     **error);
CoroTask   *operations_spawn   (World       *self,
                                CoroTaskGroup *group,
                                int          depth);
