/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A bounded number of threads and a queue before them.  Of any thread.
 *
 * A GThreadPool would do, but for three things: what is queued cannot be taken back, its
 * threads are not joined with it, and a caller that must not block cannot hear of its end. */
typedef struct _CoroThreadPool CoroThreadPool;
typedef struct _CoroThreadPoolItem CoroThreadPoolItem;
typedef struct _CoroThreadPoolEnd CoroThreadPoolEnd;

/* Embedded in whatever is to run. */
struct _CoroThreadPoolItem
{
  CoroThreadPoolItem *previous; /* (nullable): in the queue */
  CoroThreadPoolItem *next;
  /* In one of the threads; or, `dropped`, in whichever has dropped it. */
  void (*run) (CoroThreadPoolItem *self, gboolean dropped);
  gboolean queued;
};

/* Hears that the last thread has ended. */
struct _CoroThreadPoolEnd
{
  CoroThreadPoolEnd *next;
  void (*ended) (CoroThreadPoolEnd *self);      /* in that thread, with the lock held */
};

CoroThreadPool *coro_thread_pool_new           (guint                max_threads,
                                                gboolean             grows);
CoroThreadPool *coro_thread_pool_ref           (CoroThreadPool      *self);
void            coro_thread_pool_unref         (CoroThreadPool      *self);
gboolean        coro_thread_pool_push          (CoroThreadPool      *self,
                                                CoroThreadPoolItem  *item,
                                                GError             **error);
gboolean        coro_thread_pool_remove        (CoroThreadPool      *self,
                                                CoroThreadPoolItem  *item);
gboolean        coro_thread_pool_close         (CoroThreadPool      *self,
                                                CoroThreadPoolEnd   *end);
void            coro_thread_pool_drop_queued   (CoroThreadPool      *self);
void            coro_thread_pool_join          (CoroThreadPool      *self);
gboolean        coro_thread_pool_is_mine       (CoroThreadPool      *self);
gboolean        coro_thread_pool_blocks_itself (CoroThreadPool      *self);
guint           coro_thread_pool_get_max       (CoroThreadPool      *self);
guint           coro_thread_pool_count         (CoroThreadPool      *self);

G_END_DECLS
