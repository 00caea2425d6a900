/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <coro-glib/coro-glib.h>

#include "demo-busy-work.h"
#include "demo-frame-stats.h"

static void
test_empty (void)
{
  g_autoptr (DemoFrameStats) stats = demo_frame_stats_new (4);

  g_test_summary ("Without frames every figure is 0");

  g_assert_cmpuint (demo_frame_stats_get_length (stats), ==, 0);
  g_assert_cmpint (demo_frame_stats_get (stats, 0), ==, 0);
  g_assert_cmpint (demo_frame_stats_get_percentile (stats, 99), ==, 0);
}

static void
test_percentiles (void)
{
  g_autoptr (DemoFrameStats) stats = demo_frame_stats_new (1000);

  g_test_summary ("A percentile is the gap that so many gaps do not exceed, in any order");

  for (int i = 100; i >= 1; i--)
    demo_frame_stats_add (stats, i);

  g_assert_cmpint (demo_frame_stats_get (stats, 0), ==, 1);
  g_assert_cmpint (demo_frame_stats_get (stats, 99), ==, 100);
  g_assert_cmpint (demo_frame_stats_get_percentile (stats, 50), ==, 50);
  g_assert_cmpint (demo_frame_stats_get_percentile (stats, 99), ==, 99);
  g_assert_cmpint (demo_frame_stats_get_percentile (stats, 100), ==, 100);
}

static void
test_forgets_the_oldest (void)
{
  g_autoptr (DemoFrameStats) stats = demo_frame_stats_new (3);

  g_test_summary ("A full history forgets its oldest gap, and a reset all");

  demo_frame_stats_add (stats, 250000);
  for (int i = 1; i <= 3; i++)
    demo_frame_stats_add (stats, i);

  g_assert_cmpuint (demo_frame_stats_get_length (stats), ==, 3);
  g_assert_cmpint (demo_frame_stats_get_percentile (stats, 100), ==, 3);
  g_assert_cmpint (demo_frame_stats_get (stats, 2), ==, 1);

  demo_frame_stats_reset (stats);
  g_assert_cmpint (demo_frame_stats_get_percentile (stats, 100), ==, 0);
}

/* --- the work that the meter does ------------------------------------------------- */

static gboolean
count_cb (gpointer user_data, GValue *result, GError **error)
{
  guint *turns = user_data;

  while (coro_yield (error))
    ++*turns;
  return FALSE;
}

static gboolean
gives_way_cb (gpointer user_data, GValue *result, GError **error)
{
  guint turns = 0;
  guint n_steps;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, count_cb, &turns, NULL);
  if (!demo_busy_work_yield (30 * G_TIME_SPAN_MILLISECOND, &n_steps, error))
    return FALSE;

  g_assert_cmpuint (n_steps, ==, 20);
  /* The other one had a turn after every step. */
  g_assert_cmpuint (turns, >=, n_steps - 1);
  return TRUE;
}

static void
test_work_gives_way (void)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("Work in steps lets others run after every step");

  coro_run (gives_way_cb, NULL, NULL, &error);
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/demo/frame-stats/empty", test_empty);
  g_test_add_func ("/demo/frame-stats/percentiles", test_percentiles);
  g_test_add_func ("/demo/frame-stats/forgets-the-oldest", test_forgets_the_oldest);
  g_test_add_func ("/demo/busy-work/gives-way", test_work_gives_way);

  return g_test_run ();
}
