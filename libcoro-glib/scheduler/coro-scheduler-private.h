/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scheduler/coro-scheduler.h"

#include "base/coro-error.h"
#include "fiber/coro-fiber-private.h"
#include "scheduler/coro-admission-private.h"
#include "scheduler/coro-call-private.h"
#include "scheduler/coro-pending-work-private.h"
#include "scheduler/coro-observer-private.h"
#include "loop/coro-inbox-private.h"
#include "scheduler/coro-job-private.h"
#include "scheduler/coro-run-queue-private.h"
#include "scheduler/coro-priority-moves-private.h"
#include "loop/coro-reactor-private.h"
#include "loop/coro-timer-private.h"

G_BEGIN_DECLS

typedef struct _CoroDispatch CoroDispatch;
typedef struct _CoroJobBlock CoroJobBlock;

/* Something that has to be ended by a coroutine before a scheduler ends. */
typedef struct _CoroShutdown CoroShutdown;
struct _CoroShutdown
{
  CoroShutdown *previous;
  CoroShutdown *next;
  const char *name;             /* static: what it is, for a report when it takes too long */
  void (*run) (CoroShutdown *self);     /* may suspend; removes it */
};

/* An object that keeps the main loop running for coroutines: an application. */
typedef struct _CoroHolder CoroHolder;
struct _CoroHolder
{
  guint n_groups;               /* supervisors with members that keep the main loop running */
  void (*changed) (CoroHolder *self);   /* n_groups became 1 or 0; called on any stack */
};

/* Something to run on the thread stack on behalf of a fiber. */
typedef struct
{
  CoroThreadStackFunc func;
  gpointer data;
  CoroFiber *caller;
  CoroContextValue *values;     /* (nullable) (unowned): the values of context variables for it */
} CoroThreadStackCall;

/* Something to run on the stack of a parked job, which does not notice: only it can unwind
 * that.  It must not switch stacks. */
typedef struct
{
  void (*func) (gpointer data);
  gpointer data;
  CoroFiber caller;
} CoroJobStackCall;

/* One call of our GSource's dispatch function, in that C frame.  A main loop nested in a
 * coroutine makes another, on the coroutine's stack.  No work is kept in here: a nested
 * dispatch could not see it. */
struct _CoroDispatch
{
  CoroFiber fiber;              /* where jobs come back to */
  CoroDispatch *outer;          /* (nullable) */
  CoroJob *interrupted;         /* (nullable): whose stack this frame is on; NULL: the thread's own */
  CoroScheduler *outer_current; /* (nullable): another scheduler that dispatched around us */
  CoroThreadStackCall *call;    /* (nullable): what a fiber came here for */
  int depth;                    /* g_main_depth() */
  gboolean eager;               /* for one step of one job: see coro_scheduler_run_now() */
};

struct _CoroScheduler
{
  GObject parent_instance;

  /* Hot: what a switch touches. */
  CoroReady *ready_head;        /* (nullable) */
  CoroReady **ready_tail;
  guint n_ready;                /* how many are in that queue */
  CoroJob *running;             /* (nullable) */
  CoroDispatch *dispatch;       /* (nullable): the innermost */
  CoroObserver *observer;       /* (nullable) (unowned): the first of the observers */
  CoroJobStackCall *stack_call;      /* (nullable): for the job that is switched to */
  int ticks;                    /* resumes until the clock is read */
  int period;                   /* what ticks is reset to: 1…MAX_PERIOD */
  gboolean slice_over;
  gboolean due;                 /* a timer or a message waits for the dispatcher */
  gint64 tick_time;             /* µs: when the clock was last read */
  guint64 tick_cycles;          /* the same in coro_cycles() */
  guint64 quiet_cycles;         /* so many after that the clock need not be read; 0: not known */
  gint64 slice_end;             /* µs */

  CoroScheduler *next_registered;       /* (nullable) (unowned): for debuggers; guarded by registry_lock */
  GMainContext *context;        /* (nullable) (unowned): its source owns us; guarded by wakeup_lock for other threads */
  GSource *source;              /* (nullable) (unowned) */
  CoroPriorityList high;        /* those of high priority; they come before the others of the queue */
  CoroPriorityList low;         /* those of low priority; they come after them */
  CoroPriorityMoves moves;      /* between these lists */
  CoroAdmission admission;      /* those that are to start */
  gboolean favoured_default;    /* of the last one that had a turn out of turn; FALSE: of low priority */
  CoroJob *caller;              /* (nullable): the job for which a function runs on the thread stack */
  GPollFD poll_fd;              /* the reactor's, as GLib knows it */
  CoroReactor reactor;
  gint64 poll_time;             /* µs: when that was last asked */
  GSource *yield_source;        /* (nullable) (owned): while other sources have their rounds */
  GSource *trim_source;         /* (nullable) (owned): gives memory back while nothing else happens */
  gsize thread;                 /* (atomic): the number of the thread that owns it; 0: no thread yet */
  gboolean stays;               /* another thread iterates the context; a critical has said so */
  CoroObjectLock wakeup_lock;
  CoroInbox inbox;
  CoroMessage *messages;        /* (nullable): taken out of the inbox, and not handled yet */
  gboolean asleep;              /* (atomic): its main loop may be blocked: a post has to wake it */
  CoroTimerHeap timers;
  CoroStackPool *stacks;        /* (owned) */
  guint stack_size;             /* in KiB: of coroutines without a size of their own */
  guint chosen_stack_size;      /* (atomic): in KiB: the size that the program has chosen; 0: none */
  gboolean has_application;     /* (atomic): its coroutines belong to an application */
  const CoroJobClass *job_class;        /* (nullable): of all its jobs */
  CoroJobBlock *blocks;         /* (owned) */
  CoroJob *free_jobs;           /* (nullable) */
  gsize n_jobs;
  CoroCall *calls;              /* (nullable): what is to be called, but for what is on its way here */
  CoroShutdown *shutdowns;      /* (nullable): the latest first */
  CoroHolder *holder;           /* (nullable) (unowned): see coro_application_attach() */
  gpointer supervisor;          /* (nullable) (owned): the root group, kept by the layer above */
  GDestroyNotify supervisor_free;
  gpointer file_backend;        /* (nullable) (owned): how files are read, kept by the layer above */
  GDestroyNotify file_backend_free;
  gpointer callback;            /* (nullable): the function that runs, while there is an observer */
  CoroObserver *debug;          /* (nullable) (owned): what the observer is set to while debug mode is on */
  guint scope_epoch;            /* when the way up from a scope was last cut; see scope_get_top() */
  GTimeSpan time_slice;
  guint rounds_left;            /* the last slice was used up: how many rounds the others may have */
  gint64 rounds_end;            /* µs: when these are over in any case */
  gboolean skipping;            /* this is one of those rounds */
  gboolean closed;              /* (atomic) */
  gboolean shutting_down;
  gboolean ending;              /* each of its jobs is asked to stop, once */
  gsize after_close_thread;     /* it has, and this thread acts for it; 0: none; guarded by after_close_lock */
  guint after_close_n_forks;    /* the process of that thread, by coro_n_forks; guarded by after_close_lock */
  guint n_eager;                /* dispatches for the first step of a job that are nested */
  CoroPendingWork *pending_works; /* (nullable): what threads do for us */
  CoroReady fork_child_ready;   /* fails the pending work of the parent process */
  gboolean fork_child_queued;   /* fork_child_ready is in the run queue */
  guint n_forks;                /* of the process that has the threads */
  guint n_works;                /* functions in threads, which its end waits for */
  guint n_external;             /* operations of GIO and threads under way: virtual time waits for them */

  gboolean virtual;             /* time is set by hand */
  gboolean autojump;
  guint idle_rounds;
  guint virtual_ticks;          /* resumes in this slice */
  CoroWaiterList idle_waiters;  /* those that wait until no other can run */
  gboolean shuffling;           /* which job comes next is a matter of chance; only while virtual */
  guint64 test_rng;             /* the state of the generator that decides */
  guint64 inbox_rng;            /* the generator for the turns in which messages stay unread */
  guint n_unread_turns;         /* further turns in which messages stay unread */
  gint64 virtual_time;          /* µs */
};

extern __thread CoroScheduler *coro_scheduler_current __attribute__ ((tls_model ("initial-exec")));
extern __thread gsize coro_thread_number __attribute__ ((tls_model ("initial-exec")));

static inline void
coro_scheduler_add_shutdown (CoroScheduler *self,
                             CoroShutdown  *shutdown)
{
  shutdown->previous = NULL;
  shutdown->next = self->shutdowns;
  if (shutdown->next != NULL)
    shutdown->next->previous = shutdown;
  self->shutdowns = shutdown;
}

static inline void
coro_scheduler_remove_shutdown (CoroScheduler *self,
                                CoroShutdown  *shutdown)
{
  if (shutdown->previous != NULL)
    shutdown->previous->next = shutdown->next;
  else if (self->shutdowns == shutdown)
    self->shutdowns = shutdown->next;
  else
    return;                     /* removed already, because it could not be ended */
  if (shutdown->next != NULL)
    shutdown->next->previous = shutdown->previous;
  shutdown->previous = shutdown->next = NULL;
}

/* Gives a number to a thread that has never had a scheduler. */
#define CORO_THREAD_UNNUMBERED G_MAXSIZE

/* Identifies the calling thread by a number.  This is faster than g_thread_self(), and no other
 * thread ever gets the number, while the address of a GThread is reused after the thread's end. */
static inline gsize
coro_thread_self (void)
{
  return coro_thread_number;
}

static inline gsize
coro_scheduler_get_thread (CoroScheduler *self)
{
  return (gsize) g_atomic_pointer_get (&self->thread);
}

/* Whether the calling thread may touch what belongs to the scheduler.  FALSE for
 * all threads before the first dispatch: until then all goes through the inbox. */
static inline gboolean
coro_scheduler_is_mine (CoroScheduler *self)
{
  return coro_scheduler_get_thread (self) == coro_thread_self ();
}

/* Whether the scheduler has coroutines in another thread than the calling one.  Coroutines cannot
 * be moved, because their stacks may point to data of their thread, the address of errno say. */
static inline gboolean
coro_scheduler_is_elsewhere (CoroScheduler *self)
{
  return G_UNLIKELY (!coro_scheduler_is_mine (self)) && coro_scheduler_get_thread (self) != 0 && self->n_jobs > 0;
}

/* FALSE with CORO_ERROR_PROTOCOL if another thread has it. */
static inline gboolean
coro_scheduler_require_mine (CoroScheduler  *self,
                             const char     *message,
                             GError        **error)
{
  if (G_LIKELY (coro_scheduler_is_mine (self) || coro_scheduler_get_thread (self) == 0))
    return TRUE;

  g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, message);
  return FALSE;
}

static inline gint64
coro_scheduler_now (CoroScheduler *self)
{
  return G_UNLIKELY (self->virtual) ? self->virtual_time : g_get_monotonic_time ();
}

/* When `duration` µs from now have passed; G_MAXINT64, never, for more than there is. */
static inline gint64
coro_scheduler_deadline (CoroScheduler *self,
                         GTimeSpan      duration)
{
  gint64 now = coro_scheduler_now (self);

  return duration >= G_MAXINT64 - now ? G_MAXINT64 : now + duration;
}

/* The caller's priority: that of the running coroutine, or the one for which the caller runs on
 * the thread stack. */
static inline CoroPriority
coro_scheduler_get_caller_priority (void)
{
  CoroScheduler *self = coro_scheduler_current;
  CoroJob *job = NULL;

  if (self != NULL)
    job = self->running != NULL ? self->running : self->caller;
  return job != NULL ? job->priority : CORO_PRIORITY_DEFAULT;
}

static inline void
coro_scheduler_push (CoroScheduler *self,
                     CoroReady     *ready)
{
  ready->next = NULL;
  *self->ready_tail = ready;
  self->ready_tail = &ready->next;
  self->n_ready++;
}

static inline void
coro_scheduler_push_front (CoroScheduler *self,
                           CoroReady     *ready)
{
  ready->next = self->ready_head;
  self->ready_head = ready;
  if (ready->next == NULL)
    self->ready_tail = &ready->next;
  self->n_ready++;
}

static inline CoroReady *
coro_scheduler_pop (CoroScheduler *self)
{
  CoroReady *ready = self->ready_head;

  if (ready != NULL)
    {
      self->ready_head = ready->next;
      if (self->ready_head == NULL)
        self->ready_tail = &self->ready_head;
      self->n_ready--;
    }
  return ready;
}

/* Takes one out of a list; FALSE when it is not in there. */
static inline gboolean
coro_ready_list_remove (CoroReady **link,
                        CoroReady ***tail,
                        CoroReady   *ready)
{
  while (*link != ready)
    {
      if (*link == NULL)
        return FALSE;
      link = &(*link)->next;
    }
  *link = ready->next;
  if (ready->next == NULL)
    *tail = link;
  return TRUE;
}

static inline void
coro_scheduler_remove (CoroScheduler *self,
                       CoroReady     *ready)
{
  if (coro_ready_list_remove (&self->ready_head, &self->ready_tail, ready))
    self->n_ready--;
}

/* Before a job in the ready queue gets a stack, or cannot have one. */
static inline void
coro_admission_leave (CoroScheduler *scheduler,
                      CoroJob       *job)
{
  if (!job->fresh)
    return;

  job->fresh = FALSE;
  if (!job->queued)
    return;

  scheduler->admission.n_admitted--;
  if (G_UNLIKELY (scheduler->admission.head != NULL))
    coro_admission_admit_next (scheduler);
}

/* Asks for the stack of the next job, before something that takes its time.  With a
 * thousand stacks the one that is switched to is in no near cache and not in the TLB: a
 * fifth of what an echo server spends outside the kernel. */
static inline void
coro_scheduler_prefetch (CoroScheduler *self)
{
  CoroReady *ready = self->ready_head;
  const char *sp;

  if (ready == NULL || ready->klass != NULL)
    return;

  sp = ((CoroJob *) ready)->fiber.sp;
  for (int i = 0; i < 12; i++)
    __builtin_prefetch (sp + 64 * i);
}

void           coro_scheduler_bind                 (CoroScheduler        *self);
gboolean       coro_scheduler_tick_slow            (CoroScheduler        *self);
void           coro_scheduler_set_seed             (CoroScheduler        *self,
                                                    guint                 seed);
void           coro_scheduler_shuffle              (CoroScheduler        *self);
gboolean       coro_scheduler_leaves_unread        (CoroScheduler        *self);
gboolean       coro_scheduler_run_now              (CoroScheduler        *self,
                                                    CoroJob              *job);
gboolean       coro_scheduler_claim                (CoroScheduler        *self);
GSource       *coro_scheduler_source_new           (CoroScheduler        *self);
CoroScheduler *coro_scheduler_get_current          (void);
void           coro_scheduler_foreach              (void                (*func) (CoroScheduler *scheduler, gpointer user_data),
                                                    gpointer              user_data);
void           coro_scheduler_look_around          (CoroScheduler        *self);
void           coro_scheduler_update_stack_size    (CoroScheduler        *self);
void           coro_scheduler_expect_application   (CoroScheduler        *self);
CoroStack     *coro_scheduler_take_automatic_stack (CoroScheduler        *self,
                                                    guint                *stack_size,
                                                    GError              **error);
CoroStack     *coro_stack_take_for_caller          (CoroStackPool        *pool,
                                                    GError              **error);
void           coro_scheduler_post                 (CoroScheduler        *self,
                                                    CoroMessage          *message);
void           coro_scheduler_read_inbox           (CoroScheduler        *self);
void           coro_scheduler_catch_up_slow        (CoroScheduler        *self);
void           coro_scheduler_arm                  (CoroScheduler        *self,
                                                    CoroTimer            *timer,
                                                    gint64                deadline,
                                                    CoroTimerFunc         fire);
void           coro_scheduler_disarm               (CoroScheduler        *self,
                                                    CoroTimer            *timer);
void           coro_scheduler_close                (CoroScheduler        *self);
void           coro_scheduler_call                 (CoroScheduler        *self,
                                                    CoroFiber            *caller,
                                                    CoroThreadStackFunc   func,
                                                    gpointer              user_data);
void           coro_scheduler_free_blocks          (CoroScheduler        *self);
void           coro_scheduler_foreach_job          (CoroScheduler        *self,
                                                    void                (*func) (CoroJob *job, gpointer user_data),
                                                    gpointer              user_data);

/* To be called before a function answers from state of the scheduler's thread: a message of
 * another thread counts as soon as the call that posts it has returned. */
static inline void
coro_scheduler_catch_up (CoroScheduler *self)
{
  if (G_UNLIKELY (!coro_inbox_is_empty (&self->inbox)))
    coro_scheduler_catch_up_slow (self);
}

/* Counts a resume.  FALSE: the running job should go through the dispatcher, because the
 * slice is over or something else is due. */
static inline gboolean
coro_scheduler_tick (CoroScheduler *self)
{
  return --self->ticks > 0 || coro_scheduler_tick_slow (self);
}

G_END_DECLS
