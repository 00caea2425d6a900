/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "thread/coro-thread-pool-private.h"

#include "base/coro-error.h"
#include "base/coro-fork-private.h"

/* µs for which a thread without work stays. */
#define IDLE_TIME (10 * G_TIME_SPAN_SECOND)

/* After STALL_TIME µs without a new item the busy threads are taken to wait for queued items.  This
 * time grows by STALL_GROWTH percent with each added thread, at most MAX_EXTRA: as in GTask. */
#define STALL_TIME (100 * G_TIME_SPAN_MILLISECOND)
#define STALL_GROWTH 3
#define MAX_EXTRA 256

struct _CoroThreadPool
{
  int ref_count;                /* (atomic) */
  guint max_threads;
  gboolean grows;               /* beyond max_threads, when the threads stall */
  guint n_forks;                /* of the process that has the threads; a child has none */

  GMutex lock;                  /* for all below */
  GCond changed;                /* there is an item, or the end */
  GCond ended;                  /* the last thread has */
  GCond stalling;               /* wakes the reserve: an item may have to wait, or the pool is closed */
  CoroThreadPoolItem *head;     /* (nullable) */
  CoroThreadPoolItem *tail;     /* (nullable) */
  guint n_queued;
  guint n_idle;
  guint n_threads;
  guint n_extra;                /* threads beyond n_threads that are at work */
  gboolean has_reserve;         /* a further thread waits until it is needed */
  guint n_moves;                /* items that regular threads have taken */
  gint64 move_time;             /* µs: when an item was last taken, or put into an empty queue */
  GPtrArray *threads;           /* (owned) (element-type GThread): once closed, also those that have ended */
  gboolean closed;
  CoroThreadPoolEnd *ends;      /* (nullable): those that want to hear of the end */
};

static __thread CoroThreadPool *current_threads;

/* Their lock may be held for ever by one that is not here. */
static gboolean
threads_are_foreign (CoroThreadPool *self)
{
  return self->n_forks != coro_n_forks;
}

static void
threads_unlink (CoroThreadPool     *self,
                CoroThreadPoolItem *item)
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
static CoroThreadPoolItem *
threads_take (CoroThreadPool *self)
{
  gint64 deadline = g_get_monotonic_time () + IDLE_TIME;
  gboolean in_time = TRUE;
  CoroThreadPoolItem *item;

  while (self->head == NULL && !self->closed && in_time)
    {
      self->n_idle++;
      in_time = g_cond_wait_until (&self->changed, &self->lock, deadline);
      self->n_idle--;
    }

  item = self->head;
  if (item != NULL)
    {
      threads_unlink (self, item);
      self->n_moves++;
      self->move_time = g_get_monotonic_time ();
    }
  return item;
}

static gboolean
threads_have_ended (CoroThreadPool *self)
{
  return self->n_threads == 0 && self->n_extra == 0 && !self->has_reserve;
}

/* The calling thread is not one of them any more.  With the lock held. */
static void
threads_leave (CoroThreadPool *self)
{
  GThread *thread = g_thread_self ();

  if (!self->closed && g_ptr_array_remove_fast (self->threads, thread))
    return;                     /* the thread will not be joined */
  if (!threads_have_ended (self))
    return;

  g_cond_broadcast (&self->ended);
  while (self->ends != NULL)
    {
      CoroThreadPoolEnd *end = self->ends;

      self->ends = end->next;
      end->ended (end);
    }
}

static gpointer
thread_main (gpointer data)
{
  CoroThreadPool *self = data;
  CoroThreadPoolItem *item;

  current_threads = self;
  g_mutex_lock (&self->lock);
  while ((item = threads_take (self)) != NULL)
    {
      g_mutex_unlock (&self->lock);
      item->run (item, FALSE);
      g_mutex_lock (&self->lock);
    }
  self->n_threads--;
  threads_leave (self);
  g_mutex_unlock (&self->lock);

  coro_thread_pool_unref (self);
  return NULL;
}

/* With the lock held. */
static gboolean
threads_add (CoroThreadPool  *self,
             GThreadFunc      main_func,
             GError         **error)
{
  GThread *thread = g_thread_try_new ("coro-executor", main_func, coro_thread_pool_ref (self), error);

  if (thread == NULL)
    {
      coro_thread_pool_unref (self);
      return FALSE;
    }

  g_ptr_array_add (self->threads, thread);
  return TRUE;
}

static gboolean
threads_add_thread (CoroThreadPool  *self,
                    GError         **error)
{
  if (!threads_add (self, thread_main, error))
    return FALSE;
  self->n_threads++;
  return TRUE;
}

/* --- the reserve -------------------------------------------------------------------- */

/* All threads may be waiting for items that are still in the queue: a function can run coroutines
 * of its own, which run another function in a thread.  Then nothing would ever go on.  So while
 * all threads are at work, one more thread, the reserve, watches, and takes an item if no other
 * thread has taken one for some time. */

static gpointer reserve_main (gpointer data);

/* Called with the lock held.  If no thread can be started, the next item tries again. */
static void
threads_want_reserve (CoroThreadPool *self)
{
  if (self->grows && !self->has_reserve && self->n_extra < MAX_EXTRA)
    self->has_reserve = threads_add (self, reserve_main, NULL);
}

static gint64
threads_get_stall_time (CoroThreadPool *self)
{
  gint64 time = STALL_TIME;

  for (guint i = 0; i < self->n_extra; i++)
    time += time * STALL_GROWTH / 100;
  return time;
}

/* The next item that the other threads have left; NULL when the reserve must end.  Called with the
 * lock held. */
static CoroThreadPoolItem *
reserve_take (CoroThreadPool *self)
{
  gint64 end = g_get_monotonic_time () + IDLE_TIME;
  CoroThreadPoolItem *item;

  while (TRUE)
    {
      gint64 now = g_get_monotonic_time ();
      gint64 deadline = self->head != NULL ? self->move_time + threads_get_stall_time (self) : end;

      if (self->head == NULL && self->closed)
        return NULL;
      if (now >= deadline)
        break;
      g_cond_wait_until (&self->stalling, &self->lock, deadline);
    }

  item = self->head;
  if (item != NULL)
    {
      threads_unlink (self, item);
      self->move_time = g_get_monotonic_time ();
    }
  return item;
}

/* Runs the item, and then further items at once as long as no regular thread takes any.  Called with
 * the lock held. */
static void
reserve_work (CoroThreadPool     *self,
              CoroThreadPoolItem *item)
{
  guint n_moves = self->n_moves;

  self->has_reserve = FALSE;
  self->n_extra++;
  if (self->head != NULL)
    threads_want_reserve (self);

  while (item != NULL)
    {
      g_mutex_unlock (&self->lock);
      item->run (item, FALSE);
      g_mutex_lock (&self->lock);

      item = self->n_moves == n_moves ? self->head : NULL;
      if (item != NULL)
        {
          threads_unlink (self, item);
          self->move_time = g_get_monotonic_time ();
        }
    }
  self->n_extra--;
}

static gpointer
reserve_main (gpointer data)
{
  CoroThreadPool *self = data;
  CoroThreadPoolItem *item;
  gboolean replaced = FALSE;

  current_threads = self;
  g_mutex_lock (&self->lock);
  while (!replaced && (item = reserve_take (self)) != NULL)
    {
      reserve_work (self, item);
      replaced = self->has_reserve;
      self->has_reserve = TRUE;
    }
  if (!replaced)
    self->has_reserve = FALSE;
  threads_leave (self);
  g_mutex_unlock (&self->lock);

  coro_thread_pool_unref (self);
  return NULL;
}

/* --- all of them -------------------------------------------------------------------- */

/* Threads are started when there is work.  `grows`: there may be more than `max_threads` threads
 * while they seem to wait for queued items. */
CoroThreadPool *
coro_thread_pool_new (guint    max_threads,
                      gboolean grows)
{
  CoroThreadPool *self = g_new0 (CoroThreadPool, 1);

  self->ref_count = 1;
  self->max_threads = max_threads;
  self->grows = grows;
  self->n_forks = coro_n_forks;
  self->threads = g_ptr_array_new_with_free_func ((GDestroyNotify) g_thread_unref);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_cond_init (&self->ended);
  g_cond_init (&self->stalling);
  return self;
}

CoroThreadPool *
coro_thread_pool_ref (CoroThreadPool *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

/* Each thread keeps it. */
void
coro_thread_pool_unref (CoroThreadPool *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_assert (self->head == NULL);
  g_ptr_array_unref (self->threads);
  if (!threads_are_foreign (self))
    {
      g_mutex_clear (&self->lock);
      g_cond_clear (&self->changed);
      g_cond_clear (&self->ended);
      g_cond_clear (&self->stalling);
    }
  g_free (self);
}

/* Has `item` run.  FALSE: it never will, because there are no threads any more or there
 * could not be one. */
gboolean
coro_thread_pool_push (CoroThreadPool      *self,
                       CoroThreadPoolItem  *item,
                       GError             **error)
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
  else if (self->n_queued >= self->n_idle)
    {
      threads_want_reserve (self);
    }

  if (ok)
    {
      if (self->head == NULL)
        {
          self->move_time = g_get_monotonic_time ();
          if (self->has_reserve)
            g_cond_signal (&self->stalling);
        }
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
coro_thread_pool_remove (CoroThreadPool     *self,
                         CoroThreadPoolItem *item)
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
coro_thread_pool_close (CoroThreadPool    *self,
                        CoroThreadPoolEnd *end)
{
  gboolean ended;

  if (threads_are_foreign (self))
    return TRUE;

  g_mutex_lock (&self->lock);
  self->closed = TRUE;
  ended = threads_have_ended (self);
  if (!ended && end != NULL)
    {
      end->next = self->ends;
      self->ends = end;
    }
  g_cond_broadcast (&self->changed);
  g_cond_signal (&self->stalling);
  g_mutex_unlock (&self->lock);
  return ended;
}

/* Runs everything that is queued as dropped, in the calling thread. */
void
coro_thread_pool_drop_queued (CoroThreadPool *self)
{
  CoroThreadPoolItem *item;

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
coro_thread_pool_join (CoroThreadPool *self)
{
  g_autoptr (GPtrArray) threads = g_ptr_array_new ();

  if (threads_are_foreign (self))
    return;

  g_mutex_lock (&self->lock);
  while (!threads_have_ended (self))
    g_cond_wait (&self->ended, &self->lock);
  while (self->threads->len > 0)
    g_ptr_array_add (threads, g_ptr_array_steal_index_fast (self->threads, 0));
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < threads->len; i++)
    g_thread_join (threads->pdata[i]);
}

/* Whether the calling thread is one of them. */
gboolean
coro_thread_pool_is_mine (CoroThreadPool *self)
{
  return current_threads == self;
}

/* Whether an item that the calling thread waits for could never run. */
gboolean
coro_thread_pool_blocks_itself (CoroThreadPool *self)
{
  return current_threads == self && self->max_threads == 1 && !self->grows;
}

guint
coro_thread_pool_get_max (CoroThreadPool *self)
{
  return self->max_threads;
}

guint
coro_thread_pool_count (CoroThreadPool *self)
{
  guint n_threads;

  if (threads_are_foreign (self))
    return 0;

  g_mutex_lock (&self->lock);
  n_threads = self->n_threads + self->n_extra;
  g_mutex_unlock (&self->lock);
  return n_threads;
}
