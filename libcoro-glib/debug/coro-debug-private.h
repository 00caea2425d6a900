/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "debug/coro-debug.h"

#include "debug/coro-backtrace-private.h"
#include "debug/coro-error-step-private.h"
#include "debug/coro-tracer.h"
#include "scheduler/coro-scheduler-private.h"

G_BEGIN_DECLS

#define CORO_DEBUG_MAX_NAME 80

/* The piece of a coroutine between two waits that runs right now, or a callback.  Written
 * by the scheduler's thread; the watchdog looks at `start` and `serial`, and a signal
 * handler in the scheduler's thread at the rest. */
typedef struct
{
  gint64 start;                 /* (atomic) µs; 0: none runs */
  guint serial;                 /* (atomic): which one it is */
  CoroJob *job;                 /* (nullable): NULL for a callback */
  gpointer callback;            /* (nullable): of an outer step that is a callback */
  GMainContext *context;        /* (nullable) (unowned): the thread-default one when it began */
  int rounding;                 /* the rounding mode when the job began */
  const char *site;             /* (nullable): static */
  char name[CORO_DEBUG_MAX_NAME];
} CoroDebugStep;

/* What is known of one coroutine that has something to note. */
typedef struct
{
  guint n_ignored_cancels;
  int n_locks;
  gboolean has_pushed;          /* a context that it did not pop; it was reported */
  gboolean has_rounded;         /* the job has left another rounding mode, and this was reported */
  guint n_wait_frames;
  gpointer wait_frames[CORO_ERROR_STEP_MAX_FRAMES];     /* where it waited last */
} CoroDebugJob;

/* Debug mode of one scheduler.  Belongs to its thread, but for what is said otherwise. */
typedef struct _CoroDebug CoroDebug;
struct _CoroDebug
{
  CoroObserver observer;        /* first */
  CoroScheduler *scheduler;     /* (unowned) */
  CoroDebugFlags flags;
  gint64 slow;                  /* µs */
  gint64 blocked;               /* (atomic) µs */
  CoroDebugStep step;
  GArray *outer_steps;          /* (owned) (element-type CoroDebugStep): interrupted by a nested main loop */
  GHashTable *jobs;             /* (owned) (element-type CoroJob CoroDebugJob): those with something to note */
  GQueue reports;               /* (owned) (element-type utf8) */
  CoroReady flush;
  gboolean flushing;            /* it is in the ready queue */
  gboolean reporting;           /* this step is it */
  gsize thread;                 /* coro_thread_self() of the thread with thread_id; 0: none yet */
  CoroTraceFunc trace;          /* (nullable) */
  gpointer trace_data;          /* (owned): by trace_destroy */
  GDestroyNotify trace_destroy; /* (nullable) */

  /* For the watchdog, guarded by its lock. */
  CoroDebug *next_watched;      /* (nullable) (unowned) */
  gboolean watched;
  int thread_id;                /* (atomic): the kernel's name for the scheduler's thread */
  guint reported;               /* serial of the step that was reported */
};

CoroDebug     *coro_debug_get               (CoroScheduler  *scheduler);
CoroDebugJob  *coro_debug_get_job           (CoroDebug      *debug,
                                             CoroJob        *job);
void           coro_debug_init_global       (void);
void           coro_debug_flush             (CoroDebug      *debug);
void           coro_debug_report            (CoroDebug      *debug,
                                             const char     *format,
                                             ...) G_GNUC_PRINTF (2, 3);
void           coro_debug_step_begin        (CoroDebug      *debug,
                                             CoroJob        *job);
void           coro_debug_step_end          (CoroDebug      *debug);
void           coro_debug_step_set_name     (CoroDebugStep  *step);
void           coro_debug_check_left        (CoroDebug      *debug,
                                             CoroJob        *job,
                                             gboolean        ended);
void           coro_debug_generator_dropped (CoroObserver   *observer,
                                             const char     *name);
void           coro_debug_cancel_ignored    (CoroObserver   *observer,
                                             CoroJob        *job);
void           coro_debug_lock_held         (CoroObserver   *observer,
                                             CoroJob        *job,
                                             int             change);
void           coro_debug_update            (CoroDebug      *debug);
void           coro_debug_trace             (CoroDebug      *debug,
                                             CoroTraceEvent  event,
                                             CoroJob        *job,
                                             const GError   *error);
CoroTraceEvent coro_trace_event_for_error   (const GError   *error);
void           coro_job_copy_name           (CoroJob        *job,
                                             char           *name,
                                             gsize           size);
void           coro_debug_describe          (GString        *string,
                                             gboolean        is_callback,
                                             gpointer        callback,
                                             const char     *name,
                                             const char     *site);
void           coro_watchdog_add            (CoroDebug      *debug);
void           coro_watchdog_remove         (CoroDebug      *debug);

G_END_DECLS
