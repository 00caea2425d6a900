/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-foreign-task.h"

#include "base/coro-container-private.h"
#include "base/coro-error.h"
#include "future/coro-outside-private.h"
#include "scheduler/coro-call-private.h"
#include "scheduler/coro-scheduler-private.h"

/**
 * CoroForeignTask:
 *
 * A coroutine of another language, and the future of its result.
 *
 * It is the base of overrides for languages with an `await` of their own. The
 * language runs its own code, without a stack of the library: to await a future,
 * the task calls [method@ForeignTask.begin_await], returns to the main loop, and
 * goes on when the virtual function `wake` is called. Await and cancel have the
 * rules of a [class@Task]:
 *
 * - A cancel request is counted, and delivered once: to the current await, or to
 *   the next await if there is none.
 * - If only this task awaits a future, the cancel request cancels the future. If
 *   that takes time, as with a task that cleans up, the outcome of the future
 *   decides. If others wait for the future too, only this await fails.
 * - If a future is done and a cancel request comes in the same turn, the await
 *   fails as cancelled.
 * - If an operation succeeds in spite of the request, the request stays pending.
 *
 * An async function of JavaScript can have several awaits at a time, also awaits
 * that its code has abandoned: a lost `Promise.race()` leaves one behind.
 * So, once the task has gone on, earlier awaits do not pass a cancel request on
 * to a plain future, because other code may rely on the future.
 *
 * Where not said otherwise, everything here is called from the thread of the
 * task's main context.
 *
 * Since: 0.1
 */

typedef struct _CoroForeignWait CoroForeignWait;

typedef struct
{
  CoroReady heed;               /* its turn to look at a request */
  CoroForeignWait *waits;       /* (nullable): the latest first */
  guint64 turn;                 /* how often it was woken */
  guint n_cancelling;           /* requests minus uncancels */
  guint cancel_pending : 1;     /* a request that was not delivered yet */
  guint heard : 1;              /* an awaited future has answered the last request */
  guint heeding : 1;            /* `heed` is in the queue */
} CoroForeignTaskPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (CoroForeignTask, coro_foreign_task, CORO_TYPE_FUTURE)

/* One await, from its beginning until the task is woken.  It belongs to the thread of the
 * task; the thread of the future works for it only between two messages, `off` and `over`. */
struct _CoroForeignWait
{
  CoroReady ready;              /* first */
  CoroMessage off;              /* to the future's thread: the wait is called off */
  CoroMessage over;             /* and back: the wait is over */
  CoroOutside outside;          /* holds a reference, while the future of another main context will tell */
  int ref_count;                /* (atomic) */
  CoroForeignWait *previous;    /* of its task */
  CoroForeignWait *next;
  CoroForeignTask *task;        /* (owned) */
  CoroFuture *future;           /* (nullable) (owned): NULL: the await only yields */
  CoroContextValue *context;    /* (nullable) (owned): of the code that began it */
  guint64 id;
  guint64 turn;
  gboolean armed;               /* the future, of the same main context, will tell */
  int delegated;                /* (atomic): the future has got the request, and its outcome decides */
  gboolean propagate;           /* a cancel cancels the future, unless others wait for it */
  gboolean queued;              /* in the ready queue */
  gboolean asked;               /* `off` is on its way to the future's thread */
  gboolean cancelled;           /* the await fails, whatever the outcome of the future */
};

/* How many calls of call_off_all() are nested in the thread: the awaited future may be a task. */
static __thread guint calling_off;

static CoroForeignWait *
wait_ref (CoroForeignWait *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

static void
wait_unref (CoroForeignWait *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_clear_object (&self->future);
  g_object_unref (self->task);
  coro_context_value_unref (self->context);
  g_free (self);
}

static CoroScheduler *
wait_get_scheduler (CoroForeignWait *self)
{
  return coro_future_get_scheduler (CORO_FUTURE (self->task));
}

static void call_off_all (CoroForeignTask *self);

/* --- the end of a wait -------------------------------------------------------------- */

static void
wait_unlink (CoroForeignWait *self)
{
  CoroForeignTaskPrivate *priv = coro_foreign_task_get_instance_private (self->task);

  if (self->previous != NULL)
    self->previous->next = self->next;
  else
    priv->waits = self->next;
  if (self->next != NULL)
    self->next->previous = self->previous;
  self->previous = self->next = NULL;
}

static void
wait_wake_cb (gpointer data)
{
  CoroForeignWait *self = data;
  g_autoptr (GError) error = NULL;

  CORO_FOREIGN_TASK_GET_CLASS (self->task)->wake (self->task, self->id, self->cancelled, &error);
  if (error != NULL)
    g_warning ("A callback of a future failed: %s", error->message);
}

/* The future got a request, and is done.  If no future that got the request has heard it, the
 * request stays pending for the task. */
static void
wait_settle (CoroForeignWait *self)
{
  CoroForeignTaskPrivate *priv = coro_foreign_task_get_instance_private (self->task);

  if (coro_future_has_heard (self->future))
    priv->heard = TRUE;
  for (CoroForeignWait *wait = priv->waits; wait != NULL; wait = wait->next)
    if (wait != self && g_atomic_int_get (&wait->delegated))
      return;                   /* the last wait to end decides */
  if (!priv->heard && priv->n_cancelling > 0)
    priv->cancel_pending = TRUE;
}

/* Runs on the thread stack, in the task's turn.  Takes over a reference. */
static void
wait_end (CoroForeignWait *self)
{
  CoroForeignTaskPrivate *priv = coro_foreign_task_get_instance_private (self->task);

  if (priv->cancel_pending)
    call_off_all (self->task);  /* woken and cancelled in the same turn */
  if (g_atomic_int_get (&self->delegated) && !self->cancelled)
    wait_settle (self);

  wait_unlink (self);
  priv->turn++;
  coro_context_call (self->context, wait_wake_cb, self);
  wait_unref (self);            /* of the list */
  wait_unref (self);
}

static void
wait_ready_cb (CoroReady *ready)
{
  wait_end ((CoroForeignWait *) ready);
}

/* The main context has ended before the task's turn. */
static void
wait_drop_cb (CoroReady *ready)
{
  CoroForeignWait *self = (CoroForeignWait *) ready;

  wait_unlink (self);
  wait_unref (self);
  wait_unref (self);
}

static const CoroReadyClass wait_class = { wait_ready_cb, wait_drop_cb };

/* Queues the wake-up of the task.  Runs on the task's thread; takes over a reference. */
static void
wait_enqueue (CoroForeignWait *self)
{
  self->queued = TRUE;
  coro_scheduler_push (wait_get_scheduler (self), &self->ready);
}

static void
wait_over_cb (CoroMessage *message)
{
  CoroForeignWait *self = CORO_CONTAINER_OF (message, CoroForeignWait, over);

  if (self->asked && !g_atomic_int_get (&self->delegated))
    self->cancelled = TRUE;
  wait_enqueue (self);
}

/* Has the task woken, from any thread, and never inside this call. */
static void
wait_finish (CoroForeignWait *self)
{
  CoroScheduler *scheduler = wait_get_scheduler (self);

  wait_ref (self);
  if (coro_scheduler_is_mine (scheduler))
    {
      wait_enqueue (self);
      return;
    }

  self->over.handle = wait_over_cb;
  coro_scheduler_post (scheduler, &self->over);
}

/* --- the future --------------------------------------------------------------------- */

static gboolean
wait_is_outside (CoroForeignWait *self)
{
  return wait_get_scheduler (self) != coro_future_get_scheduler (self->future);
}

/* Runs on the thread stack, when the future is done. */
static void
wait_future_cb (CoroFuture  *future,
                gpointer     user_data,
                GError     **error)
{
  CoroForeignWait *self = user_data;

  self->armed = FALSE;
  wait_end (wait_ref (self));   /* this is its turn */
}

/* Called also if wait_future_cb() never is, because the future's main context has ended. */
static void
wait_forgotten_cb (gpointer data)
{
  CoroForeignWait *self = data;

  if (self->armed)
    {
      self->armed = FALSE;
      wait_finish (self);
    }
  wait_unref (self);
}

/* In any thread. */
static void
wait_tell (CoroOutside *outside)
{
  CoroForeignWait *self = CORO_CONTAINER_OF (outside, CoroForeignWait, outside);

  wait_finish (self);
  wait_unref (self);
}

static void
wait_arm (CoroForeignWait *self)
{
  if (!wait_is_outside (self))
    {
      self->armed = TRUE;
      coro_future_on_done (self->future, wait_future_cb, wait_ref (self), wait_forgotten_cb);
      return;
    }

  coro_future_observe (self->future);
  self->outside.tell = wait_tell;
  wait_ref (self);
  if (!coro_outside_add (&self->outside, self->future))
    wait_tell (&self->outside);
}

/* Leaves a future of another main context, and cancels it unless others wait for it.  Runs in
 * the future's thread. */
static void
wait_leave_outside (CoroForeignWait *self)
{
  if (!coro_outside_remove (&self->outside, self->future))
    return;                     /* the end is on its way already */

  if (self->propagate && coro_outside_take_along (self->future))
    {
      g_atomic_int_set (&self->delegated, TRUE);
      if (coro_outside_add (&self->outside, self->future))
        return;
    }
  wait_tell (&self->outside);
}

/* Leaves a future of the same main context, and cancels it unless others wait for it. */
static void
wait_leave_future (CoroForeignWait *self)
{
  if (!self->armed || coro_future_is_done (self->future))
    return;                     /* the end is on its way already */

  /* A task that gets the request may have to clean up first, and may ignore the request. */
  if (self->propagate && !coro_future_is_wanted (self->future, wait_future_cb, self) &&
      coro_future_cancel (self->future))
    {
      g_atomic_int_set (&self->delegated, !coro_future_is_done (self->future));
      return;
    }
  if (coro_future_is_done (self->future))
    return;

  self->armed = FALSE;
  coro_future_remove_on_done (self->future, wait_future_cb, self);
  wait_finish (self);
}

static void
wait_off_cb (CoroMessage *message)
{
  CoroForeignWait *self = CORO_CONTAINER_OF (message, CoroForeignWait, off);

  wait_leave_outside (self);
  wait_unref (self);
}

/* Leaves a future of another main context, in the thread of the task.  Afterwards the end of the
 * wait is on its way, or the future's thread is asked to decide. */
static void
wait_ask_outside (CoroForeignWait *self)
{
  CoroScheduler *scheduler = coro_future_get_scheduler (self->future);

  if (coro_scheduler_is_mine (scheduler))
    {
      wait_leave_outside (self);
      self->cancelled = !self->delegated;
      return;
    }

  self->asked = TRUE;
  if (self->propagate && coro_outside_needs_answer (self->future))
    {
      self->off.handle = wait_off_cb;
      wait_ref (self);
      coro_scheduler_post (scheduler, &self->off);
    }
  else if ((self->propagate ? coro_outside_leave : coro_outside_remove) (&self->outside, self->future))
    {
      self->cancelled = TRUE;
      wait_tell (&self->outside);
    }
}

/* Returns whether the request counts as delivered or passed on. */
static gboolean
wait_call_off (CoroForeignWait *self)
{
  CoroForeignTaskPrivate *priv = coro_foreign_task_get_instance_private (self->task);
  gboolean latest = self->turn == priv->turn;
  gboolean done = self->future == NULL || coro_future_is_done (self->future);

  if (g_atomic_int_get (&self->delegated))
    return !done && coro_future_cancel (self->future);  /* every later request as well */

  if (done || self->queued)
    {
      self->cancelled = TRUE;
    }
  else if (!self->asked)
    {
      self->propagate = latest || G_OBJECT_TYPE (self->future) != CORO_TYPE_FUTURE;
      if (wait_is_outside (self))
        {
          wait_ask_outside (self);
        }
      else
        {
          wait_leave_future (self);
          self->cancelled = !self->delegated;
        }
    }

  /* Code that has gone on may have abandoned this await, and then would never hear the request. */
  return latest;
}

/* --- cancelling --------------------------------------------------------------------- */

/* Gives the request to all awaited futures; if there are none, the request stays pending. */
static void
call_off_all (CoroForeignTask *self)
{
  CoroForeignTaskPrivate *priv = coro_foreign_task_get_instance_private (self);
  g_autoptr (GPtrArray) waits = g_ptr_array_new_with_free_func ((GDestroyNotify) wait_unref);
  gboolean taken = FALSE;

  for (CoroForeignWait *wait = priv->waits; wait != NULL; wait = wait->next)
    g_ptr_array_add (waits, wait_ref (wait));

  /* The await that began first is woken first. */
  priv->cancel_pending = FALSE;
  priv->heard = FALSE;
  calling_off++;
  for (guint i = waits->len; i-- > 0;)
    {
      CoroForeignWait *wait = waits->pdata[i];

      taken |= wait_call_off (wait);
      if (wait->cancelled && wait->turn == priv->turn)
        priv->heard = TRUE;
    }
  calling_off--;
  if (!taken)
    priv->cancel_pending = TRUE;
}

static void
heed_cb (CoroReady *ready)
{
  CoroForeignTaskPrivate *priv = (CoroForeignTaskPrivate *) ready;
  CoroForeignTask *self = CORO_FOREIGN_TASK ((char *) priv - CoroForeignTask_private_offset);

  priv->heeding = FALSE;
  if (priv->cancel_pending && priv->waits != NULL)
    call_off_all (self);
  g_object_unref (self);
}

static void
heed_drop_cb (CoroReady *ready)
{
  g_object_unref ((char *) ready - CoroForeignTask_private_offset);
}

static const CoroReadyClass heed_class = { heed_cb, heed_drop_cb };

static void
foreign_task_request_cancel (CoroForeignTask *self)
{
  CoroForeignTaskPrivate *priv = coro_foreign_task_get_instance_private (self);

  priv->n_cancelling++;
  priv->cancel_pending = TRUE;
  if (priv->waits == NULL)
    return;

  if (calling_off == 0)
    {
      call_off_all (self);
    }
  else if (!priv->heeding)
    {
      /* A chain of tasks that await each other is followed by turns, for it may be longer than the stack. */
      priv->heeding = TRUE;
      g_object_ref (self);
      coro_scheduler_push (coro_future_get_scheduler (CORO_FUTURE (self)), &priv->heed);
    }
}

typedef struct
{
  CoroMessage message;          /* first */
  CoroForeignTask *task;        /* (owned) */
} CoroForeignCancel;

static void
cancel_message_cb (CoroMessage *message)
{
  CoroForeignCancel *self = (CoroForeignCancel *) message;

  if (!coro_future_is_done (CORO_FUTURE (self->task)))
    foreign_task_request_cancel (self->task);
  g_object_unref (self->task);
  g_free (self);
}

static gboolean
coro_foreign_task_cancel (CoroFuture *future)
{
  CoroForeignTask *self = CORO_FOREIGN_TASK (future);

  if (coro_future_is_done (future))
    return FALSE;

  if (coro_scheduler_is_mine (coro_future_get_scheduler (future)))
    {
      foreign_task_request_cancel (self);
    }
  else
    {
      CoroForeignCancel *request = g_new0 (CoroForeignCancel, 1);

      request->message.handle = cancel_message_cb;
      request->task = g_object_ref (self);
      coro_scheduler_post (coro_future_get_scheduler (future), &request->message);
    }
  return TRUE;
}

static void
coro_foreign_task_class_init (CoroForeignTaskClass *klass)
{
  CORO_FUTURE_CLASS (klass)->cancel = coro_foreign_task_cancel;
  CORO_FUTURE_CLASS (klass)->cancel_anywhere = coro_foreign_task_cancel;
}

static void
coro_foreign_task_init (CoroForeignTask *self)
{
  CoroForeignTaskPrivate *priv = coro_foreign_task_get_instance_private (self);

  priv->heed.klass = &heed_class;
}

/* --- cycles ------------------------------------------------------------------------- */

/* How many futures are checked for a cycle before a task waits.  A longer cycle is not found. */
#define MAX_STEPS 256

typedef struct
{
  CoroFuture *found[MAX_STEPS]; /* (unowned) */
  guint n_found;
} CoroForeignWalk;

static void
walk_found_cb (gpointer future,
               gpointer data)
{
  CoroForeignWalk *self = data;

  if (self->n_found < MAX_STEPS)
    self->found[self->n_found++] = future;
}

/* Adds the futures that must be done before `future` can be done. */
static void
walk_on (CoroForeignWalk *self,
         CoroFuture      *future)
{
  CoroForeignTaskPrivate *priv;

  if (coro_future_is_done (future) || !coro_scheduler_is_mine (coro_future_get_scheduler (future)))
    return;
  if (!CORO_IS_FOREIGN_TASK (future))
    {
      coro_future_foreach_awaited (future, walk_found_cb, self);
      return;
    }

  /* With several awaits the task may go on after the first one. */
  priv = coro_foreign_task_get_instance_private (CORO_FOREIGN_TASK (future));
  if (priv->waits != NULL && priv->waits->next == NULL && priv->waits->future != NULL)
    walk_found_cb (priv->waits->future, self);
}

/* Whether `future` waits for the task that is about to wait for it. */
static gboolean
is_cycle (CoroForeignTask *self,
          CoroFuture      *future)
{
  CoroForeignWalk walk;

  walk.n_found = 0;
  walk_found_cb (future, &walk);
  for (guint i = 0; i < walk.n_found; i++)
    {
      if (walk.found[i] == CORO_FUTURE (self))
        return TRUE;
      walk_on (&walk, walk.found[i]);
    }
  return FALSE;
}

/* --- public ------------------------------------------------------------------------- */

/**
 * coro_foreign_task_begin_await:
 * @self: a task
 * @future: (nullable): what to wait for; %NULL to yield for a turn
 * @error: return location for an error
 *
 * Begins an await. `wake` is called once, from the main loop, never inside this
 * function. The task and @future are kept until then.
 *
 * A pending cancel request is delivered to this await.
 *
 * @error is [error@Coro.Error.PROTOCOL] if the task would wait for itself,
 * directly or through a circle of tasks.
 *
 * Callable from the task's thread; never suspends.
 *
 * Returns: an id, which no other await ever gets; 0 with @error set
 *
 * Since: 0.1
 */
guint64
coro_foreign_task_begin_await (CoroForeignTask  *self,
                               CoroFuture       *future,
                               GError          **error)
{
  CoroForeignTaskPrivate *priv;
  CoroForeignWait *wait;
  guint64 id;

  g_return_val_if_fail (CORO_IS_FOREIGN_TASK (self), 0);
  g_return_val_if_fail (future == NULL || CORO_IS_FUTURE (future), 0);

  if (future != NULL && is_cycle (self, future))
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "A task cannot wait for itself");
      return 0;
    }

  priv = coro_foreign_task_get_instance_private (self);
  wait = g_new0 (CoroForeignWait, 1);
  wait->ready.klass = &wait_class;
  wait->ref_count = 1;
  wait->task = g_object_ref (self);
  wait->future = future != NULL ? g_object_ref (future) : NULL;
  wait->context = coro_context_dup_current ();
  wait->id = id = coro_call_new_id ();
  wait->turn = priv->turn;
  wait->next = priv->waits;
  if (wait->next != NULL)
    wait->next->previous = wait;
  priv->waits = wait;

  if (future != NULL && !coro_future_is_done (future))
    wait_arm (wait);
  else
    wait_finish (wait);

  if (priv->cancel_pending)
    call_off_all (self);
  return id;
}

/**
 * coro_foreign_task_is_awaiting:
 * @self: a task
 *
 * Whether the task waits for a future whose outcome will decide the await. After
 * a cancel this is as far as the calling thread knows.
 *
 * Returns: %FALSE if there is no await, or if the await is about to end: in the
 *   next turn of the main loop, or when another thread has answered a cancel
 *
 * Since: 0.1
 */
gboolean
coro_foreign_task_is_awaiting (CoroForeignTask *self)
{
  CoroForeignTaskPrivate *priv;

  g_return_val_if_fail (CORO_IS_FOREIGN_TASK (self), FALSE);

  priv = coro_foreign_task_get_instance_private (self);
  for (CoroForeignWait *wait = priv->waits; wait != NULL; wait = wait->next)
    if (!wait->queued && !wait->asked && !wait->cancelled && wait->future != NULL &&
        !coro_future_is_done (wait->future))
      return TRUE;
  return FALSE;
}

/**
 * coro_foreign_task_is_cancel_pending:
 * @self: a task
 *
 * Whether a cancel request is pending. Code that is about to start an operation
 * should then not start it.
 *
 * Callable from the task's thread; never suspends.
 *
 * Returns: %TRUE if the next await of the task has to fail
 *
 * Since: 0.1
 */
gboolean
coro_foreign_task_is_cancel_pending (CoroForeignTask *self)
{
  g_return_val_if_fail (CORO_IS_FOREIGN_TASK (self), FALSE);

  return ((CoroForeignTaskPrivate *) coro_foreign_task_get_instance_private (self))->cancel_pending;
}

/**
 * coro_foreign_task_take_cancel:
 * @self: a task
 *
 * Whether a cancel request is pending; from here on it counts as delivered.
 * For steps without [method@ForeignTask.begin_await]: the first step of the
 * task, an await of a future that is done, and the end.
 *
 * Returns: %TRUE if the next step of the task has to fail
 *
 * Since: 0.1
 */
gboolean
coro_foreign_task_take_cancel (CoroForeignTask *self)
{
  CoroForeignTaskPrivate *priv;
  gboolean pending;

  g_return_val_if_fail (CORO_IS_FOREIGN_TASK (self), FALSE);

  priv = coro_foreign_task_get_instance_private (self);
  pending = priv->cancel_pending;
  priv->cancel_pending = FALSE;
  return pending;
}

/**
 * coro_foreign_task_get_cancelling:
 * @self: a task
 *
 * Counts the cancel requests that were not taken back.
 *
 * Callable from the task's thread; never suspends.
 *
 * Returns: how many there are
 *
 * Since: 0.1
 */
guint
coro_foreign_task_get_cancelling (CoroForeignTask *self)
{
  g_return_val_if_fail (CORO_IS_FOREIGN_TASK (self), 0);

  return ((CoroForeignTaskPrivate *) coro_foreign_task_get_instance_private (self))->n_cancelling;
}

/**
 * coro_foreign_task_uncancel:
 * @self: a task
 *
 * Takes one cancel request back. With the last one, a request that was not
 * delivered is dropped.
 *
 * Callable from the task's thread; never suspends.
 *
 * Returns: how many requests remain
 *
 * Since: 0.1
 */
guint
coro_foreign_task_uncancel (CoroForeignTask *self)
{
  CoroForeignTaskPrivate *priv;

  g_return_val_if_fail (CORO_IS_FOREIGN_TASK (self), 0);

  priv = coro_foreign_task_get_instance_private (self);
  if (priv->n_cancelling > 0)
    priv->n_cancelling--;
  if (priv->n_cancelling == 0)
    priv->cancel_pending = FALSE;
  return priv->n_cancelling;
}

/**
 * coro_foreign_task_end_cancelled:
 * @self: a task
 *
 * Completes the future of the task as cancelled. [method@Future.cancel] only asks
 * the code of the task to stop; this call says that the code has stopped.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE if the future is done by this call, %FALSE if it was before
 *
 * Since: 0.1
 */
gboolean
coro_foreign_task_end_cancelled (CoroForeignTask *self)
{
  g_return_val_if_fail (CORO_IS_FOREIGN_TASK (self), FALSE);

  return coro_future_set_cancelled (CORO_FUTURE (self),
                                    g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The task was cancelled"));
}
