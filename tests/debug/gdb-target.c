/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "debug/debug-util.h"

/* What test-gdb.py looks at. */

static gboolean wants_core;

NOT_MERGED void stop_here (void);

NOT_MERGED void
stop_here (void)
{
  if (wants_core)
    abort ();
}

NOT_MERGED static gboolean
wait_in_the_depth (int      depth,
                   GError **error)
{
  if (depth == 0)
    return coro_sleep (SECOND, error);
  return wait_in_the_depth (depth - 1, error) && depth > 0;
}

static gboolean
deep_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  return wait_in_the_depth (3, error);
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (deep_cb, NULL, NULL);

  coro_task_set_name (task, "deep one");
  coro_sleep (MILLISECOND, NULL);
  stop_here ();
  return coro_await (task, NULL, error);
}

int
main (int    argc,
      char **argv)
{
  wants_core = argc > 1;
  return coro_run_main (main_cb, NULL);
}
