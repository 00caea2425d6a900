/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-task-group-private.h"

#include "base/coro-container-private.h"
#include "base/coro-error.h"
#include "future/coro-sleep.h"
#include "scheduler/coro-scheduler-private.h"
#include "scope/coro-group-error-private.h"

#include <string.h>

/**
 * CoroTaskGroup:
 *
 * Coroutines that belong together.
 *
 * A group answers for its members: the first failure cancels the others,
 * [method@TaskGroup.cancel] cancels them all, and [method@TaskGroup.join]
 * waits until the last of them has ended and gives all their errors as one
 * [error@Coro.GroupError]. It lives as long as it has members. For one block
 * of C there is [struct@Nursery], which cannot be left open.
 *
 * A group belongs to the main context that was the thread-default one when
 * it was made. Coroutines can be spawned into it from any thread.
 *
 * Semantics: asyncio's `TaskGroup`, on Trio's cancel scopes.
 *
 * Since: 0.1
 */

G_DEFINE_FINAL_TYPE (CoroTaskGroup, coro_task_group, G_TYPE_OBJECT)

static inline CoroTaskGroup *
group_from_supervisor (CoroSupervisor *supervisor)
{
  return CORO_CONTAINER_OF (supervisor, CoroTaskGroup, supervisor);
}

/* --- supervisor ------------------------------------------------------------------- */

static char *
get_site_name (const char *site)
{
  const char *end = site != NULL ? strstr (site, " (") : NULL;

  if (site == NULL)
    return g_strdup ("a coroutine");
  return end != NULL ? g_strndup (site, (gsize) (end - site)) : g_strdup (site);
}

static void
group_report (CoroSupervisor *supervisor,
              const GError   *error,
              const char     *name,
              const char     *site)
{
  CoroTaskGroup *self = group_from_supervisor (supervisor);
  CoroTaskGroup *root = coro_task_group_get_root (coro_supervisor_get_scheduler (supervisor));
  CoroTaskGroup *handler = self->unhandled_func != NULL ? self : root;
  g_autoptr (GError) handler_error = NULL;

  if (handler->unhandled_func == NULL)
    {
      g_autofree char *trace = coro_observer_describe_error (error);

      g_warning ("%s failed, and its error was never retrieved%s: %s; spawned at %s%s", name,
                 coro_supervisor_get_scheduler (supervisor)->shutting_down ? ", and its main loop is shut down" : "",
                 error->message,
                 site != NULL ? site : "an unknown place", trace);
      return;
    }

  handler->unhandled_func (error, name, site, handler->unhandled_data, &handler_error);
  if (handler_error != NULL)
    g_warning ("The handler of unread errors failed: %s", handler_error->message);
}

typedef struct
{
  CoroTaskGroup *group;
  const GError *error;
  const char *site;
} CoroGroupReport;

static void
group_report_cb (gpointer data)
{
  CoroGroupReport *report = data;
  g_autofree char *name = get_site_name (report->site);

  group_report (&report->group->supervisor, report->error, name, report->site);
}

static void
group_add_to_line (CoroTaskGroup *self,
                   CoroJob       *member)
{
  member->previous_in_line = self->line_tail;
  member->ready.next = NULL;
  if (self->line_tail != NULL)
    self->line_tail->ready.next = &member->ready;
  else
    self->line_head = member;
  self->line_tail = member;
}

static void
group_remove_from_line (CoroTaskGroup *self,
                        CoroJob       *member)
{
  CoroJob *previous = member->previous_in_line;
  CoroJob *next = (CoroJob *) member->ready.next;

  if (previous != NULL)
    previous->ready.next = member->ready.next;
  else
    self->line_head = next;
  if (next != NULL)
    next->previous_in_line = previous;
  else
    self->line_tail = previous;
  member->waiter = NULL;
}

static inline gboolean
group_has_room (CoroTaskGroup *self)
{
  return self->limit == 0 || self->n_running < self->limit;
}

static inline void
group_count_in (CoroTaskGroup *self,
                CoroJob       *member)
{
  self->n_running++;
  member->admitted = TRUE;
}

static void
group_start_waiting (CoroTaskGroup *self)
{
  while (self->line_head != NULL && group_has_room (self))
    {
      CoroJob *member = self->line_head;

      group_remove_from_line (self, member);
      group_count_in (self, member);
      coro_job_make_ready (member);
    }
}

/* Whether a member above the limit is cancelled and ends without having begun.  A group that was
 * wound up drops only a member that got a request of its own. */
static gboolean
group_drops (CoroTaskGroup *self,
             CoroJob       *member)
{
  return member->cancel_pending || (member->cancel_level && !self->wound_up);
}

static gboolean
group_admit (CoroSupervisor *supervisor,
             CoroJob        *member)
{
  CoroTaskGroup *self = group_from_supervisor (supervisor);

  if (G_LIKELY (group_has_room (self)))
    {
      group_count_in (self, member);
      return TRUE;
    }
  if (group_drops (self, member))
    return TRUE;                /* it would end without running */

  group_add_to_line (self, member);
  return FALSE;
}

/* A cancel ends the wait of a member for its place.  The member takes no place, because its body
 * does not run.  The member may stand in no line yet, if a tracer cancels it at its spawn, or no
 * more, if it gets no stack and is cancelled by the destroy notify of its data. */
static void
group_dismiss (CoroSupervisor *supervisor,
               CoroJob        *member)
{
  CoroTaskGroup *self = group_from_supervisor (supervisor);

  if ((member->previous_in_line == NULL && member != self->line_head) || !group_drops (self, member))
    return;

  group_remove_from_line (self, member);
  coro_job_make_ready (member);
}

/* A member's failure: for the join, or for the handler of unread errors. */
static void
group_take_error (CoroTaskGroup *self,
                  CoroJob       *member,
                  GError        *error,
                  gboolean       observed)
{
  if (self->flags & CORO_TASK_GROUP_UNJOINED)
    {
      if (!observed)
        {
          CoroGroupReport report = { self, error, member->site };

          coro_call_on_thread_stack (group_report_cb, &report);
        }
      g_error_free (error);
    }
  else
    {
      if (self->errors == NULL)
        self->errors = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
      g_ptr_array_add (self->errors, error);
    }

  if ((self->flags & CORO_TASK_GROUP_SUPERVISOR) == 0)
    {
      self->failed = TRUE;
      coro_scope_cancel (&self->supervisor.scope);
    }
}

static void
group_member_ended (CoroSupervisor *supervisor,
                    CoroJob        *member,
                    GError         *error,
                    gboolean        observed)
{
  CoroTaskGroup *self = group_from_supervisor (supervisor);
  CoroWaiter *waiter;

  if (member->admitted)         /* one that got no stack at its spawn never was */
    self->n_running--;

  if (coro_error_is_cancelled (error))
    g_clear_error (&error);     /* cancelled is not failed */
  if (error != NULL)
    group_take_error (self, member, error, observed);

  if (self->line_head != NULL)
    group_start_waiting (self);

  if (supervisor->n_members == 0)
    while ((waiter = coro_waiter_list_pop (&self->joiners)) != NULL)
      coro_waiter_wake (waiter);
}

static void
group_ref (CoroSupervisor *supervisor)
{
  g_object_ref (group_from_supervisor (supervisor));
}

static void
group_unref (CoroSupervisor *supervisor)
{
  g_object_unref (group_from_supervisor (supervisor));
}

static const CoroSupervisorClass group_class = {
  group_member_ended, group_report, group_admit, group_dismiss, group_ref, group_unref
};
/* The scheduler keeps its root, not the members. */
static const CoroSupervisorClass root_class = {
  group_member_ended, group_report, group_admit, group_dismiss, NULL, NULL
};

/* --- joining ---------------------------------------------------------------------- */

/* A joining coroutine that is cancelled cancels the members, and still waits for them all. */
static gboolean
group_wait_abort (gpointer    object,
                  CoroWaiter *waiter)
{
  coro_scope_cancel (&((CoroTaskGroup *) object)->supervisor.scope);
  return FALSE;
}

static CoroScope *
group_wait_get_scope (gpointer object)
{
  return &((CoroTaskGroup *) object)->supervisor.scope;
}

static const CoroWaitClass group_wait_class = { .abort = group_wait_abort, .get_scope = group_wait_get_scope };

/* Waits until there are no members.  FALSE with a misuse error: it cannot wait. */
gboolean
coro_task_group_wait (CoroTaskGroup  *self,
                      GError        **error)
{
  while (self->supervisor.n_members > 0 || coro_supervisor_has_posted (&self->supervisor))
    {
      CoroWaiter waiter;

      if (!coro_waiter_init_uncancellable (&waiter, error))
        return FALSE;

      coro_waiter_list_append (&self->joiners, &waiter);
      coro_waiter_wait (&waiter, &group_wait_class, self, NULL);
    }
  return TRUE;
}

/* What the members have failed with, as one error, with that of the body (transfer full)
 * (nullable) at the end; or just the latter. */
GError *
coro_task_group_take_failures (CoroTaskGroup *self,
                               GError        *body_error)
{
  GPtrArray *errors = g_steal_pointer (&self->errors);

  if (errors == NULL)
    return body_error;

  /* The body was told to stop because a member has failed: that is no failure. */
  if (coro_error_is_cancelled (body_error))
    g_clear_error (&body_error);
  if (body_error != NULL)
    g_ptr_array_add (errors, body_error);
  return coro_group_error_new (errors);
}

/* --- object ----------------------------------------------------------------------- */

static void
coro_task_group_dispose (GObject *object)
{
  CoroTaskGroup *self = CORO_TASK_GROUP (object);
  GDestroyNotify destroy = g_steal_pointer (&self->unhandled_destroy);

  self->unhandled_func = NULL;
  if (destroy != NULL)
    destroy (g_steal_pointer (&self->unhandled_data));

  G_OBJECT_CLASS (coro_task_group_parent_class)->dispose (object);
}

static void
coro_task_group_finalize (GObject *object)
{
  CoroTaskGroup *self = CORO_TASK_GROUP (object);

  if (self->errors != NULL)
    for (guint i = 0; i < self->errors->len; i++)
      g_critical ("A task group was dropped and not joined; a member had failed: %s",
                  ((GError *) self->errors->pdata[i])->message);
  g_clear_pointer (&self->errors, g_ptr_array_unref);
  coro_scope_clear (&self->supervisor.scope);
  g_clear_object (&self->scheduler);

  G_OBJECT_CLASS (coro_task_group_parent_class)->finalize (object);
}

static void
coro_task_group_class_init (CoroTaskGroupClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = coro_task_group_dispose;
  object_class->finalize = coro_task_group_finalize;
}

static void
coro_task_group_init (CoroTaskGroup *self)
{
  self->supervisor.klass = &group_class;
}

/* A group whose members a cancelled `parent` reaches. */
CoroTaskGroup *
coro_task_group_new_below (CoroScheduler      *scheduler,
                           CoroScope          *parent,
                           CoroTaskGroupFlags  flags)
{
  CoroTaskGroup *self = g_object_new (CORO_TYPE_TASK_GROUP, NULL);

  self->flags = flags;
  self->supervisor.joined = (flags & CORO_TASK_GROUP_UNJOINED) == 0;
  self->supervisor.begins = self->supervisor.joined;
  self->supervisor.background = (flags & CORO_TASK_GROUP_BACKGROUND) != 0;
  self->scheduler = g_object_ref (scheduler);
  coro_scope_init (&self->supervisor.scope, scheduler, parent);
  return self;
}

/* The group of all coroutines that were spawned into none.  In the scheduler's thread. */
CoroTaskGroup *
coro_task_group_get_root (CoroScheduler *scheduler)
{
  CoroTaskGroup *root;

  if (G_LIKELY (g_atomic_pointer_get (&scheduler->supervisor) != NULL))
    return group_from_supervisor (g_atomic_pointer_get (&scheduler->supervisor));

  root = g_object_new (CORO_TYPE_TASK_GROUP, NULL);
  root->flags = CORO_TASK_GROUP_SUPERVISOR | CORO_TASK_GROUP_UNJOINED;
  root->supervisor.klass = &root_class;
  coro_scope_init (&root->supervisor.scope, scheduler, NULL);

  if (!g_atomic_pointer_compare_and_exchange (&scheduler->supervisor, NULL, &root->supervisor))
    g_object_unref (root);      /* another thread was faster */
  else
    scheduler->supervisor_free = (GDestroyNotify) group_unref;
  return group_from_supervisor (g_atomic_pointer_get (&scheduler->supervisor));
}

/**
 * coro_task_group_new:
 * @flags: what a failure does
 *
 * Makes a group for the thread-default main context.
 *
 * It stands on its own: a cancelled coroutine that made it does not reach
 * its members. [func@Nursery.enter] makes one that it does.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): a group
 *
 * Since: 0.1
 */
CoroTaskGroup *
coro_task_group_new (CoroTaskGroupFlags flags)
{
  return coro_task_group_new_below (coro_scheduler_get_current (), NULL, flags);
}

/**
 * coro_task_group_limit:
 * @self: a group
 * @max_running: how many members may have started and not ended; 0: any number
 *
 * Sets how many members run at once. The others start in the order of
 * spawning as soon as there is room. A member that is cancelled before, alone
 * or with the group, does not wait for room: it ends without running.
 *
 * Callable from the group's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_task_group_limit (CoroTaskGroup *self,
                       guint          max_running)
{
  g_return_if_fail (CORO_IS_TASK_GROUP (self));

  self->limit = max_running;
  group_start_waiting (self);
}

/**
 * coro_task_group_set_stack_size:
 * @self: a group
 * @stack_size: a number of bytes; 0, the default: the size of
 *   [method@Scheduler.set_stack_size]
 *
 * Sets the stack size of members that are spawned from now on, and of members
 * of their nurseries. In a process with large stacks, a program with GTK say,
 * small stacks make many coroutines cheaper.
 *
 * A stack takes its size in addresses, but memory only as deep as it was used.
 * A part of each stack is a guard and cannot be used: 64 KiB, or 1 MiB for sizes
 * from 4 MiB. If no stack of this size is available, the coroutine fails with
 * [error@Coro.Error.NO_STACK].
 *
 * Callable from the group's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_task_group_set_stack_size (CoroTaskGroup *self,
                                gsize          stack_size)
{
  g_return_if_fail (CORO_IS_TASK_GROUP (self));

  self->supervisor.stack_size = stack_size;
}

static void
group_set_unhandled_func (CoroTaskGroup     *self,
                          CoroUnhandledFunc  func,
                          gpointer           user_data,
                          GDestroyNotify     destroy)
{
  GDestroyNotify old_destroy = self->unhandled_destroy;
  gpointer old_data = self->unhandled_data;

  self->unhandled_func = func;
  self->unhandled_data = user_data;
  self->unhandled_destroy = destroy;
  if (old_destroy != NULL)
    old_destroy (old_data);
}

/**
 * coro_task_group_set_unhandled_func:
 * @self: a group that is not joined
 * @func: (nullable) (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * Has @func called for each member whose failure is not read, on the
 * thread stack. Cancelled members have not failed.
 *
 * Without it the function of [func@set_unhandled_func] is called.
 *
 * Callable from the group's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_task_group_set_unhandled_func (CoroTaskGroup     *self,
                                    CoroUnhandledFunc  func,
                                    gpointer           user_data,
                                    GDestroyNotify     destroy)
{
  g_return_if_fail (CORO_IS_TASK_GROUP (self));

  group_set_unhandled_func (self, func, user_data, destroy);
}

/**
 * coro_set_unhandled_func:
 * @context: (nullable): a main context; %NULL: the thread-default one
 * @func: (nullable) (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * Has @func called, on the thread stack, for each coroutine of @context
 * whose error is not read. Without a function the error is logged as a warning,
 * which also says whether the main loop is being shut down.
 *
 * Callable from the thread of @context; never suspends.
 *
 * Since: 0.1
 */
void
coro_set_unhandled_func (GMainContext      *context,
                         CoroUnhandledFunc  func,
                         gpointer           user_data,
                         GDestroyNotify     destroy)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (context);

  group_set_unhandled_func (coro_task_group_get_root (scheduler), func, user_data, destroy);
}

/**
 * coro_task_group_get_n_members:
 * @self: a group
 *
 * Counts the members that have not ended. Members that another thread has just
 * spawned count as well.
 *
 * Callable from the group's thread; never suspends.
 *
 * Returns: how many there are
 *
 * Since: 0.1
 */
guint
coro_task_group_get_n_members (CoroTaskGroup *self)
{
  g_return_val_if_fail (CORO_IS_TASK_GROUP (self), 0);

  return self->supervisor.n_members + (guint) MAX (g_atomic_int_get (&self->supervisor.n_posted), 0);
}

typedef struct
{
  CoroMessage message;          /* first */
  CoroTaskGroup *group;         /* (owned) */
  gboolean winds_up;
} CoroGroupCancel;

/* In the group's thread. */
static void
group_cancel_now (CoroTaskGroup *self,
                  gboolean       winds_up)
{
  CoroJob *next;

  self->wound_up = winds_up;
  self->supervisor.begins = winds_up || self->supervisor.joined;
  coro_scope_cancel (&self->supervisor.scope);

  /* If the group was wound up before, members still wait for their places. */
  for (CoroJob *member = winds_up ? NULL : self->line_head; member != NULL; member = next)
    {
      next = (CoroJob *) member->ready.next;
      group_dismiss (&self->supervisor, member);
    }
}

static void
group_cancel_cb (CoroMessage *message)
{
  CoroGroupCancel *cancel = (CoroGroupCancel *) message;

  group_cancel_now (cancel->group, cancel->winds_up);
  g_object_unref (cancel->group);
  g_free (cancel);
}

static void
group_cancel (CoroTaskGroup *self,
              gboolean       winds_up)
{
  CoroScheduler *scheduler = coro_supervisor_get_scheduler (&self->supervisor);

  if (coro_scheduler_is_mine (scheduler))
    {
      group_cancel_now (self, winds_up);
    }
  else
    {
      CoroGroupCancel *cancel = g_new0 (CoroGroupCancel, 1);

      cancel->message.handle = group_cancel_cb;
      cancel->group = g_object_ref (self);
      cancel->winds_up = winds_up;
      coro_scheduler_post (scheduler, &cancel->message);
    }
}

/**
 * coro_task_group_cancel:
 * @self: a group
 *
 * Cancels all members, and those that are spawned later.
 *
 * This is no failure of the group. A second call does nothing more. Members
 * that have not begun run to their first wait, which fails; in a group with
 * %CORO_TASK_GROUP_UNJOINED, and above a limit, they never begin.
 *
 * Callable from any thread; never suspends, and runs no foreign code.
 *
 * Since: 0.1
 */
void
coro_task_group_cancel (CoroTaskGroup *self)
{
  g_return_if_fail (CORO_IS_TASK_GROUP (self));

  group_cancel (self, FALSE);
}

/**
 * coro_task_group_wind_up:
 * @self: a group
 *
 * Cancels all members as [method@TaskGroup.cancel] does, but drops none: even in a
 * group with %CORO_TASK_GROUP_UNJOINED, members that have not begun or that are
 * spawned later run to their first wait, which fails. Members above the limit do
 * so as soon as there is room. Indispensable work of a member belongs before its
 * first wait, or below a [struct@Shield].
 *
 * This is for the end of an object that the members work for, a window or a
 * document, as long as the object is still whole.
 *
 * Callable from any thread; never suspends, and runs no foreign code.
 *
 * Since: 0.1
 */
void
coro_task_group_wind_up (CoroTaskGroup *self)
{
  g_return_if_fail (CORO_IS_TASK_GROUP (self));

  group_cancel (self, TRUE);
}

static gboolean
group_join (CoroTaskGroup  *self,
            GError        **error)
{
  GError *failures;
  CoroJob *job;

  if (!coro_scheduler_require_mine (coro_supervisor_get_scheduler (&self->supervisor),
                                    "A group can only be joined in its own thread", error) ||
      !coro_task_group_wait (self, error))
    return FALSE;

  failures = coro_task_group_take_failures (self, NULL);
  if (failures != NULL)
    {
      g_propagate_error (error, failures);
      return FALSE;
    }

  job = coro_job_get_running ();
  if (job != NULL && job->scope == &self->supervisor.scope)
    return TRUE;                /* a nursery asks after it has left its own scope */
  return coro_check_cancelled (error);
}

/**
 * coro_task_group_join: (skip)
 * @self: a group
 * @error: return location for an error
 *
 * Waits until all members have ended, also those that are spawned meanwhile.
 *
 * Callable from a coroutine of the group's thread, which it suspends.
 * Cancellation of the caller cancels the members, and the caller still waits
 * for them all.
 *
 * @error is set to a [error@Coro.GroupError] if members have failed, to
 * %G_IO_ERROR_CANCELLED if the caller was cancelled, to
 * [error@Coro.Error.PROTOCOL] in another thread, and to the misuse errors of
 * [func@await].
 *
 * Returns: %TRUE if no member has failed; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_task_group_join (CoroTaskGroup  *self,
                      GError        **error)
{
  gboolean ok;

  g_return_val_if_fail (CORO_IS_TASK_GROUP (self), FALSE);

  g_object_ref (self);          /* the last member may end and the owner drop the group in the same turn */
  ok = group_join (self, error);
  coro_call_on_thread_stack (g_object_unref, self);
  return ok;
}
