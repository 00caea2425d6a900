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
typedef struct _CoroThreads CoroThreads;
typedef struct _CoroThreadItem CoroThreadItem;
typedef struct _CoroThreadsEnd CoroThreadsEnd;

/* Embedded in whatever is to run. */
struct _CoroThreadItem
{
  CoroThreadItem *previous;     /* (nullable): in the queue */
  CoroThreadItem *next;
  /* In one of the threads; or, `dropped`, in whichever has dropped it. */
  void (*run) (CoroThreadItem *self, gboolean dropped);
  gboolean queued;
};

/* Hears that the last thread has ended. */
struct _CoroThreadsEnd
{
  CoroThreadsEnd *next;
  void (*ended) (CoroThreadsEnd *self);         /* in that thread, with the lock held */
};

CoroThreads *coro_threads_new           (guint             max_threads,
                                         gboolean          grows);
CoroThreads *coro_threads_ref           (CoroThreads      *self);
void         coro_threads_unref         (CoroThreads      *self);
gboolean     coro_threads_push          (CoroThreads      *self,
                                         CoroThreadItem   *item,
                                         GError          **error);
gboolean     coro_threads_remove        (CoroThreads      *self,
                                         CoroThreadItem   *item);
gboolean     coro_threads_close         (CoroThreads      *self,
                                         CoroThreadsEnd   *end);
void         coro_threads_drop_queued   (CoroThreads      *self);
void         coro_threads_join          (CoroThreads      *self);
gboolean     coro_threads_is_mine       (CoroThreads      *self);
gboolean     coro_threads_blocks_itself (CoroThreads      *self);
guint        coro_threads_get_max       (CoroThreads      *self);
guint        coro_threads_count         (CoroThreads      *self);

G_END_DECLS
