/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a thread has locked stays locked for ever in a child that is forked meanwhile, where that
 * thread is not.  So fork() takes every lock of the process that is made with CORO_FORK_LOCK(),
 * and both sides find them free and what they guard whole.  The lock of a single object is reset
 * when the child first takes it: what that guards has to be whole at any moment, but for what
 * the holder alone would have done. */

/* A thread that holds a lock may take one of a later rank. */
typedef enum
{
  CORO_FORK_FIRST,
  CORO_FORK_SECOND,
  CORO_FORK_LAST,
  CORO_FORK_N_RANKS
} CoroForkRank;

typedef struct _CoroForkLock CoroForkLock;
struct _CoroForkLock
{
  CoroForkLock *next;
  GMutex *mutex;
};

typedef struct
{
  GMutex mutex;
  guint n_forks;                /* (atomic): of the process for which it was made or reset */
} CoroObjectLock;

/* How often the process and those before it were forked, each time in the child.  Written where
 * there is one thread only. */
extern guint coro_n_forks G_GNUC_INTERNAL;

#define CORO_FORK_LOCK(name, rank)                              \
  static GMutex name;                                           \
  static void __attribute__ ((constructor))                     \
  name ## _add_to_fork (void)                                   \
  {                                                             \
    static CoroForkLock node = { .mutex = &name };              \
    coro_fork_add_lock (&node, rank);                           \
  }

void coro_fork_add_lock     (CoroForkLock   *lock,
                             CoroForkRank    rank);
void coro_object_lock_init  (CoroObjectLock *self);
void coro_object_lock_clear (CoroObjectLock *self);
void coro_object_lock_reset (CoroObjectLock *self);

static inline void
coro_object_lock_take (CoroObjectLock *self)
{
  if (G_UNLIKELY ((guint) g_atomic_int_get (&self->n_forks) != coro_n_forks))
    coro_object_lock_reset (self);
  g_mutex_lock (&self->mutex);
}

static inline void
coro_object_lock_release (CoroObjectLock *self)
{
  g_mutex_unlock (&self->mutex);
}

G_END_DECLS
