/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Long enough that the clock, a late interrupt and a time slice of the scheduler vanish
 * in it, and enough rounds that the median ignores those in which something else ran. */
#define ROUND_TIME (20 * 1000 * 1000)   /* ns */
#define N_ROUNDS   15
#define N_FRESH    3

/* --- running cases ---------------------------------------------------------------- */

static void
exec_program (const Bench *self,
              const char  *program)
{
  g_autofree char *own_path = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = own_path != NULL ? g_path_get_dirname (own_path) : g_strdup (".");
  g_autofree char *path = g_build_filename (folder, program, NULL);

  if (access (path, X_OK) != 0)
    {
      g_printerr ("%s: not measured: %s was not built\n", self->name, program);
      _exit (0);
    }
  execl (path, path, self->name, self->quick ? "--quick" : NULL, NULL);
  g_printerr ("%s: %s: %s\n", self->name, path, g_strerror (errno));
  _exit (1);
}

/* Every case has a process of its own, so that no memory, stack or main loop that one
 * leaves behind is measured by the next, and so that a crash is one case's. */
static gboolean
run_case (const BenchCase *test,
          gboolean         quick)
{
  Bench bench = { test->name, quick };
  int status = 0;
  pid_t child;

  if (test->needs_display && g_getenv ("DISPLAY") == NULL && g_getenv ("WAYLAND_DISPLAY") == NULL)
    {
      g_printerr ("%s: not measured: there is no display\n", test->name);
      return TRUE;
    }

  fflush (NULL);
  child = fork ();
  if (child == 0)
    {
      if (test->program != NULL)
        exec_program (&bench, test->program);
      test->run (&bench);
      fflush (NULL);
      _exit (0);
    }

  while (child > 0 && waitpid (child, &status, 0) < 0 && errno == EINTR)
    continue;
  if (child < 0)
    g_printerr ("%s: fork: %s\n", test->name, g_strerror (errno));
  else if (WIFSIGNALED (status))
    g_printerr ("%s: ended by signal %d (%s)\n", test->name, WTERMSIG (status), g_strsignal (WTERMSIG (status)));
  return child > 0 && WIFEXITED (status) && WEXITSTATUS (status) == 0;
}

static const BenchCase *
find_case (const BenchCase *cases,
           const char      *name)
{
  for (; cases->name != NULL; cases++)
    if (strcmp (cases->name, name) == 0)
      return cases;
  return NULL;
}

static int
print_names (const BenchCase *cases)
{
  for (; cases->name != NULL; cases++)
    printf ("%s\n", cases->name);
  return 0;
}

static int
print_usage (const BenchCase *cases,
             const char      *program)
{
  g_printerr ("Usage: %s [--list | --quick] [CASE…]\nCases:", program);
  for (; cases->name != NULL; cases++)
    g_printerr (" %s", cases->name);
  g_printerr ("\n");
  return 2;
}

int
bench_main (int               argc,
            char            **argv,
            const BenchCase  *cases)
{
  gboolean quick = FALSE;
  gboolean ok = TRUE;
  int n_named = 0;

  for (int i = 1; i < argc; i++)
    {
      if (strcmp (argv[i], "--quick") == 0)
        quick = TRUE;
      else if (strcmp (argv[i], "--list") == 0)
        return print_names (cases);
      else if (find_case (cases, argv[i]) != NULL)
        n_named++;
      else
        return print_usage (cases, argv[0]);
    }

  for (int i = 1; i < argc; i++)
    if (strcmp (argv[i], "--quick") != 0)
      ok &= run_case (find_case (cases, argv[i]), quick);
  for (; n_named == 0 && cases->name != NULL; cases++)
    ok &= run_case (cases, quick);

  return ok ? 0 : 1;
}

/* --- measuring -------------------------------------------------------------------- */

guint
bench_size (const Bench *self,
            guint        full,
            guint        quick)
{
  return self->quick ? quick : full;
}

gint64
bench_now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return (gint64) time.tv_sec * 1000 * 1000 * 1000 + time.tv_nsec;
}

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  double left = *(const double *) a;
  double right = *(const double *) b;

  return (left > right) - (left < right);
}

/* Sorts `values`. */
double
bench_median_of (double *values,
                 guint   n_values)
{
  qsort (values, n_values, sizeof (double), compare_doubles);
  return (values[(n_values - 1) / 2] + values[n_values / 2]) / 2;
}

/* How often to do it for a round that lasts long enough; warms everything up besides. */
static guint
find_round_size (BenchFunc func,
                 gpointer  data)
{
  guint n = 1;
  gint64 elapsed = func (n, data);

  while (elapsed < ROUND_TIME / 10 && n < G_MAXUINT / 20)
    {
      n *= 2;
      elapsed = func (n, data);
    }
  return MAX (1, (guint) ((double) n * ROUND_TIME / MAX (elapsed, 1)));
}

/* ns for doing it once: the median of several rounds. */
double
bench_median (const Bench *self,
              BenchFunc    func,
              gpointer     data)
{
  guint n_rounds = bench_size (self, N_ROUNDS, 1);
  guint n = self->quick ? 3 : find_round_size (func, data);
  double values[N_ROUNDS];

  for (guint i = 0; i < n_rounds; i++)
    values[i] = (double) func (n, data) / n;
  return bench_median_of (values, n_rounds);
}

static gboolean
measure_afresh (Bench            *self,
                BenchFiguresFunc  func,
                double           *figures)
{
  gsize size = sizeof (double) * BENCH_MAX_FIGURES;
  gboolean ok;
  int pipe_fds[2];
  pid_t child;

  if (pipe (pipe_fds) != 0)
    g_error ("pipe: %s", g_strerror (errno));

  child = fork ();
  if (child == 0)
    {
      func (self, figures);
      _exit (write (pipe_fds[1], figures, size) == (gssize) size ? 0 : 1);
    }
  close (pipe_fds[1]);
  ok = child > 0 && read (pipe_fds[0], figures, size) == (gssize) size;
  close (pipe_fds[0]);
  if (child > 0)
    waitpid (child, NULL, 0);
  return ok;
}

/* Calls `func` in several new processes and gives the median of each of its figures. */
void
bench_fresh_medians (Bench            *self,
                     BenchFiguresFunc  func,
                     double           *figures)
{
  guint n_rounds = bench_size (self, N_FRESH, 1);
  double values[BENCH_MAX_FIGURES][N_FRESH];

  for (guint i = 0; i < n_rounds; i++)
    {
      double round[BENCH_MAX_FIGURES] = { 0, };

      if (!measure_afresh (self, func, round))
        {
          g_printerr ("%s: not measured: the process that did has crashed\n", self->name);
          _exit (1);
        }
      for (guint j = 0; j < BENCH_MAX_FIGURES; j++)
        values[j][i] = round[j];
    }

  for (guint j = 0; j < BENCH_MAX_FIGURES; j++)
    figures[j] = bench_median_of (values[j], n_rounds);
}

/* The bytes of a line like "Rss:   12 kB". */
static gsize
read_proc (const char *path,
           const char *key)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents (path, &text, NULL, NULL) || (line = strstr (text, key)) == NULL)
    return 0;
  return (gsize) g_ascii_strtoull (line + strlen (key), NULL, 10) * 1024;
}

/* VmRSS lags behind by up to 64 pages a processor; smaps_rollup counts. */
BenchMemory
bench_get_memory (void)
{
  BenchMemory memory = {
    read_proc ("/proc/self/smaps_rollup", "\nRss:"),
    read_proc ("/proc/self/status", "\nVmPTE:")
  };

  if (memory.rss == 0)
    memory.rss = read_proc ("/proc/self/status", "\nVmRSS:");
  return memory;
}

BenchCpu
bench_get_cpu (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (BenchCpu) {
    (double) usage.ru_utime.tv_sec + (double) usage.ru_utime.tv_usec / 1e6,
    (double) usage.ru_stime.tv_sec + (double) usage.ru_stime.tv_usec / 1e6
  };
}

/* --- output ----------------------------------------------------------------------- */

/* As many digits as mean something. */
static const char *
get_format (double      value,
            const char *unit)
{
  if (strcmp (unit, "frames") == 0 || strcmp (unit, "bytes") == 0)
    return "%.0f";
  if (strcmp (unit, "s") == 0)
    return "%.3f";
  if (ABS (value) < 10)
    return "%.2f";
  return ABS (value) < 1000 ? "%.1f" : "%.0f";
}

void
bench_print (const Bench *self,
             const char  *detail,
             double       value,
             const char  *unit)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (digits, sizeof digits, get_format (value, unit), value);
  printf ("%s%s%s\t%s\t%s\n", self->name, detail != NULL ? "." : "", detail != NULL ? detail : "", digits, unit);
  fflush (stdout);
}
