/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs a program of examples/ on a clock that jumps, and compares what it prints and when.
 * Linked with the program, whose main() and coro_run_main() are renamed for it; EXPECTED
 * is the file with the lines that have to come, each after its time in seconds.
 */
#undef main
#undef coro_run_main
#undef coro_runner_new

#include "test-util.h"

int         example_main       (void);
int         example_run_main   (CoroFunc  func,
                                gpointer  user_data);
CoroRunner *example_runner_new (void);

static GString *transcript;
static GString *line;
static CoroScheduler *scheduler;
static gint64 start;            /* µs */
static gint64 line_start;       /* µs: when the first part of it was printed */

static void
print_cb (const char *text)
{
  for (; *text != '\0'; text++)
    {
      if (line->len == 0)
        line_start = scheduler != NULL ? coro_scheduler_get_time (scheduler) - start : 0;
      g_string_append_c (line, *text);
      if (*text == '\n')
        {
          g_string_append_printf (transcript, "%.3f %s", (double) line_start / SECOND, line->str);
          g_string_truncate (line, 0);
        }
    }
}

CoroRunner *
example_runner_new (void)
{
  CoroRunner *runner = coro_runner_new ();

  g_set_object (&scheduler, coro_runner_get_scheduler (runner));
  coro_test_clock_start (scheduler, TRUE);
  start = coro_scheduler_get_time (scheduler);
  return runner;
}

int
example_run_main (CoroFunc func,
                  gpointer user_data)
{
  g_autoptr (CoroRunner) runner = example_runner_new ();
  g_autoptr (GError) error = NULL;
  gboolean ok = coro_runner_run (runner, func, user_data, NULL, &error);

  g_assert_no_error (error);
  coro_runner_close (runner);
  return ok ? 0 : 1;
}

static void
test_example (void)
{
  g_autofree char *expected = NULL;
  g_autoptr (GError) error = NULL;
  GPrintFunc outer;
  int status;

  transcript = g_string_new (NULL);
  line = g_string_new (NULL);
  g_file_get_contents (EXPECTED, &expected, NULL, &error);
  g_assert_no_error (error);

  g_vfs_get_default ();         /* says what it has found, in a test: not in the program's lines */
  outer = g_set_print_handler (print_cb);
  status = example_main ();
  g_set_print_handler (outer);

  g_assert_cmpint (status, ==, 0);
  /* A line may end in an asterisk: the rest of it depends on the machine. */
  if (strchr (expected, '*') != NULL)
    g_assert_true (g_pattern_match_simple (expected, transcript->str));
  else
    g_assert_cmpstr (transcript->str, ==, expected);

  g_string_free (transcript, TRUE);
  g_string_free (line, TRUE);
  g_clear_object (&scheduler);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func (TEST_PATH, test_example);
  return g_test_run ();
}
