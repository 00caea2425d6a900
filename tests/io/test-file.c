/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Loading, saving and copying whole files.  The same tests run over io_uring and over
 * threads: see meson.build.
 */
#include "lib/forbid-call.h"
#include "lib/process.h"
#include "test-util.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static char *folder;

/* An allocation of just this size fails; 0: none does. */
static gsize refused_size;

/* In place of GLib's, for the library as well. */
gpointer
g_try_malloc (gsize size)
{
  return size > 0 && size == g_atomic_pointer_get (&refused_size) ? NULL : malloc (MAX (size, 1));
}

gpointer
g_try_realloc (gpointer memory,
               gsize    size)
{
  return size > 0 && size == g_atomic_pointer_get (&refused_size) ? NULL : realloc (memory, MAX (size, 1));
}

static char *
get_path (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

static GFile *
get_file (const char *name)
{
  return g_file_new_build_filename (folder, name, NULL);
}

/* Something of a size that tells by each byte where it belongs. */
static GBytes *
make_bytes (gsize size)
{
  guint8 *data = g_malloc (size + 1);

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i ^ (i >> 8) ^ (i >> 16));
  return g_bytes_new_take (data, size);
}

/* Without the flag, GLib writes over what was there and leaves the rest of a longer file. */
static GFile *
make_file (const char *name,
           gsize       size)
{
  g_autofree char *path = get_path (name);
  g_autoptr (GBytes) bytes = make_bytes (size);
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);

  g_assert_true (g_file_set_contents_full (path, data != NULL ? data : "", (gssize) length, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
  return g_file_new_for_path (path);
}

static void
assert_contents (GFile  *file,
                 GBytes *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_file_load_bytes (file, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (bytes, expected));
}

/* What a save or copy that did not succeed must not leave behind. */
static guint
count_files (void)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
remove_folder (void)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = get_path (name);

      g_unlink (path);
    }
  g_rmdir (folder);
}

/* --- loading ---------------------------------------------------------------------- */

static gboolean
load_sizes_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  static const gsize sizes[] = { 0, 1, 4095, 4096, 4097, 262143, 262144, 262145, 1048577, 4194304, 9000001 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GFile) file = make_file ("sizes", sizes[i]);
      g_autoptr (GBytes) expected = make_bytes (sizes[i]);
      g_autoptr (GBytes) bytes = coro_file_load_bytes (file, NULL, error);

      if (bytes == NULL)
        return FALSE;
      g_assert_cmpuint (g_bytes_get_size (bytes), ==, sizes[i]);
      g_assert_true (g_bytes_equal (bytes, expected));
    }
  return TRUE;
}

static gboolean
load_etag_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (GFile) file = make_file ("etag", 10);
  g_autoptr (GFileInfo) info = g_file_query_info (file, "etag::value", G_FILE_QUERY_INFO_NONE, NULL, error);
  g_autofree char *etag = NULL;
  g_autoptr (GBytes) bytes = coro_file_load_bytes (file, &etag, error);

  if (bytes == NULL || info == NULL)
    return FALSE;
  g_assert_cmpstr (etag, ==, g_file_info_get_etag (info));
  return TRUE;
}

/* It says that its size is 0. */
static gboolean
load_proc_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GFile) file = g_file_new_for_path ("/proc/self/cmdline");
      g_autoptr (GBytes) bytes = coro_file_load_bytes (file, NULL, error);

      if (bytes == NULL)
        return FALSE;
      g_assert_cmpuint (g_bytes_get_size (bytes), >, 0);
    }
  return TRUE;
}

static void
assert_load_fails (const char *path,
                   int         code)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  g_autofree char *etag = NULL;

  g_assert_null (coro_file_load_bytes (file, &etag, &error));
  g_assert_error (error, G_IO_ERROR, code);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_null (etag);
  g_assert_null (coro_file_load_bytes (file, NULL, NULL));
}

static gboolean
load_errors_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autofree char *missing = get_path ("missing");
  g_autofree char *below_file = get_path ("plain/below");
  g_autofree char *loop = get_path ("loop");
  g_autofree char *name = g_strnfill (300, 'n');
  g_autofree char *too_long = get_path (name);

  g_object_unref (make_file ("plain", 1));
  g_assert_cmpint (symlink ("loop", loop), ==, 0);
  for (int i = 0; i < 2; i++)
    {
      assert_load_fails (missing, G_IO_ERROR_NOT_FOUND);
      assert_load_fails (folder, G_IO_ERROR_IS_DIRECTORY);
      assert_load_fails (below_file, G_IO_ERROR_NOT_DIRECTORY);
      assert_load_fails (loop, G_IO_ERROR_TOO_MANY_LINKS);
      assert_load_fails (too_long, G_IO_ERROR_FILENAME_TOO_LONG);
      assert_load_fails ("/proc/self/mem", G_IO_ERROR_FAILED);
    }
  g_unlink (loop);
  return TRUE;
}

static gboolean
load_cb (gpointer   file,
         GValue    *result,
         GError   **error)
{
  GBytes *bytes = coro_file_load_bytes (file, NULL, error);

  return bytes != NULL && coro_return_take_boxed (result, G_TYPE_BYTES, bytes);
}

/* The pipe has no writer yet: loading waits for one, and then for the end. */
static gboolean
load_pipe_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autofree char *path = get_path ("fifo");
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (CoroTask) task = NULL;
  g_autoptr (GBytes) bytes = NULL;
  int fd;

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  task = coro_spawn_task (load_cb, file, NULL);
  do
    {
      if (!coro_yield (error))
        return FALSE;
      fd = open (path, O_WRONLY | O_NONBLOCK);
    }
  while (fd < 0);

  g_assert_cmpint (write (fd, "first", 5), ==, 5);
  for (int i = 0; i < 20; i++)
    if (!coro_yield (error))
      return FALSE;
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
  g_assert_cmpint (write (fd, "second", 6), ==, 6);
  close (fd);
  bytes = coro_await_boxed (task, G_TYPE_BYTES, error);
  if (bytes == NULL)
    return FALSE;
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "firstsecond", 11);
  g_unlink (path);
  return TRUE;
}

/* Makes a pipe that holds `size` bytes, more than are read at first, and has it loaded. */
static GBytes *
load_long_pipe (GBytes  *contents,
                GError **error)
{
  g_autofree char *path = get_path ("long");
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (CoroTask) task = NULL;
  gsize size, n_written = 0;
  const char *data = g_bytes_get_data (contents, &size);
  int n_left = 1;
  int fd;

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  fd = open (path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  task = coro_spawn_task (load_cb, file, NULL);
  while (!coro_future_is_done (CORO_FUTURE (task)) && (n_written < size || n_left > 0))
    {
      gssize n = n_written < size ? write (fd, data + n_written, size - n_written) : 0;

      n_written += (gsize) MAX (n, 0);
      if (!coro_yield (error))
        break;
      g_assert_cmpint (ioctl (fd, FIONREAD, &n_left), ==, 0);
    }
  close (fd);
  g_unlink (path);
  return coro_await_boxed (task, G_TYPE_BYTES, error);
}

static gboolean
load_long_pipe_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (GBytes) contents = make_bytes (20000);
  g_autoptr (GBytes) bytes = load_long_pipe (contents, error);

  if (bytes == NULL)
    return FALSE;
  g_assert_true (g_bytes_equal (bytes, contents));
  return TRUE;
}

/* Too little memory is an error of the loading, not the end of the program. */
static gboolean
load_without_memory_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (GFile) file = make_file ("large", 12345);
  g_autoptr (GBytes) contents = make_bytes (20000);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) file_error = NULL;
  g_autoptr (GError) pipe_error = NULL;
  guint n_before = count_descriptors ();

  g_atomic_pointer_set (&refused_size, 12346);
  g_assert_null (coro_file_load_bytes (file, NULL, &file_error));
  g_assert_error (file_error, G_IO_ERROR, (int) g_io_error_from_errno (ENOMEM));
  g_assert_nonnull (strstr (file_error->message, "large"));

  g_atomic_pointer_set (&refused_size, 16384);
  g_assert_null (load_long_pipe (contents, &pipe_error));
  g_assert_error (pipe_error, G_IO_ERROR, (int) g_io_error_from_errno (ENOMEM));
  g_assert_nonnull (strstr (pipe_error->message, "long"));

  g_atomic_pointer_set (&refused_size, 0);
  g_assert_cmpuint (count_descriptors (), <=, n_before + 1);    /* the ring may have come */
  bytes = coro_file_load_bytes (file, NULL, error);
  return bytes != NULL && g_bytes_get_size (bytes) == 12345;
}

static gboolean
cancel_pipe_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autofree char *path = get_path ("silent");
  g_autoptr (GFile) file = g_file_new_for_path (path);
  guint n_before;

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  g_assert_true (coro_sleep (1, error));
  n_before = count_descriptors ();
  for (int i = 0; i < 10; i++)
    {
      g_autoptr (CoroTask) task = coro_spawn_task (load_cb, file, NULL);

      for (int k = 0; k < i * 3; k++)
        if (!coro_yield (error))
          return FALSE;
      coro_task_cancel (task);
      if (!coro_join (task, error))
        return FALSE;
      g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
    }
  g_assert_cmpuint (count_descriptors (), <=, n_before + 1);    /* the ring may have come */
  g_unlink (path);
  return TRUE;
}

/* Wherever the cancel strikes, it ends, and nothing leaks. */
static gboolean
cancel_load_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GFile) file = make_file ("cancel", 9000000);
  guint n_cancelled = 0;

  for (int i = 0; i < (is_slow () ? 20 : 60); i++)
    {
      g_autoptr (CoroTask) task = coro_spawn_task (load_cb, file, NULL);

      for (int k = 0; k < i; k++)
        if (!coro_yield (error))
          return FALSE;
      coro_task_cancel (task);
      if (!coro_join (task, error))
        return FALSE;
      if (coro_future_get_error (CORO_FUTURE (task)) != NULL)
        {
          assert_cancelled (coro_future_get_error (CORO_FUTURE (task)));
          n_cancelled++;
        }
    }
  g_assert_cmpuint (n_cancelled, >, 0);
  return TRUE;
}

/* The first call has no place for the error, so the second is cancelled as well. */
static gboolean
cancel_unheard_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (GFile) file = make_file ("unheard", 10);
  g_autoptr (GError) local_error = NULL;

  coro_task_cancel (coro_task_get_current ());
  g_assert_null (coro_file_load_bytes (file, NULL, NULL));
  g_assert_null (coro_file_load_bytes (file, NULL, &local_error));
  assert_cancelled (local_error);
  coro_task_uncancel (coro_task_get_current ());
  return TRUE;
}

static void
test_outside (void)
{
  g_autoptr (GFile) file = make_file ("outside", 10);
  g_autoptr (GBytes) bytes = make_bytes (5);
  g_autoptr (GError) error = NULL;

  g_assert_null (coro_file_load_bytes (file, NULL, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
  g_clear_error (&error);
  g_assert_false (coro_file_save_bytes (file, bytes, CORO_FILE_SAVE_NONE, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
  g_clear_error (&error);
  g_assert_false (coro_file_copy_to (file, file, G_FILE_COPY_OVERWRITE, NULL, NULL, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
}

typedef struct
{
  char *path;
  gsize size;
} Small;

static gboolean
load_small_cb (gpointer   element,
               gpointer   user_data,
               GError   **error)
{
  Small *small = element;
  g_autoptr (GFile) file = g_file_new_for_path (small->path);
  g_autoptr (GBytes) bytes = coro_file_load_bytes (file, NULL, error);

  if (bytes == NULL)
    return FALSE;
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, small->size);
  return TRUE;
}

/* More than a ring has room for, at once. */
static gboolean
many_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  guint n = is_slow () ? 200 : 1000;
  g_autofree Small *small = g_new0 (Small, n);
  gboolean ok;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("many-%u", i % 50);
      g_autoptr (GFile) file = NULL;

      small[i] = (Small) { get_path (name), i % 50 * 7 };
      if (i < 50)
        file = make_file (name, small[i].size);
    }
  ok = coro_each (small, n, sizeof (Small), 0, load_small_cb, NULL, error);
  for (guint i = 0; i < n; i++)
    {
      g_unlink (small[i].path);
      g_free (small[i].path);
    }
  return ok;
}

/* What is there when the end comes is what there is. */
static gboolean
truncated_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autofree char *path = get_path ("truncated");

  for (int i = 0; i < (is_slow () ? 5 : 20); i++)
    {
      g_autoptr (GFile) file = make_file ("truncated", 20000000);
      g_autoptr (CoroTask) task = coro_spawn_task (load_cb, file, NULL);
      g_autoptr (GBytes) bytes = NULL;

      for (int k = 0; k < i * 4; k++)
        if (!coro_yield (error))
          return FALSE;
      g_assert_cmpint (truncate (path, 1000), ==, 0);
      bytes = coro_await_boxed (task, G_TYPE_BYTES, error);
      if (bytes == NULL)
        return FALSE;
      g_assert_cmpuint (g_bytes_get_size (bytes), >=, 1000);
      g_assert_cmpuint (g_bytes_get_size (bytes), <=, 20000000);
    }
  return TRUE;
}

static gboolean
load_future_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GFile) file = make_file ("future", 100);
  g_autoptr (GFile) other = get_file ("future-other");
  g_autoptr (CoroFuture) future = coro_file_load_bytes_future (file);
  g_autoptr (GBytes) bytes = coro_await_boxed (future, G_TYPE_BYTES, error);
  g_autoptr (CoroFuture) saving = bytes != NULL ? coro_file_save_bytes_future (other, bytes, CORO_FILE_SAVE_NONE) : NULL;
  g_autoptr (CoroFuture) copying = NULL;

  if (saving == NULL || !coro_await (saving, NULL, error))
    return FALSE;
  assert_contents (other, bytes);
  copying = coro_file_copy_to_future (other, file, G_FILE_COPY_OVERWRITE);
  return coro_await (copying, NULL, error);
}

/* --- files that are not ours ------------------------------------------------------ */

static gboolean
through_gio_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GFile) file = g_file_new_for_uri ("resource:///org/example/missing");
  g_autoptr (GFile) target = get_file ("target");
  g_autoptr (GBytes) bytes = make_bytes (5);
  g_autoptr (GError) local_error = NULL;

  g_assert_null (coro_file_load_bytes (file, NULL, &local_error));
  g_assert_error (local_error, G_RESOURCE_ERROR, G_RESOURCE_ERROR_NOT_FOUND);
  g_clear_error (&local_error);
  g_assert_false (coro_file_save_bytes (file, bytes, CORO_FILE_SAVE_NONE, &local_error));
  g_assert_nonnull (local_error);
  g_clear_error (&local_error);
  g_assert_false (coro_file_copy_to (file, target, G_FILE_COPY_NONE, NULL, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  return TRUE;
}

/* --- threads and processes -------------------------------------------------------- */

static gboolean
load_once_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (GFile) file = get_file ("once");
  g_autoptr (GBytes) bytes = coro_file_load_bytes (file, NULL, error);
  g_autoptr (GBytes) again = bytes != NULL ? coro_file_load_bytes (file, NULL, error) : NULL;

  return again != NULL;
}

static gpointer
load_thread (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GError) error = NULL;

  g_main_context_push_thread_default (context);
  g_assert_true (coro_run (load_once_cb, NULL, NULL, &error));
  g_assert_no_error (error);
  g_main_context_pop_thread_default (context);
  return NULL;
}

/* What a thread had to read files with goes with its main context. */
static void
test_threads (void)
{
  guint n_before;

  g_object_unref (make_file ("once", 1000));
  g_thread_join (g_thread_new ("file", load_thread, NULL));
  n_before = count_descriptors ();
  for (int i = 0; i < 5; i++)
    {
      GThread *one = g_thread_new ("file", load_thread, NULL);
      GThread *two = g_thread_new ("file", load_thread, NULL);

      g_thread_join (one);
      g_thread_join (two);
    }
  g_assert_cmpuint (count_descriptors (), ==, n_before);
}

static gboolean
fork_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (GFile) file = make_file ("once", 1000);
  g_autoptr (CoroTask) task = NULL;
  int status;
  pid_t child;

  if (!load_once_cb (NULL, NULL, error))
    return FALSE;

  /* One that is under way is made by both. */
  task = coro_spawn_task (load_cb, file, NULL);
  if (!coro_yield (error))
    return FALSE;

  child = fork ();
  if (child == 0)
    {
      gboolean ok;

      alarm (20);
      ok = coro_join (task, NULL) && load_once_cb (NULL, NULL, NULL);
      _exit (ok && coro_future_get_error (CORO_FUTURE (task)) == NULL ? 0 : 1);
    }
  if (!coro_join (task, error))
    return FALSE;
  g_assert_no_error (coro_future_get_error (CORO_FUTURE (task)));
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  return load_once_cb (NULL, NULL, error);
}

/* fork() does not copy threads, so that without io_uring a child has no thread to read for it. */
static gboolean
can_fork (void)
{
  gboolean has_ring = syscall (SYS_io_uring_setup, 0, NULL) < 0 && errno != ENOSYS && errno != EPERM;

  return has_ring && g_strcmp0 (g_getenv ("CORO_FILE_BACKEND"), "uncached") == 0 && !is_slow ();
}

static void
test_fork (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_run (fork_cb, NULL, NULL, &error));
  g_assert_no_error (error);
}

static gboolean
no_descriptors_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autofree char *path = get_path ("once");
  g_autoptr (GFile) file = make_file ("once", 10);
  g_autoptr (GFile) copied = get_file ("once-copied");
  g_autoptr (GBytes) before = make_bytes (10);
  g_autoptr (GBytes) bytes = make_bytes (20);
  g_autoptr (GError) local_error = NULL;
  guint n_before = count_files ();
  struct rlimit old, none;
  g_autoptr (GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));
  int fd;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &old), ==, 0);
  none = old;
  none.rlim_cur = 64;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
  while ((fd = dup (0)) >= 0)
    g_array_append_val (fds, fd);
  assert_load_fails (path, G_IO_ERROR_TOO_MANY_OPEN_FILES);
  g_assert_false (coro_file_save_bytes (file, bytes, CORO_FILE_SAVE_NONE, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
  g_clear_error (&local_error);
  g_assert_false (coro_file_copy_to (file, copied, G_FILE_COPY_NONE, NULL, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
  g_clear_error (&local_error);
  for (guint i = 0; i < fds->len; i++)
    close (g_array_index (fds, int, i));
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &old), ==, 0);

  g_assert_cmpuint (count_files (), ==, n_before);
  assert_contents (file, before);
  return load_once_cb (NULL, NULL, error);
}

static gboolean
no_permission_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autofree char *path = get_path ("secret");

  assert_load_fails (path, G_IO_ERROR_PERMISSION_DENIED);
  return TRUE;
}

/* In a process of its own, which may not be root any more. */
static void
test_no_permission (void)
{
  if (g_test_subprocess ())
    {
      g_autoptr (GError) error = NULL;

      g_assert_true (geteuid () != 0 || setresuid (65534, 65534, 65534) == 0);
      g_assert_true (coro_run (no_permission_cb, NULL, NULL, &error));
      g_assert_no_error (error);
      return;
    }

  {
    g_autofree char *path = get_path ("secret");

    g_object_unref (make_file ("secret", 10));
    g_assert_cmpint (chmod (path, 0), ==, 0);
    g_assert_cmpint (chmod (folder, 0755), ==, 0);
    g_setenv ("CORO_TEST_FOLDER", folder, TRUE);
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_unsetenv ("CORO_TEST_FOLDER");
    g_test_trap_assert_passed ();
  }
}

/* --- a kernel that does not do everything ----------------------------------------- */

static gboolean copy_cb (gpointer user_data, GValue *result, GError **error);

static gboolean
everything_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  return load_sizes_cb (NULL, NULL, error) && load_errors_cb (NULL, NULL, error) && load_proc_cb (NULL, NULL, error) &&
         many_cb (NULL, NULL, error) && load_future_cb (NULL, NULL, error) && cancel_load_cb (NULL, NULL, error) &&
         copy_cb (NULL, NULL, error);
}

typedef struct
{
  int calls[2];
  int error_number;
  gboolean late;                /* the ring was there before the prohibition */
} Lack;

static gboolean
lack_late_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  const Lack *lack = user_data;
  g_autoptr (GFile) file = make_file ("once", 1000);
  g_autoptr (CoroTask) task = NULL;

  if (!load_once_cb (NULL, NULL, error))
    return FALSE;
  task = coro_spawn_task (load_cb, file, NULL);
  if (!coro_yield (error))
    return FALSE;
  forbid (lack->calls[0], lack->error_number);
  return coro_await (task, NULL, error) && everything_cb (NULL, NULL, error);
}

static void
test_lack (gconstpointer data)
{
  const Lack *lack = data;
  g_autoptr (GError) error = NULL;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }

  for (guint i = 0; !lack->late && i < G_N_ELEMENTS (lack->calls); i++)
    if (lack->calls[i] != 0)
      forbid (lack->calls[i], lack->error_number);
  g_assert_true (coro_run (lack->late ? lack_late_cb : everything_cb, (gpointer) lack, NULL, &error));
  g_assert_no_error (error);
  remove_folder ();
}

/* Foreign code closes descriptors that are not its own, among them that of the ring.  From then on
 * threads do the work. */
static gboolean
ring_closed_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GFile) file = make_file ("once", 1000);
  g_autoptr (CoroTask) task = NULL;
  guint n_closed = 0;

  if (!load_once_cb (NULL, NULL, error))
    return FALSE;
  task = coro_spawn_task (load_cb, file, NULL);
  if (!coro_yield (error))
    return FALSE;
  for (int fd = 3; fd < 100; fd++)
    {
      g_autofree char *name = g_strdup_printf ("/proc/self/fd/%d", fd);
      g_autofree char *target = g_file_read_link (name, NULL);

      if (target != NULL && strstr (target, "[io_uring]") != NULL)
        n_closed += close (fd) == 0;
    }
  g_assert_true (n_closed == 1 || !can_fork ());
  return coro_await (task, NULL, error) && everything_cb (NULL, NULL, error);
}

/* Gives back a lease, as a file server does when another machine opens the file. */
static int leased;

static void
give_back (int signal_number)
{
  int saved_errno = errno;

  (void) !fcntl (leased, F_SETLEASE, F_UNLCK);
  errno = saved_errno;
}

static void
take_lease (const char *path,
            int         access,
            int         lease)
{
  leased = open (path, access | O_CLOEXEC);
  g_assert_cmpint (fcntl (leased, F_SETLEASE, lease), ==, 0);
}

static gboolean
lease_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_autoptr (GFile) file = make_file ("leased", 1000);
  g_autoptr (GFile) copy = get_file ("lease-copy");
  g_autoptr (GBytes) expected = make_bytes (1000);
  g_autoptr (GBytes) more = make_bytes (2000);
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *path = get_path ("leased");

  signal (SIGIO, give_back);
  take_lease (path, O_WRONLY, F_WRLCK);
  bytes = coro_file_load_bytes (file, NULL, error);
  close (leased);
  if (bytes == NULL)
    return FALSE;
  g_assert_true (g_bytes_equal (bytes, expected));

  take_lease (path, O_RDONLY, F_RDLCK);
  if (!coro_file_save_bytes (file, more, CORO_FILE_SAVE_NONE, error))
    return FALSE;
  close (leased);
  assert_contents (file, more);

  take_lease (path, O_WRONLY, F_WRLCK);
  if (!coro_file_copy_to (file, copy, G_FILE_COPY_OVERWRITE, NULL, NULL, error))
    return FALSE;
  close (leased);
  assert_contents (copy, more);
  signal (SIGIO, SIG_DFL);
  return TRUE;
}

#define ADD_LACK(name, ...)                           \
  G_STMT_START                                        \
    {                                                 \
      static const Lack _lack = { __VA_ARGS__ };      \
      g_test_add_data_func (name, &_lack, test_lack); \
    }                                                 \
  G_STMT_END

/* --- saving ----------------------------------------------------------------------- */

static gboolean
save_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  static const gsize sizes[] = { 10, 0, 4096, 9000001, 5 };
  g_autoptr (GFile) file = get_file ("saved");

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GBytes) bytes = make_bytes (sizes[i]);
      CoroFileSaveFlags flags = i % 2 == 0 ? CORO_FILE_SAVE_NONE : CORO_FILE_SAVE_DURABLE;
      guint n_before;

      if (!coro_file_save_bytes (file, bytes, flags, error))
        return FALSE;
      assert_contents (file, bytes);
      n_before = count_files ();
      if (!coro_file_save_bytes (file, bytes, flags, error))
        return FALSE;
      g_assert_cmpuint (count_files (), ==, n_before);
    }
  return TRUE;
}

static mode_t
get_mode (const char *path)
{
  struct stat info;

  g_assert_cmpint (lstat (path, &info), ==, 0);
  return info.st_mode;
}

static gboolean
save_modes_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autofree char *path = get_path ("modes");
  g_autofree char *private = get_path ("private");
  g_autofree char *link = get_path ("link");
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFile) private_file = g_file_new_for_path (private);
  g_autoptr (GFile) link_file = g_file_new_for_path (link);
  g_autoptr (GBytes) bytes = make_bytes (7);
  g_autoptr (GBytes) more = make_bytes (70);
  mode_t mask = umask (0027);

  if (!coro_file_save_bytes (file, bytes, CORO_FILE_SAVE_NONE, error) ||
      !coro_file_save_bytes (private_file, bytes, CORO_FILE_SAVE_PRIVATE, error))
    return FALSE;
  umask (mask);
  g_assert_cmphex (get_mode (path) & 07777, ==, 0640);
  g_assert_cmphex (get_mode (private) & 07777, ==, 0600);

  g_assert_cmpint (chmod (path, 0751), ==, 0);
  g_assert_cmpint (symlink ("modes", link), ==, 0);
  if (!coro_file_save_bytes (link_file, more, CORO_FILE_SAVE_NONE, error))
    return FALSE;
  g_assert_true (S_ISLNK (get_mode (link)));
  g_assert_cmphex (get_mode (path) & 07777, ==, 0751);
  assert_contents (file, more);
  return TRUE;
}

static void
assert_save_fails (const char *path,
                   gsize       size,
                   int         code)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GBytes) bytes = make_bytes (size);
  g_autoptr (GError) error = NULL;

  g_assert_false (coro_file_save_bytes (file, bytes, CORO_FILE_SAVE_NONE, &error));
  g_assert_error (error, G_IO_ERROR, code);
  g_assert_nonnull (strstr (error->message, path));
}

static gboolean
save_errors_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autofree char *below_missing = get_path ("missing/file");
  g_autoptr (GFile) null = g_file_new_for_path ("/dev/null");
  g_autoptr (GBytes) bytes = make_bytes (100);
  guint n_before = count_files ();

  assert_save_fails (below_missing, 10, G_IO_ERROR_NOT_FOUND);
  assert_save_fails (folder, 10, G_IO_ERROR_IS_DIRECTORY);
  assert_save_fails ("/dev/full", 10, G_IO_ERROR_NO_SPACE);
  g_assert_cmpuint (count_files (), ==, n_before);
  return coro_file_save_bytes (null, bytes, CORO_FILE_SAVE_NONE, error);
}

/* A limit on the size of files is a full disk that can be had without being root. */
static gboolean
save_full_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (GFile) file = make_file ("full", 100);
  g_autoptr (GFile) big = make_file ("big", 3000000);
  g_autoptr (GFile) copied = get_file ("big-copy");
  g_autoptr (GBytes) old = make_bytes (100);
  g_autoptr (GError) local_error = NULL;
  g_autofree char *path = get_path ("full");
  guint n_before = count_files ();
  struct rlimit limit, before;

  getrlimit (RLIMIT_FSIZE, &before);
  limit = before;
  limit.rlim_cur = 2000000;
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  assert_save_fails (path, 3000000, G_IO_ERROR_FAILED);
  g_assert_false (coro_file_copy_to (big, file, G_FILE_COPY_OVERWRITE, NULL, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_clear_error (&local_error);
  g_assert_false (coro_file_copy_to (big, copied, G_FILE_COPY_NONE, NULL, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_FAILED);
  setrlimit (RLIMIT_FSIZE, &before);

  assert_contents (file, old);
  g_assert_cmpuint (count_files (), ==, n_before);
  return TRUE;
}

static gboolean
small_disk_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (GFile) small = make_file ("small", 1000);
  g_autoptr (GFile) copied = get_file ("copied");
  g_autoptr (GFile) source = g_file_new_for_path (user_data);
  g_autoptr (GBytes) old = make_bytes (1000);
  g_autoptr (GBytes) some = make_bytes (100000);
  g_autofree char *path = get_path ("small");
  g_autoptr (GError) local_error = NULL;
  g_autoptr (CoroLocalFile) file = NULL;
  gsize n = 0;

  assert_save_fails (path, 3000000, G_IO_ERROR_NO_SPACE);
  assert_contents (small, old);
  g_assert_false (coro_file_copy_to (source, copied, G_FILE_COPY_NONE, NULL, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_clear_error (&local_error);
  g_assert_false (coro_file_copy_to (source, small, G_FILE_COPY_OVERWRITE, NULL, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_clear_error (&local_error);
  assert_contents (small, old);
  g_assert_cmpuint (count_files (), ==, 1);

  /* What fits is written, and there is room again once it is gone. */
  file = coro_local_file_open (copied, CORO_LOCAL_FILE_WRITE | CORO_LOCAL_FILE_CREATE, 0600, error);
  if (file == NULL)
    return FALSE;
  while (coro_local_file_write_all (file, g_bytes_get_data (some, NULL), 100000, -1, &n, &local_error))
    continue;
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_cmpuint (n, <, 100000);
  return coro_local_file_truncate (file, 0, error) && coro_local_file_close (file, error) &&
         coro_file_save_bytes (small, some, CORO_FILE_SAVE_NONE, error);
}

/* What has the name is a mount of its own, as a single file in a container is: it cannot be
 * replaced, and what does not fit leaves it as it is. */
static gboolean
mounted_file_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (GFile) file = get_file ("f");
  g_autoptr (GBytes) some = make_bytes (100000);
  g_autoptr (GBytes) old = make_bytes (1000);
  g_autofree char *path = get_path ("f");

  if (!coro_file_save_bytes (file, some, CORO_FILE_SAVE_DURABLE, error))
    return FALSE;
  assert_contents (file, some);
  if (!coro_file_save_bytes (file, old, CORO_FILE_SAVE_NONE, error))
    return FALSE;
  assert_contents (file, old);
  assert_save_fails (path, 3000000, G_IO_ERROR_NO_SPACE);
  assert_contents (file, old);
  g_assert_cmpuint (count_files (), ==, 1);
  return TRUE;
}

/* Three times more than fits into a folder that is not to be written to. */
static gboolean
sealed_full_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GFile) file = get_file ("f");
  g_autoptr (GBytes) old = make_bytes (1000);
  g_autofree char *path = get_path ("f");
  g_autofree char *text = NULL;
  gsize length;

  assert_save_fails (path, 3000000, G_IO_ERROR_NO_SPACE);
  assert_contents (file, old);

  /* A file with a hole takes less room than its size. */
  g_assert_cmpint (truncate (path, 4000000), ==, 0);
  assert_save_fails (path, 3000000, G_IO_ERROR_NO_SPACE);
  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  g_assert_cmpuint (length, ==, 4000000);
  g_assert_cmpmem (text, 1000, g_bytes_get_data (old, NULL), 1000);
  for (gsize i = 1000; i < length; i++)
    g_assert_cmpint (text[i], ==, 0);
  return TRUE;
}

/* A file system of 1 MiB, in a process that sees mounts of its own. */
static void
test_small_disk (void)
{
  g_autoptr (GFile) big = NULL;
  g_autofree char *big_path = NULL;
  g_autofree char *outside = NULL;
  g_autoptr (GError) error = NULL;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }

  big = make_file ("big", 3000000);
  big_path = g_file_get_path (big);
  outside = g_steal_pointer (&folder);
  folder = g_build_filename (outside, "mount", NULL);
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  if (unshare (CLONE_NEWNS) == 0 && mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
      mount ("tmpfs", folder, "tmpfs", 0, "size=1m") == 0)
    {
      g_autofree char *path = get_path ("f");
      g_autofree char *small_path = get_path ("small");
      g_autofree char *copied_path = get_path ("copied");

      g_assert_true (coro_run (small_disk_cb, big_path, NULL, &error));
      g_assert_no_error (error);
      g_unlink (small_path);
      g_unlink (copied_path);

      g_object_unref (make_file ("f", 1000));
      g_assert_cmpint (mount (path, path, NULL, MS_BIND, NULL), ==, 0);
      g_assert_true (coro_run (mounted_file_cb, NULL, NULL, &error));
      g_assert_no_error (error);
      umount2 (path, MNT_DETACH);

      g_assert_cmpint (chown (path, 65534, 65534), ==, 0);
      g_assert_cmpint (chmod (outside, 0755), ==, 0);
      g_assert_cmpint (chmod (folder, 0755), ==, 0);
      g_assert_cmpint (setresuid (65534, 65534, 0), ==, 0);
      g_assert_true (coro_run (sealed_full_cb, NULL, NULL, &error));
      g_assert_no_error (error);
      g_assert_cmpint (setresuid (0, 0, 0), ==, 0);
      umount2 (folder, MNT_DETACH);
    }
  g_rmdir (folder);
  g_free (folder);
  folder = g_steal_pointer (&outside);
  remove_folder ();
}

typedef struct
{
  GFile *file;
  GFile *target;
  GBytes *bytes;
  gboolean done;                /* the task may be cancelled all the same, later */
} Saving;

static gboolean
save_bytes_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  Saving *saving = user_data;

  saving->done = coro_file_save_bytes (saving->file, saving->bytes, CORO_FILE_SAVE_NONE, error);
  return saving->done;
}

/* It is all old or all new, and nothing lies about. */
static gboolean
cancel_save_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GFile) file = make_file ("cancelled-save", 10);
  g_autoptr (GBytes) old = make_bytes (10);
  g_autoptr (GBytes) bytes = make_bytes (20000000);
  guint n_before = count_files ();
  guint n_cancelled = 0;

  for (int i = 0; i < (is_slow () ? 10 : 30); i++)
    {
      Saving saving = { file, NULL, bytes, FALSE };
      g_autoptr (CoroTask) task = coro_spawn_task (save_bytes_cb, &saving, NULL);

      for (int k = 0; k < i * 10; k++)
        if (!coro_yield (error))
          return FALSE;
      coro_task_cancel (task);
      if (!coro_join (task, error))
        return FALSE;
      if (!saving.done)
        {
          assert_cancelled (coro_future_get_error (CORO_FUTURE (task)));
          assert_contents (file, old);
          n_cancelled++;
        }
      else
        {
          g_object_unref (make_file ("cancelled-save", 10));
        }
      g_assert_cmpuint (count_files (), ==, n_before);
    }
  g_assert_cmpuint (n_cancelled, >, 0);
  return TRUE;
}

/* Meanwhile other code puts another file there, or removes it: what is there in the end is one of
 * the two files, whole, or nothing. */
static gboolean
save_replaced_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (GBytes) ours = make_bytes (5000000);
  g_autoptr (GBytes) theirs = make_bytes (10);
  g_autofree char *path = get_path ("replaced");

  for (int i = 0; i < (is_slow () ? 5 : 15); i++)
    {
      g_autoptr (GFile) file = make_file ("replaced", 100);
      Saving saving = { file, NULL, ours, FALSE };
      g_autoptr (CoroTask) task = coro_spawn_task (save_bytes_cb, &saving, NULL);
      g_autoptr (GBytes) contents = NULL;
      guint n_before = count_files ();

      for (int k = 0; k < i * 5; k++)
        if (!coro_yield (error))
          return FALSE;
      if (i % 2 == 0)
        g_object_unref (make_file ("replaced", 10));
      else
        g_unlink (path);
      if (!coro_await (task, NULL, error))
        return FALSE;
      contents = g_file_load_bytes (file, NULL, NULL, error);
      g_assert_true (contents == NULL || g_bytes_equal (contents, ours) || g_bytes_equal (contents, theirs));
      g_clear_error (error);
      g_assert_cmpuint (count_files (), <=, n_before);
    }
  return TRUE;
}

/* A folder that only takes new names: the file system is synced instead of the folder, and in the
 * second round that is not possible either.  A save that fails would have to leave the old file. */
static gboolean
save_unreadable_folder_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (GFile) file = get_file ("unreadable/old");
  g_autoptr (GFile) new_file = get_file ("unreadable/new");

  for (gsize i = 1; i <= 2; i++)
    {
      g_autoptr (GBytes) bytes = make_bytes (i * 1000);

      if (!coro_file_save_bytes (file, bytes, CORO_FILE_SAVE_DURABLE, error) ||
          !coro_file_save_bytes (new_file, bytes, CORO_FILE_SAVE_DURABLE, error))
        return FALSE;
      assert_contents (file, bytes);
      assert_contents (new_file, bytes);
      forbid (SYS_syncfs, EINVAL);
    }
  return TRUE;
}

static void
test_unreadable_folder (void)
{
  g_autofree char *unreadable = get_path ("unreadable");
  g_autofree char *old = get_path ("unreadable/old");
  g_autofree char *new = get_path ("unreadable/new");
  g_autoptr (GError) error = NULL;

  if (g_test_subprocess ())
    {
      g_assert_true (geteuid () != 0 || setresuid (65534, 65534, 65534) == 0);
      g_assert_true (coro_run (save_unreadable_folder_cb, NULL, NULL, &error));
      g_assert_no_error (error);
      return;
    }

  g_assert_cmpint (g_mkdir (unreadable, 0700), ==, 0);
  g_object_unref (make_file ("unreadable/old", 10));
  if (geteuid () == 0)
    {
      g_assert_cmpint (chown (unreadable, 65534, 65534), ==, 0);
      g_assert_cmpint (chown (old, 65534, 65534), ==, 0);
    }
  g_assert_cmpint (chmod (unreadable, 0300), ==, 0);
  g_assert_cmpint (chmod (folder, 0755), ==, 0);
  g_setenv ("CORO_TEST_FOLDER", folder, TRUE);
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_unsetenv ("CORO_TEST_FOLDER");
  g_unlink (old);
  g_unlink (new);
  g_rmdir (unreadable);
  g_test_trap_assert_passed ();
}

/* A file system may answer with any error number.  This is the one of a cancelled request. */
static gboolean
save_odd_error_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (GFile) file = get_file ("odd");
  g_autoptr (GBytes) bytes = make_bytes (1000);
  g_autoptr (GError) local_error = NULL;

  forbid (SYS_fsync, ECANCELED);
  g_assert_false (coro_file_save_bytes (file, bytes, CORO_FILE_SAVE_DURABLE, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_nonnull (strstr (local_error->message, "odd"));
  g_assert_cmpuint (count_files (), ==, 0);
  return TRUE;
}

static void
test_odd_error (void)
{
  g_autoptr (GError) error = NULL;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }

  g_assert_true (coro_run (save_odd_error_cb, NULL, NULL, &error));
  g_assert_no_error (error);
  remove_folder ();
}

/* A file that comes while a new one is made keeps its permissions, like any old file. */
static gboolean
save_comes_meanwhile_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (GFile) file = get_file ("comes");
  g_autoptr (GBytes) bytes = make_bytes (9000000);
  g_autofree char *path = get_path ("comes");
  Saving saving = { file, NULL, bytes, FALSE };
  int fd;

  do
    {
      g_autoptr (CoroTask) task = NULL;
      guint n_before;

      g_unlink (path);
      n_before = count_files ();
      task = coro_spawn_task (save_bytes_cb, &saving, NULL);
      while (count_files () == n_before)        /* until it has begun */
        if (!coro_yield (error))
          return FALSE;
      fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0604);
      if (fd >= 0)
        g_assert_cmpint (fchmod (fd, 0604), ==, 0);
      if (!coro_await (task, NULL, error))
        return FALSE;
    }
  while (fd < 0);               /* too late */

  close (fd);
  assert_contents (file, bytes);
  g_assert_cmphex (get_mode (path) & 07777, ==, 0604);
  return TRUE;
}

/* A pipe that a save has to wait for, since it has not room for all. */
typedef struct
{
  char *path;                   /* (owned) */
  GFile *file;                  /* (owned) */
  GBytes *bytes;                /* (owned) */
  Saving saving;
} SavePipe;

static void
save_pipe_init (SavePipe   *self,
                const char *name)
{
  self->path = get_path (name);
  self->file = g_file_new_for_path (self->path);
  self->bytes = make_bytes (300000);
  self->saving = (Saving) { self->file, NULL, self->bytes, FALSE };
  g_assert_cmpint (mkfifo (self->path, 0600), ==, 0);
}

static void
save_pipe_clear (SavePipe *self)
{
  g_unlink (self->path);
  g_free (self->path);
  g_object_unref (self->file);
  g_bytes_unref (self->bytes);
}

static gboolean
save_pipe_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  SavePipe pipe;
  g_autoptr (CoroTask) task = NULL;
  g_autoptr (GByteArray) got = g_byte_array_new ();
  guint8 buffer[10000];
  gssize n;
  int fd;

  save_pipe_init (&pipe, "save-pipe");
  fd = open (pipe.path, O_RDONLY | O_NONBLOCK);
  task = coro_spawn_task (save_bytes_cb, &pipe.saving, NULL);
  while (got->len < 300000)
    {
      n = coro_fd_read (fd, buffer, sizeof buffer, error);
      if (n < 0)
        return FALSE;
      if (n == 0 && !coro_yield (error))        /* it has not been opened yet */
        return FALSE;
      g_byte_array_append (got, buffer, (guint) n);
    }
  if (!coro_await (task, NULL, error))
    return FALSE;
  g_assert_cmpmem (got->data, got->len, g_bytes_get_data (pipe.bytes, NULL), 300000);
  close (fd);
  save_pipe_clear (&pipe);
  return TRUE;
}

/* The pipe has no reader, or has lost it. */
static gboolean
save_pipe_alone_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  SavePipe pipe;
  g_autoptr (CoroTask) task = NULL;
  int fd;

  signal (SIGPIPE, SIG_DFL);    /* which ends the process */
  save_pipe_init (&pipe, "save-alone");
  assert_save_fails (pipe.path, 10, g_io_error_from_errno (ENXIO));

  fd = open (pipe.path, O_RDONLY | O_NONBLOCK);
  task = coro_spawn_task (save_bytes_cb, &pipe.saving, NULL);
  g_assert_cmpint (coro_fd_wait (fd, G_IO_IN, -1, error), ==, G_IO_IN);
  close (fd);
  g_assert_true (coro_join (task, error));
  g_assert_error (coro_future_get_error (CORO_FUTURE (task)), G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE);
  save_pipe_clear (&pipe);
  return TRUE;
}

static gboolean
save_pipe_cancelled_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  SavePipe pipe;
  g_autoptr (CoroTask) task = NULL;
  guint n_before;
  int fd;

  save_pipe_init (&pipe, "save-cancelled");
  fd = open (pipe.path, O_RDONLY | O_NONBLOCK);
  n_before = count_descriptors ();
  task = coro_spawn_task (save_bytes_cb, &pipe.saving, NULL);
  g_assert_cmpint (coro_fd_wait (fd, G_IO_IN, -1, error), ==, G_IO_IN);
  coro_task_cancel (task);
  g_assert_true (coro_join (task, error));
  assert_cancelled (coro_future_get_error (CORO_FUTURE (task)));
  g_assert_cmpuint (count_descriptors (), <=, n_before + 1);    /* the ring may have come */
  close (fd);
  save_pipe_clear (&pipe);
  return TRUE;
}

/* --- copying ---------------------------------------------------------------------- */

static void
count_progress_cb (goffset  current,
                   goffset  total,
                   gpointer user_data)
{
  goffset *last = user_data;

  g_assert_cmpint (current, >=, *last);
  g_assert_cmpint (current, <=, total);
  *last = current;
}

static gboolean
copy_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  static const gsize sizes[] = { 0, 1, 4097, 40000001 };
  g_autoptr (GFile) target = get_file ("copy");
  g_autofree char *path = get_path ("copy");
  g_autofree char *source_path = get_path ("original");

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GFile) source = make_file ("original", sizes[i]);
      g_autoptr (GBytes) bytes = make_bytes (sizes[i]);
      g_autoptr (GError) local_error = NULL;
      goffset copied = 0;

      g_assert_cmpint (chmod (source_path, 0754), ==, 0);
      if (!coro_file_copy_to (source, target, G_FILE_COPY_NONE, count_progress_cb, &copied, error))
        return FALSE;
      g_assert_cmpint (copied, ==, (goffset) sizes[i]);
      assert_contents (target, bytes);
      g_assert_cmphex (get_mode (path) & 07777, ==, 0754);

      g_assert_false (coro_file_copy_to (source, target, G_FILE_COPY_NONE, NULL, NULL, &local_error));
      g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_EXISTS);
      if (!coro_file_copy_to (source, target, G_FILE_COPY_OVERWRITE, NULL, NULL, error))
        return FALSE;
      assert_contents (target, bytes);
      g_unlink (path);
    }
  return TRUE;
}

static gboolean
copy_errors_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GFile) missing = get_file ("missing");
  g_autoptr (GFile) target = get_file ("never");
  g_autoptr (GFile) below_missing = get_file ("missing/never");
  g_autoptr (GFile) source = make_file ("source", 10);
  g_autoptr (GFile) directory = g_file_new_for_path (folder);
  GError *local_error = NULL;

  g_assert_false (coro_file_copy_to (missing, target, G_FILE_COPY_NONE, NULL, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&local_error);
  g_assert_false (coro_file_copy_to (source, below_missing, G_FILE_COPY_NONE, NULL, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&local_error);
  g_assert_false (coro_file_copy_to (directory, target, G_FILE_COPY_NONE, NULL, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_WOULD_RECURSE);
  g_clear_error (&local_error);
  g_assert_false (coro_file_copy_to (source, directory, G_FILE_COPY_OVERWRITE, NULL, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY);
  g_clear_error (&local_error);
  g_assert_false (g_file_query_exists (target, NULL));
  return TRUE;
}

/* 5 GiB, nearly all of it holes. */
static gboolean
copy_sparse_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  const goffset far = (goffset) 5 * 1024 * 1024 * 1024;
  g_autofree char *path = get_path ("sparse");
  g_autofree char *copy_path = get_path ("sparse-copy");
  g_autoptr (GFile) source = g_file_new_for_path (path);
  g_autoptr (GFile) target = g_file_new_for_path (copy_path);
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  goffset copied = 0;
  struct stat info;
  char text[4];

  g_assert_cmpint (pwrite (fd, "one", 3, 1000), ==, 3);
  g_assert_cmpint (pwrite (fd, "two", 3, far - 100000), ==, 3);
  g_assert_cmpint (ftruncate (fd, far), ==, 0);
  close (fd);
  if (!coro_file_copy_to (source, target, G_FILE_COPY_NONE, count_progress_cb, &copied, error))
    return FALSE;
  g_assert_cmpint (copied, ==, far);

  fd = open (copy_path, O_RDONLY);
  g_assert_cmpint (fstat (fd, &info), ==, 0);
  g_assert_cmpint (info.st_size, ==, far);
  g_assert_cmpint (info.st_blocks, <, 1000);
  g_assert_cmpint (pread (fd, text, 3, 1000), ==, 3);
  g_assert_cmpmem (text, 3, "one", 3);
  g_assert_cmpint (pread (fd, text, 3, far - 100000), ==, 3);
  g_assert_cmpmem (text, 3, "two", 3);
  close (fd);
  g_unlink (path);
  g_unlink (copy_path);
  return TRUE;
}

/* From one file system to another, and of a file that does not know its size. */
static gboolean
copy_across_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GFile) source = g_file_new_for_path ("/proc/self/maps");
  g_autoptr (GFile) target = get_file ("maps");
  g_autofree char *path = get_path ("maps");
  struct stat info;

  if (!coro_file_copy_to (source, target, G_FILE_COPY_TARGET_DEFAULT_PERMS, NULL, NULL, error))
    return FALSE;
  g_assert_cmpint (stat (path, &info), ==, 0);
  g_assert_cmpint (info.st_size, >, 0);
  return TRUE;
}

static gboolean
copy_saving_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  Saving *saving = user_data;
  GFileCopyFlags flags = saving->bytes != NULL ? G_FILE_COPY_OVERWRITE : G_FILE_COPY_NONE;

  saving->done = coro_file_copy_to (saving->file, saving->target, flags, NULL, NULL, error);
  return saving->done;
}

static gboolean
cancel_copy_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GFile) source = make_file ("cancelled-copy", 40000000);
  g_autoptr (GFile) target = get_file ("cancelled-target");
  guint n_before = count_files ();
  guint n_cancelled = 0;

  for (int i = 0; i < (is_slow () ? 10 : 40); i++)
    {
      g_autoptr (GBytes) bytes = i % 2 == 0 ? make_bytes (1) : NULL;
      Saving saving = { source, target, bytes, FALSE };
      g_autoptr (CoroTask) task = coro_spawn_task (copy_saving_cb, &saving, NULL);

      for (int k = 0; k < i * 8; k++)
        if (!coro_yield (error))
          return FALSE;
      coro_task_cancel (task);
      if (!coro_join (task, error))
        return FALSE;
      if (!saving.done)
        {
          assert_cancelled (coro_future_get_error (CORO_FUTURE (task)));
          n_cancelled++;
          g_assert_false (g_file_query_exists (target, NULL));
        }
      g_file_delete (target, NULL, NULL);
      g_assert_cmpuint (count_files (), ==, n_before);
    }
  g_assert_cmpuint (n_cancelled, >, 0);
  return TRUE;
}

/* --- what a file system refuses ---------------------------------------------------- */

/* By their system calls on this processor. */
#ifdef SYS_rename
# define CALL_RENAME SYS_rename
#else
# define CALL_RENAME SYS_renameat
#endif
#ifdef SYS_readlink
# define CALL_READLINK SYS_readlink
#else
# define CALL_READLINK SYS_readlinkat
#endif

typedef enum
{
  SAVE,
  SAVE_NEW,
  SAVE_EMPTY,
  SAVE_DURABLE,
  SAVE_BY_LINK,
  SAVE_ATTRIBUTE,
  COPY,
  COPY_HOLES,
  COPY_OVERWRITE
} RefusedDeed;

typedef enum
{
  REPLACES,                     /* another file has the name */
  OVERWRITES,                   /* the old file has the new contents */
  FAILS,                        /* the old file has the old contents, and nothing else is there */
  BREAKS                        /* it fails, and the old file has some of both */
} RefusedEnd;

typedef struct
{
  RefusedDeed deed;
  struct
  {
    int call;
    int error_number;
  } refused[2];
  RefusedEnd end;
  int code;                     /* of G_IO_ERROR, where it fails */
  mode_t mode;                  /* of the old file; 0: 0640 */
} Refusal;

static gboolean
do_refused (const Refusal  *self,
            GFile          *source,
            GFile          *file,
            GBytes         *bytes,
            GError        **error)
{
  CoroFileSaveFlags save_flags = self->deed == SAVE_DURABLE ? CORO_FILE_SAVE_DURABLE : CORO_FILE_SAVE_NONE;
  GFileCopyFlags copy_flags = self->deed == COPY_OVERWRITE ? G_FILE_COPY_OVERWRITE : G_FILE_COPY_NONE;
  g_autoptr (GFile) link = NULL;

  if (self->deed >= COPY)
    return coro_file_copy_to (source, file, copy_flags, NULL, NULL, error);
  if (self->deed != SAVE_BY_LINK)
    return coro_file_save_bytes (file, bytes, save_flags, error);

  link = get_file ("link");
  return coro_file_save_bytes (link, bytes, save_flags, error);
}

static gboolean
refused_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  const Refusal *self = user_data;
  gboolean is_new = self->deed == SAVE_NEW || self->deed == COPY || self->deed == COPY_HOLES;
  g_autofree char *path = get_path ("refused");
  g_autofree char *link = get_path ("link");
  g_autofree char *source_path = get_path ("source");
  g_autoptr (GFile) file = get_file ("refused");
  g_autoptr (GFile) source = make_file ("source", 20000);
  g_autoptr (GBytes) old = make_bytes (30000);
  g_autoptr (GBytes) bytes = make_bytes (self->deed == SAVE_EMPTY ? 0 : 20000);
  g_autoptr (GError) local_error = NULL;
  struct stat before = { 0, }, after = { 0, };
  guint n_before;
  gboolean ok;

  if (!is_new)
    {
      g_object_unref (make_file ("refused", 30000));
      g_assert_cmpint (chmod (path, self->mode != 0 ? self->mode : 0640), ==, 0);
      g_assert_cmpint (stat (path, &before), ==, 0);
    }
  if (self->deed == SAVE_BY_LINK)
    g_assert_cmpint (symlink ("refused", link), ==, 0);
  if (self->deed == SAVE_ATTRIBUTE && setxattr (path, "user.coro-test", "a note", 6, 0) != 0)
    return TRUE;                /* there are none in this folder */
  if (self->deed == COPY_HOLES)
    g_assert_cmpint (truncate (source_path, 1000000), ==, 0);
  n_before = count_files ();

  for (guint i = 0; i < G_N_ELEMENTS (self->refused); i++)
    if (self->refused[i].error_number != 0)
      forbid (self->refused[i].call, self->refused[i].error_number);
  ok = do_refused (self, source, file, bytes, &local_error);

  if (self->end == FAILS || self->end == BREAKS)
    {
      g_assert_error (local_error, G_IO_ERROR, self->code);
      g_assert_false (ok);
      g_assert_cmpuint (count_files (), ==, n_before);
      if (!is_new && self->end == FAILS)
        assert_contents (file, old);
      return TRUE;
    }

  g_assert_no_error (local_error);
  g_assert_true (ok);
  g_assert_cmpuint (count_files (), ==, n_before + is_new);
  assert_contents (file, bytes);
  if (!is_new)
    {
      g_assert_cmpint (stat (path, &after), ==, 0);
      g_assert_cmpint (after.st_ino == before.st_ino, ==, self->end == OVERWRITES);
    }
  return TRUE;
}

static void
test_refused (gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }

  g_assert_true (coro_run (refused_cb, (gpointer) data, NULL, &error));
  g_assert_no_error (error);
  remove_folder ();
}

#define ADD_REFUSED(name, ...)                              \
  G_STMT_START                                              \
    {                                                       \
      static const Refusal _refusal = { __VA_ARGS__ };      \
      g_test_add_data_func (name, &_refusal, test_refused); \
    }                                                       \
  G_STMT_END

/* --- cancelled at every wait ------------------------------------------------------ */

typedef struct
{
  GFile *file;                  /* (owned): 2.5 MB */
  GFile *target;                /* (owned): 10 bytes */
  GBytes *old;                  /* (owned): what is in the target */
  GBytes *bytes;                /* (owned): what is in the file */
  guint n_files;
  guint n_descriptors;
} Cancelled;

static gboolean
cancelled_set_up (gpointer   fixture,
                  GError   **error)
{
  Cancelled *self = fixture;
  g_autoptr (GBytes) bytes = NULL;

  self->file = make_file ("cancelled", 2500000);
  self->target = make_file ("cancelled-target", 10);
  self->bytes = make_bytes (2500000);
  self->old = make_bytes (10);
  /* Whatever the scheduler keeps for files is there now, and is not a leak. */
  bytes = coro_file_load_bytes (self->file, NULL, error);
  self->n_files = count_files ();
  self->n_descriptors = count_descriptors ();
  return bytes != NULL;
}

static gboolean
load_body (gpointer   fixture,
           GError   **error)
{
  g_autofree char *etag = NULL;
  g_autoptr (GBytes) bytes = coro_file_load_bytes (((Cancelled *) fixture)->file, &etag, error);

  g_assert_true ((bytes != NULL) == (etag != NULL));
  return bytes != NULL;
}

static gboolean
save_body (gpointer   fixture,
           GError   **error)
{
  Cancelled *self = fixture;

  return coro_file_save_bytes (self->target, self->bytes, CORO_FILE_SAVE_NONE, error);
}

static gboolean
copy_body (gpointer   fixture,
           GError   **error)
{
  Cancelled *self = fixture;

  return coro_file_copy_to (self->file, self->target, G_FILE_COPY_OVERWRITE, NULL, NULL, error);
}

/* It is all old or all new, and nothing lies about. */
static gboolean
cancelled_check (gpointer   fixture,
                 GError   **error)
{
  Cancelled *self = fixture;
  g_autoptr (GBytes) bytes = g_file_load_bytes (self->target, NULL, NULL, error);

  g_assert_true (g_bytes_equal (bytes, self->old) || g_bytes_equal (bytes, self->bytes));
  g_assert_cmpuint (count_files (), ==, self->n_files);
  g_assert_cmpuint (count_descriptors (), ==, self->n_descriptors);
  return TRUE;
}

static gboolean
cancelled_tear_down (gpointer   fixture,
                     GError   **error)
{
  Cancelled *self = fixture;

  g_object_unref (self->file);
  g_object_unref (self->target);
  g_bytes_unref (self->old);
  g_bytes_unref (self->bytes);
  return TRUE;
}

#define ADD_CANCEL(name, body)                                                                           \
  G_STMT_START                                                                                           \
    {                                                                                                    \
      static const CoroTestCancel _test = { sizeof (Cancelled), cancelled_set_up, body, cancelled_check, \
                                            cancelled_tear_down, 0 };                                    \
      coro_test_add_cancel (name, &_test);                                                               \
    }                                                                                                    \
  G_STMT_END

static void
test_body (gconstpointer body)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_run (*(const CoroFunc *) body, NULL, NULL, &error));
  g_assert_no_error (error);
}

#define ADD(name, body)                               \
  G_STMT_START                                        \
    {                                                 \
      static const CoroFunc _body = body;             \
      g_test_add_data_func (name, &_body, test_body); \
    }                                                 \
  G_STMT_END

int
main (int    argc,
      char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  g_test_summary ("Whole files are loaded, saved and copied without blocking");
  folder = g_strdup (g_getenv ("CORO_TEST_FOLDER"));
  if (folder == NULL)
    folder = g_dir_make_tmp ("coro-test-XXXXXX", NULL);

  ADD ("/io/file/load/every-size", load_sizes_cb);
  ADD ("/io/file/load/etag-is-gio-s", load_etag_cb);
  ADD ("/io/file/load/of-unknown-size", load_proc_cb);
  ADD ("/io/file/load/errors-name-the-file", load_errors_cb);
  ADD ("/io/file/load/pipe-is-waited-for", load_pipe_cb);
  ADD ("/io/file/load/pipe-of-more-than-fits", load_long_pipe_cb);
  ADD ("/io/file/load/without-memory", load_without_memory_cb);
  ADD ("/io/file/load/pipe-cancelled", cancel_pipe_cb);
  ADD ("/io/file/load/cancel-anywhere", cancel_load_cb);
  ADD ("/io/file/load/unheard-cancel-comes-again", cancel_unheard_cb);
  ADD ("/io/file/load/more-than-fit", many_cb);
  ADD ("/io/file/load/truncated-meanwhile", truncated_cb);
  if (g_getenv ("CORO_TEST_VALGRIND") == NULL)  /* which has descriptors and limits of its own */
    ADD ("/io/file/load/no-descriptors", no_descriptors_cb);
  g_test_add_func ("/io/file/load/no-permission", test_no_permission);
  ADD ("/io/file/futures", load_future_cb);
  ADD ("/io/file/others-through-gio", through_gio_cb);
  g_test_add_func ("/io/file/outside", test_outside);
  g_test_add_func ("/io/file/ends-with-its-thread", test_threads);
  if (can_fork ())
    g_test_add_func ("/io/file/fork", test_fork);
  ADD_LACK ("/io/file/lack/io-uring-forbidden", { SYS_io_uring_setup, 0 }, EPERM, FALSE);
  ADD_LACK ("/io/file/lack/io-uring-missing", { SYS_io_uring_setup, 0 }, ENOSYS, FALSE);
  ADD_LACK ("/io/file/lack/io-uring-forbidden-later", { SYS_io_uring_enter, 0 }, EPERM, TRUE);
  ADD ("/io/file/lack/io-uring-closed", ring_closed_cb);
  ADD_LACK ("/io/file/lack/no-memory-for-io-uring", { SYS_io_uring_setup, 0 }, ENOMEM, FALSE);
  ADD_LACK ("/io/file/lack/openat2-missing", { SYS_openat2, 0 }, ENOSYS, FALSE);
  ADD_LACK ("/io/file/lack/openat2-forbidden", { SYS_openat2, 0 }, EPERM, FALSE);
  ADD_LACK ("/io/file/lack/statx-missing", { SYS_statx, 0 }, ENOSYS, FALSE);
  ADD_LACK ("/io/file/lack/statx-forbidden", { SYS_statx, 0 }, EPERM, FALSE);
  ADD_LACK ("/io/file/lack/no-nowait", { SYS_preadv2, SYS_pwritev2 }, EOPNOTSUPP, FALSE);
  ADD_LACK ("/io/file/lack/no-copy-range", { SYS_copy_file_range, SYS_ioctl }, ENOSYS, FALSE);
  ADD_LACK ("/io/file/lack/nowait-forbidden", { SYS_preadv2, SYS_pwritev2 }, EPERM, FALSE);
  ADD_LACK ("/io/file/lack/nowait-forbidden-otherwise", { SYS_preadv2, SYS_openat2 }, EACCES, FALSE);
  ADD_LACK ("/io/file/lack/copy-range-forbidden", { SYS_copy_file_range, SYS_ioctl }, EPERM, FALSE);
  ADD ("/io/file/lease-is-given-back", lease_cb);
  ADD ("/io/file/save/replaces", save_cb);
  ADD ("/io/file/save/keeps-permissions-and-links", save_modes_cb);
  ADD ("/io/file/save/errors-name-the-file", save_errors_cb);
  ADD ("/io/file/save/full-disk-leaves-the-old", save_full_cb);
  g_test_add_func ("/io/file/save/unreadable-folder", test_unreadable_folder);
  g_test_add_func ("/io/file/save/odd-error", test_odd_error);
  ADD ("/io/file/save/cancel-anywhere", cancel_save_cb);
  ADD ("/io/file/save/replaced-meanwhile", save_replaced_cb);
  ADD ("/io/file/save/comes-meanwhile", save_comes_meanwhile_cb);
  ADD ("/io/file/save/pipe-is-waited-for", save_pipe_cb);
  ADD ("/io/file/save/pipe-without-a-reader", save_pipe_alone_cb);
  ADD ("/io/file/save/pipe-cancelled", save_pipe_cancelled_cb);
  g_test_add_func ("/io/file/small-disk", test_small_disk);
  ADD_REFUSED ("/io/file/refused/attributes-unknown", SAVE, { { SYS_flistxattr, EOPNOTSUPP } }, REPLACES);
  ADD_REFUSED ("/io/file/refused/attributes", SAVE, { { SYS_flistxattr, EIO } }, OVERWRITES);
  ADD_REFUSED ("/io/file/refused/mode", SAVE, { { SYS_fchmod, EPERM } }, OVERWRITES);
  ADD_REFUSED ("/io/file/refused/mode-that-is-right", SAVE, { { SYS_fchmod, EPERM } }, REPLACES, 0, 0600);
  ADD_REFUSED ("/io/file/refused/rename", SAVE, { { CALL_RENAME, EXDEV } }, OVERWRITES);
  ADD_REFUSED ("/io/file/refused/rename-fails", SAVE, { { CALL_RENAME, EIO } }, FAILS, G_IO_ERROR_FAILED);
  ADD_REFUSED ("/io/file/refused/rename-once-synced", SAVE_DURABLE, { { CALL_RENAME, ENOSPC } }, FAILS, G_IO_ERROR_NO_SPACE);
  ADD_REFUSED ("/io/file/refused/sync", SAVE_DURABLE, { { SYS_fsync, ENOSPC } }, FAILS, G_IO_ERROR_NO_SPACE);
  ADD_REFUSED ("/io/file/refused/new-name-unless-there", SAVE_NEW, { { SYS_renameat2, EINVAL } }, REPLACES);
  ADD_REFUSED ("/io/file/refused/new-name", SAVE_NEW, { { SYS_renameat2, EINVAL }, { CALL_RENAME, ENOSPC } }, FAILS, G_IO_ERROR_NO_SPACE);
  ADD_REFUSED ("/io/file/refused/new-name-fails", SAVE_NEW, { { SYS_renameat2, ENOSPC } }, FAILS, G_IO_ERROR_NO_SPACE);
  ADD_REFUSED ("/io/file/refused/room", SAVE, { { CALL_RENAME, EXDEV }, { SYS_fallocate, EDQUOT } }, FAILS, G_IO_ERROR_FAILED);
  ADD_REFUSED ("/io/file/refused/room-for-so-large-a-file", SAVE, { { CALL_RENAME, EXDEV }, { SYS_fallocate, EFBIG } }, FAILS, G_IO_ERROR_FAILED);
  ADD_REFUSED ("/io/file/refused/room-is-not-reserved", SAVE, { { CALL_RENAME, EXDEV }, { SYS_fallocate, EOPNOTSUPP } }, OVERWRITES);
  ADD_REFUSED ("/io/file/refused/cut", SAVE, { { CALL_RENAME, EXDEV }, { SYS_ftruncate, EIO } }, BREAKS, G_IO_ERROR_FAILED);
  ADD_REFUSED ("/io/file/refused/no-contents", SAVE_EMPTY, { { CALL_RENAME, EXDEV }, { SYS_fallocate, ENOSPC } }, OVERWRITES);
  ADD_REFUSED ("/io/file/refused/read-attribute", SAVE_ATTRIBUTE, { { SYS_fgetxattr, EIO } }, OVERWRITES);
  ADD_REFUSED ("/io/file/refused/attribute-that-goes", SAVE_ATTRIBUTE, { { SYS_fgetxattr, ENODATA } }, REPLACES);
  ADD_REFUSED ("/io/file/refused/set-attribute", SAVE_ATTRIBUTE, { { SYS_fsetxattr, ENOSPC } }, OVERWRITES);
  ADD_REFUSED ("/io/file/refused/read-link", SAVE_BY_LINK, { { CALL_READLINK, EIO } }, OVERWRITES);
  ADD_REFUSED ("/io/file/refused/file-system-of-link", SAVE_BY_LINK, { { SYS_statfs, ENOSYS } }, REPLACES);
  ADD_REFUSED ("/io/file/refused/copy-no-room", COPY, { { SYS_ioctl, EOPNOTSUPP }, { SYS_copy_file_range, ENOSPC } }, FAILS, G_IO_ERROR_NO_SPACE);
  ADD_REFUSED ("/io/file/refused/copy-quota", COPY_OVERWRITE, { { SYS_ioctl, EOPNOTSUPP }, { SYS_copy_file_range, EDQUOT } }, FAILS, G_IO_ERROR_FAILED);
  ADD_REFUSED ("/io/file/refused/copy-too-large", COPY, { { SYS_ioctl, EOPNOTSUPP }, { SYS_copy_file_range, EFBIG } }, FAILS, G_IO_ERROR_FAILED);
  ADD_REFUSED ("/io/file/refused/copy-fails", COPY, { { SYS_ioctl, EOPNOTSUPP }, { SYS_copy_file_range, EIO } }, FAILS, G_IO_ERROR_FAILED);
  ADD_REFUSED ("/io/file/refused/copy-read", COPY, { { SYS_copy_file_range, EXDEV }, { SYS_pread64, EIO } }, FAILS, G_IO_ERROR_FAILED);
  ADD_REFUSED ("/io/file/refused/copy-write", COPY, { { SYS_copy_file_range, EXDEV }, { SYS_pwrite64, ENOSPC } }, FAILS, G_IO_ERROR_NO_SPACE);
  ADD_REFUSED ("/io/file/refused/copy-hole", COPY_HOLES, { { SYS_ftruncate, ENOSPC } }, FAILS, G_IO_ERROR_NO_SPACE);
  ADD_REFUSED ("/io/file/refused/copy-seek", COPY, { { SYS_lseek, EINVAL } }, REPLACES);
  ADD_REFUSED ("/io/file/refused/copy-rename", COPY_OVERWRITE, { { CALL_RENAME, ENOSPC } }, FAILS, G_IO_ERROR_NO_SPACE);
  ADD_REFUSED ("/io/file/refused/copy-mode", COPY_OVERWRITE, { { SYS_fchmod, EPERM } }, REPLACES);
  ADD ("/io/file/copy/every-size", copy_cb);
  ADD ("/io/file/copy/errors", copy_errors_cb);
  ADD ("/io/file/copy/holes-stay-holes", copy_sparse_cb);
  ADD ("/io/file/copy/across", copy_across_cb);
  ADD ("/io/file/copy/cancel-anywhere", cancel_copy_cb);
  ADD_CANCEL ("/io/file/cancel/load", load_body);
  ADD_CANCEL ("/io/file/cancel/save", save_body);
  ADD_CANCEL ("/io/file/cancel/copy", copy_body);

  result = g_test_run ();
  if (!g_test_subprocess ())
    remove_folder ();
  g_free (folder);
  return result;
}
