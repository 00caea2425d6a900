/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Coroutines keep an application, and end with it.
 */
#include "test-util.h"

/* --- an application with windows -------------------------------------------------- */

/* Like GtkApplication, as far as attaching goes: it is held while it has a window. */
typedef struct
{
  GApplication parent_instance;

  GObject *window;              /* (owned) (nullable) */
} WindowedApplication;

typedef GApplicationClass WindowedApplicationClass;

enum { WINDOW_ADDED, WINDOW_REMOVED, N_SIGNALS };
static guint signals[N_SIGNALS];

static GType windowed_application_get_type (void);
G_DEFINE_TYPE (WindowedApplication, windowed_application, G_TYPE_APPLICATION)

static void
windowed_application_get_property (GObject    *object,
                                   guint       id,
                                   GValue     *value,
                                   GParamSpec *pspec)
{
  g_value_set_object (value, ((WindowedApplication *) object)->window);
}

static void
windowed_application_class_init (WindowedApplicationClass *klass)
{
  G_OBJECT_CLASS (klass)->get_property = windowed_application_get_property;
  g_object_class_install_property (G_OBJECT_CLASS (klass), 1,
                                   g_param_spec_object ("active-window", NULL, NULL, G_TYPE_OBJECT,
                                                        G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  signals[WINDOW_ADDED] = g_signal_new ("window-added", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_FIRST, 0, NULL, NULL,
                                        NULL, G_TYPE_NONE, 1, G_TYPE_OBJECT);
  signals[WINDOW_REMOVED] = g_signal_new ("window-removed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_FIRST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 1, G_TYPE_OBJECT);
}

static void
windowed_application_init (WindowedApplication *self)
{
}

static void
open_window (gpointer application)
{
  WindowedApplication *self = application;

  self->window = g_object_new (G_TYPE_OBJECT, NULL);
  g_application_hold (application);
  g_signal_emit (self, signals[WINDOW_ADDED], 0, self->window);
}

static void
close_window (gpointer application)
{
  WindowedApplication *self = application;
  g_autoptr (GObject) window = g_steal_pointer (&self->window);

  g_signal_emit (self, signals[WINDOW_REMOVED], 0, window);
  g_application_release (application);
}

/* --- the stage -------------------------------------------------------------------- */

typedef struct
{
  GApplication *application;
  CoroScheduler *scheduler;
  CoroTaskGroup *background;
  int n_begun;
  int n_done;
  int n_cancelled;
} Stage;

/* Runs an application to its end, on a clock that jumps. */
static void
stage_run (Stage     *self,
           GType      type,
           gboolean   attach_first,
           GCallback  activate)
{
  gint64 end;

  self->application = g_object_new (type, "flags", G_APPLICATION_NON_UNIQUE, NULL);
  self->scheduler = coro_scheduler_ref_for_context (NULL);
  self->background = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR | CORO_TASK_GROUP_UNJOINED |
                                          CORO_TASK_GROUP_BACKGROUND);
  settle (NULL);                /* the scheduler knows its thread */
  coro_test_clock_start (self->scheduler, TRUE);
  if (attach_first)
    coro_application_attach (self->application);
  g_signal_connect (self->application, "activate", activate, self);
  g_assert_cmpint (g_application_run (self->application, 0, NULL), ==, 0);
  g_assert_cmpuint (coro_scheduler_count_coroutines (self->scheduler), ==, 0);

  end = g_get_monotonic_time () + SECOND;       /* whatever the context still has to do */
  while (g_main_context_iteration (NULL, FALSE) && g_get_monotonic_time () < end)
    ;
  coro_test_clock_stop (self->scheduler);
  g_object_unref (self->background);
  g_object_unref (self->scheduler);
  g_assert_finalize_object (self->application);
}

static gboolean
work_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Stage *self = user_data;
  GError *local_error = NULL;

  self->n_begun++;
  if (coro_sleep (20 * SECOND, &local_error))
    self->n_done++;
  else if (coro_error_is_cancelled (local_error))
    self->n_cancelled++;
  g_clear_error (&local_error);
  return TRUE;
}

static gboolean
tick_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Stage *self = user_data;

  self->n_begun++;
  while (coro_sleep (SECOND, error))
    ;
  self->n_cancelled++;
  return FALSE;
}

/* --- held ------------------------------------------------------------------------- */

static void
spawn_activate_cb (GApplication *application,
                   Stage        *self)
{
  coro_spawn (work_cb, self, NULL);
}

static gboolean
yield_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Stage *self = user_data;

  for (int i = 0; i < 3; i++)
    if (!coro_yield (error))
      return FALSE;
  self->n_done++;
  return TRUE;
}

static void
yield_activate_cb (GApplication *application,
                   Stage        *self)
{
  coro_spawn (yield_cb, self, NULL);
}

/* The first thing that the process does with coroutines: the spawn is a message until the main
 * loop turns. */
static void
test_waits_for_first (void)
{
  g_autoptr (GApplication) application = g_application_new (NULL, G_APPLICATION_NON_UNIQUE);
  Stage stage = { NULL, };

  coro_application_attach (application);
  g_signal_connect (application, "activate", G_CALLBACK (yield_activate_cb), &stage);
  g_assert_cmpint (g_application_run (application, 0, NULL), ==, 0);
  g_assert_cmpint (stage.n_done, ==, 1);
}

/* A coroutine of ::activate runs to its end although nothing else holds the application. */
static void
test_waits (void)
{
  Stage stage = { NULL, };

  stage_run (&stage, G_TYPE_APPLICATION, TRUE, G_CALLBACK (spawn_activate_cb));
  g_assert_cmpint (stage.n_begun, ==, 1);
  g_assert_cmpint (stage.n_done, ==, 1);
  g_assert_cmpint (stage.n_cancelled, ==, 0);
}

static void
attach_late_activate_cb (GApplication *application,
                         Stage        *self)
{
  coro_spawn (work_cb, self, NULL);
  coro_application_attach (application);
  coro_application_attach (application);
}

static void
test_attached_late (void)
{
  Stage stage = { NULL, };

  stage_run (&stage, G_TYPE_APPLICATION, FALSE, G_CALLBACK (attach_late_activate_cb));
  g_assert_cmpint (stage.n_done, ==, 1);
}

static gboolean
spawn_group_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_UNJOINED);

  coro_task_group_spawn (group, work_cb, user_data, NULL);
  return TRUE;
}

static void
group_activate_cb (GApplication *application,
                   Stage        *self)
{
  coro_spawn (spawn_group_cb, self, NULL);
}

/* So does one of a group that nothing else waits for. */
static void
test_waits_for_group (void)
{
  Stage stage = { NULL, };

  stage_run (&stage, G_TYPE_APPLICATION, TRUE, G_CALLBACK (group_activate_cb));
  g_assert_cmpint (stage.n_done, ==, 1);
}

static void
background_activate_cb (GApplication *application,
                        Stage        *self)
{
  coro_task_group_spawn (self->background, tick_cb, self, NULL);
}

/* A background coroutine does not keep the application; but it begins, and is cancelled. */
static void
test_background (void)
{
  Stage stage = { NULL, };

  stage_run (&stage, G_TYPE_APPLICATION, TRUE, G_CALLBACK (background_activate_cb));
  g_assert_cmpint (stage.n_begun, ==, 1);
  g_assert_cmpint (stage.n_cancelled, ==, 1);
}

static gboolean
nursery_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, tick_cb, user_data, NULL);
  return coro_nursery_join (&nursery);
}

static void
nursery_activate_cb (GApplication *application,
                     Stage        *self)
{
  coro_task_group_spawn (self->background, nursery_cb, self, NULL);
}

static void
test_background_nursery (void)
{
  Stage stage = { NULL, };

  stage_run (&stage, G_TYPE_APPLICATION, TRUE, G_CALLBACK (nursery_activate_cb));
  g_assert_cmpint (stage.n_begun, <=, 1);       /* its nursery may be cancelled before */
  g_assert_cmpint (stage.n_cancelled, ==, stage.n_begun);
}

/* --- windows ---------------------------------------------------------------------- */

static gboolean
close_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Stage *self = user_data;

  if (!coro_sleep (100 * SECOND, error))
    return FALSE;
  coro_spawn (work_cb, self, NULL);
  close_window (self->application);
  return TRUE;
}

static void
window_activate_cb (GApplication *application,
                    Stage        *self)
{
  open_window (application);
  coro_task_group_spawn (self->background, tick_cb, self, NULL);
  coro_task_group_spawn (self->background, close_cb, self, NULL);
}

/* What is spawned as the last window is closed has its time. */
static void
test_last_window (void)
{
  Stage stage = { NULL, };

  stage_run (&stage, windowed_application_get_type (), TRUE, G_CALLBACK (window_activate_cb));
  g_assert_cmpint (stage.n_done, ==, 1);
  g_assert_cmpint (stage.n_cancelled, ==, 1);
}

static gboolean
check_time_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  Stage *self = user_data;
  gint64 start;

  if (!coro_sleep (100 * SECOND, error))
    return FALSE;
  coro_spawn (work_cb, self, NULL);
  coro_spawn (tick_cb, self, NULL);
  start = coro_scheduler_get_time (self->scheduler);
  close_window (self->application);
  if (!coro_sleep (10 * SECOND, error))
    return FALSE;
  open_window (self->application);              /* again: the time begins anew */
  if (!coro_sleep (100 * SECOND, error))
    return FALSE;
  g_assert_cmpint (self->n_done, ==, 1);
  start = coro_scheduler_get_time (self->scheduler);
  close_window (self->application);
  while (coro_sleep (1000 * SECOND, error))
    ;
  g_assert_cmpint (coro_scheduler_get_time (self->scheduler) - start, ==, 30 * SECOND);
  return FALSE;
}

static void
forever_activate_cb (GApplication *application,
                     Stage        *self)
{
  open_window (application);
  coro_task_group_spawn (self->background, check_time_cb, self, NULL);
}

/* A loop that never ends does not keep a program for ever that nothing is seen of. */
static void
test_limit (void)
{
  Stage stage = { NULL, };

  g_test_expect_message ("Coro", G_LOG_LEVEL_MESSAGE, "*30 s ago*1 coroutines any more: *tick_cb*");
  stage_run (&stage, windowed_application_get_type (), TRUE, G_CALLBACK (forever_activate_cb));
  g_test_assert_expected_messages ();
  g_assert_cmpint (stage.n_done, ==, 1);
  g_assert_cmpint (stage.n_cancelled, ==, 1);
}

/* --- the end ---------------------------------------------------------------------- */

static void
quit_activate_cb (GApplication *application,
                  Stage        *self)
{
  coro_spawn (work_cb, self, NULL);
  coro_task_group_spawn (self->background, work_cb, self, NULL);
  g_application_quit (application);
}

/* What has not begun when the application quits runs to its first wait. */
static void
test_quit_before_begun (void)
{
  Stage stage = { NULL, };

  stage_run (&stage, G_TYPE_APPLICATION, TRUE, G_CALLBACK (quit_activate_cb));
  g_assert_cmpint (stage.n_begun, ==, 2);
  g_assert_cmpint (stage.n_cancelled, ==, 2);
}

static gboolean
clean_up_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  Stage *self = user_data;

  self->n_begun++;
  if (!coro_sleep (SECOND, error))
    return FALSE;
  g_application_quit (self->application);
  if (coro_sleep (100 * SECOND, error))
    return TRUE;
  if (coro_sleep (SECOND, NULL))
    self->n_cancelled++;
  return FALSE;
}

static gboolean
must_not_run_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_assert_not_reached ();
}

static void
clean_up_activate_cb (GApplication *application,
                      Stage        *self)
{
  g_autoptr (GError) error = NULL;

  g_application_hold (application);
  g_assert_false (coro_run (must_not_run_cb, NULL, NULL, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NESTED_RUN);
  coro_spawn (clean_up_cb, self, NULL);
  g_assert_cmpint (self->n_begun, ==, 0);
}

static void
test_clean_up (void)
{
  Stage stage = { NULL, };

  stage_run (&stage, G_TYPE_APPLICATION, TRUE, G_CALLBACK (clean_up_activate_cb));
  g_assert_cmpint (stage.n_begun, ==, 1);
  g_assert_cmpint (stage.n_cancelled, ==, 1);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/application/waits-for-the-first", test_waits_for_first);
  g_test_add_func ("/spec/S117-S118/application", test_clean_up);
  g_test_add_func ("/application/waits", test_waits);
  g_test_add_func ("/application/attached-late", test_attached_late);
  g_test_add_func ("/application/waits-for-group", test_waits_for_group);
  g_test_add_func ("/application/background", test_background);
  g_test_add_func ("/application/background-nursery", test_background_nursery);
  g_test_add_func ("/application/last-window", test_last_window);
  g_test_add_func ("/application/limit-without-windows", test_limit);
  g_test_add_func ("/application/quit-before-begun", test_quit_before_begun);

  return g_test_run ();
}
