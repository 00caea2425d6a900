/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gio/gio.h>

#include "fiber/coro-fiber-private.h"
#include "scheduler/coro-context-private.h"
#include "scheduler/coro-priority.h"
#include "scheduler/coro-scheduler.h"

G_BEGIN_DECLS

typedef struct _CoroJob CoroJob;
typedef struct _CoroJobClass CoroJobClass;
typedef struct _CoroReady CoroReady;
typedef struct _CoroScope CoroScope;
typedef struct _CoroWaiter CoroWaiter;

/* What is in the ready queue and is no job; both on the thread stack. */
typedef struct
{
  /* Its turn has come. */
  void (*call) (CoroReady *self);
  /* (nullable): the scheduler has ended before; NULL: nothing is lost by that. */
  void (*drop) (CoroReady *self);
} CoroReadyClass;

/* Something in the ready queue: a job to resume or a function to call. */
struct _CoroReady
{
  CoroReady *next;
  const CoroReadyClass *klass;  /* (nullable): NULL for a job */
};

typedef enum
{
  CORO_JOB_FREE,                /* an unused record */
  CORO_JOB_NEW,                 /* the body has not started */
  CORO_JOB_RUNNING,             /* on its stack right now, or below a nested main loop */
  CORO_JOB_SUSPENDED            /* parked; perhaps in the ready queue */
} CoroJobState;

/* An intrusive list of waiters, first come first served. */
typedef struct
{
  CoroWaiter *head;
  CoroWaiter *tail;
} CoroWaiterList;

/* What the layers above make of a job. */
struct _CoroJobClass
{
  /* The whole life of the job, on its own stack. */
  void (*run) (CoroJob *self);
  /* There was no stack for it; on the thread stack.  Takes `error`. */
  void (*fail) (CoroJob *self,
                GError  *error);
  /* The job was cancelled before it was queued for the first time, while a layer above held it
   * back: from now on it is queued like other jobs.  Runs no foreign code. */
  void (*dismiss) (CoroJob *self);
  /* The scheduler ends before the job: the job never runs again.  Called on the thread stack. */
  void (*abandon) (CoroJob *self);
};

/* One coroutine as the scheduler sees it: a stack, a place in the queue, what cancels it.
 * 128 bytes, in dense arrays of its scheduler: records on the stacks themselves would cost
 * a cache miss a switch (100 000 jobs: 260 ns a yield instead of 21.5).  What a switch and a
 * wait look at is in the first cache line.  Everything in here belongs to the scheduler's
 * thread. */
struct _CoroJob
{
  CoroReady ready;              /* first: a job is a CoroReady */
  CoroFiber fiber;
  guint8 state;                 /* CoroJobState */
  guint8 queued : 1;            /* in the ready queue, or in a priority list beside it */
  guint8 priority : 2;          /* CoroPriority; beside `queued` and `fresh`, for one test of all */
  guint8 cancel_pending : 1;    /* a cancel request that has not been delivered (edge) */
  guint8 cancel_level : 1;      /* an open scope is cancelled: every await fails */
  guint8 cancel_held : 1;       /* inside a shield: requests wait */
  guint8 admitted : 1;          /* for the layers above: it counts among those that run */
  guint8 fresh : 1;             /* has neither a stack nor ever had a priority list; see CoroAdmission */
  guint16 n_cancelling;         /* requests minus uncancels */
  guint32 stack_size : 31;      /* in KiB */
  guint32 automatic : 1;        /* stack_size is the scheduler's when the job takes its stack */
  CoroContextValue *context;    /* (nullable) (owned): the values of context variables */
  union
    {
      CoroWaiter *waiter;       /* (nullable): what it waits for, while it is suspended */
      CoroJob *previous_in_line;        /* (nullable): for the layers above, before it is queued */
    };
  CoroScope *scope;             /* (nullable): the innermost open cancel scope */

  /* For the layers above; the scheduler does not look at these. */
  GCallback func;
  gpointer data;
  GDestroyNotify destroy;
  gpointer task;                /* (nullable) (owned): the handle, if there is one */
  gpointer supervisor;
  CoroJob *previous_member;
  CoroJob *next_member;
  const char *site;             /* (nullable): static string */
};

CoroJob       *coro_job_new           (CoroScheduler       *scheduler,
                                       const CoroJobClass  *klass,
                                       gsize                stack_size);
gpointer       coro_job_reserve       (CoroJob             *self,
                                       gsize                size,
                                       GError             **error);
CoroScheduler *coro_job_get_scheduler (CoroJob             *self);
void           coro_job_make_ready    (CoroJob             *self);
void           coro_job_wake          (CoroJob             *self);
void           coro_job_suspend       (CoroJob             *self);
void           coro_job_go_last       (CoroJob             *self);
void           coro_job_start         (CoroJob             *self,
                                       CoroFiber           *from);
void           coro_job_free          (CoroJob             *self);
void           coro_job_fail          (CoroJob             *self,
                                       GError              *error);
gboolean       coro_job_check_suspend (CoroJob             *self,
                                       GError             **error);
gboolean       coro_job_call_on_stack (CoroJob             *self,
                                       void               (*func) (gpointer data),
                                       gpointer             data);
CoroJob       *coro_job_get_running   (void);
CoroJob       *coro_job_require       (GError             **error);

/* Whether a request for the job itself waits to be delivered. */
static inline gboolean
coro_job_has_request (const CoroJob *self)
{
  return self->cancel_pending && !self->cancel_held;
}

/* Whether the next await has to fail. */
static inline gboolean
coro_job_is_cancelled (const CoroJob *self)
{
  return G_UNLIKELY (self->cancel_pending || self->cancel_level) &&
         (self->cancel_level || coro_job_has_request (self));
}

G_END_DECLS
