/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-call-private.h"

#include "base/coro-container-private.h"
#include "base/coro-fork-private.h"
#include "scheduler/coro-scheduler-private.h"

typedef enum
{
  CORO_CALL_POSTED,             /* on its way to the scheduler's thread */
  CORO_CALL_TIMED,              /* its timer is armed */
  CORO_CALL_QUEUED,             /* in the ready queue */
  CORO_CALL_LEFT                /* in neither: the message that cancels it frees it */
} CoroCallState;

typedef enum
{
  CORO_CALL_SOON,
  CORO_CALL_LATER,              /* `time` is a delay */
  CORO_CALL_AT
} CoroCallKind;

/* A function to call once.  What takes it out of the table decides what becomes of it:
 * the scheduler calls it, coro_call_cancel() does not have it called.  It is freed on the
 * scheduler's thread in either case, by itself in its turn: what binding languages hang on to
 * the data must neither be freed in another thread nor on the stack of a coroutine. */
struct _CoroCall
{
  CoroReady ready;              /* first */
  CoroTimer timer;
  CoroMessage start;
  CoroMessage cancel;
  CoroCall *previous;           /* of its scheduler */
  CoroCall *next;
  guint64 id;
  CoroScheduler *scheduler;     /* (owned) */
  CoroContextValue *context;    /* (nullable) (owned): the caller's */
  CoroCallFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
  gint64 asked;                 /* µs: the real time of the request */
  gint64 time;                  /* µs */
  CoroCallKind kind;
  CoroCallState state;
  gboolean cancelling;          /* `cancel` is on its way; guarded by calls_lock */
};

/* Ids and not pointers: most callers forget a call once it is asked for, and a request to
 * take it back may be late.  64 bits are never used up, so an old id hits no other call. */
CORO_FORK_LOCK (calls_lock, CORO_FORK_LAST)
static GHashTable *calls;       /* (owned) (element-type guint64 CoroCall): by a key that is in the call; guarded by calls_lock */
static guint64 last_id;         /* (atomic) */

/* A new id, distinct from the ids of all calls and of all awaits of foreign tasks. */
guint64
coro_call_new_id (void)
{
  return __atomic_add_fetch (&last_id, 1, __ATOMIC_RELAXED);
}

static void
call_link (CoroCall *self)
{
  self->previous = NULL;
  self->next = self->scheduler->calls;
  if (self->next != NULL)
    self->next->previous = self;
  self->scheduler->calls = self;
}

static void
call_unlink (CoroCall *self)
{
  if (self->previous != NULL)
    self->previous->next = self->next;
  else
    self->scheduler->calls = self->next;
  if (self->next != NULL)
    self->next->previous = self->previous;
}

/* Takes it out of the table.  FALSE: it was cancelled.  `left`: and another thread, which did
 * that, has a message under way that is a part of it. */
static gboolean
call_claim (CoroCall *self,
            gboolean *left)
{
  gboolean claimed;

  g_mutex_lock (&calls_lock);
  claimed = g_hash_table_remove (calls, &self->id);
  *left = self->cancelling;
  g_mutex_unlock (&calls_lock);
  return claimed;
}

static void
call_run_cb (gpointer data)
{
  CoroCall *self = data;

  /* For debug mode, which would like to name it. */
  if (G_UNLIKELY (coro_scheduler_current != NULL && coro_scheduler_current->observer != NULL))
    coro_scheduler_current->callback = (gpointer) self->func;

  if (self->func != NULL)
    self->func (self->user_data);
  if (self->destroy != NULL)
    self->destroy (self->user_data);
}

/* Calls it, unless `func` was cleared, and frees it. */
static void
call_finish (CoroCall *self)
{
  coro_context_call (self->context, call_run_cb, self);
  coro_context_value_unref (self->context);
  g_object_unref (self->scheduler);
  g_free (self);
}

/* Its turn has come. */
static void
call_serve (CoroReady *ready)
{
  CoroCall *self = (CoroCall *) ready;
  gboolean left;

  call_unlink (self);
  if (!call_claim (self, &left))
    self->func = NULL;

  if (left)
    self->state = CORO_CALL_LEFT;
  else
    call_finish (self);
}

static void
call_drop (CoroReady *ready)
{
  ((CoroCall *) ready)->func = NULL;
  call_serve (ready);
}

static const CoroReadyClass call_class = { call_serve, call_drop };

static void
call_enqueue (CoroCall *self)
{
  self->state = CORO_CALL_QUEUED;
  coro_scheduler_push (self->scheduler, &self->ready);
}

static void
call_timer_cb (CoroTimer *timer)
{
  call_enqueue (CORO_CONTAINER_OF (timer, CoroCall, timer));
}

/* It is cancelled: frees it in the next turn. */
static void
call_withdraw (CoroCall *self)
{
  if (self->state != CORO_CALL_TIMED)
    return;

  coro_scheduler_disarm (self->scheduler, &self->timer);
  call_enqueue (self);
}

static gint64
call_get_deadline (CoroCall *self)
{
  gint64 from = self->scheduler->virtual ? self->scheduler->virtual_time : self->asked;

  if (self->kind == CORO_CALL_AT)
    return MIN (self->time, G_MAXINT64 - 1);
  return self->time >= G_MAXINT64 - 1 - from ? G_MAXINT64 - 1 : from + MAX (self->time, 0);
}

static gboolean
call_is_cancelled (CoroCall *self)
{
  gboolean cancelled;

  g_mutex_lock (&calls_lock);
  cancelled = !g_hash_table_contains (calls, &self->id);
  g_mutex_unlock (&calls_lock);
  return cancelled;
}

/* On the scheduler's thread. */
static void
call_start (CoroCall *self)
{
  call_link (self);

  if (self->kind == CORO_CALL_SOON || self->scheduler->closed || call_is_cancelled (self))
    {
      call_enqueue (self);
    }
  else
    {
      self->state = CORO_CALL_TIMED;
      coro_scheduler_arm (self->scheduler, &self->timer, call_get_deadline (self), call_timer_cb);
    }
}

static void
call_start_cb (CoroMessage *message)
{
  call_start (CORO_CONTAINER_OF (message, CoroCall, start));
}

static void
call_cancel_cb (CoroMessage *message)
{
  CoroCall *self = CORO_CONTAINER_OF (message, CoroCall, cancel);

  g_mutex_lock (&calls_lock);
  self->cancelling = FALSE;
  g_mutex_unlock (&calls_lock);

  if (self->state != CORO_CALL_LEFT)
    {
      call_withdraw (self);
    }
  else
    {
      call_link (self);
      call_enqueue (self);
    }
}

/* Puts those that wait for their time into the ready queue, where the end of the scheduler
 * finds them. */
void
coro_scheduler_withdraw_calls (CoroScheduler *self)
{
  for (CoroCall *call = self->calls; call != NULL; call = call->next)
    call_withdraw (call);
}

static guint64
scheduler_call (CoroScheduler  *self,
                CoroCallKind    kind,
                gint64          time,
                CoroCallFunc    func,
                gpointer        user_data,
                GDestroyNotify  destroy)
{
  CoroCall *call = g_new0 (CoroCall, 1);
  guint64 id;

  call->ready.klass = &call_class;
  call->start.handle = call_start_cb;
  call->cancel.handle = call_cancel_cb;
  call->scheduler = g_object_ref (self);
  call->context = coro_context_dup_current ();
  call->func = func;
  call->user_data = user_data;
  call->destroy = destroy;
  call->kind = kind;
  call->time = time;
  if (kind == CORO_CALL_LATER)
    call->asked = g_get_monotonic_time ();

  g_mutex_lock (&calls_lock);
  if (calls == NULL)
    calls = g_hash_table_new (g_int64_hash, g_int64_equal);
  id = call->id = coro_call_new_id ();
  g_hash_table_insert (calls, &call->id, call);
  g_mutex_unlock (&calls_lock);

  if (coro_scheduler_is_mine (self))
    call_start (call);
  else
    coro_scheduler_post (self, &call->start);
  return id;
}

/**
 * coro_scheduler_call_soon:
 * @self: a scheduler
 * @func: (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * Has @func called once, from the main loop of the scheduler's context and on
 * its thread stack, behind what is ready already; never from inside this
 * function. Calls that one thread asks for come in the order of asking. @func
 * sees the context variables as they are now.
 *
 * @destroy follows the call. Where none comes, because it was cancelled or the
 * scheduler has ended, @destroy is called all the same, once: never from inside
 * [func@call_cancel], and in the scheduler's thread as long as it iterates the
 * context.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: an id for [func@call_cancel], which no other call ever gets
 *
 * Since: 0.1
 */
guint64
coro_scheduler_call_soon (CoroScheduler  *self,
                          CoroCallFunc    func,
                          gpointer        user_data,
                          GDestroyNotify  destroy)
{
  g_return_val_if_fail (CORO_IS_SCHEDULER (self), 0);
  g_return_val_if_fail (func != NULL, 0);

  return scheduler_call (self, CORO_CALL_SOON, 0, func, user_data, destroy);
}

/**
 * coro_scheduler_call_later:
 * @self: a scheduler
 * @delay: a time in µs, from now; less than 0 is 0
 * @func: (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * [method@Scheduler.call_soon], when a time has passed. What is due at the same
 * time is called in the order of asking.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: an id for [func@call_cancel], which no other call ever gets
 *
 * Since: 0.1
 */
guint64
coro_scheduler_call_later (CoroScheduler  *self,
                           GTimeSpan       delay,
                           CoroCallFunc    func,
                           gpointer        user_data,
                           GDestroyNotify  destroy)
{
  g_return_val_if_fail (CORO_IS_SCHEDULER (self), 0);
  g_return_val_if_fail (func != NULL, 0);

  return scheduler_call (self, CORO_CALL_LATER, delay, func, user_data, destroy);
}

/**
 * coro_scheduler_call_at:
 * @self: a scheduler
 * @time: a time in µs, as [method@Scheduler.get_time] tells it
 * @func: (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * [method@Scheduler.call_soon], when it is @time. What is due at the same
 * time is called in the order of asking.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: an id for [func@call_cancel], which no other call ever gets
 *
 * Since: 0.1
 */
guint64
coro_scheduler_call_at (CoroScheduler  *self,
                        gint64          time,
                        CoroCallFunc    func,
                        gpointer        user_data,
                        GDestroyNotify  destroy)
{
  g_return_val_if_fail (CORO_IS_SCHEDULER (self), 0);
  g_return_val_if_fail (func != NULL, 0);

  return scheduler_call (self, CORO_CALL_AT, time, func, user_data, destroy);
}

/**
 * coro_call_soon:
 * @func: (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * [method@Scheduler.call_soon] for the calling thread: its running scheduler,
 * else that of its thread-default main context.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: an id for [func@call_cancel], which no other call ever gets
 *
 * Since: 0.1
 */
guint64
coro_call_soon (CoroCallFunc    func,
                gpointer        user_data,
                GDestroyNotify  destroy)
{
  return coro_scheduler_call_soon (coro_scheduler_get_current (), func, user_data, destroy);
}

/**
 * coro_call_later:
 * @delay: a time in µs, from now; less than 0 is 0
 * @func: (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * [method@Scheduler.call_later] for the calling thread: its running scheduler,
 * else that of its thread-default main context.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: an id for [func@call_cancel], which no other call ever gets
 *
 * Since: 0.1
 */
guint64
coro_call_later (GTimeSpan       delay,
                 CoroCallFunc    func,
                 gpointer        user_data,
                 GDestroyNotify  destroy)
{
  return coro_scheduler_call_later (coro_scheduler_get_current (), delay, func, user_data, destroy);
}

/**
 * coro_call_at:
 * @time: a time in µs, as [method@Scheduler.get_time] tells it
 * @func: (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * [method@Scheduler.call_at] for the calling thread: its running scheduler,
 * else that of its thread-default main context.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: an id for [func@call_cancel], which no other call ever gets
 *
 * Since: 0.1
 */
guint64
coro_call_at (gint64          time,
              CoroCallFunc    func,
              gpointer        user_data,
              GDestroyNotify  destroy)
{
  return coro_scheduler_call_at (coro_scheduler_get_current (), time, func, user_data, destroy);
}

/**
 * coro_call_cancel:
 * @id: what [func@call_soon] or another of its kind returned
 *
 * Calls a call off. Afterwards it does not begin any more, whichever thread
 * it would have been in; one that has begun goes on. User data is freed soon,
 * not inside this function.
 *
 * Callable from any thread, as often as one likes; never suspends.
 *
 * Returns: %TRUE if it will not be called; %FALSE if it has begun or was
 *   cancelled before
 *
 * Since: 0.1
 */
gboolean
coro_call_cancel (guint64 id)
{
  CoroCall *call = NULL;
  gboolean mine = FALSE;

  g_mutex_lock (&calls_lock);
  if (calls != NULL)
    call = g_hash_table_lookup (calls, &id);
  if (call != NULL)
    {
      g_hash_table_remove (calls, &id);
      mine = coro_scheduler_is_mine (call->scheduler);
      call->cancelling = !mine;
    }
  g_mutex_unlock (&calls_lock);

  if (call == NULL)
    return FALSE;

  if (mine)
    call_withdraw (call);
  else
    coro_scheduler_post (call->scheduler, &call->cancel);
  return TRUE;
}
