/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two things in one turn: what a coroutine waits for comes, here or from another thread, its time is
 * up, it is cancelled, what it waits for is closed, its owner ends.  Each pair of them, in both orders,
 * falls due while the thread is busy, for each kind of wait.
 */
#include "test-util.h"

#include "loop/coro-reactor-private.h"
#include "scheduler/coro-scheduler-private.h"

#include <sys/socket.h>
#include <unistd.h>

typedef enum
{
  EVENT,                        /* what it waits for, in its own thread */
  MESSAGE,                      /* the same from another thread */
  OWN_DEADLINE,                 /* the wait's own limit is over */
  DEADLINE,                     /* that of a guard around it */
  CANCEL,                       /* a request for the coroutine */
  CLOSE,                        /* what it waits for ends */
  OWNER,                        /* the group that it is in is cancelled */
  RUN,                          /* the run that it is in ends */
  N_CAUSES
} Cause;

static const char *const cause_names[] = {
  "event", "message", "own deadline", "deadline", "cancel", "close", "owner's end", "run's end"
};

/* How both come to be due. */
typedef enum
{
  AT_ONCE,                      /* one after the other; the next refill finds what each of them leaves to it */
  IN_REFILL,                    /* inside the refill, by timers that are due in that order */
  N_WAYS
} Way;

typedef struct _Meeting Meeting;

typedef struct
{
  const char *name;
  void (*set_up) (Meeting *self);
  /* Waits.  TRUE: for what it waited for. */
  gboolean (*wait) (Meeting *self, GError **error);
  void (*event) (Meeting *self);        /* (nullable): NULL where only time brings it */
  void (*message) (Meeting *self);      /* (nullable): in another thread */
  void (*close) (Meeting *self);        /* (nullable) */
  /* (nullable): whether nothing is lost.  `got`: what wait() has returned. */
  void (*check) (Meeting *self, gboolean got);
  gboolean has_limit;           /* wait() has `own_limit` */
  gboolean needs_coroutine;     /* event() does */
  gboolean close_gives;         /* close() may serve the waiter */
  gboolean close_cancels;       /* or told that it was cancelled */
  gboolean needs_helper;        /* a task elsewhere that waits for the future */
} Kind;

/* One run. */
struct _Meeting
{
  const Kind *kind;
  Cause causes[2];
  guint n_causes;
  Way way;

  CoroScheduler *scheduler;     /* (owned) */
  CoroTaskGroup *group;         /* (owned): the owner */
  CoroTask *task;               /* (owned): the waiting task */
  CoroTimer timers[2];
  GTimeSpan limits[N_CAUSES];   /* when it is due from the beginning; G_MAXINT64: not at all */

  gpointer object;              /* (nullable) (owned): what it waits for */
  CoroFuture *futures[2];       /* (nullable) (owned) */
  CoroTask *helper;             /* (nullable) (owned) */
  GThread *thread;              /* (nullable) (owned): runs a main context of its own */
  GMainLoop *loop;              /* (nullable) (owned): there */
  guint64 call;                 /* 0: none */
  int fds[2];
  GMutex lock;
  GCond changed;
  gboolean started;             /* the thread has; guarded by lock */
  gboolean released;            /* what works for it is done; guarded by lock where that is a thread */
  CoroWaiter *waiter;           /* (nullable): guarded by lock */
  int n_given;
  int n_taken;

  gboolean done;
  gboolean got;
  GError *error;                /* (nullable) (owned) */
  GError *next_error;           /* (nullable) (owned): of the await after it */
};

/* What there is of a scheduler that could have been left behind. */
typedef struct
{
  guint n_timers;
  guint n_external;
  guint n_waiting;
  guint n_watches;
  gsize n_jobs;
} Counts;

static Counts
count (CoroScheduler *scheduler)
{
  Counts counts = { scheduler->timers.n_slots, scheduler->n_external, scheduler->reactor.n_waiting, 0, scheduler->n_jobs };

  for (guint i = 0; i < scheduler->reactor.n_watches; i++)
    counts.n_watches += scheduler->reactor.watches[i] != NULL;
  return counts;
}

static gboolean
has_cause (Meeting *self,
           Cause    cause)
{
  for (guint i = 0; i < self->n_causes; i++)
    if (self->causes[i] == cause)
      return TRUE;
  return FALSE;
}

/* --- the coroutine that waits ------------------------------------------------------- */

static gboolean
waiter_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Meeting *self = user_data;

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (self->limits[DEADLINE], &self->error);

    self->got = self->kind->wait (self, &self->error);
  }
  if (self->error != NULL)
    self->got = FALSE;
  coro_yield (&self->next_error);
  self->done = TRUE;
  return TRUE;
}

/* --- what falls due ----------------------------------------------------------------- */

static gpointer
message_cb (gpointer user_data)
{
  Meeting *self = user_data;

  self->kind->message (self);
  return NULL;
}

static void
send_message (Meeting *self)
{
  g_thread_join (g_thread_new ("sender", message_cb, self));
  if (self->way == IN_REFILL)
    coro_scheduler_read_inbox (self->scheduler);
}

/* The n-th, where it does not come by itself. */
static void
perform (Meeting *self,
         guint    n)
{
  switch (self->causes[n])
    {
    case EVENT:
      if (self->kind->event != NULL)
        self->kind->event (self);
      if (self->way == IN_REFILL)
        coro_reactor_poll (&self->scheduler->reactor);
      break;
    case MESSAGE:
      send_message (self);
      break;
    case CANCEL:
      g_assert_true (coro_task_cancel (self->task));
      break;
    case CLOSE:
      self->kind->close (self);
      break;
    case OWNER:
      coro_task_group_cancel (self->group);
      break;
    default:
      break;                    /* time, which passes afterwards, or the end */
    }
}

static void
first_timer_cb (CoroTimer *timer)
{
  perform ((Meeting *) ((char *) timer - offsetof (Meeting, timers[0])), 0);
}

static void
second_timer_cb (CoroTimer *timer)
{
  perform ((Meeting *) ((char *) timer - offsetof (Meeting, timers[1])), 1);
}

static gboolean
is_time (Meeting *self,
         Cause    cause)
{
  return cause == OWN_DEADLINE || cause == DEADLINE || (cause == EVENT && self->kind->event == NULL);
}

static void
let_meet (Meeting *self)
{
  const CoroTimerFunc funcs[] = { first_timer_cb, second_timer_cb };

  for (guint i = 0; i < self->n_causes; i++)
    if (self->way == AT_ONCE)
      perform (self, i);
    else if (!is_time (self, self->causes[i]))
      coro_scheduler_arm (self->scheduler, &self->timers[i], now () + (i + 1) * SECOND, funcs[i]);
  coro_test_clock_advance (self->scheduler, 3 * SECOND);
}

/* --- what must hold ----------------------------------------------------------------- */

static void
check_outcome (Meeting *self)
{
  gboolean cancelled = g_error_matches (self->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  gboolean next_cancelled = g_error_matches (self->next_error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  gboolean requested = has_cause (self, CANCEL);
  gboolean run_ends = has_cause (self, RUN);

  g_assert_true (self->done);
  g_assert_true (self->next_error == NULL || next_cancelled);
  if (self->error == NULL)
    g_assert_true (self->got &&
                   (has_cause (self, EVENT) || has_cause (self, MESSAGE) || (has_cause (self, CLOSE) && self->kind->close_gives)));
  else if (g_error_matches (self->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    g_assert_true (has_cause (self, OWN_DEADLINE) || has_cause (self, DEADLINE));
  else if (cancelled)
    g_assert_true (requested || run_ends || has_cause (self, OWNER) || (has_cause (self, CLOSE) && self->kind->close_cancels));
  else
    g_assert_true (has_cause (self, CLOSE));

  /* A cancelled group stays so.  A request is heard once: by the wait, or by the next one.  The end of
   * a run, which makes one too, may be later than both. */
  if (has_cause (self, OWNER))
    g_assert_true (next_cancelled);
  else if (run_ends)
    ;
  else if (!requested)
    g_assert_false (next_cancelled);
  else if (!cancelled)
    g_assert_true (next_cancelled);
  else if (!(has_cause (self, CLOSE) && self->kind->close_cancels))
    g_assert_false (next_cancelled);

  if (self->kind->check != NULL)
    self->kind->check (self, self->got);
}

static void
check_counts (Counts before,
              Counts after)
{
  g_assert_cmpuint (after.n_timers, ==, before.n_timers);
  g_assert_cmpuint (after.n_external, ==, before.n_external);
  g_assert_cmpuint (after.n_waiting, ==, before.n_waiting);
  g_assert_cmpuint (after.n_watches, ==, before.n_watches);
  g_assert_cmpuint (after.n_jobs, ==, before.n_jobs);
}

/* --- one run ------------------------------------------------------------------------ */

static gboolean
quit_cb (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static void
meeting_drop (Meeting *self)
{
  if (G_IS_SOCKET (self->object))
    coro_socket_close (self->object, NULL);
  g_clear_object (&self->object);
  g_clear_object (&self->futures[0]);
  g_clear_object (&self->futures[1]);
  if (self->call != 0)
    coro_call_cancel (self->call);
  if (self->helper != NULL)
    coro_task_cancel (self->helper);
  g_clear_object (&self->helper);
  for (int i = 0; i < 2; i++)
    if (self->fds[i] >= 0)
      coro_fd_close (self->fds[i], NULL);
  self->fds[0] = self->fds[1] = -1;
  if (self->thread != NULL)
    {
      /* From inside it, for it may not have begun. */
      g_autoptr (GSource) source = g_idle_source_new ();

      g_source_set_callback (source, quit_cb, self->loop, NULL);
      g_source_attach (source, g_main_loop_get_context (self->loop));
      g_thread_join (g_steal_pointer (&self->thread));
      g_clear_pointer (&self->loop, g_main_loop_unref);
    }
}

static gboolean
meeting_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Meeting *self = user_data;
  Counts before;

  self->scheduler = g_object_ref (coro_scheduler_get_running ());
  coro_test_clock_start (self->scheduler, TRUE);
  before = count (self->scheduler);
  self->kind->set_up (self);
  self->group = coro_task_group_new (CORO_TASK_GROUP_UNJOINED);
  self->task = coro_task_group_spawn_task (self->group, waiter_cb, self, NULL);
  g_assert_true (coro_test_settle (error));
  g_assert_false (self->done);

  let_meet (self);
  if (has_cause (self, RUN))
    return TRUE;

  g_assert_true (coro_join (self->task, error));
  check_outcome (self);
  meeting_drop (self);
  g_assert_true (coro_test_settle (error));
  check_counts (before, count (self->scheduler));
  return coro_sleep (3600 * SECOND, error);     /* nothing comes later */
}

/* A thread that has posted its answer may hold on to the scheduler for some µs more. */
static void
wait_for_threads (CoroScheduler *scheduler)
{
  gint64 deadline = g_get_monotonic_time () + 10 * SECOND;

  while (g_atomic_int_get ((int *) &G_OBJECT (scheduler)->ref_count) > 1 && g_get_monotonic_time () < deadline)
    g_thread_yield ();
}

static void
meet (const Kind *kind,
      Way         way,
      Cause       first,
      Cause       second)
{
  Meeting self = { .kind = kind, .causes = { first, second }, .n_causes = first == second ? 1 : 2, .way = way, .fds = { -1, -1 } };
  g_autoptr (GError) error = NULL;

  g_mutex_init (&self.lock);
  g_cond_init (&self.changed);
  for (guint cause = 0; cause < N_CAUSES; cause++)
    self.limits[cause] = G_MAXINT64;
  for (guint i = 0; i < self.n_causes; i++)
    self.limits[self.causes[i]] = (i + 1) * SECOND;

  coro_run (meeting_cb, &self, NULL, &error);
  g_assert_no_error (error);
  if (has_cause (&self, RUN))
    check_outcome (&self);

  meeting_drop (&self);
  g_clear_object (&self.task);
  g_clear_object (&self.group);
  g_clear_error (&self.error);
  g_clear_error (&self.next_error);
  wait_for_threads (self.scheduler);
  g_assert_finalize_object (self.scheduler);
  g_mutex_clear (&self.lock);
  g_cond_clear (&self.changed);
}

static gboolean
can_meet (const Kind *kind,
          Way         way,
          Cause       first,
          Cause       second)
{
  const Cause causes[] = { first, second };

  for (guint i = 0; i < 2; i++)
    if ((causes[i] == MESSAGE && kind->message == NULL) || (causes[i] == CLOSE && kind->close == NULL) ||
        (causes[i] == OWN_DEADLINE && !kind->has_limit) || (causes[i] == RUN && (way == IN_REFILL || i == 0)) ||
        (causes[i] == EVENT && kind->needs_coroutine && way == IN_REFILL))
      return FALSE;
  /* What only the main coroutine can do is done before that ends. */
  return !kind->needs_coroutine || second != RUN || first == EVENT;
}

static void
test_kind (gconstpointer kind)
{
  guint n_runs = 0;

  for (guint way = 0; way < N_WAYS; way++)
    for (guint first = 0; first < N_CAUSES; first++)
      for (guint second = 0; second < N_CAUSES; second++)
        if (can_meet (kind, way, first, second))
          {
            /* Where it stands when something aborts or hangs. */
            if (g_test_verbose ())
              g_test_message ("%s, %s%s", cause_names[first], cause_names[second], way == AT_ONCE ? "" : ", in the refill");
            meet (kind, way, first, second);
            n_runs++;
          }
  g_test_message ("%u runs", n_runs);
}

/* --- time --------------------------------------------------------------------------- */

static void
nothing_set_up (Meeting *self)
{
}

static gboolean
sleep_wait (Meeting  *self,
            GError  **error)
{
  return coro_sleep (self->limits[EVENT], error);
}

static void
sleep_future_set_up (Meeting *self)
{
  self->futures[0] = coro_sleep_future (self->limits[EVENT]);
}

/* A call, which resolves a future. */
static void
call_cb (gpointer future)
{
  coro_future_resolve (future, NULL);
}

static void
call_set_up (Meeting *self)
{
  self->futures[0] = coro_future_new ();
  self->call = coro_call_later (self->limits[EVENT], call_cb, g_object_ref (self->futures[0]), g_object_unref);
}

/* It is made, or it can be called off. */
static void
call_close (Meeting *self)
{
  if (coro_call_cancel (self->call))
    coro_future_cancel (self->futures[0]);
}

/* --- futures ------------------------------------------------------------------------ */

static void
future_set_up (Meeting *self)
{
  self->futures[0] = coro_future_new ();
}

static gboolean
future_wait (Meeting  *self,
             GError  **error)
{
  return coro_await (self->futures[0], NULL, error);
}

static gboolean
join_wait (Meeting  *self,
           GError  **error)
{
  return coro_join (self->futures[0], error);
}

static void
future_event (Meeting *self)
{
  coro_future_resolve (self->futures[0], NULL);
}

static void
future_close (Meeting *self)
{
  coro_future_cancel (self->futures[0]);
}

static gboolean
shield_wait (Meeting  *self,
             GError  **error)
{
  g_autoptr (CoroFuture) shield = coro_future_shield (self->futures[0]);

  return coro_await (shield, NULL, error);
}

static gboolean
gather_wait (Meeting  *self,
             GError  **error)
{
  g_autoptr (CoroFuture) gather = coro_gather (self->futures, 2);

  return coro_await (gather, NULL, error);
}

static void
two_futures_set_up (Meeting *self)
{
  self->futures[0] = coro_future_new ();
  self->futures[1] = coro_future_new ();
}

static void
two_futures_event (Meeting *self)
{
  coro_future_resolve (self->futures[0], NULL);
  coro_future_resolve (self->futures[1], NULL);
}

static void
two_futures_close (Meeting *self)
{
  coro_future_cancel (self->futures[0]);
  coro_future_cancel (self->futures[1]);
}

static gboolean
several_wait (Meeting  *self,
              GError  **error)
{
  GTimeSpan limit = self->limits[OWN_DEADLINE];

  if (!coro_wait (self->futures, 2, CORO_WAIT_ALL, limit == G_MAXINT64 ? -1 : limit, error))
    return FALSE;
  if (coro_future_is_done (self->futures[0]) && coro_future_is_done (self->futures[1]))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "Not all are done");
  return FALSE;
}

static gboolean
select_wait (Meeting  *self,
             GError  **error)
{
  return coro_selectv (self->futures, 2, error) != NULL;
}

static gboolean
completed_wait (Meeting  *self,
                GError  **error)
{
  g_autoptr (CoroIterator) iterator = coro_as_completed (self->futures, 2);
  g_autoptr (CoroFuture) future = NULL;

  return coro_iterator_next_object (iterator, (gpointer *) &future, error);
}

static gboolean
wait_for_wait (Meeting  *self,
               GError  **error)
{
  return coro_wait_for (self->futures[0], self->limits[OWN_DEADLINE], NULL, error);
}

/* --- coroutines --------------------------------------------------------------------- */

static gboolean
await_future_cb (gpointer   future,
                 GValue    *result,
                 GError   **error)
{
  return coro_await (future, NULL, error);
}

static gboolean
join_future_cb (gpointer   future,
                GValue    *result,
                GError   **error)
{
  return coro_join (future, error);
}

static gboolean
task_wait (Meeting  *self,
           GError  **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (await_future_cb, g_object_ref (self->futures[0]), g_object_unref);

  return coro_await (task, NULL, error);
}

static gboolean
nursery_wait (Meeting  *self,
              GError  **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, join_future_cb, g_object_ref (self->futures[0]), g_object_unref);
  return coro_nursery_join (&nursery);
}

static gboolean
group_wait (Meeting  *self,
            GError  **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);

  coro_task_group_spawn (group, join_future_cb, g_object_ref (self->futures[0]), g_object_unref);
  return coro_task_group_join (group, error);
}

/* A member that stands behind another one in a group with a limit. */
static gboolean
limited_wait (Meeting  *self,
              GError  **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR);
  g_autoptr (CoroTask) task = NULL;
  gboolean ok;

  coro_task_group_limit (group, 1);
  coro_task_group_spawn (group, join_future_cb, g_object_ref (self->futures[0]), g_object_unref);
  task = coro_task_group_spawn_task (group, join_future_cb, g_object_ref (self->futures[0]), g_object_unref);
  ok = coro_await (task, NULL, error);
  coro_task_group_cancel (group);
  {
    g_auto (CoroShield) shield = coro_shield_enter (0);

    coro_task_group_join (group, NULL);
  }
  return ok;
}

static gboolean
generate_cb (CoroGenerator  *generator,
             gpointer        future,
             GError        **error)
{
  return coro_join (future, error) && coro_generator_produce_int (generator, 1, error);
}

static gboolean
generator_wait (Meeting  *self,
                GError  **error)
{
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, generate_cb, self->futures[0], NULL);
  g_auto (GValue) value = G_VALUE_INIT;
  gboolean ok = coro_iterator_next (generator, &value, error);

  {
    g_auto (CoroShield) shield = coro_shield_enter (0);

    g_assert_true (coro_generator_close (generator, NULL));
  }
  return ok;
}

/* --- futures and tasks of another thread --------------------------------------------- */

static gpointer
other_thread_cb (gpointer user_data)
{
  Meeting *self = user_data;
  GMainContext *context = g_main_loop_get_context (self->loop);
  g_autoptr (CoroScheduler) scheduler = NULL;

  g_main_context_push_thread_default (context);
  scheduler = coro_scheduler_ref_for_context (context);
  g_mutex_lock (&self->lock);
  self->futures[0] = coro_future_new ();
  if (self->kind->needs_helper)
    self->helper = coro_spawn_task (await_future_cb, g_object_ref (self->futures[0]), g_object_unref);
  self->started = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);

  g_main_loop_run (self->loop);
  coro_scheduler_shut_down (scheduler);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
elsewhere_set_up (Meeting *self)
{
  g_autoptr (GMainContext) context = g_main_context_new ();

  self->loop = g_main_loop_new (context, FALSE);
  self->thread = g_thread_new ("elsewhere", other_thread_cb, self);
  g_mutex_lock (&self->lock);
  while (!self->started)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
}

static gboolean
helper_wait (Meeting  *self,
             GError  **error)
{
  return coro_await (self->helper, NULL, error);
}

static gboolean
helper_join_wait (Meeting  *self,
                  GError  **error)
{
  return coro_join (self->helper, error);
}

static void
helper_close (Meeting *self)
{
  coro_task_cancel (self->helper);
}

/* --- locks and queues --------------------------------------------------------------- */

static void
event_set_up (Meeting *self)
{
  self->object = coro_event_new ();
}

static gboolean
event_wait (Meeting  *self,
            GError  **error)
{
  return coro_event_wait (self->object, error);
}

static void
event_event (Meeting *self)
{
  coro_event_trigger (self->object);
}

static void
lock_set_up (Meeting *self)
{
  self->object = coro_lock_new ();
  g_assert_true (coro_lock_acquire (self->object, NULL));
}

static gboolean
lock_wait (Meeting  *self,
           GError  **error)
{
  if (!coro_lock_acquire (self->object, error))
    return FALSE;
  coro_lock_release (self->object);
  return TRUE;
}

static void
lock_event (Meeting *self)
{
  coro_lock_release (self->object);
}

static void
lock_check (Meeting  *self,
            gboolean  got)
{
  g_assert_cmpint (coro_lock_is_locked (self->object), ==, !has_cause (self, EVENT));
  if (!has_cause (self, EVENT) && coro_job_get_running () != NULL)
    coro_lock_release (self->object);
}

static void
condition_set_up (Meeting *self)
{
  self->object = coro_condition_new ();
}

static gboolean
condition_wait (Meeting  *self,
                GError  **error)
{
  g_autoptr (CoroLock) lock = coro_lock_new ();
  gboolean ok;

  g_assert_true (coro_lock_acquire (lock, NULL));
  ok = coro_condition_wait (self->object, lock, error);
  coro_lock_release (lock);
  return ok;
}

static void
condition_event (Meeting *self)
{
  coro_condition_wake (self->object, 1);
}

static void
semaphore_set_up (Meeting *self)
{
  self->object = coro_semaphore_new (0);
}

static gboolean
semaphore_wait (Meeting  *self,
                GError  **error)
{
  return coro_semaphore_acquire (self->object, error);
}

static void
semaphore_event (Meeting *self)
{
  g_assert_true (coro_semaphore_release (self->object, NULL));
  self->n_given++;
}

static void
semaphore_check (Meeting  *self,
                 gboolean  got)
{
  g_assert_cmpint ((int) coro_semaphore_get_value (self->object) + got, ==, self->n_given);
}

static void
take_set_up (Meeting *self)
{
  self->object = coro_queue_new (0, NULL);
}

static gboolean
take_wait (Meeting  *self,
           GError  **error)
{
  gpointer item;

  if (!coro_queue_take (self->object, &item, error))
    return FALSE;
  if (item == self)
    return TRUE;
  g_assert_null (item);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The queue is closed");
  return FALSE;
}

static void
take_event (Meeting *self)
{
  if (coro_queue_try_put (self->object, self, NULL))
    self->n_given++;
}

static void
queue_close (Meeting *self)
{
  coro_queue_close (self->object);
}

static void
take_check (Meeting  *self,
            gboolean  got)
{
  g_assert_cmpint ((int) coro_queue_get_length (self->object) + got, ==, self->n_given);
}

static void
put_set_up (Meeting *self)
{
  self->object = coro_queue_new (1, NULL);
  g_assert_true (coro_queue_try_put (self->object, self, NULL));
}

static gboolean
put_wait (Meeting  *self,
          GError  **error)
{
  return coro_queue_put (self->object, self, error);
}

static void
put_event (Meeting *self)
{
  gpointer item;

  if (coro_queue_try_take (self->object, &item, NULL))
    self->n_taken++;
}

static void
put_check (Meeting  *self,
           gboolean  got)
{
  g_assert_cmpint ((int) coro_queue_get_length (self->object) + self->n_taken, ==, 1 + got);
}

static gboolean
queue_join_wait (Meeting  *self,
                 GError  **error)
{
  return coro_queue_join (self->object, error);
}

static void
queue_join_event (Meeting *self)
{
  gpointer item;

  g_assert_true (coro_queue_try_take (self->object, &item, NULL));
  g_assert_true (coro_queue_task_done (self->object, NULL));
}

static void
barrier_set_up (Meeting *self)
{
  self->object = coro_barrier_new (2);
}

static gboolean
barrier_wait (Meeting  *self,
              GError  **error)
{
  return coro_barrier_wait (self->object, NULL, error);
}

/* The last party does not wait. */
static void
barrier_event (Meeting *self)
{
  coro_barrier_wait (self->object, NULL, NULL);
}

static void
barrier_close (Meeting *self)
{
  coro_barrier_abort (self->object);
}

/* --- descriptors -------------------------------------------------------------------- */

static void
fds_set_up (Meeting *self)
{
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, self->fds), ==, 0);
}

static gboolean
fd_wait (Meeting  *self,
         GError  **error)
{
  GTimeSpan limit = self->limits[OWN_DEADLINE];

  return coro_fd_wait (self->fds[0], G_IO_IN, limit == G_MAXINT64 ? -1 : limit, error) != 0;
}

static gboolean
fd_read (Meeting  *self,
         GError  **error)
{
  char byte;
  gssize n_read = coro_fd_read (self->fds[0], &byte, 1, error);

  g_assert_cmpint (n_read, !=, 0);
  return n_read == 1;
}

static void
fd_event (Meeting *self)
{
  if (send (self->fds[1], "x", 1, MSG_NOSIGNAL) == 1)
    self->n_given++;
}

static void
fd_close (Meeting *self)
{
  g_assert_true (coro_fd_close (self->fds[0], NULL));
  self->fds[0] = -1;
}

static int
count_bytes (int fd)
{
  char bytes[8];
  int n_bytes = fd < 0 ? 0 : (int) read (fd, bytes, sizeof bytes);

  return MAX (n_bytes, 0);
}

static void
fd_wait_check (Meeting  *self,
               gboolean  got)
{
  if (self->fds[0] >= 0)
    g_assert_cmpint (count_bytes (self->fds[0]), ==, self->n_given);
}

static void
fd_read_check (Meeting  *self,
               gboolean  got)
{
  if (self->fds[0] >= 0)
    g_assert_cmpint (count_bytes (self->fds[0]) + got, ==, self->n_given);
}

static void
socket_set_up (Meeting *self)
{
  GTimeSpan limit = self->limits[OWN_DEADLINE];

  fds_set_up (self);
  self->object = g_socket_new_from_fd (self->fds[0], NULL);
  self->fds[0] = -1;
  g_assert_nonnull (self->object);
  if (limit != G_MAXINT64)
    g_socket_set_timeout (self->object, (guint) (limit / SECOND));
}

static gboolean
socket_receive (Meeting  *self,
                GError  **error)
{
  char byte;

  return coro_socket_receive (self->object, &byte, 1, error) == 1;
}

static gboolean
socket_wait (Meeting  *self,
             GError  **error)
{
  return coro_socket_wait (self->object, G_IO_IN, error) != 0;
}

static void
socket_close (Meeting *self)
{
  g_assert_true (coro_socket_close (self->object, NULL));
}

static void
socket_receive_check (Meeting  *self,
                      gboolean  got)
{
  if (!g_socket_is_closed (self->object))
    g_assert_cmpint (count_bytes (g_socket_get_fd (self->object)) + got, ==, self->n_given);
}

/* --- operations and threads --------------------------------------------------------- */

static void
operation_cancelled_cb (GCancellable *cancellable,
                        gpointer      user_data)
{
  Meeting *self = user_data;

  if (!self->released)
    g_task_return_error_if_cancelled (self->object);
}

static void
operation_begin (Meeting             *self,
                 GCancellable        *cancellable,
                 GAsyncReadyCallback  callback,
                 gpointer             user_data)
{
  self->object = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_check_cancellable (self->object, FALSE);
  g_signal_connect (cancellable, "cancelled", G_CALLBACK (operation_cancelled_cb), self);
}

static gboolean
operation_wait (Meeting  *self,
                GError  **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return g_task_propagate_boolean (G_TASK (CORO_CALL (&op, operation_begin, self)), error);
}

/* Completes the operation unless it was cancelled before, as a worker of the operation would. */
static void
operation_event (Meeting *self)
{
  if (self->released || g_cancellable_is_cancelled (g_task_get_cancellable (self->object)))
    return;
  self->released = TRUE;
  g_task_return_boolean (self->object, TRUE);
}

static void
thread_cancelled_cb (GCancellable *cancellable,
                     gpointer      user_data)
{
  Meeting *self = user_data;

  g_mutex_lock (&self->lock);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static gpointer
thread_func (gpointer       user_data,
             GCancellable  *cancellable,
             GError       **error)
{
  Meeting *self = user_data;
  gulong id = g_cancellable_connect (cancellable, G_CALLBACK (thread_cancelled_cb), self, NULL);

  g_mutex_lock (&self->lock);
  while (!self->released && !g_cancellable_is_cancelled (cancellable))
    g_cond_wait (&self->changed, &self->lock);
  if (!self->released)
    g_cancellable_set_error_if_cancelled (cancellable, error);
  g_mutex_unlock (&self->lock);
  g_cancellable_disconnect (cancellable, id);
  return self;
}

static gboolean
thread_wait (Meeting  *self,
             GError  **error)
{
  coro_run_in_thread (thread_func, self, NULL, error);
  return TRUE;
}

static gboolean
work_func (gpointer       user_data,
           GCancellable  *cancellable,
           GValue        *result,
           GError       **error)
{
  GError *local_error = NULL;

  thread_func (user_data, cancellable, &local_error);
  if (local_error != NULL)
    g_propagate_error (error, local_error);
  return local_error == NULL;
}

static gboolean
submit_wait (Meeting  *self,
             GError  **error)
{
  g_autoptr (CoroFuture) future = coro_executor_submit (coro_executor_get_default (), work_func, self, NULL);

  return coro_await (future, NULL, error);
}

static void
thread_event (Meeting *self)
{
  g_mutex_lock (&self->lock);
  self->released = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* --- an awaitable of one's own ------------------------------------------------------ */

#define TEST_TYPE_AWAITABLE (test_awaitable_get_type ())
G_DECLARE_FINAL_TYPE (TestAwaitable, test_awaitable, TEST, AWAITABLE, GObject)

/* Wakes from any thread; once woken it has nothing to call off. */
struct _TestAwaitable
{
  GObject parent_instance;
  Meeting *meeting;
};

static CoroWaitState
test_awaitable_begin (CoroAwaitable *awaitable,
                      CoroWaiter    *waiter)
{
  Meeting *meeting = ((TestAwaitable *) awaitable)->meeting;

  g_mutex_lock (&meeting->lock);
  meeting->waiter = waiter;
  g_mutex_unlock (&meeting->lock);
  return CORO_WAIT_PENDING;
}

static CoroAbort
test_awaitable_abort (CoroAwaitable *awaitable,
                      CoroWaiter    *waiter)
{
  Meeting *meeting = ((TestAwaitable *) awaitable)->meeting;

  g_mutex_lock (&meeting->lock);
  meeting->waiter = NULL;
  g_mutex_unlock (&meeting->lock);
  return CORO_ABORT_DONE;
}

static gboolean
test_awaitable_finish (CoroAwaitable  *awaitable,
                       GValue         *result,
                       GError        **error)
{
  return TRUE;
}

static void
test_awaitable_iface_init (CoroAwaitableInterface *iface)
{
  iface->begin = test_awaitable_begin;
  iface->abort = test_awaitable_abort;
  iface->finish = test_awaitable_finish;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestAwaitable, test_awaitable, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CORO_TYPE_AWAITABLE, test_awaitable_iface_init))

static void
test_awaitable_class_init (TestAwaitableClass *klass)
{
}

static void
test_awaitable_init (TestAwaitable *self)
{
}

static void
awaitable_set_up (Meeting *self)
{
  TestAwaitable *awaitable = g_object_new (TEST_TYPE_AWAITABLE, NULL);

  awaitable->meeting = self;
  self->object = awaitable;
}

static gboolean
awaitable_wait (Meeting  *self,
                GError  **error)
{
  return coro_await (self->object, NULL, error);
}

static void
awaitable_event (Meeting *self)
{
  g_mutex_lock (&self->lock);
  if (self->waiter != NULL)
    coro_waiter_wake (g_steal_pointer (&self->waiter));
  g_mutex_unlock (&self->lock);
}

/* ------------------------------------------------------------------------------------ */

static const Kind kinds[] = {
  { "sleep", nothing_set_up, sleep_wait },
  { "sleep-future", sleep_future_set_up, future_wait, .close = future_close, .close_cancels = TRUE },
  { "call", call_set_up, future_wait, .close = call_close, .close_cancels = TRUE },
  { "future", future_set_up, future_wait, future_event, future_event, future_close, .close_cancels = TRUE },
  { "join", future_set_up, join_wait, future_event, future_event, future_close, .close_gives = TRUE },
  { "shield", future_set_up, shield_wait, future_event, future_event, future_close, .close_cancels = TRUE },
  { "gather", two_futures_set_up, gather_wait, two_futures_event, two_futures_event, two_futures_close,
    .close_cancels = TRUE },
  { "several", two_futures_set_up, several_wait, two_futures_event, two_futures_event, two_futures_close,
    .has_limit = TRUE, .close_gives = TRUE },
  { "select", two_futures_set_up, select_wait, future_event, future_event, future_close, .close_gives = TRUE },
  { "as-completed", two_futures_set_up, completed_wait, future_event, future_event, future_close, .close_gives = TRUE },
  { "wait-for", future_set_up, wait_for_wait, future_event, future_event, future_close, .has_limit = TRUE,
    .close_cancels = TRUE },
  { "task", future_set_up, task_wait, future_event, future_event, future_close, .close_cancels = TRUE },
  { "nursery", future_set_up, nursery_wait, future_event, future_event, future_close, .close_gives = TRUE },
  { "group", future_set_up, group_wait, future_event, future_event, future_close, .close_gives = TRUE },
  { "limited-group", future_set_up, limited_wait, future_event, future_event, future_close, .close_gives = TRUE },
  { "generator", future_set_up, generator_wait, future_event, future_event, future_close, .close_gives = TRUE },
  { "future-elsewhere", elsewhere_set_up, future_wait, future_event, future_event, future_close, .close_cancels = TRUE },
  { "join-elsewhere", elsewhere_set_up, join_wait, future_event, future_event, future_close, .close_gives = TRUE },
  { "task-elsewhere", elsewhere_set_up, helper_wait, future_event, future_event, helper_close, .close_cancels = TRUE,
    .needs_helper = TRUE },
  { "join-task-elsewhere", elsewhere_set_up, helper_join_wait, future_event, future_event, helper_close,
    .close_gives = TRUE, .needs_helper = TRUE },
  { "event", event_set_up, event_wait, event_event },
  { "lock", lock_set_up, lock_wait, lock_event, .check = lock_check, .needs_coroutine = TRUE },
  { "condition", condition_set_up, condition_wait, condition_event },
  { "semaphore", semaphore_set_up, semaphore_wait, semaphore_event, .check = semaphore_check },
  { "queue-take", take_set_up, take_wait, take_event, .close = queue_close, .check = take_check },
  { "queue-put", put_set_up, put_wait, put_event, .close = queue_close, .check = put_check },
  { "queue-join", put_set_up, queue_join_wait, queue_join_event },
  { "barrier", barrier_set_up, barrier_wait, barrier_event, .close = barrier_close, .needs_coroutine = TRUE },
  { "fd-wait", fds_set_up, fd_wait, fd_event, fd_event, fd_close, fd_wait_check, .has_limit = TRUE },
  { "fd-read", fds_set_up, fd_read, fd_event, fd_event, fd_close, fd_read_check },
  { "socket-receive", socket_set_up, socket_receive, fd_event, fd_event, socket_close, socket_receive_check,
    .has_limit = TRUE },
  { "socket-wait", socket_set_up, socket_wait, fd_event, fd_event, socket_close, .has_limit = TRUE },
  { "operation", nothing_set_up, operation_wait, operation_event, operation_event },
  { "thread", nothing_set_up, thread_wait, thread_event, thread_event },
  { "submitted", nothing_set_up, submit_wait, thread_event, thread_event },
  { "awaitable", awaitable_set_up, awaitable_wait, awaitable_event, awaitable_event },
};

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *path = g_strconcat ("/coincidence/", kinds[i].name, NULL);

      g_test_add_data_func (path, &kinds[i], test_kind);
    }

  return g_test_run ();
}
