/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "coro-bench-cases.h"

/* --- what is done already --------------------------------------------------------- */

static gint64
await_done (guint    n,
            gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    coro_await (data, NULL, NULL);
  return bench_now () - start;
}

static gint64
await_int_done (guint    n,
                gpointer data)
{
  gint64 start = bench_now ();
  gint64 sum = 0;

  for (guint i = 0; i < n; i++)
    sum += coro_await_int (data, NULL);

  g_assert_cmpint (sum, ==, (gint64) n * 42);
  return bench_now () - start;
}

static gboolean
await_ready_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  Bench *bench = user_data;

  coro_future_resolve_int (future, 42);
  bench_print (bench, NULL, bench_median (bench, await_done, future), "ns");
  bench_print (bench, "int", bench_median (bench, await_int_done, future), "ns");
  return TRUE;
}

void
coro_bench_await_ready (Bench *bench)
{
  coro_bench_run (await_ready_cb, bench);
}

/* --- what is not ------------------------------------------------------------------ */

/* Two coroutines in turn complete the future that the other waits for, and wait for the
 * next: each await suspends, is woken and resumes once, and nothing else happens. */
typedef struct
{
  CoroFuture **futures;         /* (owned) */
  guint n_futures;              /* even */
  gint64 elapsed;
} PingPong;

static gboolean
pong_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  PingPong *self = user_data;

  for (guint i = 0; i < self->n_futures; i += 2)
    {
      coro_await (self->futures[i], NULL, NULL);
      coro_future_resolve_boolean (self->futures[i + 1], TRUE);
    }
  return TRUE;
}

static gboolean
ping_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  PingPong *self = user_data;
  gint64 start = bench_now ();

  for (guint i = 0; i < self->n_futures; i += 2)
    {
      coro_future_resolve_boolean (self->futures[i], TRUE);
      coro_await (self->futures[i + 1], NULL, NULL);
    }
  self->elapsed = bench_now () - start;
  return TRUE;
}

/* Few enough futures at a time that they stay in the cache. */
static void
play (PingPong *self)
{
  GError *error = NULL;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, &error);

  for (guint i = 0; i < self->n_futures; i++)
    self->futures[i] = coro_future_new ();

  coro_task_group_spawn (nursery.group, pong_cb, self, NULL);
  coro_task_group_spawn (nursery.group, ping_cb, self, NULL);
  coro_bench_check (coro_nursery_join (&nursery), error);

  for (guint i = 0; i < self->n_futures; i++)
    g_object_unref (self->futures[i]);
}

static gint64
await_pending (guint    n,
               gpointer data)
{
  PingPong *self = data;
  gint64 elapsed = 0;

  for (guint i = 0; i < n; i++)
    {
      play (self);
      elapsed += self->elapsed;
    }
  return elapsed;
}

/* What making and dropping the future costs on top. */
static gint64
make_futures (guint    n,
              gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    g_object_unref (coro_future_new ());
  return bench_now () - start;
}

static gboolean
await_pending_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Bench *bench = user_data;
  g_autofree CoroFuture **futures = g_new (CoroFuture *, 200);
  PingPong game = { futures, 200 };

  bench_print (bench, NULL, bench_median (bench, await_pending, &game) / game.n_futures, "ns");
  bench_print (bench, "future", bench_median (bench, make_futures, NULL), "ns");
  return TRUE;
}

void
coro_bench_await_pending (Bench *bench)
{
  coro_bench_run (await_pending_cb, bench);
}

/* --- from hand to hand ------------------------------------------------------------ */

typedef struct
{
  CoroQueue *there;
  CoroQueue *back;
} Table;

static gboolean
return_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Table *self = user_data;
  gpointer ball;

  while (coro_queue_take (self->there, &ball, error) && coro_queue_put (self->back, ball, error))
    continue;
  return FALSE;
}

static gint64
play_queues (guint    n,
             gpointer data)
{
  Table *self = data;
  gint64 start = bench_now ();
  gpointer ball;

  for (guint i = 0; i < n; i++)
    {
      coro_queue_put (self->there, self, NULL);
      coro_queue_take (self->back, &ball, NULL);
    }
  return bench_now () - start;
}

/* A round trip: two items, two wake-ups, two switches. */
static gboolean
queue_pingpong_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  Bench *bench = user_data;
  g_autoptr (CoroQueue) there = coro_queue_new (1, NULL);
  g_autoptr (CoroQueue) back = coro_queue_new (1, NULL);
  Table table = { there, back };
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, return_cb, &table, NULL);
  bench_print (bench, NULL, bench_median (bench, play_queues, &table), "ns");
  coro_task_group_cancel (nursery.group);
  coro_nursery_join (&nursery);
  return TRUE;
}

void
coro_bench_queue_pingpong (Bench *bench)
{
  coro_bench_run (queue_pingpong_cb, bench);
}
