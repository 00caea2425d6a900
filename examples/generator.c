/* A generator gives one value after the other, and may wait in between.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
count_cb (CoroGenerator  *self,
          gpointer        user_data,
          GError        **error)
{
  for (int i = 0; i < 5; i++)
    if (!coro_sleep (G_TIME_SPAN_SECOND, error) ||
        !coro_generator_produce_int (self, i, error))
      return FALSE;
  return TRUE;
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, count_cb, NULL, NULL);
  g_auto (CoroLoop) loop = coro_loop_enter (generator, error);
  g_auto (GValue) value = G_VALUE_INIT;

  while (coro_loop_next (&loop, &value))
    g_print ("%d\n", g_value_get_int (&value));
  return coro_loop_ok (&loop);
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
