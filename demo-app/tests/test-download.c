/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <coro-glib/coro-glib.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "demo-downloader.h"
#include "demo-download-error.h"
#include "demo-samples.h"
#include "demo-server.h"

/* Downloads from the built-in server, with every fault that it knows. */

#define FILE_SIZE (300 * 1024)
#define RATE "rate=100000000"     /* as fast as it can */

typedef struct
{
  char *source_path;              /* what is served */
  char *target_path;              /* where it goes */
  char *contents;
  DemoServer *server;
  DemoDownloader *downloader;
  CoroTaskGroup *group;           /* the server's requests */
} Fixture;

/* --- the stage -------------------------------------------------------------------- */

static char *
create_contents (guint seed)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  char *contents = g_malloc (FILE_SIZE);

  for (gsize i = 0; i < FILE_SIZE; i++)
    contents[i] = (char) g_rand_int (random);
  return contents;
}

static void
fixture_write_source (Fixture *self, guint seed)
{
  g_autofree char *path = g_build_filename (self->source_path, "data.bin", NULL);
  g_autoptr (GError) error = NULL;

  g_free (self->contents);
  self->contents = create_contents (seed);
  g_file_set_contents (path, self->contents, FILE_SIZE, &error);
  g_assert_no_error (error);
}

static void
fixture_set_up (Fixture *self, CoroTaskGroup *group)
{
  g_autoptr (GFile) source = NULL;
  g_autoptr (GFile) target = NULL;
  g_autoptr (GError) error = NULL;

  self->source_path = g_dir_make_tmp ("coro-demo-test-XXXXXX", NULL);
  self->target_path = g_dir_make_tmp ("coro-demo-test-XXXXXX", NULL);
  fixture_write_source (self, 1);
  source = g_file_new_for_path (self->source_path);
  target = g_file_new_for_path (self->target_path);
  self->group = group;
  self->server = demo_server_new (source, group, &error);
  g_assert_no_error (error);
  self->downloader = demo_downloader_new (target);
  demo_downloader_set_back_off (self->downloader, G_TIME_SPAN_MILLISECOND);
  demo_downloader_set_timeout (self->downloader, 20 * G_TIME_SPAN_SECOND);
}

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      g_unlink (child);
    }
  g_rmdir (path);
}

static void
fixture_clear (Fixture *self)
{
  g_clear_object (&self->downloader);
  g_clear_object (&self->server);
  remove_folder (self->source_path);
  remove_folder (self->target_path);
  g_free (self->source_path);
  g_free (self->target_path);
  g_free (self->contents);
}

typedef void (*Story) (Fixture *fixture);

static gboolean
story_cb (gpointer user_data, GValue *result, GError **error)
{
  Fixture fixture = { NULL };
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_SUPERVISOR, error);

  fixture_set_up (&fixture, nursery.group);
  ((Story) user_data) (&fixture);
  coro_task_group_cancel (nursery.group);
  coro_task_group_join (nursery.group, NULL);
  fixture_clear (&fixture);
  return TRUE;
}

/* Every test is a story told by a coroutine. */
static void
run_story (gconstpointer story)
{
  g_autoptr (GError) error = NULL;

  coro_run (story_cb, (gpointer) story, NULL, &error);
  g_assert_no_error (error);
}

/* --- what the stories say --------------------------------------------------------- */

static DemoDownload *
fixture_create (Fixture *self, const char *query)
{
  g_autofree char *url = demo_server_dup_url (self->server, "data.bin", query);

  return demo_download_new (url);
}

static void
fixture_run (Fixture *self, DemoDownload *download, GQuark domain, int code)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = demo_downloader_run (self->downloader, download, &error);

  if (domain == 0)
    {
      g_assert_no_error (error);
      g_assert_true (ok);
      g_assert_cmpint (demo_download_get_state (download), ==, DEMO_DOWNLOAD_DONE);
    }
  else
    {
      g_assert_error (error, domain, code);
      g_assert_false (ok);
      g_assert_cmpint (demo_download_get_state (download), ==,
                       coro_error_is_cancelled (error) ? DEMO_DOWNLOAD_CANCELLED : DEMO_DOWNLOAD_FAILED);
    }
}

static void
fixture_assert_saved (Fixture *self, const char *name)
{
  g_autofree char *path = g_build_filename (self->target_path, name, NULL);
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  g_file_get_contents (path, &contents, &size, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (contents, size, self->contents, FILE_SIZE);
}

static void
fixture_assert_n_files (Fixture *self, guint expected)
{
  g_autoptr (GDir) dir = g_dir_open (self->target_path, 0, NULL);
  guint n_files = 0;

  while (g_dir_read_name (dir) != NULL)
    n_files++;
  g_assert_cmpuint (n_files, ==, expected);
}

static void
assert_says (DemoDownload *download, const char *text)
{
  if (strstr (demo_download_get_message (download), text) == NULL)
    g_error ("“%s” is not in “%s”", text, demo_download_get_message (download));
}

/* --- success ---------------------------------------------------------------------- */

static void
story_saves (Fixture *fixture)
{
  g_autoptr (DemoDownload) download = fixture_create (fixture, RATE);

  g_test_summary ("A download is saved whole, under its own name, and leaves no part");

  fixture_run (fixture, download, 0, 0);
  fixture_assert_saved (fixture, "data.bin");
  fixture_assert_n_files (fixture, 1);
  g_assert_cmpuint (demo_download_get_attempt (download), ==, 1);
  g_assert_cmpuint (demo_download_get_received (download), ==, FILE_SIZE);
  assert_says (download, "saved as data.bin");
}

static void
story_busy (Fixture *fixture)
{
  g_autoptr (DemoDownload) download = fixture_create (fixture, RATE "&busy=2");

  g_test_summary ("A server that is busy twice is asked a third time");

  fixture_run (fixture, download, 0, 0);
  fixture_assert_saved (fixture, "data.bin");
  g_assert_cmpuint (demo_download_get_attempt (download), ==, 3);
  g_assert_cmpuint (demo_server_get_n_requests (fixture->server), ==, 3);
}

static void
story_resumes (Fixture *fixture)
{
  g_autoptr (DemoDownload) download = fixture_create (fixture, RATE "&cut=2");

  g_test_summary ("A connection that is reset is taken up where it broke");

  fixture_run (fixture, download, 0, 0);
  fixture_assert_saved (fixture, "data.bin");
  fixture_assert_n_files (fixture, 1);
  g_assert_cmpuint (demo_download_get_attempt (download), ==, 3);
  g_assert_cmpuint (demo_server_get_n_resumed (fixture->server), ==, 2);
}

static void
story_same_name (Fixture *fixture)
{
  g_autoptr (DemoDownload) first = fixture_create (fixture, RATE);
  g_autoptr (DemoDownload) second = fixture_create (fixture, RATE);

  g_test_summary ("A second file of the same name gets a number");

  fixture_run (fixture, first, 0, 0);
  fixture_run (fixture, second, 0, 0);
  fixture_assert_saved (fixture, "data.bin");
  fixture_assert_saved (fixture, "data (2).bin");
}

typedef struct
{
  Fixture *fixture;
  DemoDownload *download;
} Run;

static gboolean
run_cb (gpointer user_data, GValue *result, GError **error)
{
  Run *run = user_data;

  return demo_downloader_run (run->fixture->downloader, run->download, error);
}

static gboolean
run_each_cb (Run *run, gpointer user_data, GError **error)
{
  return demo_downloader_run (run->fixture->downloader, run->download, error);
}

static void
story_at_once (Fixture *fixture)
{
  Run runs[20];
  g_autoptr (GError) error = NULL;

  g_test_summary ("Twenty downloads at once, of one name, are twenty whole files");

  for (gsize i = 0; i < G_N_ELEMENTS (runs); i++)
    runs[i] = (Run) { fixture, fixture_create (fixture, RATE) };
  CORO_EACH (runs, 0, run_each_cb, NULL, &error);
  g_assert_no_error (error);

  fixture_assert_n_files (fixture, G_N_ELEMENTS (runs));
  fixture_assert_saved (fixture, "data.bin");
  fixture_assert_saved (fixture, "data (20).bin");
  for (gsize i = 0; i < G_N_ELEMENTS (runs); i++)
    g_object_unref (runs[i].download);
}

/* --- failures --------------------------------------------------------------------- */

static void
story_not_found (Fixture *fixture)
{
  g_autofree char *url = demo_server_dup_url (fixture->server, "no/such/file", NULL);
  g_autoptr (DemoDownload) download = demo_download_new (url);

  g_test_summary ("404 is final, and leaves nothing behind");

  fixture_run (fixture, download, DEMO_HTTP_ERROR, 404);
  g_assert_cmpuint (demo_download_get_attempt (download), ==, 1);
  fixture_assert_n_files (fixture, 0);
  assert_says (download, "404");
}

static void
story_outside (Fixture *fixture)
{
  g_autofree char *base = demo_server_dup_url (fixture->server, "", NULL);
  g_autofree char *url = g_strconcat (base, "%2e%2e%2f%2e%2e%2fetc%2fpasswd", NULL);
  g_autoptr (DemoDownload) download = demo_download_new (url);

  g_test_summary ("The server gives nothing that is not below its folder");

  /* libsoup refuses such an address even before the server looks for the file. */
  fixture_run (fixture, download, DEMO_HTTP_ERROR, 400);
  fixture_assert_n_files (fixture, 0);
}

static void
story_always_busy (Fixture *fixture)
{
  g_autoptr (DemoDownload) download = fixture_create (fixture, "busy=9");

  g_test_summary ("A server that stays busy is given up after three attempts");

  fixture_run (fixture, download, DEMO_HTTP_ERROR, 503);
  g_assert_cmpuint (demo_server_get_n_requests (fixture->server), ==, 3);
  assert_says (download, "busy (503)");
}

static void
story_refused (Fixture *fixture)
{
  g_autofree char *url = demo_server_dup_refused_url (fixture->server);
  g_autoptr (DemoDownload) download = demo_download_new (url);

  g_test_summary ("A refused connection fails, and leaves nothing behind");

  fixture_run (fixture, download, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  fixture_assert_n_files (fixture, 0);
  assert_says (download, "refused");
}

static void
story_stalled (Fixture *fixture)
{
  g_autoptr (DemoDownload) download = fixture_create (fixture, RATE "&stall=9");

  g_test_summary ("A server that falls silent times out, and what it sent is kept");

  demo_downloader_set_timeout (fixture->downloader, 300 * G_TIME_SPAN_MILLISECOND);
  fixture_run (fixture, download, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_cmpuint (demo_download_get_attempt (download), ==, 3);
  fixture_assert_n_files (fixture, 1);
  assert_says (download, "silent");
  assert_says (download, "kept");
}

static void
story_mute (Fixture *fixture)
{
  g_autoptr (DemoDownload) download = fixture_create (fixture, "mute=9");

  g_test_summary ("A server that never answers times out, and leaves nothing behind");

  demo_downloader_set_timeout (fixture->downloader, 100 * G_TIME_SPAN_MILLISECOND);
  fixture_run (fixture, download, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  fixture_assert_n_files (fixture, 0);
}

static void
story_retry_by_hand (Fixture *fixture)
{
  g_autoptr (DemoDownload) download = fixture_create (fixture, RATE "&cut=3");

  g_test_summary ("What broke three times is kept as .part, and a retry goes on with it");

  fixture_run (fixture, download, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  fixture_assert_n_files (fixture, 1);
  assert_says (download, "kept");

  fixture_run (fixture, download, 0, 0);
  fixture_assert_saved (fixture, "data.bin");
  fixture_assert_n_files (fixture, 1);
  g_assert_cmpuint (demo_server_get_n_resumed (fixture->server), ==, 3);
}

static void
story_changed (Fixture *fixture)
{
  g_autoptr (DemoDownload) download = fixture_create (fixture, RATE "&cut=3");

  g_test_summary ("A retry does not go on with the part of a file that has changed since");

  fixture_run (fixture, download, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  fixture_write_source (fixture, 2);
  fixture_run (fixture, download, 0, 0);
  fixture_assert_saved (fixture, "data.bin");
}

static void
story_disk_full (Fixture *fixture)
{
  g_autoptr (DemoDownload) download = fixture_create (fixture, RATE);
  g_autoptr (GFile) folder = g_file_new_for_path (fixture->target_path);
  g_autoptr (GFile) file = g_file_get_child (folder, "data.bin");
  g_autoptr (GFile) part = g_file_get_child (folder, "data.bin.part");

  g_test_summary ("A full disk is told in its own words, and leaves nothing behind");

  demo_download_set_file (download, file);
  g_file_make_symbolic_link (part, "/dev/full", NULL, NULL);
  fixture_run (fixture, download, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_cmpuint (demo_download_get_attempt (download), ==, 1);
  fixture_assert_n_files (fixture, 0);
  assert_says (download, g_strerror (ENOSPC));
}

static void
story_bad_folder (Fixture *fixture)
{
  g_autoptr (DemoDownload) download = fixture_create (fixture, RATE);
  g_autoptr (GFile) folder = g_file_new_for_path ("/dev/null/folder");

  g_test_summary ("A folder that cannot be made fails before anything is asked for");

  demo_downloader_set_folder (fixture->downloader, folder);
  fixture_run (fixture, download, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY);
  g_assert_cmpuint (demo_server_get_n_requests (fixture->server), ==, 0);
}

static void
story_invalid_url (Fixture *fixture)
{
  static const char * const urls[] = { "", "hello", "htp://example.org/", "http://", "file:///etc/passwd", "http://[::1/", "https:///x" };

  g_test_summary ("What is no web address fails with a message, and is not asked for");

  for (gsize i = 0; i < G_N_ELEMENTS (urls); i++)
    {
      g_autoptr (DemoDownload) download = demo_download_new (urls[i]);

      fixture_run (fixture, download, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
      assert_says (download, "Not a web address");
    }
  fixture_assert_n_files (fixture, 0);
}

static void
story_hostile_name (Fixture *fixture)
{
  g_autofree char *base = demo_server_dup_url (fixture->server, "", NULL);
  g_autofree char *path = g_build_filename (fixture->source_path, "..hidden", NULL);
  g_autofree char *url = g_strconcat (base, "..hidden?" RATE, NULL);
  g_autoptr (DemoDownload) download = demo_download_new (url);
  g_autofree char *name = NULL;

  g_test_summary ("A name from an address is made visible and stays in the folder");

  g_file_set_contents (path, fixture->contents, FILE_SIZE, NULL);
  fixture_run (fixture, download, 0, 0);
  name = g_file_get_basename (demo_download_get_file (download));
  g_assert_cmpstr (name, ==, "hidden");
  fixture_assert_saved (fixture, "hidden");
}

/* --- cancelling ------------------------------------------------------------------- */

static void
story_cancel_before (Fixture *fixture)
{
  g_autoptr (DemoDownload) download = fixture_create (fixture, RATE);
  Run run = { fixture, download };
  g_autoptr (CoroTask) task = coro_spawn_task (run_cb, &run, NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A download that is cancelled before its first step says so and asks for nothing");

  demo_download_set_task (download, task);
  demo_download_cancel (download);
  g_assert_false (coro_await (task, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (demo_download_get_state (download), ==, DEMO_DOWNLOAD_CANCELLED);
  g_assert_cmpuint (demo_server_get_n_requests (fixture->server), ==, 0);
}

/* Waits until @download has some of its bytes. */
static void
wait_for_bytes (DemoDownload *download)
{
  while (demo_download_get_received (download) == 0)
    {
      g_assert_true (demo_download_is_active (download));
      g_assert_true (coro_yield (NULL));
    }
}

static void
story_cancel_during (Fixture *fixture)
{
  g_autoptr (DemoDownload) download = fixture_create (fixture, "rate=200000");
  Run run = { fixture, download };
  g_autoptr (CoroTask) task = coro_spawn_task (run_cb, &run, NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A download that is cancelled half-way removes its part");

  demo_download_set_task (download, task);
  wait_for_bytes (download);
  fixture_assert_n_files (fixture, 1);
  demo_download_cancel (download);
  g_assert_false (coro_await (task, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (demo_download_get_state (download), ==, DEMO_DOWNLOAD_CANCELLED);
  fixture_assert_n_files (fixture, 0);

  demo_download_set_task (download, NULL);
  fixture_run (fixture, download, 0, 0);
  fixture_assert_saved (fixture, "data.bin");
}

static void
story_cancel_waiting (Fixture *fixture)
{
  g_autoptr (DemoDownload) download = fixture_create (fixture, "busy=9");
  Run run = { fixture, download };
  g_autoptr (CoroTask) task = coro_spawn_task (run_cb, &run, NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A download that is cancelled while it waits for its next attempt makes none");

  demo_downloader_set_back_off (fixture->downloader, G_TIME_SPAN_HOUR);
  demo_download_set_task (download, task);
  while (demo_download_get_state (download) != DEMO_DOWNLOAD_WAITING)
    g_assert_true (coro_yield (NULL));
  demo_download_cancel (download);
  g_assert_false (coro_await (task, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (demo_server_get_n_requests (fixture->server), ==, 1);
}

static void
story_cancel_after (Fixture *fixture)
{
  g_autoptr (DemoDownload) download = fixture_create (fixture, RATE);
  Run run = { fixture, download };
  g_autoptr (CoroTask) task = coro_spawn_task (run_cb, &run, NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("Cancelling what is done changes nothing");

  demo_download_set_task (download, task);
  g_assert_true (coro_await (task, NULL, &error));
  demo_download_cancel (download);
  g_assert_cmpint (demo_download_get_state (download), ==, DEMO_DOWNLOAD_DONE);
  fixture_assert_saved (fixture, "data.bin");
}

static void
story_group_ends (Fixture *fixture)
{
  g_autoptr (DemoDownload) download = fixture_create (fixture, "rate=200000");
  Run run = { fixture, download };
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR);

  g_test_summary ("A group that ends, as a window does, cancels its downloads and leaves them the time to clean up");

  coro_task_group_spawn (group, run_cb, &run, NULL);
  wait_for_bytes (download);
  coro_task_group_cancel (group);
  g_assert_true (coro_task_group_join (group, NULL));
  g_assert_cmpint (demo_download_get_state (download), ==, DEMO_DOWNLOAD_CANCELLED);
  fixture_assert_n_files (fixture, 0);
}

/* --- the server and the samples --------------------------------------------------- */

static void
story_server_forgets (Fixture *fixture)
{
  g_autoptr (DemoDownload) download = fixture_create (fixture, "mute=9");

  g_test_summary ("A request whose client has gone ends");

  demo_downloader_set_timeout (fixture->downloader, 50 * G_TIME_SPAN_MILLISECOND);
  fixture_run (fixture, download, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  /* What stays is the one that accepts. */
  while (coro_task_group_get_n_members (fixture->group) > 1)
    g_assert_true (coro_sleep (G_TIME_SPAN_MILLISECOND, NULL));
}

static void
story_samples (Fixture *fixture)
{
  g_autoptr (GListModel) samples = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("The samples are downloads that have not started, one for each fault");

  samples = demo_samples_new (fixture->server, fixture->downloader, &error);
  g_assert_no_error (error);
  /* One file is served here, where three are looked for. */
  g_assert_cmpuint (g_list_model_get_n_items (samples), ==, 8);
  for (guint i = 0; i < g_list_model_get_n_items (samples); i++)
    {
      g_autoptr (DemoDownload) download = g_list_model_get_item (samples, i);

      g_assert_cmpint (demo_download_get_state (download), ==, DEMO_DOWNLOAD_QUEUED);
      g_assert_cmpstr (demo_download_get_title (download), !=, demo_download_get_url (download));
    }
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    Story story;
  } stories[] = {
    { "saves", story_saves },
    { "busy-server-is-asked-again", story_busy },
    { "reset-is-resumed", story_resumes },
    { "same-name", story_same_name },
    { "at-once", story_at_once },
    { "not-found", story_not_found },
    { "outside-of-the-folder", story_outside },
    { "always-busy", story_always_busy },
    { "refused", story_refused },
    { "stalled", story_stalled },
    { "mute", story_mute },
    { "retry-by-hand", story_retry_by_hand },
    { "changed-in-between", story_changed },
    { "disk-full", story_disk_full },
    { "bad-folder", story_bad_folder },
    { "invalid-url", story_invalid_url },
    { "hostile-name", story_hostile_name },
    { "cancel-before", story_cancel_before },
    { "cancel-during", story_cancel_during },
    { "cancel-waiting", story_cancel_waiting },
    { "cancel-after", story_cancel_after },
    { "group-ends", story_group_ends },
    { "server-forgets", story_server_forgets },
    { "samples", story_samples },
  };

  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (stories); i++)
    {
      g_autofree char *path = g_strconcat ("/demo/download/", stories[i].name, NULL);

      g_test_add_data_func (path, stories[i].story, run_story);
    }
  return g_test_run ();
}
