/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gio/gio.h>

#include "thread/coro-thread-pool-private.h"
#include "scheduler/coro-context-private.h"

G_BEGIN_DECLS

typedef struct _CoroThreadJob CoroThreadJob;

/* Neither may touch `self` after it has told the side that frees it. */
typedef struct
{
  /* In a thread: what it is all for. */
  void (*make)  (CoroThreadJob *self);
  /* Afterwards, or without it: `error` says why. */
  void (*ended) (CoroThreadJob *self);
} CoroThreadJobClass;

/* A function that one of the threads is to call, embedded in whatever has it called.  What was
 * cancelled before its turn is not made, nor is what was dropped with the queue. */
struct _CoroThreadJob
{
  CoroThreadPoolItem item;      /* first */
  const CoroThreadJobClass *klass;
  CoroThreadPool *threads;      /* (owned) */
  CoroContextValue *context;    /* (nullable) (unowned): the context variables that it sees */
  GCancellable *cancellable;    /* (owned) */
  GError *error;                /* (nullable) (owned) */
};

void     coro_thread_job_init     (CoroThreadJob            *self,
                                   const CoroThreadJobClass *klass,
                                   CoroThreadPool           *threads,
                                   CoroContextValue         *context);
void     coro_thread_job_clear    (CoroThreadJob *self);
gboolean coro_thread_job_push     (CoroThreadJob  *self,
                                   GError        **error);
gboolean coro_thread_job_withdraw (CoroThreadJob *self);
void     coro_thread_job_fail_in_fork_child (CoroThreadJob *self);
void     coro_thread_job_cancel   (CoroThreadJob *self);

G_END_DECLS
