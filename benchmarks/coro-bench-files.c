/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "coro-bench-cases.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define N_ROUNDS 5
#define AT_ONCE 16              /* files that are loaded at the same time, where they are not in memory */
#define GIGABYTE (1024 * 1024 * 1024)

static char *
make_folder (void)
{
  GError *error = NULL;
  char *folder = g_dir_make_tmp ("coro-bench-XXXXXX", &error);

  coro_bench_check (folder != NULL, error);
  return folder;
}

/* --- many small files ------------------------------------------------------------- */

typedef struct
{
  Bench *bench;
  char *folder;
  char **paths;
  guint n_files;
} Files;

static void
files_make (Files *self)
{
  self->folder = make_folder ();
  self->paths = g_new0 (char *, self->n_files + 1);
  for (guint i = 0; i < self->n_files; i++)
    {
      g_autofree char *contents = g_strnfill (1 + i * 997 % 4096, 'x');
      g_autofree char *name = g_strdup_printf ("file-%05u", i);

      self->paths[i] = g_build_filename (self->folder, name, NULL);
      coro_bench_check (g_file_set_contents_full (self->paths[i], contents, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL), NULL);
    }
}

static void
files_remove (Files *self)
{
  for (guint i = 0; i < self->n_files; i++)
    g_unlink (self->paths[i]);
  g_rmdir (self->folder);
  g_strfreev (self->paths);
  g_free (self->folder);
}

/* What the program that blocks does. */
static double
files_read_plainly (Files *self)
{
  static char buffer[65536];
  gint64 start = bench_now ();

  for (guint i = 0; i < self->n_files; i++)
    {
      int fd = open (self->paths[i], O_RDONLY | O_CLOEXEC);

      coro_bench_check (fd >= 0 && read (fd, buffer, sizeof buffer) > 0 && close (fd) == 0, NULL);
    }
  return (double) (bench_now () - start);
}

static gboolean
load_cb (gpointer   element,
         gpointer   user_data,
         GError   **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (*(char **) element);
  g_autoptr (GBytes) bytes = coro_file_load_bytes (file, NULL, error);

  return bytes != NULL;
}

static double
files_load (Files *self)
{
  gint64 start = bench_now ();
  GError *error = NULL;

  for (guint i = 0; i < self->n_files; i++)
    coro_bench_check (load_cb (&self->paths[i], NULL, &error), error);
  return (double) (bench_now () - start);
}

static double
files_load_at_once (Files *self)
{
  gint64 start = bench_now ();
  GError *error = NULL;

  coro_bench_check (coro_each (self->paths, self->n_files, sizeof (char *), AT_ONCE, load_cb, NULL, &error), error);
  return (double) (bench_now () - start);
}

static double
files_load_with_gio (Files *self)
{
  gint64 start = bench_now ();
  GError *error = NULL;

  for (guint i = 0; i < self->n_files; i++)
    {
      g_auto (CoroOperation) op = CORO_OPERATION_INIT;
      g_autoptr (GFile) file = g_file_new_for_path (self->paths[i]);
      g_autoptr (GBytes) bytes = g_file_load_bytes_finish (file, CORO_CALL (&op, g_file_load_bytes_async, file), NULL, &error);

      coro_bench_check (bytes != NULL, error);
    }
  return (double) (bench_now () - start);
}

/* Their contents; the kernel still knows where they are. */
static void
files_forget (Files *self)
{
  sync ();
  for (guint i = 0; i < self->n_files; i++)
    {
      int fd = open (self->paths[i], O_RDONLY | O_CLOEXEC);

      posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED);
      close (fd);
    }
}

/* Two ways in turn: what else the machine does is the same for both. */
static void
files_compare (Files       *self,
               const char  *detail,
               double     (*func) (Files *self),
               double     (*base) (Files *self),
               gboolean     cold)
{
  guint n_rounds = bench_size (self->bench, N_ROUNDS, 1);
  double values[N_ROUNDS], ratios[N_ROUNDS];

  for (guint i = 0; i < n_rounds; i++)
    {
      double base_time;

      if (cold)
        files_forget (self);
      base_time = base (self);
      if (cold)
        files_forget (self);
      values[i] = func (self);
      ratios[i] = values[i] / base_time;
    }
  if (detail == NULL)
    bench_print (self->bench, NULL, bench_median_of (values, n_rounds) / 1e6, "ms");
  bench_print (self->bench, detail != NULL ? detail : "of-sync", bench_median_of (ratios, n_rounds) * 100, "percent");
}

static gboolean
files_20k_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  Bench *bench = user_data;
  Files files = { bench, NULL, NULL, bench_size (bench, 20000, 20) };

  files_make (&files);
  files_read_plainly (&files);
  files_load (&files);
  files_compare (&files, NULL, files_load, files_read_plainly, FALSE);
  files_compare (&files, "at-once-of-sync", files_load_at_once, files_read_plainly, FALSE);
  files_compare (&files, "gio-of-sync", files_load_with_gio, files_read_plainly, FALSE);
  files_compare (&files, "cold-of-sync", files_load_at_once, files_read_plainly, TRUE);
  files_remove (&files);
  return TRUE;
}

void
coro_bench_files_20k (Bench *bench)
{
  coro_bench_run (files_20k_cb, bench);
}

/* --- a large file ----------------------------------------------------------------- */

static void
make_large_file (const char *path,
                 gsize       size)
{
  gsize piece = MIN (size, 1024 * 1024);
  g_autofree char *data = g_malloc (piece);
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  for (gsize i = 0; i < piece; i++)
    data[i] = (char) (i * 31 >> 3);
  for (gsize done = 0; done < size; done += piece)
    coro_bench_check (write (fd, data, piece) == (gssize) piece, NULL);
  coro_bench_check (fsync (fd) == 0 && close (fd) == 0, NULL);
}

static double
copy_with_cp (char *source,
              char *target)
{
  char *arguments[] = { (char *) "cp", source, target, NULL };
  GError *error = NULL;
  gint64 start = bench_now ();
  int status;

  coro_bench_check (g_spawn_sync (NULL, arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error),
                    error);
  coro_bench_check (status == 0, NULL);
  return (double) (bench_now () - start);
}

static double
copy_with_ours (const char *source,
                const char *target)
{
  g_autoptr (GFile) from = g_file_new_for_path (source);
  g_autoptr (GFile) to = g_file_new_for_path (target);
  GError *error = NULL;
  gint64 start = bench_now ();

  coro_bench_check (coro_file_copy_to (from, to, G_FILE_COPY_NONE, NULL, NULL, &error), error);
  return (double) (bench_now () - start);
}

static gboolean
copy_1g_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Bench *bench = user_data;
  g_autofree char *folder = make_folder ();
  g_autofree char *source = g_build_filename (folder, "source", NULL);
  g_autofree char *target = g_build_filename (folder, "target", NULL);
  guint n_rounds = bench_size (bench, N_ROUNDS, 1);
  double values[N_ROUNDS], ratios[N_ROUNDS];

  make_large_file (source, bench_size (bench, GIGABYTE, 1024 * 1024));
  for (guint i = 0; i < n_rounds; i++)
    {
      double base_time = copy_with_cp (source, target);

      g_unlink (target);
      values[i] = copy_with_ours (source, target);
      g_unlink (target);
      ratios[i] = values[i] / base_time;
    }
  bench_print (bench, NULL, bench_median_of (values, n_rounds) / 1e9, "s");
  bench_print (bench, "of-cp", bench_median_of (ratios, n_rounds) * 100, "percent");

  g_unlink (source);
  g_rmdir (folder);
  return TRUE;
}

void
coro_bench_copy_1g (Bench *bench)
{
  coro_bench_run (copy_1g_cb, bench);
}
