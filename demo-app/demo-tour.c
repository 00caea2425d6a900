/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-tour.h"

#include <coro-gtk/coro-gtk.h>
#include <glib/gi18n.h>

#include "demo-io.h"
#include "demo-screenshot.h"
#include "demo-tour-faults.h"
#include "demo-warnings.h"

/* The tour: uses the window as a person would, and looks at it.
 *
 * It is a coroutine, and so a plain story: start the work, wait until it is well under way,
 * take a picture, wait until it is finished, take another, look at the results.  It is of
 * the application and not of the window, because its last act is to close the window.
 *
 * What it prints is for the developers of this program, and not translated. */

#define MAX_FRAMES 60000
#define MIN_FRAMES 30
#define SETTLE (400 * G_TIME_SPAN_MILLISECOND)
#define ENOUGH_COROUTINES 20     /* eight hashers, the downloads and the server's answers */
#define LONG_ENOUGH (900 * G_TIME_SPAN_SECOND)  /* on a machine that others use, too */

typedef struct
{
  DemoWindow *window;        /* (nullable) (weak pointer): gone after the last act */
  DemoFrameMeter *meter;
  GFile *folder;             /* (not owned): where pictures go */
  DemoFrameStats *frames;    /* (not owned): of the current phase */
  DemoFrameStats *work;      /* (not owned): what was computed in each */
  guint n_failed;            /* expectations */
} Tour;

/* --- waiting ---------------------------------------------------------------------- */

static void
notify_cb (GObject *object, GParamSpec *pspec, CoroFuture *changed)
{
  gboolean value;

  g_object_get (object, pspec->name, &value, NULL);
  if (!value)
    coro_future_resolve_boolean (changed, TRUE);
}

/* Waits until @property of @object is FALSE. */
static gboolean
wait_until_unset (gpointer object, const char *property, GError **error)
{
  g_auto (CoroTimeout) timeout = coro_timeout_enter (LONG_ENOUGH, error);
  g_autoptr (CoroFuture) changed = coro_future_new ();
  g_autofree char *signal = g_strconcat ("notify::", property, NULL);
  gboolean value;
  gboolean ok;
  gulong id;

  g_object_get (object, property, &value, NULL);
  if (!value)
    return TRUE;
  id = g_signal_connect (object, signal, G_CALLBACK (notify_cb), changed);
  ok = coro_await (changed, NULL, error);
  g_signal_handler_disconnect (object, id);
  return ok;
}

/* --- telling ---------------------------------------------------------------------- */

static void
tour_expect (Tour *tour, gboolean met, const char *what)
{
  g_print ("  %s %s\n", met ? "[ok]    " : "[FAILED]", what);
  tour->n_failed += !met;
}

static double
to_ms (GTimeSpan span)
{
  return span / (double) G_TIME_SPAN_MILLISECOND;
}

static void
tour_begin (Tour *tour)
{
  demo_frame_stats_reset (tour->frames);
  demo_frame_stats_reset (tour->work);
  demo_frame_meter_set_recorder (tour->meter, tour->frames, tour->work);
}

static GTimeSpan
tour_end (Tour *tour, const char *phase)
{
  GTimeSpan worst = demo_frame_stats_get_percentile (tour->frames, 100);

  demo_frame_meter_set_recorder (tour->meter, NULL, NULL);
  if (demo_frame_stats_get_length (tour->frames) < MIN_FRAMES)
    return worst;                          /* too few to say anything */
  g_print ("  frame gaps, %-28s %5u frames   p50 %5.1f   p95 %5.1f   p99 %5.1f   max %5.1f ms\n", phase,
           demo_frame_stats_get_length (tour->frames),
           to_ms (demo_frame_stats_get_percentile (tour->frames, 50)),
           to_ms (demo_frame_stats_get_percentile (tour->frames, 95)),
           to_ms (demo_frame_stats_get_percentile (tour->frames, 99)), to_ms (worst));
  return worst;
}

/* Rendering a picture takes several frames: that time is no fault of what is measured. */
static gboolean
tour_picture (Tour *tour, const char *name, GError **error)
{
  g_autoptr (GFile) file = g_file_get_child (tour->folder, name);
  g_autofree char *path = g_file_get_parse_name (file);

  demo_frame_meter_set_recorder (tour->meter, NULL, NULL);
  if (!demo_screenshot_save (GTK_WINDOW (tour->window), file, error))
    return FALSE;
  g_print ("  picture %s\n", path);
  for (int i = 0; i < 2; i++)
    if (!coro_gtk_next_frame (tour->window, NULL, error))
      return FALSE;
  demo_frame_meter_set_recorder (tour->meter, tour->frames, tour->work);
  return TRUE;
}

/* --- the Files page --------------------------------------------------------------- */

static gboolean
tour_idle (Tour *tour, GError **error)
{
  g_print ("An idle window\n");
  if (!coro_sleep (G_TIME_SPAN_SECOND, error))       /* opening a window drops frames */
    return FALSE;
  tour_begin (tour);
  if (!coro_sleep (2 * G_TIME_SPAN_SECOND, error) || !tour_picture (tour, "01-idle.png", error))
    return FALSE;
  tour_end (tour, "idle");
  return TRUE;
}

static gboolean
tour_hash (Tour *tour, const char *path, const char *running, const char *done, GError **error)
{
  DemoFilesPage *page = demo_window_get_files_page (tour->window);
  const DemoHashProgress *progress = demo_files_page_get_progress (page);
  g_autoptr (GFile) folder = g_file_new_for_path (path);

  g_print ("Files: every file below %s\n", path);
  demo_files_page_set_folder (page, folder);
  tour_begin (tour);
  demo_files_page_start (page);
  if (running != NULL)
    {
      /* Under way, whatever the machine's speed. */
      while (demo_files_page_is_busy (page) && progress->n_done < 1500)
        if (!coro_sleep (10 * G_TIME_SPAN_MILLISECOND, error))
          return FALSE;
      if (!tour_picture (tour, running, error))
        return FALSE;
    }
  if (!wait_until_unset (page, "busy", error))
    return FALSE;
  g_print ("  %s\n", demo_files_page_get_status (page));
  tour_end (tour, "hashing files");
  tour_expect (tour, progress->n_done == progress->n_found && progress->n_found > 0, "every file that was found is done");
  return done == NULL || tour_picture (tour, done, error);
}

static gboolean
tour_files (Tour *tour, GError **error)
{
  DemoFilesPage *page = demo_window_get_files_page (tour->window);

  if (!tour_hash (tour, "/usr/include", "02-files-running.png", NULL, error))
    return FALSE;
  demo_files_page_select (page, 3);
  demo_files_page_verify (page);
  while (*demo_files_page_get_verdict (page) == '\0')
    if (!coro_sleep (10 * G_TIME_SPAN_MILLISECOND, error))
      return FALSE;
  tour_expect (tour, g_str_equal (demo_files_page_get_verdict (page), _("sha256sum computes the same")),
               "sha256sum computes the same for a row");
  return tour_picture (tour, "03-files-done.png", error);
}

static gboolean
tour_faulty_files (Tour *tour, GError **error)
{
  const DemoHashProgress *progress = demo_files_page_get_progress (demo_window_get_files_page (tour->window));
  g_autofree char *folder = g_dir_make_tmp ("coro-demo-XXXXXX", error);
  guint n_problems;
  gboolean ok;

  if (folder == NULL)
    return FALSE;
  n_problems = demo_tour_make_faults (folder);
  ok = tour_hash (tour, folder, NULL, "04-files-faults.png", error);
  demo_tour_remove_faults (folder);
  if (!ok)
    return FALSE;
  tour_expect (tour, progress->n_problems == n_problems, "broken links, circles and a pipe are rows with a message");
  return TRUE;
}

static gboolean
tour_missing_folder (Tour *tour, GError **error)
{
  DemoFilesPage *page = demo_window_get_files_page (tour->window);
  g_autoptr (GFile) folder = g_file_new_for_path ("/no/such/folder");

  g_print ("Files: a folder that does not exist\n");
  demo_files_page_set_folder (page, folder);
  demo_files_page_start (page);
  if (!wait_until_unset (page, "busy", error))
    return FALSE;
  g_print ("  %s\n", demo_files_page_get_status (page));
  tour_expect (tour, g_str_has_prefix (demo_files_page_get_status (page), "/no/such/folder: "), "the page says so");
  return TRUE;
}

/* --- the Network page ------------------------------------------------------------- */

typedef struct
{
  const char *query;          /* how to know the sample by its address */
  DemoDownloadState state;
  guint attempts;
  const char *what;
} Expectation;

static const Expectation expectations[] = {
  { "rate=900000", DEMO_DOWNLOAD_DONE, 1, "a large file is saved" },
  { "rate=600000", DEMO_DOWNLOAD_DONE, 1, "another one meanwhile" },
  { "rate=400000", DEMO_DOWNLOAD_CANCELLED, 1, "a third one is cancelled half-way" },
  { "busy=2", DEMO_DOWNLOAD_DONE, 3, "a busy server (503) is asked three times" },
  { "cut=1", DEMO_DOWNLOAD_DONE, 2, "a connection that breaks is taken up again" },
  { "stall=9", DEMO_DOWNLOAD_FAILED, 3, "a server that falls silent times out" },
  { "no/such/file", DEMO_DOWNLOAD_FAILED, 1, "a missing file (404) is not asked for again" },
  { "refused.h", DEMO_DOWNLOAD_FAILED, 3, "a refused connection fails" },
  { "htp:", DEMO_DOWNLOAD_FAILED, 0, "an address that is none fails" },
  { "disk=full", DEMO_DOWNLOAD_FAILED, 1, "a full disk fails" },
};

static DemoDownload *
find_download (DemoNetworkPage *page, const char *query)
{
  GListModel *downloads = demo_network_page_get_downloads (page);

  for (guint i = 0; i < g_list_model_get_n_items (downloads); i++)
    {
      g_autoptr (DemoDownload) download = g_list_model_get_item (downloads, i);

      if (strstr (demo_download_get_url (download), query) != NULL)
        return g_steal_pointer (&download);
    }
  return NULL;
}

static gboolean
wait_for_fraction (DemoDownload *download, double fraction, GError **error)
{
  while (demo_download_is_active (download) &&
         demo_download_get_received (download) <= fraction * demo_download_get_total (download))
    if (!coro_sleep (10 * G_TIME_SPAN_MILLISECOND, error))
      return FALSE;
  return TRUE;
}

static void
tour_judge_downloads (Tour *tour)
{
  DemoNetworkPage *page = demo_window_get_network_page (tour->window);

  for (gsize i = 0; i < G_N_ELEMENTS (expectations); i++)
    {
      const Expectation *expected = &expectations[i];
      g_autoptr (DemoDownload) download = find_download (page, expected->query);
      g_autofree char *text = NULL;

      if (download == NULL)
        {
          tour_expect (tour, FALSE, expected->what);
          continue;
        }
      text = g_strdup_printf ("%s: “%s”", expected->what, demo_download_get_message (download));
      tour_expect (tour, demo_download_get_state (download) == expected->state &&
                         demo_download_get_attempt (download) == expected->attempts, text);
    }
}

/* No file may have its final name unless its download is done. */
static gboolean
tour_judge_folder (Tour *tour, GFile *folder, GError **error)
{
  g_autoptr (GFileEnumerator) enumerator =
    g_file_enumerate_children (folder, G_FILE_ATTRIBUTE_STANDARD_NAME, G_FILE_QUERY_INFO_NONE, NULL, error);
  GFileInfo *info;
  guint n_whole = 0;
  guint n_parts = 0;

  if (enumerator == NULL)
    return FALSE;
  while (g_file_enumerator_iterate (enumerator, &info, NULL, NULL, error) && info != NULL)
    {
      g_print ("  in the folder: %s\n", g_file_info_get_name (info));
      if (g_str_has_suffix (g_file_info_get_name (info), DEMO_PART_SUFFIX))
        n_parts++;
      else
        n_whole++;
    }
  tour_expect (tour, n_whole == 5 && n_parts == 1, "five whole files, and one part that a retry can go on with");
  return TRUE;
}

static gboolean
tour_network (Tour *tour, GFile *downloads, GError **error)
{
  DemoNetworkPage *page = demo_window_get_network_page (tour->window);
  g_autoptr (DemoDownload) slow = NULL;
  g_autoptr (DemoDownload) disk = NULL;

  g_print ("Network: every sample of the built-in server\n");
  demo_window_show_page (tour->window, "network");
  demo_network_page_set_folder (page, downloads);
  if (!coro_sleep (SETTLE, error))
    return FALSE;
  tour_begin (tour);
  demo_network_page_start_samples (page);
  do
    {
      if (!coro_sleep (10 * G_TIME_SPAN_MILLISECOND, error))
        return FALSE;
      slow = find_download (page, "rate=400000");
    }
  while (slow == NULL && demo_network_page_is_busy (page));
  if (slow == NULL || !wait_for_fraction (slow, 0.3, error))
    return FALSE;
  demo_download_cancel (slow);              /* before the picture: it may be done by then */
  if (!tour_picture (tour, "05-network-running.png", error))
    return FALSE;
  if (!wait_until_unset (page, "busy", error))
    return FALSE;
  tour_end (tour, "downloading");
  tour_judge_downloads (tour);
  if (!tour_picture (tour, "06-network-done.png", error))
    return FALSE;

  g_print ("Network: once more, by hand, what the full disk had stopped\n");
  disk = find_download (page, "disk=full");
  demo_network_page_start (page, disk);
  if (!wait_until_unset (page, "busy", error))
    return FALSE;
  tour_expect (tour, demo_download_get_state (disk) == DEMO_DOWNLOAD_DONE, demo_download_get_message (disk));
  return tour_judge_folder (tour, downloads, error);
}

/* --- the frame meter -------------------------------------------------------------- */

/* Also gives the longest processor time between two frames. */
static gboolean
tour_experiment (Tour *tour, void (*experiment) (DemoFrameMeter *), const char *phase, const char *picture,
                 GTimeSpan *worst, GTimeSpan *most_work, GError **error)
{
  if (!coro_sleep (SETTLE, error))
    return FALSE;
  tour_begin (tour);
  experiment (tour->meter);
  if (!wait_until_unset (tour->meter, "busy", error) || !coro_sleep (G_TIME_SPAN_SECOND, error) ||
      !tour_picture (tour, picture, error))
    return FALSE;
  *most_work = demo_frame_stats_get_percentile (tour->work, 100);
  *worst = tour_end (tour, phase);
  g_print ("  computed between two frames: %.1f ms at the most\n", to_ms (*most_work));
  return TRUE;
}

static gboolean
tour_meter (Tour *tour, GError **error)
{
  GTimeSpan worst, blocked_work, yielding_work;

  g_print ("Frame meter: 250 ms of work in one go\n");
  if (!tour_experiment (tour, demo_frame_meter_block, "main loop blocked", "07-meter-block.png",
                        &worst, &blocked_work, error))
    return FALSE;
  tour_expect (tour, worst >= 240 * G_TIME_SPAN_MILLISECOND, "the meter catches the block");

  g_print ("Frame meter: the same work as a coroutine\n");
  if (!tour_experiment (tour, demo_frame_meter_work, "the same in a coroutine", "08-meter-coroutine.png",
                        &worst, &yielding_work, error))
    return FALSE;
  /* The length of a gap depends on other processes; the processor time in it does not. */
  tour_expect (tour, yielding_work < blocked_work / 2, "the work is spread over many frames");
  return TRUE;
}

/* --- the Study page --------------------------------------------------------------- */

static gboolean
tour_study (Tour *tour, GError **error)
{
  const DemoStudyProgram *programs = demo_study_get_programs ();

  g_print ("Study: nine programs\n");
  demo_window_show_page (tour->window, "study");
  if (!coro_sleep (SETTLE, error))
    return FALSE;
  tour_begin (tour);
  for (int i = 0; i < DEMO_STUDY_N_PROGRAMS; i++)
    {
      DemoStudyTopic *topic = demo_study_page_show_topic (demo_window_get_study_page (tour->window), programs[i].name);
      g_autofree char *output = NULL;

      demo_study_topic_start (topic);
      if (i == DEMO_STUDY_N_PROGRAMS - 1 &&
          (!coro_sleep (SETTLE, error) || !tour_picture (tour, "09-study-running.png", error)))
        return FALSE;
      if (!wait_until_unset (topic, "busy", error))
        return FALSE;
      if (i == 0 && !tour_picture (tour, "10-study-done.png", error))
        return FALSE;
      output = demo_study_topic_dup_output (topic);
      tour_expect (tour, strchr (output, '\n') != strrchr (output, '\n'), programs[i].name);
    }
  tour_end (tour, "nine programs");
  return TRUE;
}

/* --- the end ---------------------------------------------------------------------- */

/* Closes the window while both pages work. */
static gboolean
tour_close (Tour *tour, GError **error)
{
  g_auto (CoroTimeout) timeout = coro_timeout_enter (LONG_ENOUGH, error);
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  g_autoptr (GFile) folder = g_file_new_for_path ("/usr/include");
  gpointer window = tour->window;
  gsize n_running;

  g_print ("Closing the window while both pages work\n");
  demo_files_page_set_folder (demo_window_get_files_page (tour->window), folder);
  demo_files_page_start (demo_window_get_files_page (tour->window));
  demo_network_page_start_samples (demo_window_get_network_page (tour->window));
  while (demo_files_page_is_busy (demo_window_get_files_page (tour->window)) &&
         coro_scheduler_count_coroutines (scheduler) < ENOUGH_COROUTINES)
    if (!coro_sleep (10 * G_TIME_SPAN_MILLISECOND, error))
      return FALSE;

  n_running = coro_scheduler_count_coroutines (scheduler);
  g_object_add_weak_pointer (window, &window);
  gtk_window_close (GTK_WINDOW (tour->window));
  while (window != NULL || coro_scheduler_count_coroutines (scheduler) > 1)
    if (!coro_sleep (10 * G_TIME_SPAN_MILLISECOND, error))
      return FALSE;
  g_print ("  %" G_GSIZE_FORMAT " coroutines ran, 1 is left: the tour itself\n", n_running);
  tour_expect (tour, n_running >= ENOUGH_COROUTINES, "the window was closed in the middle of the work, and is gone");
  return TRUE;
}

static gboolean
tour_walk (Tour *tour, GFile *downloads, GError **error)
{
  return tour_idle (tour, error) &&
         tour_files (tour, error) &&
         tour_faulty_files (tour, error) &&
         tour_missing_folder (tour, error) &&
         tour_network (tour, downloads, error) &&
         tour_meter (tour, error) &&
         tour_study (tour, error) &&
         tour_close (tour, error);
}

/* A tour that was broken off leaves its window open, and the window would keep the application. */
static void
tour_leave (Tour *tour)
{
  if (tour->window == NULL)
    return;

  demo_frame_meter_set_recorder (tour->meter, NULL, NULL);
  gtk_window_close (GTK_WINDOW (tour->window));
}

static void
remove_downloads (GFile *folder)
{
  g_autoptr (GFileEnumerator) enumerator =
    g_file_enumerate_children (folder, G_FILE_ATTRIBUTE_STANDARD_NAME, G_FILE_QUERY_INFO_NONE, NULL, NULL);
  GFile *child;

  while (enumerator != NULL && g_file_enumerator_iterate (enumerator, NULL, &child, NULL, NULL) && child != NULL)
    g_file_delete (child, NULL, NULL);
  g_file_delete (folder, NULL, NULL);
}

/* Walks through @window and leaves pictures in @folder.  Fails if anything was not as it
 * should be. */
gboolean
demo_tour_run (DemoWindow *window, GFile *folder, GError **error)
{
  g_autoptr (DemoFrameStats) frames = demo_frame_stats_new (MAX_FRAMES);
  g_autoptr (DemoFrameStats) work = demo_frame_stats_new (MAX_FRAMES);
  g_autofree char *path = g_dir_make_tmp ("coro-demo-XXXXXX", error);
  Tour tour = { .window = window, .meter = demo_window_get_meter (window), .folder = folder, .frames = frames,
                .work = work };
  gboolean ok = FALSE;

  demo_warnings_forgive_gtk ();
  g_object_add_weak_pointer (G_OBJECT (window), (gpointer *) &tour.window);
  if (path != NULL)
    {
      g_autoptr (GFile) downloads = g_file_new_for_path (path);

      ok = demo_io_make_folder (folder, error) && tour_walk (&tour, downloads, error);
      remove_downloads (downloads);
    }
  tour_leave (&tour);
  g_clear_weak_pointer (&tour.window);
  if (!ok)
    return FALSE;
  if (tour.n_failed > 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%u expectations were not met", tour.n_failed);
      return FALSE;
    }
  g_print ("The tour is complete\n");
  return TRUE;
}
