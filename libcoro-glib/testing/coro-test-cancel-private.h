/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "testing/coro-test-cancel.h"

#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scheduler/coro-waiter-private.h"
#include "scope/coro-runner.h"
#include "sync/coro-event.h"

G_BEGIN_DECLS

/* A body with so many awaits does not come to an end. */
#define CORO_CANCEL_MAX_RUNS 10000
/* Neither does a run that makes so many steps: ten for each of these. */
#define CORO_CANCEL_MAX_STEPS (10 * CORO_CANCEL_MAX_RUNS)
#define CORO_CANCEL_MAX_FRAMES 10

/* What a test could have left behind in a scheduler. */
typedef struct
{
  guint n_timers;
  guint n_stacks;
  guint n_external;
  guint n_shutdowns;
} CoroCancelCounts;

/* One run of a body, with one cancel at the most. */
typedef struct _CoroCancelRun CoroCancelRun;
struct _CoroCancelRun
{
  CoroObserver observer;        /* first */
  CoroReady strike;             /* cancels the coroutine that has just been parked */
  const CoroTestCancel *test;
  CoroTestCancelFlags moment;   /* 0: nothing is cancelled */
  CoroTestCancelFlags kind;
  guint target;                 /* which await, from 1 */
  guint n_awaits;               /* that could have been it */

  CoroScheduler *scheduler;     /* (owned) */
  CoroScope scope;              /* around the body, while it runs */
  gboolean in_scope;
  gboolean watching;
  gboolean struck;
  gboolean stuck;
  guint64 n_steps;
  guint64 n_steps_seen;
  guint n_idle_looks;
  GHashTable *jobs;             /* (owned) (element-type CoroJob): of the body, while they live */
  CoroJob *victim;              /* (nullable) (unowned): the cancelled job, until it ends */
  gboolean requested;           /* the victim was sent a request */
  gboolean heard;               /* an await of the victim has delivered the request */
  gboolean lost;                /* no await has delivered it, and none will */
  CoroEvent *ended;             /* (owned): triggered when the last of these has ended */
  gpointer fixture;             /* (owned) */
  GPtrArray *tracked;           /* (owned) (element-type CoroCancelTracked) */

  char *place;                  /* (nullable) (owned) */
  gpointer frames[CORO_CANCEL_MAX_FRAMES];
  guint n_frames;
  CoroRunner *runner;           /* (owned) */
  CoroCancelRun *next_stuck;    /* (nullable): whose coroutines still use it */
};

/* Which await is cancelled, and when: what watches the scheduler of a run. */
extern const CoroObserver coro_cancel_run_observer G_GNUC_INTERNAL;
void             coro_cancel_run_give_up       (CoroCancelRun     *self);

/* What is left behind. */
extern __thread CoroCancelRun *coro_cancel_run_current G_GNUC_INTERNAL;
void             coro_cancel_tracked_free      (gpointer           data);
CoroCancelCounts coro_cancel_run_count         (CoroCancelRun     *self);
gboolean         coro_cancel_run_check_counts  (CoroCancelRun     *self,
                                                CoroCancelCounts   before,
                                                GError           **error);
gboolean         coro_cancel_run_check_objects (CoroCancelRun     *self,
                                                GError           **error);

/* All of it, once. */
gboolean         coro_cancel_run_once          (CoroCancelRun     *self,
                                                GError           **error);

G_END_DECLS
