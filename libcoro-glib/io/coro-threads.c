/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "io/coro-threads-private.h"

#include "fiber/coro-error.h"

#include <unistd.h>

/* µs for which a thread without work stays. */
#define IDLE_TIME (10 * G_TIME_SPAN_SECOND)

struct _CoroThreads
{
  int ref_count;                /* (atomic) */
  guint max_threads;
  pid_t process;                /* a fork takes none of the threads along */

  GMutex lock;                  /* for all below */
  GCond changed;                /* there is an item, or the end */
  GCond ended;                  /* the last thread has */
  CoroThreadItem *head;         /* (nullable) */
  CoroThreadItem *tail;         /* (nullable) */
  guint n_queued;
  guint n_idle;
  guint n_threads;
  GPtrArray *threads;           /* (owned) (element-type GThread): once closed, also those that have ended */
  gboolean closed;
  CoroThreadsEnd *ends;         /* (nullable): who wants to hear of the end */
};

static __thread CoroThreads *current_threads;

/* Their lock may be held for ever by one that is not here. */
static gboolean
threads_are_foreign (CoroThreads *self)
{
  return self->process != getpid ();
}

static void
threads_unlink (CoroThreads    *self,
                CoroThreadItem *item)
{
  if (item->previous != NULL)
    item->previous->next = item->next;
  else
    self->head = item->next;
  if (item->next != NULL)
    item->next->previous = item->previous;
  else
    self->tail = item->previous;
  item->previous = item->next = NULL;
  item->queued = FALSE;
  self->n_queued--;
}

/* The next item; NULL when the thread is to end.  With the lock held. */
static CoroThreadItem *
threads_take (CoroThreads *self)
{
  gint64 deadline = g_get_monotonic_time () + IDLE_TIME;
  gboolean in_time = TRUE;
  CoroThreadItem *item;

  while (self->head == NULL && !self->closed && in_time)
    {
      self->n_idle++;
      in_time = g_cond_wait_until (&self->changed, &self->lock, deadline);
      self->n_idle--;
    }

  item = self->head;
  if (item != NULL)
    threads_unlink (self, item);
  return item;
}

/* The calling thread is not one of them any more.  With the lock held. */
static void
threads_leave (CoroThreads *self)
{
  GThread *thread = g_thread_self ();

  self->n_threads--;
  if (!self->closed && g_ptr_array_remove_fast (self->threads, thread))
    return;                     /* nobody is going to join it */
  if (self->n_threads > 0)
    return;

  g_cond_broadcast (&self->ended);
  while (self->ends != NULL)
    {
      CoroThreadsEnd *end = self->ends;

      self->ends = end->next;
      end->ended (end);
    }
}

static gpointer
thread_main (gpointer data)
{
  CoroThreads *self = data;
  CoroThreadItem *item;

  current_threads = self;
  g_mutex_lock (&self->lock);
  while ((item = threads_take (self)) != NULL)
    {
      g_mutex_unlock (&self->lock);
      item->run (item, FALSE);
      g_mutex_lock (&self->lock);
    }
  threads_leave (self);
  g_mutex_unlock (&self->lock);

  coro_threads_unref (self);
  return NULL;
}

/* With the lock held. */
static gboolean
threads_add_thread (CoroThreads  *self,
                    GError      **error)
{
  GThread *thread = g_thread_try_new ("coro-executor", thread_main, coro_threads_ref (self), error);

  if (thread == NULL)
    {
      coro_threads_unref (self);
      return FALSE;
    }

  self->n_threads++;
  g_ptr_array_add (self->threads, thread);
  return TRUE;
}

/* There are none until there is work. */
CoroThreads *
coro_threads_new (guint max_threads)
{
  CoroThreads *self = g_new0 (CoroThreads, 1);

  self->ref_count = 1;
  self->max_threads = max_threads;
  self->process = getpid ();
  self->threads = g_ptr_array_new_with_free_func ((GDestroyNotify) g_thread_unref);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_cond_init (&self->ended);
  return self;
}

CoroThreads *
coro_threads_ref (CoroThreads *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

/* Each thread keeps it. */
void
coro_threads_unref (CoroThreads *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_assert (self->head == NULL);
  g_ptr_array_unref (self->threads);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_cond_clear (&self->ended);
  g_free (self);
}

/* Has `item` run.  FALSE: it never will, because there are no threads any more or there
 * could not be one. */
gboolean
coro_threads_push (CoroThreads     *self,
                   CoroThreadItem  *item,
                   GError         **error)
{
  gboolean ok = TRUE;

  if (threads_are_foreign (self))
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_CLOSED, "The executor's threads are in the parent process");
      return FALSE;
    }

  g_mutex_lock (&self->lock);
  if (self->closed)
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_CLOSED, "The executor was shut down");
      ok = FALSE;
    }
  else if (self->n_queued >= self->n_idle && self->n_threads < self->max_threads)
    {
      ok = threads_add_thread (self, self->n_threads > 0 ? NULL : error) || self->n_threads > 0;
    }

  if (ok)
    {
      item->previous = self->tail;
      item->next = NULL;
      if (self->tail != NULL)
        self->tail->next = item;
      else
        self->head = item;
      self->tail = item;
      item->queued = TRUE;
      self->n_queued++;
      g_cond_signal (&self->changed);
    }
  g_mutex_unlock (&self->lock);
  return ok;
}

/* Takes back what waits for its turn.  FALSE: it runs, or has run. */
gboolean
coro_threads_remove (CoroThreads    *self,
                     CoroThreadItem *item)
{
  gboolean removed;

  if (threads_are_foreign (self))
    return FALSE;

  g_mutex_lock (&self->lock);
  removed = item->queued;
  if (removed)
    threads_unlink (self, item);
  g_mutex_unlock (&self->lock);
  return removed;
}

/* Takes nothing more; what is queued still runs, and then the threads end.  TRUE: none is
 * left, and `end` (nullable) will not be told. */
gboolean
coro_threads_close (CoroThreads    *self,
                    CoroThreadsEnd *end)
{
  gboolean ended;

  if (threads_are_foreign (self))
    return TRUE;

  g_mutex_lock (&self->lock);
  self->closed = TRUE;
  ended = self->n_threads == 0;
  if (!ended && end != NULL)
    {
      end->next = self->ends;
      self->ends = end;
    }
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  return ended;
}

/* Runs everything that is queued as dropped, in the calling thread. */
void
coro_threads_drop_queued (CoroThreads *self)
{
  CoroThreadItem *item;

  if (threads_are_foreign (self))
    return;

  do
    {
      g_mutex_lock (&self->lock);
      item = self->head;
      if (item != NULL)
        threads_unlink (self, item);
      g_mutex_unlock (&self->lock);
      if (item != NULL)
        item->run (item, TRUE);
    }
  while (item != NULL);
}

/* Blocks until all have ended, after they were closed. */
void
coro_threads_join (CoroThreads *self)
{
  g_autoptr (GPtrArray) threads = g_ptr_array_new ();

  if (threads_are_foreign (self))
    return;

  g_mutex_lock (&self->lock);
  while (self->n_threads > 0)
    g_cond_wait (&self->ended, &self->lock);
  while (self->threads->len > 0)
    g_ptr_array_add (threads, g_ptr_array_steal_index_fast (self->threads, 0));
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < threads->len; i++)
    g_thread_join (threads->pdata[i]);
}

/* Whether the calling thread is one of them. */
gboolean
coro_threads_is_mine (CoroThreads *self)
{
  return current_threads == self;
}

guint
coro_threads_get_max (CoroThreads *self)
{
  return self->max_threads;
}

guint
coro_threads_count (CoroThreads *self)
{
  guint n_threads;

  if (threads_are_foreign (self))
    return 0;

  g_mutex_lock (&self->lock);
  n_threads = self->n_threads;
  g_mutex_unlock (&self->lock);
  return n_threads;
}
