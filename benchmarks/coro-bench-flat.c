/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "coro-bench-cases.h"

#include <time.h>

/* What a turn and a timer cost among a hundred coroutines and among a million. */

#define N_SIZES         5
#define N_BLOCKS        9
#define TURNS_PER_BLOCK 500000
#define N_TIMERS        2000

typedef struct
{
  guint n_coroutines;           /* in all */
  guint n_asleep;
  guint n_started;
  gboolean over;                /* all stop yielding and fall asleep */
  double *figures;
} Flat;

typedef enum
{
  FIGURE_YIELD,
  FIGURE_TIMER,
  FIGURE_FIRST
} Figure;

static guint n_wanted;          /* measure_flat() takes no data */

/* ns: the thread's processor time.  While it is measured the thread never sleeps, and in real
 * time each block would include a different share of what other programs take. */
static gint64
get_cpu_time (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gint64) time.tv_sec * 1000 * 1000 * 1000 + time.tv_nsec;
}

static GTimeSpan
random_span (void)
{
  return g_random_int_range (3600, 7200) * G_TIME_SPAN_SECOND + g_random_int_range (0, G_TIME_SPAN_SECOND);
}

static gboolean
flat_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Flat *self = user_data;

  self->n_started++;
  while (!self->over)
    coro_yield (NULL);
  self->n_asleep++;
  coro_sleep (random_span (), NULL);
  return TRUE;
}

/* In each round of this coroutine every coroutine has one turn. */
static double
measure_yields (Flat *self)
{
  guint n_rounds = MAX (1, TURNS_PER_BLOCK / self->n_coroutines);
  double blocks[N_BLOCKS];

  for (guint i = 0; i < N_BLOCKS; i++)
    {
      gint64 start = get_cpu_time ();

      for (guint j = 0; j < n_rounds; j++)
        coro_yield (NULL);
      blocks[i] = (double) (get_cpu_time () - start) / n_rounds / self->n_coroutines;
    }
  return bench_median_of (blocks, N_BLOCKS);
}

/* `shortest`: it is the earliest of all, which is the worst for a heap: it goes up to the
 * top, and another one has to be found for that when it goes. */
static double
measure_timers (gboolean shortest)
{
  double blocks[N_BLOCKS];

  for (guint i = 0; i < N_BLOCKS; i++)
    {
      g_autofree GTimeSpan *spans = g_new (GTimeSpan, N_TIMERS);
      gint64 start;

      for (guint j = 0; j < N_TIMERS; j++)
        spans[j] = shortest ? G_TIME_SPAN_MINUTE : random_span ();
      start = get_cpu_time ();
      for (guint j = 0; j < N_TIMERS; j++)
        {
          g_auto (CoroTimeout) timeout = coro_timeout_enter (spans[j], NULL);
        }
      blocks[i] = (double) (get_cpu_time () - start) / N_TIMERS;
    }
  return bench_median_of (blocks, N_BLOCKS);
}

/* coro_run() cancels the coroutines that still sleep. */
static gboolean
stopwatch_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  Flat *self = user_data;

  for (guint i = 1; i < self->n_coroutines; i++)
    coro_spawn (flat_cb, self, NULL);
  while (self->n_started < self->n_coroutines - 1)
    coro_yield (NULL);
  self->figures[FIGURE_YIELD] = measure_yields (self);

  self->over = TRUE;
  while (self->n_asleep < self->n_coroutines - 1)
    coro_yield (NULL);
  self->figures[FIGURE_TIMER] = measure_timers (FALSE);
  self->figures[FIGURE_FIRST] = measure_timers (TRUE);
  return TRUE;
}

static void
measure_flat (Bench  *bench,
              double *figures)
{
  coro_bench_run (stopwatch_cb, &(Flat) { .n_coroutines = n_wanted, .figures = figures });
}

/* A figure of the most in percent of that of the fewest. */
static double
get_growth (double (*figures)[BENCH_MAX_FIGURES],
            Figure   figure)
{
  return 100 * figures[N_SIZES - 1][figure] / figures[0][figure];
}

void
coro_bench_flat (Bench *bench)
{
  static const char *const kinds[] = { "yield", "timer", "first-timer" };
  static const char *const sizes[N_SIZES] = { "100", "1k", "10k", "100k", "1m" };
  double figures[N_SIZES][BENCH_MAX_FIGURES];

  for (guint i = 0, n = 100; i < N_SIZES; i++, n *= 10)
    {
      n_wanted = bench_size (bench, n, MIN (n, 1000));
      bench_fresh_medians (bench, measure_flat, figures[i]);
    }

  bench_print (bench, NULL, get_growth (figures, FIGURE_YIELD), "percent");
  bench_print (bench, "timer", get_growth (figures, FIGURE_TIMER), "percent");
  for (guint kind = 0; kind < G_N_ELEMENTS (kinds); kind++)
    for (guint i = 0; i < N_SIZES; i++)
      {
        g_autofree char *detail = g_strdup_printf ("%s-%s", kinds[kind], sizes[i]);

        bench_print (bench, detail, figures[i][kind], "ns");
      }
}
