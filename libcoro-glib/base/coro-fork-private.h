/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A child process has only the thread that forked.  A lock that another thread of the parent holds
 * at this moment would stay locked in the child for ever.  So fork() first takes every global lock
 * that was made with CORO_FORK_LOCK(); afterwards these locks are free in both processes, and the
 * data that they guard is consistent.  The lock of a single object is reset when the child first
 * takes it.  So the data that an object lock guards has to be consistent at any moment, except for
 * changes that concern the holder of the lock alone. */

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
  guint n_forks;                /* (atomic): coro_n_forks when the lock was made or reset */
} CoroObjectLock;

/* How many forks led to this process: 0 in the first process, one more in each child.  Written in
 * the child while it has a single thread. */
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
