/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The example that shows when each task runs, on the real clock: its tasks do compute.
 */
int example_main (void);

#define main example_main
#include "../../examples/compute-or-wait.c"
#undef main

#define MAX_TRIES 50

static GString *printed;

static void
print_cb (const char *text)
{
  g_string_append (printed, text);
}

#define TIME "\\[\\d\\.\\d\\d\\] "

#define WORK \
  "^\\[0\\.\\d\\d\\] A: starting CPU work\n" \
  TIME "A: yielding to I/O\n" \
  TIME "B: starting CPU work\n" \
  TIME "B: yielding to I/O\n" \
  TIME "C: starting CPU work\n" \
  TIME "C: yielding to I/O\n"

#define END \
  "All done in \\d\\.\\d\\ds\n" \
  "\\['A done', 'B done', 'C done'\\]\n$"

/* B and C wait until the same moment: B began first. */
static const char *const expected =
  WORK
  TIME "B: I/O complete, resuming\n"
  TIME "C: I/O complete, resuming\n"
  TIME "A: I/O complete, resuming\n"
  END;

/* If another program had the processor meanwhile, the waits end in another order. */
static const char *const disturbed =
  WORK
  "(" TIME "[ABC]: I/O complete, resuming\n){3}"
  END;

static void
run_example (void)
{
  gint64 begun = g_get_monotonic_time ();
  GPrintFunc outer;

  g_string_truncate (printed, 0);
  outer = g_set_print_handler (print_cb);
  g_assert_cmpint (example_main (), ==, 0);
  g_set_print_handler (outer);
  if (!g_regex_match_simple (disturbed, printed->str, 0, 0))
    g_error ("It printed:\n%s", printed->str);
  g_assert_cmpint (g_get_monotonic_time () - begun, >=, 580 * G_TIME_SPAN_MILLISECOND);
}

static void
test_schedule (void)
{
  printed = g_string_new (NULL);
  for (int i = 0; i < MAX_TRIES; i++)
    {
      run_example ();
      if (g_regex_match_simple (expected, printed->str, 0, 0))
        break;
      g_assert_cmpint (i, <, MAX_TRIES - 1);
    }
  g_string_free (printed, TRUE);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/spec/S148-S149-S154-S155/schedule-example", test_schedule);
  return g_test_run ();
}
