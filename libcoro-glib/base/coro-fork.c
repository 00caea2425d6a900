/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "base/coro-fork-private.h"

#include <pthread.h>

/* Held while the lock of an object is reset. */
CORO_FORK_LOCK (reset_lock, CORO_FORK_LAST)

guint coro_n_forks;

static CoroForkLock *locks[CORO_FORK_N_RANKS];  /* written while the library is loaded */
static gboolean watching;                       /* written while the library is loaded */

/* --- the locks of the process --------------------------------------------------------- */

static void
prepare_cb (void)
{
  for (guint rank = 0; rank < CORO_FORK_N_RANKS; rank++)
    for (CoroForkLock *lock = locks[rank]; lock != NULL; lock = lock->next)
      g_mutex_lock (lock->mutex);
}

static void
go_on_cb (void)
{
  for (guint rank = CORO_FORK_N_RANKS; rank-- > 0;)
    for (CoroForkLock *lock = locks[rank]; lock != NULL; lock = lock->next)
      g_mutex_unlock (lock->mutex);
}

static void
begin_cb (void)
{
  coro_n_forks++;
  go_on_cb ();
}

void
coro_fork_add_lock (CoroForkLock *lock,
                    CoroForkRank  rank)
{
  lock->next = locks[rank];
  locks[rank] = lock;

  if (!watching)
    pthread_atfork (prepare_cb, go_on_cb, begin_cb);
  watching = TRUE;
}

/* --- the lock of an object ------------------------------------------------------------ */

void
coro_object_lock_init (CoroObjectLock *self)
{
  g_mutex_init (&self->mutex);
  self->n_forks = coro_n_forks;
}

/* In a child the lock may be held by a thread of the parent; then it cannot be cleared. */
void
coro_object_lock_clear (CoroObjectLock *self)
{
  if (self->n_forks == coro_n_forks)
    g_mutex_clear (&self->mutex);
}

/* For a child process, which does not have the thread that holds the lock. */
void
coro_object_lock_reset (CoroObjectLock *self)
{
  g_mutex_lock (&reset_lock);
  if (self->n_forks != coro_n_forks)
    {
      g_mutex_init (&self->mutex);
      g_atomic_int_set (&self->n_forks, (int) coro_n_forks);
    }
  g_mutex_unlock (&reset_lock);
}
