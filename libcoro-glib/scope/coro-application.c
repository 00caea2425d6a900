/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-application.h"

#include "scheduler/coro-scheduler-private.h"
#include "scope/coro-interrupt-private.h"
#include "scope/coro-run-private.h"
#include "scope/coro-task-group-private.h"

/* µs for which an application waits for coroutines once its last window has been closed.  A save
 * to a slow disk takes seconds; an invisible process should not stay for ever. */
#define WINDOWLESS_TIME (30 * G_TIME_SPAN_SECOND)

/* µs for which the end of an application waits at most until all coroutines have begun. */
#define BEGIN_TIME (5 * G_TIME_SPAN_SECOND)

typedef struct
{
  CoroHolder holder;            /* first */
  GApplication *application;    /* (unowned): it owns this struct */
  CoroScheduler *scheduler;     /* (owned) */
  gboolean running;             /* between its ::startup and its ::shutdown */
  gboolean expired;             /* the last window was closed too long ago */
  gboolean held;
  guint64 start_id;             /* a call; before it comes, coroutines of ::activate may not count yet */
  guint64 alarm_id;             /* a call */
  CoroInterrupt *interrupt;     /* (nullable) (unowned): in coro_application_run() */
} CoroAttachment;

static GQuark
attachment_quark (void)
{
  return g_quark_from_static_string ("coro-attachment");
}

static void
attachment_update (CoroAttachment *self)
{
  gboolean hold = self->running && !self->expired && (self->start_id != 0 || self->holder.n_groups > 0);

  if (hold == self->held)
    return;

  self->held = hold;
  if (hold)
    g_application_hold (self->application);
  else
    g_application_release (self->application);
}

static void
attachment_changed (CoroHolder *holder)
{
  attachment_update ((CoroAttachment *) holder);
}

static void
cancel_call (guint64 *id)
{
  if (*id != 0)
    coro_call_cancel (*id);
  *id = 0;
}

static void
attachment_free (gpointer data)
{
  CoroAttachment *self = data;

  cancel_call (&self->start_id);
  cancel_call (&self->alarm_id);
  if (self->scheduler->holder == &self->holder)
    self->scheduler->holder = NULL;
  g_object_unref (self->scheduler);
  g_free (self);
}

/* --- the start -------------------------------------------------------------------- */

static void
attachment_started_cb (gpointer data)
{
  CoroAttachment *self = data;

  self->start_id = 0;
  attachment_update (self);
}

/* Keeps the application for one turn of the main loop: a coroutine that ::activate spawns before
 * the first dispatch is on its way in a message, and counts only after the dispatch. */
static void
attachment_start (CoroAttachment *self)
{
  self->running = TRUE;
  if (self->start_id == 0)
    self->start_id = coro_scheduler_call_soon (self->scheduler, attachment_started_cb, self, NULL);
  attachment_update (self);
}

static void
application_startup_cb (GApplication   *application,
                        CoroAttachment *self)
{
  attachment_start (self);
}

/* --- windows ---------------------------------------------------------------------- */

static void
attachment_expire_cb (gpointer data)
{
  CoroAttachment *self = data;
  g_autofree char *names = NULL;
  gsize n_jobs;

  self->alarm_id = 0;
  self->expired = TRUE;
  if (!self->held)
    return;

  names = coro_scheduler_dup_job_names (self->scheduler, FALSE, &n_jobs);
  g_message ("The last window was closed %d s ago; the application does not wait for %" G_GSIZE_FORMAT
             " coroutines any more: %s", (int) (WINDOWLESS_TIME / G_TIME_SPAN_SECOND), n_jobs, names);
  attachment_update (self);
}

static void
application_window_added_cb (GApplication   *application,
                             gpointer        window,
                             CoroAttachment *self)
{
  cancel_call (&self->alarm_id);
  self->expired = FALSE;
  attachment_update (self);
}

static void
application_window_removed_cb (GApplication   *application,
                               gpointer        window,
                               CoroAttachment *self)
{
  g_autoptr (GObject) left = NULL;

  g_object_get (application, "active-window", &left, NULL);
  if (left == NULL && self->running && self->alarm_id == 0)
    self->alarm_id = coro_scheduler_call_later (self->scheduler, WINDOWLESS_TIME, attachment_expire_cb, self, NULL);
}

/* Watches the windows of a GtkApplication.  This library does not link GTK and uses only signals. */
static void
attachment_follow_windows (CoroAttachment *self)
{
  if (g_signal_lookup ("window-removed", G_OBJECT_TYPE (self->application)) == 0)
    return;

  g_signal_connect (self->application, "window-added", G_CALLBACK (application_window_added_cb), self);
  g_signal_connect (self->application, "window-removed", G_CALLBACK (application_window_removed_cb), self);
}

/* --- the end ---------------------------------------------------------------------- */

static void
find_fresh_cb (CoroJob  *job,
               gpointer  user_data)
{
  /* A coroutine above the limit of its group may wait for ever. */
  if (job->state == CORO_JOB_NEW && job->admitted)
    *(gboolean *) user_data = TRUE;
}

static gboolean
scheduler_has_fresh_jobs (CoroScheduler *self)
{
  gboolean fresh = !coro_inbox_is_empty (&self->inbox);

  coro_scheduler_foreach_job (self, find_fresh_cb, &fresh);
  return fresh;
}

/* Runs new coroutines, of a handler of a closing window say, to their first wait before they are
 * cancelled: a coroutine that has not begun would be dropped. */
static void
scheduler_begin_all (CoroScheduler *self)
{
  gint64 end = g_get_monotonic_time () + BEGIN_TIME;

  while (scheduler_has_fresh_jobs (self) && g_get_monotonic_time () < end)
    g_main_context_iteration (self->context, FALSE);
}

static void
application_shutdown_cb (GApplication   *application,
                         CoroAttachment *self)
{
  self->running = FALSE;
  if (self->interrupt != NULL)
    self->interrupt->ending = TRUE;
  cancel_call (&self->start_id);
  cancel_call (&self->alarm_id);
  attachment_update (self);

  scheduler_begin_all (self->scheduler);
  coro_scheduler_shut_down (self->scheduler);
}

/* Counts the supervisors that have members. */
static void
count_group_cb (CoroJob  *job,
                gpointer  user_data)
{
  if (job->previous_member == NULL && !((CoroSupervisor *) job->supervisor)->background)
    (*(guint *) user_data)++;
}

/**
 * coro_application_attach:
 * @application: an application
 *
 * Ties the coroutines of the default main context to an application: the
 * application waits for its coroutines, and its end cancels them.
 *
 * While there are coroutines the application is held, as by
 * [method@Gio.Application.hold]: a window that is opened after an await in
 * [signal@Gio.Application::activate] appears, and a save that starts as the
 * last window closes is finished. Once the last window of a `GtkApplication`
 * has been closed, coroutines have 30 s to end; then a message names the
 * coroutines that are left, and the application goes on to its end. A loop that
 * never ends should not keep an application: spawn it into a group with
 * %CORO_TASK_GROUP_BACKGROUND. The coroutines of widgets are in such groups.
 *
 * On [signal@Gio.Application::shutdown], which
 * [method@Gio.Application.quit] causes at once, coroutines that have not begun
 * run to their first wait. Then all coroutines are cancelled and waited for, and
 * generators are closed, as [method@Scheduler.shut_down] says.
 *
 * Coroutines have stacks of 8 MiB, unless [method@Scheduler.set_stack_size] has
 * set another size. The handling of SIGINT is not changed; see
 * [func@application_run]. libcoro-gtk attaches the default application by
 * itself when it is first used.
 *
 * Callable from the main thread; never suspends. Doing it twice is doing it
 * once.
 *
 * Since: 0.1
 */
void
coro_application_attach (GApplication *application)
{
  CoroAttachment *self;

  g_return_if_fail (G_IS_APPLICATION (application));

  if (g_object_get_qdata (G_OBJECT (application), attachment_quark ()) != NULL)
    return;

  self = g_new0 (CoroAttachment, 1);
  self->holder.changed = attachment_changed;
  self->application = application;
  self->scheduler = coro_scheduler_ref_for_context (g_main_context_default ());
  self->scheduler->holder = &self->holder;
  coro_scheduler_expect_application (self->scheduler);
  coro_scheduler_foreach_job (self->scheduler, count_group_cb, &self->holder.n_groups);
  g_object_set_qdata_full (G_OBJECT (application), attachment_quark (), self, attachment_free);

  g_signal_connect (application, "startup", G_CALLBACK (application_startup_cb), self);
  g_signal_connect (application, "shutdown", G_CALLBACK (application_shutdown_cb), self);
  attachment_follow_windows (self);
  if (g_application_get_is_registered (application) && !g_application_get_is_remote (application))
    attachment_start (self);
}

static void
application_interrupt_cb (gpointer application)
{
  g_application_quit (application);
}

/**
 * coro_application_run: (skip)
 * @application: an application
 * @argc: how many arguments there are, of `main()`
 * @argv: (array length=argc) (element-type filename) (nullable): the arguments
 *
 * Runs an application as [method@Gio.Application.run] does, and ends its
 * coroutines with it, also after an interrupt from the keyboard.
 *
 * It calls [func@application_attach]. If the program has no handler of its own
 * for SIGINT, the signal quits the application: the coroutines are cancelled and
 * clean up, and the status is 130, as for a program that the signal has ended.
 * If the application is already ending when SIGINT comes, it keeps its own
 * status. A second SIGINT ends the program at once, even during the cleanup.
 * An application that is run without this function handles SIGINT as it always
 * did; in Python and JavaScript the language handles the signal.
 *
 * Callable from the main thread, which it blocks, outside coroutines.
 *
 * Returns: an exit status
 *
 * Since: 0.1
 */
int
coro_application_run (GApplication  *application,
                      int            argc,
                      char         **argv)
{
  CoroInterrupt interrupt = { NULL, };
  CoroAttachment *attachment;
  int status;

  g_return_val_if_fail (G_IS_APPLICATION (application), 1);

  coro_application_attach (application);
  attachment = g_object_get_qdata (G_OBJECT (application), attachment_quark ());
  coro_interrupt_begin (&interrupt, g_main_context_default (), application_interrupt_cb, application);
  attachment->interrupt = &interrupt;
  status = g_application_run (application, argc, argv);
  attachment->interrupt = NULL;
  coro_interrupt_end (&interrupt);
  return interrupt.interrupted ? CORO_EXIT_STATUS_INTERRUPTED : status;
}
