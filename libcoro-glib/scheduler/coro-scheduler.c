/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-scheduler-private.h"

#include "base/coro-error.h"
#include "base/coro-fork-private.h"
#include "scheduler/coro-modules-private.h"

/**
 * CoroScheduler:
 *
 * Runs the coroutines of one [struct@GLib.MainContext].
 *
 * Programs rarely need it: spawn a coroutine in the default context and
 * it runs as soon as the main loop does. Each context gets its scheduler
 * when it is first needed and keeps it.
 *
 * The scheduler is a single [struct@GLib.Source]. It runs coroutines that
 * are ready in the order they became so, for a time slice of 4 ms; then
 * every other source of the context gets a round at its own priority, so
 * that coroutines which never rest stop neither drawing nor input.
 *
 * A scheduler belongs to the thread that first iterates its context. While it has no
 * coroutines, it moves to another thread that iterates the context. Coroutines stay in their
 * thread, because their stacks may point to data of the thread: if another thread iterates the
 * context, they do not run there, and the library logs a critical warning.
 *
 * Since: 0.1
 */

enum
{
  PROP_0,
  PROP_CLOSED,
  PROP_RUNNING,
  PROP_TIME_SLICE,
  N_PROPS
};

#define DEFAULT_TIME_SLICE (4 * G_TIME_SPAN_MILLISECOND)

G_DEFINE_FINAL_TYPE (CoroScheduler, coro_scheduler, G_TYPE_OBJECT)

__thread CoroScheduler *coro_scheduler_current __attribute__ ((tls_model ("initial-exec")));
__thread gsize coro_thread_number __attribute__ ((tls_model ("initial-exec"))) = CORO_THREAD_UNNUMBERED;
static gsize last_thread;       /* (atomic): the highest number that a thread has */

static GParamSpec *properties[N_PROPS];
CoroGlobalObserver coro_global_observer;

CORO_FORK_LOCK (registry_lock, CORO_FORK_FIRST)
CORO_FORK_LOCK (after_close_lock, CORO_FORK_LAST) /* guards after_close_thread and after_close_n_forks */
/* All of them, for the command of coro-gdb.py; guarded by registry_lock. */
CoroScheduler *coro_schedulers G_GNUC_INTERNAL __attribute__ ((used));

static GHashTable *registry;    /* (owned) (element-type GMainContext CoroScheduler); guarded by registry_lock */

static void
coro_scheduler_finalize (GObject *object)
{
  CoroScheduler *self = CORO_SCHEDULER (object);

  g_assert (self->closed);
  coro_timer_heap_clear (&self->timers);
  coro_object_lock_clear (&self->wakeup_lock);
  if (self->debug != NULL)
    self->debug->free (self->debug);

  G_OBJECT_CLASS (coro_scheduler_parent_class)->finalize (object);
}

static void
coro_scheduler_get_property (GObject    *object,
                             guint       property_id,
                             GValue     *value,
                             GParamSpec *pspec)
{
  CoroScheduler *self = CORO_SCHEDULER (object);

  switch (property_id)
    {
    case PROP_CLOSED:
      g_value_set_boolean (value, coro_scheduler_is_closed (self));
      break;
    case PROP_RUNNING:
      g_value_set_boolean (value, coro_scheduler_is_running (self));
      break;
    case PROP_TIME_SLICE:
      g_value_set_int64 (value, coro_scheduler_get_time_slice (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
coro_scheduler_set_property (GObject      *object,
                             guint         property_id,
                             const GValue *value,
                             GParamSpec   *pspec)
{
  CoroScheduler *self = CORO_SCHEDULER (object);

  switch (property_id)
    {
    case PROP_TIME_SLICE:
      coro_scheduler_set_time_slice (self, g_value_get_int64 (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

/* For the report of overflows: called in a signal handler. */
static const CoroStack *
get_running_stack (const char **name)
{
  CoroScheduler *self = coro_scheduler_current;
  CoroJob *job;

  if (self == NULL || self->dispatch == NULL)
    return NULL;

  job = self->running != NULL ? self->running : self->dispatch->interrupted;
  if (job == NULL)
    return NULL;

  *name = job->site;
  return job->fiber.stack;
}

static void
coro_scheduler_class_init (CoroSchedulerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = coro_scheduler_finalize;
  object_class->get_property = coro_scheduler_get_property;
  object_class->set_property = coro_scheduler_set_property;

  /**
   * CoroScheduler:closed:
   *
   * Whether its context is gone; nothing runs any more.
   *
   * Since: 0.1
   */
  properties[PROP_CLOSED] =
    g_param_spec_boolean ("closed", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * CoroScheduler:running:
   *
   * Whether it is in the middle of running coroutines.
   *
   * Since: 0.1
   */
  properties[PROP_RUNNING] =
    g_param_spec_boolean ("running", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * CoroScheduler:time-slice:
   *
   * For how many µs coroutines run before other sources get a round.
   *
   * Since: 0.1
   */
  properties[PROP_TIME_SLICE] =
    g_param_spec_int64 ("time-slice", NULL, NULL, 1, G_MAXINT64, DEFAULT_TIME_SLICE,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  coro_fiber_running_func = get_running_stack;
}

static void
coro_scheduler_init (CoroScheduler *self)
{
  coro_object_lock_init (&self->wakeup_lock);
  self->ready_tail = &self->ready_head;
  coro_admission_init (&self->admission);
  coro_priority_list_init (&self->high);
  coro_priority_list_init (&self->low);
  coro_priority_moves_init (&self->moves);
  self->stacks = coro_stack_pool_new ();
  coro_scheduler_update_stack_size (self);
  self->time_slice = DEFAULT_TIME_SLICE;
  self->ticks = self->period = 1;

  if (G_UNLIKELY (coro_global_observer.scheduler_created != NULL))
    coro_global_observer.scheduler_created (self);
}

static void
thread_take_number (void)
{
  if (coro_thread_number == CORO_THREAD_UNNUMBERED)
    coro_thread_number = (gsize) g_atomic_pointer_add (&last_thread, 1) + 1;
}

/* Makes the calling thread the owner of the scheduler. */
void
coro_scheduler_bind (CoroScheduler *self)
{
  thread_take_number ();
  g_atomic_pointer_set (&self->thread, coro_thread_number);
}

/* Whether the calling thread iterates `context`.  Owning it is not enough: many programs
 * push a context, prepare things and then iterate it in another thread. */
static gboolean
context_is_dispatching (GMainContext *context)
{
  GSource *source = g_main_current_source ();

  return source != NULL && !g_source_is_destroyed (source) && g_source_get_context (source) == context;
}

/* Registers the scheduler with its context.  With registry_lock held. */
static CoroScheduler *
scheduler_new (GMainContext *context)
{
  CoroScheduler *self = g_object_new (CORO_TYPE_SCHEDULER, NULL);

  self->context = context;
  self->source = coro_scheduler_source_new (self);
  /* Made inside a callback of the context, we know whose it is already. */
  if (context_is_dispatching (context))
    coro_scheduler_bind (self);
  g_hash_table_insert (registry, context, self);
  self->next_registered = coro_schedulers;
  coro_schedulers = self;
  g_source_attach (self->source, context);
  g_source_unref (self->source);
  return self;
}

/* Drops what will not be called any more.  Jobs are not dropped, only leaked. */
static void
scheduler_drop_ready_cb (gpointer scheduler)
{
  CoroScheduler *self = scheduler;
  CoroReady *ready;

  coro_priority_moves_apply (self);
  while ((ready = coro_scheduler_pop (self)) != NULL)
    if (ready->klass != NULL && ready->klass->drop != NULL)
      ready->klass->drop (ready);
}

/* A thread that is late for a scheduler that has ended handles it there and then: futures outlive
 * their schedulers, and a coroutine may have begun to wait for one in the last moment.  One thread at
 * a time, as if it were the scheduler's.  A child process lacks the thread that did so in the parent,
 * unless it is the one that has forked. */
static gboolean
scheduler_begin_after_close (CoroScheduler *self)
{
  gboolean begins;

  thread_take_number ();
  g_mutex_lock (&after_close_lock);
  begins = self->after_close_thread == 0 ||
           (self->after_close_n_forks != coro_n_forks && self->after_close_thread != coro_thread_self ());
  if (begins)
    {
      self->after_close_thread = coro_thread_self ();
      self->after_close_n_forks = coro_n_forks;
    }
  g_mutex_unlock (&after_close_lock);
  return begins;
}

/* FALSE: something has come meanwhile. */
static gboolean
scheduler_end_after_close (CoroScheduler *self)
{
  gboolean ends;

  g_mutex_lock (&after_close_lock);
  ends = coro_inbox_is_empty (&self->inbox) && self->ready_head == NULL;
  if (ends)
    {
      g_atomic_pointer_set (&self->thread, 0);
      self->after_close_thread = 0;
    }
  g_mutex_unlock (&after_close_lock);
  return ends;
}

static void
scheduler_take_after_close (CoroScheduler *self)
{
  coro_scheduler_read_inbox (self);
  coro_call_on_thread_stack (scheduler_drop_ready_cb, self);
}

static void
scheduler_act_after_close (CoroScheduler *self)
{
  coro_scheduler_bind (self);
  do
    scheduler_take_after_close (self);
  while (!scheduler_end_after_close (self));
}

static void
scheduler_handle_after_close (CoroScheduler *self)
{
  if (scheduler_begin_after_close (self))
    scheduler_act_after_close (self); /* else the thread that acts finds the message */
}

static void
abandon_job_cb (CoroJob  *job,
                gpointer  scheduler)
{
  ((CoroScheduler *) scheduler)->job_class->abandon (job);
}

/* Ends it: its source is destroyed and its stacks are freed.  What is parked on them
 * cannot be freed, only leaked, and that is said loudly. */
void
coro_scheduler_close (CoroScheduler *self)
{
  GSource *source;
  CoroScheduler **link;
  gboolean unfinished;

  if (self->closed)
    return;

  scheduler_begin_after_close (self); /* before others can: a thread that finds it closed leaves a message */
  g_atomic_int_set (&self->closed, TRUE);
  g_mutex_lock (&registry_lock);
  g_hash_table_remove (registry, self->context);
  for (link = &coro_schedulers; *link != self;)
    link = &(*link)->next_registered;
  *link = self->next_registered;
  g_mutex_unlock (&registry_lock);

  coro_object_lock_take (&self->wakeup_lock);
  self->context = NULL;
  coro_object_lock_release (&self->wakeup_lock);
  coro_scheduler_withdraw_calls (self);
  coro_scheduler_bind (self);
  scheduler_take_after_close (self);

  unfinished = self->n_jobs > 0;
  if (self->supervisor != NULL && !unfinished)
    g_clear_pointer (&self->supervisor, self->supervisor_free);

  if (unfinished)
    {
      g_critical ("A main context ended with %" G_GSIZE_FORMAT " unfinished coroutines; what they hold is leaked",
                  self->n_jobs);
      g_object_ref (self);      /* what they wait for in other threads may still wake them */
      coro_scheduler_foreach_job (self, abandon_job_cb, self);
    }
  /* Not before: until then this thread is the only one to look at the jobs. */
  scheduler_act_after_close (self);
  if (!unfinished)
    {
      coro_scheduler_free_blocks (self);
      g_clear_pointer (&self->stacks, coro_stack_pool_free);
    }

  if (self->file_backend != NULL)
    g_clear_pointer (&self->file_backend, self->file_backend_free);

  if (self->yield_source != NULL)
    g_source_destroy (self->yield_source);
  g_clear_pointer (&self->yield_source, g_source_unref);
  if (self->trim_source != NULL)
    g_source_destroy (self->trim_source);
  g_clear_pointer (&self->trim_source, g_source_unref);

  coro_reactor_clear (&self->reactor);

  source = g_steal_pointer (&self->source);
  if (!g_source_is_destroyed (source))
    g_source_destroy (source);
}

/* The scheduler of the calling thread: the one that runs, else that of the thread-default
 * context.  Transfer none. */
CoroScheduler *
coro_scheduler_get_current (void)
{
  CoroScheduler *self = coro_scheduler_current;

  if (self == NULL)
    {
      self = coro_scheduler_ref_for_context (NULL);
      g_object_unref (self);    /* its source keeps it */
    }
  return self;
}

/* In another thread, or before the first dispatch; with wakeup_lock held.  The context itself is
 * left alone if that can be: its last reference may be gone by now, and until its sources
 * are finalised we do not know. */
static void
scheduler_wake (CoroScheduler *self)
{
  /* A forked child has not polled since, and looks into its inbox before it does. */
  if (coro_reactor_is_foreign (&self->reactor))
    return;
  if (!coro_reactor_wake (&self->reactor))
    g_main_context_wakeup (self->context);
}

/* Has `message` handled on the scheduler's thread. */
void
coro_scheduler_post (CoroScheduler *self,
                     CoroMessage   *message)
{
  /* A reader that is awake may handle it, end its loop and be gone before we are done. */
  g_object_ref (self);

  /* A forked child may find messages that a thread of the parent was about to read. */
  if ((coro_inbox_push (&self->inbox, message) && g_atomic_int_get (&self->asleep)) ||
      g_atomic_int_get (&self->closed))
    {
      gboolean ended;

      coro_object_lock_take (&self->wakeup_lock);
      ended = g_atomic_int_get (&self->closed);
      if (!ended)
        scheduler_wake (self);
      coro_object_lock_release (&self->wakeup_lock);
      if (G_UNLIKELY (ended))
        scheduler_handle_after_close (self);
    }

  g_object_unref (self);
}

static void
scheduler_handle_messages (CoroScheduler *self)
{
  CoroMessage *message;

  while ((message = self->messages) != NULL)
    {
      self->messages = message->next;
      message->handle (message);
    }
}

/* Handles all posted messages in the order of posting.  Inside a message handler the remaining
 * messages of the outer call come first. */
void
coro_scheduler_read_inbox (CoroScheduler *self)
{
  scheduler_handle_messages (self);
  self->messages = coro_inbox_take_all (&self->inbox);
  scheduler_handle_messages (self);
}

static void
scheduler_read_inbox_cb (gpointer scheduler)
{
  coro_scheduler_read_inbox (scheduler);
}

/* Reads the inbox if the calling thread is the scheduler's; does nothing in another thread.  A
 * message may drop the last reference to an object of a language binding, whose code does not run on
 * the small stack of a coroutine. */
void
coro_scheduler_catch_up_slow (CoroScheduler *self)
{
  if (coro_scheduler_is_mine (self))
    coro_call_on_thread_stack (scheduler_read_inbox_cb, self);
}

void
coro_scheduler_arm (CoroScheduler *self,
                    CoroTimer     *timer,
                    gint64         deadline,
                    CoroTimerFunc  fire)
{
  timer->deadline = deadline;
  timer->fire = fire;
  coro_timer_heap_add (&self->timers, timer);
}

void
coro_scheduler_disarm (CoroScheduler *self,
                       CoroTimer     *timer)
{
  coro_timer_heap_remove (&self->timers, timer);
}

/**
 * coro_scheduler_get_running:
 *
 * Gets the scheduler that is running a coroutine or one of its own
 * callbacks in this thread.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (nullable) (transfer none): the running scheduler
 *
 * Since: 0.1
 */
CoroScheduler *
coro_scheduler_get_running (void)
{
  return coro_scheduler_current;
}

static CoroScheduler *
ref_registered (GMainContext *context,
                gboolean      make)
{
  CoroScheduler *self;

  g_mutex_lock (&registry_lock);
  if (registry == NULL)
    registry = g_hash_table_new (NULL, NULL);
  self = g_hash_table_lookup (registry, context);
  if (self != NULL)
    g_object_ref (self);
  else if (make)
    self = scheduler_new (context);
  g_mutex_unlock (&registry_lock);

  return self;
}

/**
 * coro_scheduler_ref_for_context:
 * @context: (nullable): a main context; %NULL: the thread-default one
 *
 * Gets the scheduler of @context, making it if there is none yet.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): the scheduler
 *
 * Since: 0.1
 */
CoroScheduler *
coro_scheduler_ref_for_context (GMainContext *context)
{
  CoroScheduler *self;

  if (context == NULL)
    context = g_main_context_get_thread_default ();
  if (context == NULL)
    context = g_main_context_default ();

  self = ref_registered (context, FALSE);
  if (G_LIKELY (self != NULL))
    return self;

  coro_modules_refresh ();      /* without a lock, which the constructor of a module may need */
  return ref_registered (context, TRUE);
}

/* Calls `func` for each scheduler that has not ended, in the calling thread. */
void
coro_scheduler_foreach (void     (*func) (CoroScheduler *scheduler, gpointer user_data),
                        gpointer   user_data)
{
  g_autoptr (GPtrArray) schedulers = g_ptr_array_new_with_free_func (g_object_unref);

  g_mutex_lock (&registry_lock);
  for (CoroScheduler *self = coro_schedulers; self != NULL; self = self->next_registered)
    g_ptr_array_add (schedulers, g_object_ref (self));
  g_mutex_unlock (&registry_lock);

  for (guint i = 0; i < schedulers->len; i++)
    func (schedulers->pdata[i], user_data);
}

/**
 * coro_scheduler_get_context:
 * @self: a scheduler
 *
 * Gets the main context whose coroutines it runs.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Returns: (nullable) (transfer none): the context; %NULL once the
 *   scheduler is closed
 *
 * Since: 0.1
 */
GMainContext *
coro_scheduler_get_context (CoroScheduler *self)
{
  g_return_val_if_fail (CORO_IS_SCHEDULER (self), NULL);

  return self->context;
}

/**
 * coro_scheduler_get_time:
 * @self: a scheduler
 *
 * Gets the time that sleeps and deadlines go by: the monotonic time in
 * µs, unless a test has put a clock of its own in place.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Returns: a time in µs
 *
 * Since: 0.1
 */
gint64
coro_scheduler_get_time (CoroScheduler *self)
{
  g_return_val_if_fail (CORO_IS_SCHEDULER (self), 0);

  return coro_scheduler_now (self);
}

/**
 * coro_scheduler_is_running:
 * @self: a scheduler
 *
 * Whether it is in the middle of running coroutines.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Returns: %TRUE inside its coroutines and callbacks
 *
 * Since: 0.1
 */
gboolean
coro_scheduler_is_running (CoroScheduler *self)
{
  g_return_val_if_fail (CORO_IS_SCHEDULER (self), FALSE);

  return self->dispatch != NULL;
}

/**
 * coro_scheduler_is_closed:
 * @self: a scheduler
 *
 * Whether its context is gone; nothing runs any more.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE if it is closed
 *
 * Since: 0.1
 */
gboolean
coro_scheduler_is_closed (CoroScheduler *self)
{
  g_return_val_if_fail (CORO_IS_SCHEDULER (self), FALSE);

  return g_atomic_int_get (&self->closed);
}

/**
 * coro_scheduler_count_coroutines:
 * @self: a scheduler
 *
 * Counts the coroutines that were spawned and have not ended.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Returns: how many there are
 *
 * Since: 0.1
 */
gsize
coro_scheduler_count_coroutines (CoroScheduler *self)
{
  g_return_val_if_fail (CORO_IS_SCHEDULER (self), 0);

  return self->n_jobs;
}

/**
 * coro_scheduler_get_time_slice:
 * @self: a scheduler
 *
 * Gets for how many µs coroutines run before other sources get a round.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Returns: a time in µs
 *
 * Since: 0.1
 */
GTimeSpan
coro_scheduler_get_time_slice (CoroScheduler *self)
{
  g_return_val_if_fail (CORO_IS_SCHEDULER (self), 0);

  return self->time_slice;
}

/**
 * coro_scheduler_set_time_slice:
 * @self: a scheduler
 * @time_slice: a time in µs, above 0
 *
 * Sets for how many µs coroutines run before other sources get a round.
 * A frame at 60 Hz lasts 16667 µs, of which GTK needs a part.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_scheduler_set_time_slice (CoroScheduler *self,
                               GTimeSpan      time_slice)
{
  g_return_if_fail (CORO_IS_SCHEDULER (self));
  g_return_if_fail (time_slice > 0);

  if (self->time_slice == time_slice)
    return;

  self->time_slice = time_slice;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TIME_SLICE]);
}

/**
 * coro_call_on_thread_stack: (skip)
 * @func: (scope call): what to run
 * @user_data: what to pass to it
 *
 * Runs @func on the thread stack and returns when it has returned.
 *
 * Code that may end in a language binding must not run on the stack of a
 * coroutine: JavaScript refuses to start there, and Python crashes once it
 * is suspended. Emit signals, set properties and make or dispose of objects
 * that may have handlers in such a language from @func. The library does
 * so for all that it emits itself. Programs all in C need not care.
 *
 * Callable from any thread; @func cannot suspend, and outside a coroutine
 * it is simply called. Cancellation does not reach it.
 *
 * Since: 0.1
 */
void
coro_call_on_thread_stack (CoroThreadStackFunc func,
                           gpointer            user_data)
{
  CoroScheduler *self = coro_scheduler_current;

  g_return_if_fail (func != NULL);

  if (self == NULL || self->running == NULL)
    func (user_data);
  else
    coro_scheduler_call (self, &self->running->fiber, func, user_data);
}

static void
main_loop_run_cb (gpointer loop)
{
  g_main_loop_run (loop);
}

/**
 * coro_main_loop_run: (skip)
 * @loop: a main loop
 *
 * Runs a nested main loop on the thread stack.
 *
 * A plain [method@GLib.MainLoop.run] inside a coroutine works as well and
 * keeps the other coroutines going, but its callbacks then run on the stack
 * of the coroutine, which language bindings do not survive. A coroutine that
 * may wait has better means than a nested loop; this one is for code that
 * cannot be changed.
 *
 * Callable from any thread that owns the context of @loop; does not suspend,
 * but blocks the calling coroutine until the loop was quit.
 *
 * Since: 0.1
 */
void
coro_main_loop_run (GMainLoop *loop)
{
  g_return_if_fail (loop != NULL);

  coro_call_on_thread_stack (main_loop_run_cb, loop);
}
