/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gtask-bench-cases.h"

/* The cases of coro-bench as they are written without coroutines: GTask and callbacks.
 * What there is no counterpart for is left out; a callback has no stack to switch to and
 * does not await. */

static GMainLoop *loop;

/* --- giving way: the rest of the work is a callback that the main loop calls later --- */

typedef struct
{
  guint n_left;
} Chain;

static gboolean
chain_cb (gpointer data)
{
  Chain *self = data;

  if (self->n_left-- == 0)
    g_main_loop_quit (loop);
  else
    g_idle_add_full (G_PRIORITY_DEFAULT, chain_cb, self, NULL);
  return G_SOURCE_REMOVE;
}

static gint64
run_chains (guint n_chains,
            guint n)
{
  g_autofree Chain *chains = g_new (Chain, n_chains);
  gint64 start;

  /* The others end one turn later than the one that ends the loop. */
  for (guint i = 0; i < n_chains; i++)
    {
      chains[i].n_left = i + 1 == n_chains ? n : n + 2;
      g_idle_add_full (G_PRIORITY_DEFAULT, chain_cb, &chains[i], NULL);
    }
  start = bench_now ();
  g_main_loop_run (loop);
  start = bench_now () - start;

  for (guint i = 0; i + 1 < n_chains; i++)
    while (chains[i].n_left != G_MAXUINT && g_source_remove_by_user_data (&chains[i]))
      continue;
  return start;
}

static gint64
yield_alone (guint    n,
             gpointer data)
{
  return run_chains (1, n);
}

static gint64
yield_in_crowd (guint    n,
                gpointer data)
{
  return run_chains (1000, n);
}

static void
bench_yield_1 (Bench *bench)
{
  bench_print (bench, NULL, bench_median (bench, yield_alone, NULL), "ns");
}

static void
bench_yield_1000 (Bench *bench)
{
  bench_print (bench, NULL, bench_median (bench, yield_in_crowd, NULL) / 1000, "ns");
}

/* --- spawning: an operation that completes in the next turn -------------------------- */

typedef struct
{
  guint n_pending;
  guint n_left;
} Operations;

static gboolean
complete_cb (gpointer data)
{
  g_task_return_boolean (data, TRUE);
  return G_SOURCE_REMOVE;
}

static void
nothing_async (GAsyncReadyCallback callback,
               gpointer            user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);

  g_idle_add_full (G_PRIORITY_DEFAULT, complete_cb, task, g_object_unref);
}

static void
member_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      data)
{
  Operations *self = data;

  g_task_propagate_boolean (G_TASK (result), NULL);
  if (--self->n_pending == 0)
    g_main_loop_quit (loop);
}

static gint64
spawn_members (guint    n,
               gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    {
      Operations operations = { .n_pending = 1000 };

      for (guint j = 0; j < 1000; j++)
        nothing_async (member_cb, &operations);
      g_main_loop_run (loop);
    }
  return bench_now () - start;
}

static void
next_cb (GObject      *source,
         GAsyncResult *result,
         gpointer      data)
{
  Operations *self = data;

  g_task_propagate_boolean (G_TASK (result), NULL);
  if (self->n_left-- == 0)
    g_main_loop_quit (loop);
  else
    nothing_async (next_cb, self);
}

static gint64
spawn_in_turn (guint    n,
               gpointer data)
{
  Operations operations = { .n_left = n };
  gint64 start = bench_now ();

  nothing_async (next_cb, &operations);
  g_main_loop_run (loop);
  return bench_now () - start;
}

static void
bench_spawn_join (Bench *bench)
{
  bench_print (bench, NULL, bench_median (bench, spawn_members, NULL) / 1000, "ns");
}

static void
bench_spawn_await (Bench *bench)
{
  bench_print (bench, NULL, bench_median (bench, spawn_in_turn, NULL), "ns");
}

/* --- many ---------------------------------------------------------------------------- */

/* The state that a coroutine keeps in its locals, in the least that it takes. */
typedef struct
{
  GTask *next;
  gpointer locals[4];
} ParkedData;

static void
free_parked (gpointer data)
{
  g_free (data);
}

static GTask *
park_more (GTask *list,
           guint  n)
{
  for (guint i = 0; i < n; i++)
    {
      GTask *task = g_task_new (NULL, NULL, NULL, NULL);
      ParkedData *data = g_new0 (ParkedData, 1);

      data->next = list;
      g_task_set_task_data (task, data, free_parked);
      list = task;
    }
  return list;
}

static void
bench_parked_bytes (Bench *bench)
{
  guint n = bench_size (bench, 100000, 1000);
  GTask *list = park_more (NULL, 100);
  BenchMemory before = bench_get_memory ();
  BenchMemory after;

  list = park_more (list, n);
  after = bench_get_memory ();
  bench_print (bench, NULL,
               (double) (after.rss + after.page_tables - before.rss - before.page_tables) / n, "bytes");
}

static gboolean
wake_cb (gpointer data)
{
  if (--*(guint *) data == 0)
    g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static void
measure_sleepers (Bench  *bench,
                  double *figures)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  guint n = bench_size (bench, 100000, 1000);
  BenchCpu before = bench_get_cpu ();
  BenchCpu after;

  for (guint i = 0, n_sleepers = n; i < n_sleepers; i++)
    g_timeout_add ((guint) g_rand_int_range (random, 0, 1000), wake_cb, &n);
  g_main_loop_run (loop);
  after = bench_get_cpu ();
  figures[0] = after.user + after.sys - before.user - before.sys;
}

static void
bench_sleep_100k (Bench *bench)
{
  double figures[BENCH_MAX_FIGURES];

  bench_fresh_medians (bench, measure_sleepers, figures);
  bench_print (bench, NULL, figures[0], "s");
}

static gint64
iterate (guint    n,
         gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    g_main_context_iteration (NULL, FALSE);
  return bench_now () - start;
}

static void
bench_timers_50k (Bench *bench)
{
  guint n = bench_size (bench, 50000, 500);
  double none = bench_median (bench, iterate, NULL);

  for (guint i = 0; i < n; i++)
    g_timeout_add_seconds (3600, wake_cb, NULL);
  bench_print (bench, NULL, bench_median (bench, iterate, NULL) - none, "ns");
}

static const BenchCase cases[] = {
  { .name = "yield-1", .run = bench_yield_1 },
  { .name = "yield-1000", .run = bench_yield_1000 },
  { .name = "spawn-join", .run = bench_spawn_join },
  { .name = "spawn-await", .run = bench_spawn_await },
  { .name = "parked-bytes", .run = bench_parked_bytes },
  { .name = "sleep-100k", .run = bench_sleep_100k },
  { .name = "timers-50k", .run = bench_timers_50k },
  { .name = "echo-1", .run = gtask_bench_echo_1 },
  { .name = "echo-100", .run = gtask_bench_echo_100 },
  { .name = "echo-1000", .run = gtask_bench_echo_1000 },
  { .name = "echo-4000", .run = gtask_bench_echo_4000 },
  { .name = NULL }
};

int
main (int    argc,
      char **argv)
{
  loop = g_main_loop_new (NULL, FALSE);
  return bench_main (argc, argv, cases);
}
