/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <coro-glib/coro-glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "demo-hash.h"
#include "demo-sha256sum.h"

#define HASH_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HASH_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* A folder, and what demo_hash_tree() made of it. */
typedef struct
{
  char *path;
  GFile *root;
  GHashTable *items;           /* path → DemoFileItem */
  DemoHashProgress progress;
  guint remove_at;             /* remove all files when so many are finished; 0: never */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->path = g_dir_make_tmp ("coro-demo-test-XXXXXX", NULL);
  fixture->root = g_file_new_for_path (fixture->path);
  fixture->items = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
}

static void
remove_all (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        {
          g_chmod (child, 0700);
          remove_all (child);
        }
      else
        {
          g_unlink (child);
        }
    }
  g_rmdir (path);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  remove_all (fixture->path);
  g_hash_table_unref (fixture->items);
  g_object_unref (fixture->root);
  g_free (fixture->path);
}

static char *
write_file (Fixture *fixture, const char *name, const char *text)
{
  char *path = g_build_filename (fixture->path, name, NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  g_chmod (path, 0644);
  return path;
}

static void
write_link (Fixture *fixture, const char *name, const char *target)
{
  g_autofree char *path = g_build_filename (fixture->path, name, NULL);

  g_assert_cmpint (symlink (target, path), ==, 0);
}

static void
take_item_cb (DemoFileItem *item, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_assert_true (g_utf8_validate (demo_file_item_get_path (item), -1, NULL));
  g_assert_false (g_hash_table_contains (fixture->items, demo_file_item_get_path (item)));
  g_hash_table_insert (fixture->items, g_strdup (demo_file_item_get_path (item)), item);
  if (g_hash_table_size (fixture->items) == fixture->remove_at)
    remove_all (fixture->path);
}

static gboolean
hash_tree_cb (gpointer user_data, GValue *result, GError **error)
{
  Fixture *fixture = user_data;

  return demo_hash_tree (fixture->root, &fixture->progress, take_item_cb, fixture, error);
}

static void
hash_tree (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  coro_run (hash_tree_cb, fixture, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (fixture->progress.walking);
  g_assert_cmpuint (fixture->progress.n_done, ==, fixture->progress.n_found);
  g_assert_cmpuint (fixture->progress.n_done, ==, g_hash_table_size (fixture->items));
}

static void
assert_hash (Fixture *fixture, const char *path, gsize size, const char *hash)
{
  DemoFileItem *item = g_hash_table_lookup (fixture->items, path);

  g_assert_nonnull (item);
  g_assert_cmpstr (demo_file_item_get_message (item), ==, NULL);
  g_assert_cmpuint (demo_file_item_get_size (item), ==, size);
  g_assert_cmpstr (demo_file_item_get_hash (item), ==, hash);
}

static void
assert_problem (Fixture *fixture, const char *path, const char *message)
{
  DemoFileItem *item = g_hash_table_lookup (fixture->items, path);

  g_assert_nonnull (item);
  g_assert_true (demo_file_item_is_problem (item));
  g_assert_cmpstr (demo_file_item_get_message (item), ==, message);
}

/* --- good files ------------------------------------------------------------------- */

static void
test_tree (Fixture *fixture, gconstpointer data)
{
  g_test_summary ("Every file of every folder is hashed");

  g_free (write_file (fixture, "abc", "abc"));
  g_free (write_file (fixture, "a/b/c/empty", ""));
  hash_tree (fixture);
  g_assert_cmpuint (fixture->progress.n_done, ==, 2);
  g_assert_cmpuint (fixture->progress.n_problems, ==, 0);
  g_assert_cmpuint (fixture->progress.n_bytes, ==, 3);
  assert_hash (fixture, "abc", 3, HASH_OF_ABC);
  assert_hash (fixture, "a/b/c/empty", 0, HASH_OF_NOTHING);
}

static void
test_empty_folder (Fixture *fixture, gconstpointer data)
{
  g_test_summary ("An empty folder has no files, and that is no failure");

  hash_tree (fixture);
  g_assert_cmpuint (fixture->progress.n_found, ==, 0);
}

static void
test_large_file (Fixture *fixture, gconstpointer data)
{
  g_autofree char *text = g_strnfill (1000000, 'x');
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

  g_test_summary ("A file of many chunks has the hash of its whole contents");

  g_free (write_file (fixture, "large", text));
  hash_tree (fixture);
  assert_hash (fixture, "large", 1000000, hash);
  g_assert_cmpuint (fixture->progress.n_bytes, ==, 1000000);
}

static void
test_odd_names (Fixture *fixture, gconstpointer data)
{
  g_test_summary ("A file name that is no UTF-8 has a row that is");

  g_free (write_file (fixture, "caf\xe9", "abc"));
  g_free (write_file (fixture, "two\nlines", "abc"));
  hash_tree (fixture);
  g_assert_cmpuint (fixture->progress.n_problems, ==, 0);
  assert_hash (fixture, "caf\xef\xbf\xbd", 3, HASH_OF_ABC);
  assert_hash (fixture, "two\nlines", 3, HASH_OF_ABC);
}

/* --- bad files -------------------------------------------------------------------- */

static void
test_links (Fixture *fixture, gconstpointer data)
{
  g_test_summary ("Links: to a file it is hashed, broken or in a circle it is a problem, to a folder it is not followed");

  g_free (write_file (fixture, "folder/abc", "abc"));
  write_link (fixture, "to-file", "folder/abc");
  write_link (fixture, "broken", "nowhere");
  write_link (fixture, "circle-a", "circle-b");
  write_link (fixture, "circle-b", "circle-a");
  write_link (fixture, "folder/to-parent", "..");
  hash_tree (fixture);

  assert_hash (fixture, "folder/abc", 3, HASH_OF_ABC);
  assert_hash (fixture, "to-file", 3, HASH_OF_ABC);
  assert_problem (fixture, "broken", "Does not exist (vanished, or the target of a broken link)");
  assert_problem (fixture, "circle-a", "Symbolic links that lead in a circle");
  assert_problem (fixture, "circle-b", "Symbolic links that lead in a circle");
  g_assert_cmpuint (fixture->progress.n_done, ==, 5);
  g_assert_cmpuint (fixture->progress.n_problems, ==, 3);
}

static void
test_pipe (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->path, "pipe", NULL);

  g_test_summary ("A pipe without a writer does not stop the rest");

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  hash_tree (fixture);
  assert_problem (fixture, "pipe", "Not a regular file (a pipe, socket or device)");
}

static void
test_unreadable (Fixture *fixture, gconstpointer data)
{
  g_autofree char *locked = write_file (fixture, "locked", "abc");
  g_autofree char *inside = write_file (fixture, "locked-folder/inside", "abc");
  g_autofree char *locked_folder = g_path_get_dirname (inside);
  gboolean is_root = geteuid () == 0;

  g_test_summary ("A file and a folder that may not be read are a problem each, and the rest goes on");

  g_free (write_file (fixture, "good", "abc"));
  g_chmod (fixture->path, 0755);
  g_chmod (locked, 0);
  g_chmod (locked_folder, 0);
  /* root may read everything, so the test runs as another user for a while. */
  if (is_root)
    g_assert_cmpint (seteuid (65534), ==, 0);
  hash_tree (fixture);
  if (is_root)
    g_assert_cmpint (seteuid (0), ==, 0);

  assert_hash (fixture, "good", 3, HASH_OF_ABC);
  assert_problem (fixture, "locked", "No permission to read");
  assert_problem (fixture, "locked-folder", "No permission to read");
}

static void
test_vanished (Fixture *fixture, gconstpointer data)
{
  g_test_summary ("Files that vanish between the listing and the reading are problems");

  /* As many as are listed at once, so that all are found before the first is hashed. */
  for (int i = 0; i < 60; i++)
    {
      g_autofree char *name = g_strdup_printf ("file-%d", i);

      g_free (write_file (fixture, name, "abc"));
    }
  fixture->remove_at = 1;
  hash_tree (fixture);

  /* Those that were open already are good; there are not more of them than hashers. */
  g_assert_cmpuint (fixture->progress.n_done, ==, 60);
  g_assert_cmpuint (fixture->progress.n_problems, >=, 50);
  g_assert_cmpuint (fixture->progress.n_problems, <, 60);
}

/* --- the whole fails -------------------------------------------------------------- */

static void
use_root (Fixture *fixture, GFile *root)
{
  g_object_unref (fixture->root);
  fixture->root = root;
}

static void
test_no_such_root (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A folder that does not exist is the failure of the whole");

  use_root (fixture, g_file_get_child (fixture->root, "nowhere"));
  g_assert_false (coro_run (hash_tree_cb, fixture, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpuint (g_hash_table_size (fixture->items), ==, 0);
}

static void
test_root_is_a_file (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = write_file (fixture, "file", "abc");
  g_autoptr (GError) error = NULL;

  g_test_summary ("A file in place of the folder is the failure of the whole");

  use_root (fixture, g_file_new_for_path (path));
  g_assert_false (coro_run (hash_tree_cb, fixture, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY);
}

static gboolean
cancel_cb (gpointer user_data, GValue *result, GError **error)
{
  Fixture *fixture = user_data;
  g_autoptr (CoroTask) task = coro_spawn_task (hash_tree_cb, fixture, NULL);
  g_autoptr (GError) local_error = NULL;
  guint n_items;

  while (g_hash_table_size (fixture->items) < 3)
    if (!coro_yield (error))
      return FALSE;
  coro_task_cancel (task);
  g_assert_false (coro_await (task, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  n_items = g_hash_table_size (fixture->items);
  g_assert_cmpuint (n_items, <, 200);
  g_assert_cmpuint (coro_scheduler_count_coroutines (coro_scheduler_get_running ()), ==, 1);
  return TRUE;
}

static void
test_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A cancelled run ends early, and leaves no hasher behind");

  for (int i = 0; i < 200; i++)
    {
      g_autofree char *name = g_strdup_printf ("file-%d", i);

      g_free (write_file (fixture, name, "abc"));
    }
  coro_run (cancel_cb, fixture, NULL, &error);
  g_assert_no_error (error);
}

/* --- sha256sum -------------------------------------------------------------------- */

static gboolean
sha256sum_cb (gpointer user_data, GValue *result, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (user_data);
  char *hash = demo_sha256sum (file, error);

  return hash != NULL && coro_return_take_string (result, hash);
}

static void
test_sha256sum (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = write_file (fixture, "two\nlines \\", "abc");
  g_auto (GValue) hash = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_test_summary ("sha256sum(1) gives its hash, also of a name that it would escape");

  coro_run (sha256sum_cb, path, &hash, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_value_get_string (&hash), ==, HASH_OF_ABC);
}

static void
test_sha256sum_fails (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->path, "nowhere", NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("What sha256sum(1) complains of is in the error");

  g_assert_false (coro_run (sha256sum_cb, path, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "nowhere"));
}

#define ADD(name, func) g_test_add ("/demo/hash/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("tree", test_tree);
  ADD ("empty-folder", test_empty_folder);
  ADD ("large-file", test_large_file);
  ADD ("odd-names", test_odd_names);
  ADD ("links", test_links);
  ADD ("pipe", test_pipe);
  ADD ("unreadable", test_unreadable);
  ADD ("vanished", test_vanished);
  ADD ("no-such-root", test_no_such_root);
  ADD ("root-is-a-file", test_root_is_a_file);
  ADD ("cancelled", test_cancelled);
  ADD ("sha256sum", test_sha256sum);
  ADD ("sha256sum-fails", test_sha256sum_fails);

  return g_test_run ();
}
