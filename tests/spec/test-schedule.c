/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The example that shows who runs when, on the real clock: its tasks do compute.
 */
int example_main (void);

#define main example_main
#include "../../examples/schedule.c"
#undef main

static GString *printed;

static void
print_cb (const char *text)
{
  g_string_append (printed, text);
}

static void
test_schedule (void)
{
  /* B and C wait until the same moment: B began first. */
  static const char *const expected =
    "^\\[0\\.0[0-9]\\] A: starting CPU work\n"
    "\\[\\d\\.\\d\\d\\] A: yielding to I/O\n"
    "\\[\\d\\.\\d\\d\\] B: starting CPU work\n"
    "\\[\\d\\.\\d\\d\\] B: yielding to I/O\n"
    "\\[\\d\\.\\d\\d\\] C: starting CPU work\n"
    "\\[\\d\\.\\d\\d\\] C: yielding to I/O\n"
    "\\[\\d\\.\\d\\d\\] B: I/O complete, resuming\n"
    "\\[\\d\\.\\d\\d\\] C: I/O complete, resuming\n"
    "\\[(\\d\\.\\d\\d)\\] A: I/O complete, resuming\n"
    "All done in \\d\\.\\d\\ds\n"
    "\\['A done', 'B done', 'C done'\\]\n$";
  gint64 begun = g_get_monotonic_time ();
  GPrintFunc outer;
  int status;

  printed = g_string_new (NULL);
  outer = g_set_print_handler (print_cb);
  status = example_main ();
  g_set_print_handler (outer);

  g_assert_cmpint (status, ==, 0);
  if (!g_regex_match_simple (expected, printed->str, 0, 0))
    g_error ("It printed:\n%s", printed->str);
  g_assert_cmpint (g_get_monotonic_time () - begun, >=, 580 * G_TIME_SPAN_MILLISECOND);
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
