/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scheduler/coro-observer-private.h"
#include "loop/coro-inbox-private.h"
#include "scheduler/coro-job-private.h"
#include "scheduler/coro-scheduler-private.h"

G_BEGIN_DECLS

typedef struct _CoroWaitClass CoroWaitClass;

/* One wait of one job, on the stack of that job.  `previous` and `next` are for the list
 * of whatever it waits for; the rest belongs to the job's thread. */
struct _CoroWaiter
{
  CoroMessage message;          /* for a wake-up from another thread */
  CoroJob *job;
  CoroWaiter *previous;
  CoroWaiter *next;
  gpointer data;                /* for whatever it waits for */
  const CoroWaitClass *klass;   /* what it waits for, to be printed */
  gpointer object;              /* (nullable) */
  guint8 woken;
  guint8 cancelled_first;       /* the job was cancelled already when the wake-up came */
  guint8 aborted;               /* the wait was called off, and goes on until this has an effect */
  guint8 delegated;             /* a cancel request of the job was passed on to `object` */
};

/* How a wait ends early.  All run on the waiting job's stack. */
struct _CoroWaitClass
{
  /* Returns TRUE when the wait is over and the waiter forgotten, FALSE when the waiter
   * will be woken later. */
  gboolean (*abort) (gpointer object, CoroWaiter *waiter);
  /* (nullable): puts back what a woken waiter was given.  NULL or FALSE: that cannot be
   * done, and a cancel that comes too late stays pending. */
  gboolean (*undo) (gpointer object, CoroWaiter *waiter);
  /* An abort that leaves the wait going passes the cancel request on to the object.  Then the
   * caller must call coro_waiter_settle() with the outcome. */
  gboolean delegates;
  /* (nullable): what it is, where `object` is no GObject. */
  const char *name;
  /* (nullable): for waits until all members of a scope have ended. */
  CoroScope *(*get_scope) (gpointer object);
  /* (nullable): for waits for several futures, which `object` knows. */
  void (*foreach_future) (gpointer object, void (*func) (gpointer future, gpointer data), gpointer data);
};

gboolean coro_waiter_check_ready_slow   (GError              **error);
void     coro_waiter_yield_cancelled    (CoroJob              *job,
                                         GError              **error);
gboolean coro_waiter_init               (CoroWaiter           *self,
                                         GError              **error);
gboolean coro_waiter_init_uncancellable (CoroWaiter           *self,
                                         GError              **error);
gboolean coro_waiter_wait               (CoroWaiter           *self,
                                         const CoroWaitClass  *klass,
                                         gpointer              object,
                                         GError              **error);
CORO_AVAILABLE_IN_ALL
void     coro_waiter_wake               (CoroWaiter           *self);
void     coro_waiter_settle             (CoroWaiter           *self,
                                         gboolean              heard);

/* An undo for waits that were given nothing. */
gboolean coro_waiter_undo_nothing (gpointer        object,
                                   CoroWaiter     *waiter);

/* An await of something that is there costs no turn; but it is a place to hear of a
 * cancellation, and to give way when the slice is spent.  Things may change meanwhile:
 * look after it, not before. */
static inline gboolean
coro_waiter_check_ready (GError **error)
{
  CoroScheduler *scheduler = coro_scheduler_current;
  CoroJob *job = scheduler != NULL ? scheduler->running : NULL;

  if (G_UNLIKELY (job == NULL))
    return TRUE;
  if (G_UNLIKELY (scheduler->ticks <= 1 || coro_job_is_cancelled (job)))
    return coro_waiter_check_ready_slow (error);

  scheduler->ticks--;
  return TRUE;
}

static inline void
coro_waiter_list_append (CoroWaiterList *self,
                         CoroWaiter     *waiter)
{
  waiter->previous = self->tail;
  waiter->next = NULL;
  if (self->tail != NULL)
    self->tail->next = waiter;
  else
    self->head = waiter;
  self->tail = waiter;
}

static inline void
coro_waiter_list_remove (CoroWaiterList *self,
                         CoroWaiter     *waiter)
{
  if (waiter->previous != NULL)
    waiter->previous->next = waiter->next;
  else
    self->head = waiter->next;
  if (waiter->next != NULL)
    waiter->next->previous = waiter->previous;
  else
    self->tail = waiter->previous;
  waiter->previous = waiter->next = NULL;
}

static inline CoroWaiter *
coro_waiter_list_pop (CoroWaiterList *self)
{
  CoroWaiter *waiter = self->head;

  if (waiter != NULL)
    coro_waiter_list_remove (self, waiter);
  return waiter;
}

/* To be called when an object of the kind `type` is used.  `job` (nullable) waits for the object or
 * holds it; debug mode warns if the calling thread is not the thread of the job. */
static inline void
coro_waiter_check_thread (CoroJob    *job,
                          const char *type)
{
  if (G_UNLIKELY (coro_global_observer.check_thread != NULL) && job != NULL)
    coro_global_observer.check_thread (job, type);
}

/* coro_waiter_check_thread() for the first waiter of a list. */
static inline void
coro_waiter_list_check_thread (CoroWaiterList *self,
                               const char     *type)
{
  if (G_UNLIKELY (coro_global_observer.check_thread != NULL) && self->head != NULL)
    coro_global_observer.check_thread (self->head->job, type);
}

static inline CoroWaiter *
coro_waiter_list_pop_local (CoroWaiterList *self,
                            const char     *type)
{
  coro_waiter_list_check_thread (self, type);
  return coro_waiter_list_pop (self);
}

static inline void
coro_waiter_list_append_local (CoroWaiterList *self,
                               CoroWaiter     *waiter,
                               const char     *type)
{
  coro_waiter_list_check_thread (self, type);
  coro_waiter_list_append (self, waiter);
}

G_END_DECLS
