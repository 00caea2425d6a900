/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <coro-gtk/coro-gtk.h>
#include <glib/gstdio.h>
#include <string.h>

#include "demo-application.h"
#include "demo-window.h"

#include "../../tests/gtk/test-display.h"

/* The whole window, used as a person would, and closed at bad moments. */

#define STEP (5 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  DemoWindow *window;             /* (weak pointer) */
  DemoFilesPage *files_page;      /* (weak pointer) */
  DemoNetworkPage *network_page;  /* (weak pointer) */
  DemoFrameMeter *meter;          /* (weak pointer) */
  char *folder;                   /* for files and downloads */
} Stage;

/* --- the stage -------------------------------------------------------------------- */

static void
watch (gpointer pointer, gpointer object)
{
  *(gpointer *) pointer = object;
  g_object_add_weak_pointer (object, pointer);
}

static void
stage_watch (Stage *self, DemoWindow *window)
{
  g_autoptr (GFile) folder = NULL;

  watch (&self->window, window);
  watch (&self->files_page, demo_window_get_files_page (window));
  watch (&self->network_page, demo_window_get_network_page (window));
  watch (&self->meter, demo_window_get_meter (window));

  self->folder = g_dir_make_tmp ("coro-demo-test-XXXXXX", NULL);
  folder = g_file_new_for_path (self->folder);
  demo_files_page_set_folder (self->files_page, folder);
  demo_network_page_set_folder (self->network_page, folder);
}

static void
stage_set_up (Stage *self)
{
  stage_watch (self, demo_window_new (NULL));
  gtk_window_present (GTK_WINDOW (self->window));
}

static void
stage_clear (Stage *self)
{
  g_autoptr (GDir) dir = g_dir_open (self->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (self->folder, name, NULL);

      g_unlink (path);
    }
  g_rmdir (self->folder);
  g_free (self->folder);
}

/* Every coroutine ends and every object goes, or the test runs into its time limit. */
static void
stage_wait_for_the_end (Stage *self)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();

  while (coro_scheduler_count_coroutines (scheduler) > 1 || self->window != NULL ||
         self->files_page != NULL || self->network_page != NULL || self->meter != NULL)
    g_assert_true (coro_sleep (STEP, NULL));
}

static void
stage_close (Stage *self)
{
  gtk_window_close (GTK_WINDOW (self->window));
  stage_wait_for_the_end (self);
}

static void
stage_assert_no_parts (Stage *self)
{
  g_autoptr (GDir) dir = g_dir_open (self->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, DEMO_PART_SUFFIX))
      g_error ("%s was left behind", name);
}

typedef void (*Story) (Stage *stage);

typedef struct
{
  Stage stage;
  Story story;
} Play;

static gboolean
play_cb (gpointer user_data, GValue *result, GError **error)
{
  Play *play = user_data;

  play->story (&play->stage);
  if (play->stage.window != NULL)
    stage_close (&play->stage);
  return TRUE;
}

/* GTK lives in the default main context, so the story runs there and not in coro_run();
 * and it recurses deep, so the story has a large stack. */
static void
run_story (gconstpointer story)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR);
  g_autoptr (CoroTask) task = NULL;
  g_autoptr (GError) error = NULL;
  Play play = { .story = (Story) story };

  stage_set_up (&play.stage);
  task = coro_task_group_spawn_task (group, play_cb, &play, NULL);
  while (!coro_future_is_done (CORO_FUTURE (task)))
    g_main_context_iteration (NULL, TRUE);
  coro_future_get_result (CORO_FUTURE (task), NULL, &error);
  g_assert_no_error (error);
  stage_clear (&play.stage);
}

/* --- what the stories do ---------------------------------------------------------- */

static void
wait_while_busy (gpointer page)
{
  gboolean busy;

  do
    {
      g_assert_true (coro_sleep (STEP, NULL));
      g_object_get (page, "busy", &busy, NULL);
    }
  while (busy);
}

static void
stage_use_large_folder (Stage *self)
{
  g_autoptr (GFile) folder = g_file_new_for_path ("/usr/include");

  demo_files_page_set_folder (self->files_page, folder);
}

static void
stage_start_both (Stage *self)
{
  stage_use_large_folder (self);
  demo_files_page_start (self->files_page);
  demo_network_page_start_samples (self->network_page);
}

static gboolean
stage_is_downloading (Stage *self)
{
  GListModel *downloads = demo_network_page_get_downloads (self->network_page);
  g_autoptr (DemoDownload) first = g_list_model_get_item (downloads, 0);

  return first != NULL && demo_download_get_received (first) > 0;
}

static void
stage_write (Stage *self, const char *name)
{
  g_autofree char *path = g_build_filename (self->folder, name, NULL);

  g_file_set_contents (path, "abc", 3, NULL);
}

/* --- closing ---------------------------------------------------------------------- */

static void
story_close_mid_work (Stage *stage)
{
  g_test_summary ("Closing the window in the middle of all its work ends every coroutine, frees every object and leaves no part");

  stage_start_both (stage);
  while (!stage_is_downloading (stage) || coro_scheduler_count_coroutines (coro_scheduler_get_running ()) <= 10)
    g_assert_true (coro_sleep (STEP, NULL));

  stage_close (stage);
  stage_assert_no_parts (stage);
}

static void
story_close_at_once (Stage *stage)
{
  g_test_summary ("Closing the window before its coroutines have made a step does too");

  stage_start_both (stage);
  demo_frame_meter_work (stage->meter);
  stage_close (stage);
}

static void
story_destroy_while_held (Stage *stage)
{
  g_autoptr (DemoWindow) held = NULL;
  g_autoptr (GListModel) downloads = g_object_ref (demo_network_page_get_downloads (stage->network_page));
  CoroScheduler *scheduler = coro_scheduler_get_running ();

  g_test_summary ("A window that is destroyed while a reference is left stops its work nevertheless");

  stage_start_both (stage);
  while (!stage_is_downloading (stage))
    g_assert_true (coro_sleep (STEP, NULL));
  held = g_object_ref (stage->window);
  gtk_window_destroy (GTK_WINDOW (held));
  while (coro_scheduler_count_coroutines (scheduler) > 1)
    g_assert_true (coro_sleep (STEP, NULL));
  for (guint i = 0; i < g_list_model_get_n_items (downloads); i++)
    {
      g_autoptr (DemoDownload) download = g_list_model_get_item (downloads, i);

      /* Left alone this one would be saved. */
      if (strstr (demo_download_get_url (download), "rate=900000") != NULL)
        g_assert_cmpint (demo_download_get_state (download), ==, DEMO_DOWNLOAD_CANCELLED);
    }

  g_clear_object (&held);
  stage_wait_for_the_end (stage);
}

static void
story_close_idle (Stage *stage)
{
  g_test_summary ("A window that has done nothing leaves nothing");

  stage_close (stage);
}

/* --- the pages -------------------------------------------------------------------- */

static void
story_files (Stage *stage)
{
  g_autofree char *broken = g_build_filename (stage->folder, "broken", NULL);
  g_autoptr (GFile) link = g_file_new_for_path (broken);

  g_test_summary ("The Files page ends with a summary, and a row can be verified");

  stage_write (stage, "one");
  stage_write (stage, "two");
  g_assert_true (g_file_make_symbolic_link (link, "nowhere", NULL, NULL));
  demo_files_page_start (stage->files_page);
  g_assert_true (demo_files_page_is_busy (stage->files_page));
  wait_while_busy (stage->files_page);

  g_assert_cmpuint (demo_files_page_get_progress (stage->files_page)->n_done, ==, 3);
  g_assert_cmpuint (demo_files_page_get_progress (stage->files_page)->n_problems, ==, 1);
  g_assert_true (g_str_has_prefix (demo_files_page_get_status (stage->files_page), "3 files, 6 bytes"));

  for (guint row = 0; row < 3; row++)
    {
      demo_files_page_select (stage->files_page, row);
      demo_files_page_verify (stage->files_page);
    }
  while (*demo_files_page_get_verdict (stage->files_page) == '\0')
    {
      demo_files_page_select (stage->files_page, 0);
      demo_files_page_verify (stage->files_page);
      g_assert_true (coro_sleep (20 * STEP, NULL));
      if (*demo_files_page_get_verdict (stage->files_page) != '\0')
        break;
      demo_files_page_select (stage->files_page, 1);
      demo_files_page_verify (stage->files_page);
      g_assert_true (coro_sleep (20 * STEP, NULL));
    }
  g_assert_cmpstr (demo_files_page_get_verdict (stage->files_page), ==, "sha256sum computes the same");
}

static void
story_stop (Stage *stage)
{
  const DemoHashProgress *progress = demo_files_page_get_progress (stage->files_page);

  g_test_summary ("Stop ends the run early and says how far it came, and another run can follow");

  stage_use_large_folder (stage);
  for (int i = 0; i < 2; i++)
    {
      demo_files_page_start (stage->files_page);
      while (progress->n_done < 20)
        g_assert_true (coro_sleep (STEP, NULL));
      demo_files_page_cancel (stage->files_page);
      wait_while_busy (stage->files_page);
      g_assert_true (g_str_has_prefix (demo_files_page_get_status (stage->files_page), "Stopped after "));
    }
}

static void
story_stop_at_once (Stage *stage)
{
  g_test_summary ("Stop before the first step leaves a page that can start again");

  demo_files_page_start (stage->files_page);
  demo_files_page_cancel (stage->files_page);
  wait_while_busy (stage->files_page);

  stage_write (stage, "one");
  demo_files_page_start (stage->files_page);
  wait_while_busy (stage->files_page);
  g_assert_cmpuint (demo_files_page_get_progress (stage->files_page)->n_done, ==, 1);
}

static void
story_missing_folder (Stage *stage)
{
  g_autoptr (GFile) folder = g_file_new_for_path ("/no/such/folder");

  g_test_summary ("A folder that does not exist is one message");

  demo_files_page_set_folder (stage->files_page, folder);
  demo_files_page_start (stage->files_page);
  wait_while_busy (stage->files_page);
  g_assert_true (g_str_has_prefix (demo_files_page_get_status (stage->files_page), "/no/such/folder: Does not exist"));
}

static void
story_cancel_all (Stage *stage)
{
  GListModel *downloads = demo_network_page_get_downloads (stage->network_page);

  g_test_summary ("Cancel All leaves no download running");

  demo_window_show_page (stage->window, "network");
  demo_network_page_start_samples (stage->network_page);
  demo_network_page_add (stage->network_page, "no address");
  while (!stage_is_downloading (stage) && g_list_model_get_n_items (downloads) < 2)
    g_assert_true (coro_sleep (STEP, NULL));
  demo_network_page_cancel_all (stage->network_page);
  wait_while_busy (stage->network_page);

  for (guint i = 0; i < g_list_model_get_n_items (downloads); i++)
    {
      g_autoptr (DemoDownload) download = g_list_model_get_item (downloads, i);

      g_assert_false (demo_download_is_active (download));
    }
  stage_assert_no_parts (stage);
}

/* --- the meter -------------------------------------------------------------------- */

/* The longest gap, and the most that the thread has computed in one. */
static GTimeSpan
stage_get_worst_gap (Stage *stage, void (*experiment) (DemoFrameMeter *), GTimeSpan *most_work)
{
  g_autoptr (DemoFrameStats) gaps = demo_frame_stats_new (1000);
  g_autoptr (DemoFrameStats) work = demo_frame_stats_new (1000);

  /* Opening a window drops frames. */
  for (int i = 0; i < 30; i++)
    g_assert_true (coro_gtk_next_frame (stage->window, NULL, NULL));
  demo_frame_meter_set_recorder (stage->meter, gaps, work);
  experiment (stage->meter);
  wait_while_busy (stage->meter);
  for (int i = 0; i < 5; i++)
    g_assert_true (coro_gtk_next_frame (stage->window, NULL, NULL));
  demo_frame_meter_set_recorder (stage->meter, NULL, NULL);
  g_assert_cmpuint (demo_frame_stats_get_length (work), >, 0);
  *most_work = demo_frame_stats_get_percentile (work, 100);
  return demo_frame_stats_get_percentile (gaps, 100);
}

static void
story_study (Stage *stage)
{
  DemoStudyPage *page = demo_window_get_study_page (stage->window);
  const DemoStudyProgram *programs = demo_study_get_programs ();

  g_test_summary ("The Study page has nine pages; each shows its program, runs it and stops it");

  demo_window_show_page (stage->window, "study");
  for (int i = 0; i < DEMO_STUDY_N_PROGRAMS; i++)
    {
      DemoStudyTopic *topic = demo_study_page_show_topic (page, programs[i].name);
      g_autofree char *source = demo_study_topic_dup_source (topic);
      g_autofree char *output = NULL;

      g_assert_nonnull (strstr (source, "_cb (gpointer out, "));
      g_assert_false (demo_study_topic_is_busy (topic));
      gtk_widget_activate_action (GTK_WIDGET (stage->window), "win.start", NULL);
      g_assert_true (demo_study_topic_is_busy (topic));
      do
        {
          g_assert_true (coro_sleep (STEP, NULL));
          g_free (output);
          output = demo_study_topic_dup_output (topic);
        }
      while (*output == '\0');            /* only what runs says something */
      gtk_widget_activate_action (GTK_WIDGET (stage->window), "win.cancel", NULL);
      while (demo_study_topic_is_busy (topic))
        g_assert_true (coro_sleep (STEP, NULL));
    }

  /* And once to its end. */
  demo_study_topic_start (demo_study_page_show_topic (page, "generate"));
  while (demo_study_topic_is_busy (demo_study_page_show_topic (page, "generate")))
    g_assert_true (coro_sleep (STEP, NULL));
}

static void
story_close_mid_study (Stage *stage)
{
  DemoStudyPage *page = demo_window_get_study_page (stage->window);
  const DemoStudyProgram *programs = demo_study_get_programs ();

  g_test_summary ("Closing the window ends all nine programs");

  for (int i = 0; i < DEMO_STUDY_N_PROGRAMS; i++)
    demo_study_topic_start (demo_study_page_show_topic (page, programs[i].name));
  g_assert_true (coro_sleep (50 * G_TIME_SPAN_MILLISECOND, NULL));
  stage_close (stage);
}

static void
story_meter (Stage *stage)
{
  GTimeSpan blocked_gap, blocked_work;
  GTimeSpan yielding_gap, yielding_work;

  g_test_summary ("The meter catches 250 ms of work in one go; as a coroutine the same work leaves no such gap");

  blocked_gap = stage_get_worst_gap (stage, demo_frame_meter_block, &blocked_work);
  yielding_gap = stage_get_worst_gap (stage, demo_frame_meter_work, &yielding_work);
  g_test_message ("in one go: gap %" G_GINT64_FORMAT " µs, computed in it %" G_GINT64_FORMAT " µs; "
                  "as a coroutine: gap %" G_GINT64_FORMAT " µs, computed in it %" G_GINT64_FORMAT " µs",
                  blocked_gap, blocked_work, yielding_gap, yielding_work);
  g_assert_cmpint (blocked_gap, >=, 240 * G_TIME_SPAN_MILLISECOND);
  /* How long a gap lasts is up to the machine, which others use as well; not what is computed in it. */
  g_assert_cmpint (yielding_work, <, blocked_work / 2);
}

/* --- the application -------------------------------------------------------------- */

static gboolean
quit_mid_work_cb (gpointer user_data)
{
  Stage *stage = user_data;

  if (!stage_is_downloading (stage) || demo_files_page_get_progress (stage->files_page)->n_done < 10)
    return G_SOURCE_CONTINUE;
  g_action_group_activate_action (G_ACTION_GROUP (g_application_get_default ()), "quit", NULL);
  return G_SOURCE_REMOVE;
}

static void
activated_cb (GtkApplication *application, Stage *stage)
{
  stage_watch (stage, DEMO_WINDOW (gtk_application_get_active_window (application)));
  stage_start_both (stage);
  g_timeout_add (STEP / 1000, quit_mid_work_cb, stage);
}

static void
test_quit_mid_work (void)
{
  g_autoptr (DemoApplication) application = demo_application_new ();
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);
  Stage stage = { NULL };

  g_test_summary ("Quitting in the middle of all work ends every coroutine before the process, frees every object and leaves no part");

  g_application_set_flags (G_APPLICATION (application), G_APPLICATION_NON_UNIQUE);
  g_signal_connect_after (application, "activate", G_CALLBACK (activated_cb), &stage);
  g_assert_cmpint (g_application_run (G_APPLICATION (application), 0, NULL), ==, 0);

  g_assert_cmpuint (coro_scheduler_count_coroutines (scheduler), ==, 0);
  g_assert_null (stage.window);
  g_assert_null (stage.files_page);
  g_assert_null (stage.network_page);
  g_assert_null (stage.meter);
  stage_assert_no_parts (&stage);
  stage_clear (&stage);
}

static void
test_forgiven_warnings (void)
{
  g_test_summary ("Where warnings are fatal, those that GTK gives for its own frames are not");

  g_log_structured ("Gtk", G_LOG_LEVEL_WARNING, "MESSAGE", "Trying to snapshot GtkStack %p without a current allocation", NULL);
  g_log_structured ("Gdk", G_LOG_LEVEL_WARNING, "MESSAGE", "gdk_frame_timings_submitted() called on submitted frame.", NULL);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    Story story;
  } stories[] = {
    { "close-mid-work", story_close_mid_work },
    { "close-at-once", story_close_at_once },
    { "destroy-while-held", story_destroy_while_held },
    { "close-idle", story_close_idle },
    { "files", story_files },
    { "stop", story_stop },
    { "stop-at-once", story_stop_at_once },
    { "missing-folder", story_missing_folder },
    { "cancel-all", story_cancel_all },
    { "meter", story_meter },
    { "study", story_study },
    { "close-mid-study", story_close_mid_study },
  };

  if (!test_display_init (&argc, &argv))
    return 0;

  for (gsize i = 0; i < G_N_ELEMENTS (stories); i++)
    {
      g_autofree char *path = g_strconcat (strstr (stories[i].name, "study") != NULL ? "/spec/S365/window/" : "/demo/window/",
                                           stories[i].name, NULL);

      g_test_add_data_func (path, stories[i].story, run_story);
    }
  g_test_add_func ("/demo/window/quit-mid-work", test_quit_mid_work);
  g_test_add_func ("/demo/window/forgiven-warnings", test_forgiven_warnings);
  return g_test_run ();
}
