/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dex-bench-cases.h"

/* --- what is done already --------------------------------------------------------- */

static gint64
await_done (guint    n,
            gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    dex_await (dex_ref (data), NULL);
  return bench_now () - start;
}

static gint64
await_int_done (guint    n,
                gpointer data)
{
  gint64 start = bench_now ();
  gint64 sum = 0;

  for (guint i = 0; i < n; i++)
    sum += dex_await_int (dex_ref (data), NULL);

  g_assert_cmpint (sum, ==, (gint64) n * 42);
  return bench_now () - start;
}

static DexFuture *
await_ready_cb (gpointer user_data)
{
  Bench *bench = user_data;
  DexPromise *promise = dex_promise_new ();

  dex_promise_resolve_int (promise, 42);
  bench_print (bench, NULL, bench_median (bench, await_done, promise), "ns");
  bench_print (bench, "int", bench_median (bench, await_int_done, promise), "ns");
  dex_unref (promise);
  return dex_future_new_true ();
}

void
dex_bench_await_ready (Bench *bench)
{
  dex_bench_run (await_ready_cb, bench);
}

/* --- what is not ------------------------------------------------------------------ */

typedef struct
{
  DexPromise **promises;        /* (owned) */
  guint n_promises;             /* even */
  gint64 elapsed;
} PingPong;

static DexFuture *
pong_cb (gpointer user_data)
{
  PingPong *self = user_data;

  for (guint i = 0; i < self->n_promises; i += 2)
    {
      dex_await (dex_ref (DEX_FUTURE (self->promises[i])), NULL);
      dex_promise_resolve_boolean (self->promises[i + 1], TRUE);
    }
  return dex_future_new_true ();
}

static DexFuture *
ping_cb (gpointer user_data)
{
  PingPong *self = user_data;
  gint64 start = bench_now ();

  for (guint i = 0; i < self->n_promises; i += 2)
    {
      dex_promise_resolve_boolean (self->promises[i], TRUE);
      dex_await (dex_ref (DEX_FUTURE (self->promises[i + 1])), NULL);
    }
  self->elapsed = bench_now () - start;
  return dex_future_new_true ();
}

static gint64
await_pending (guint    n,
               gpointer data)
{
  PingPong *self = data;
  gint64 elapsed = 0;

  for (guint i = 0; i < n; i++)
    {
      for (guint j = 0; j < self->n_promises; j++)
        self->promises[j] = dex_promise_new ();

      dex_await (dex_future_all (dex_scheduler_spawn (NULL, 0, pong_cb, self, NULL),
                                 dex_scheduler_spawn (NULL, 0, ping_cb, self, NULL),
                                 NULL), NULL);
      elapsed += self->elapsed;

      for (guint j = 0; j < self->n_promises; j++)
        dex_unref (self->promises[j]);
    }
  return elapsed;
}

static gint64
make_promises (guint    n,
               gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    dex_unref (dex_promise_new ());
  return bench_now () - start;
}

static DexFuture *
await_pending_cb (gpointer user_data)
{
  Bench *bench = user_data;
  g_autofree DexPromise **promises = g_new (DexPromise *, 200);
  PingPong game = { promises, 200 };

  bench_print (bench, NULL, bench_median (bench, await_pending, &game) / game.n_promises, "ns");
  bench_print (bench, "future", bench_median (bench, make_promises, NULL), "ns");
  return dex_future_new_true ();
}

void
dex_bench_await_pending (Bench *bench)
{
  dex_bench_run (await_pending_cb, bench);
}
