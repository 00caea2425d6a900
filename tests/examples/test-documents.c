/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a newcomer reads first.
 */
#include <gio/gio.h>

static char *
read_source (const char *name)
{
  g_autofree char *path = g_build_filename (SOURCE_ROOT, name, NULL);
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

/* The first program needs no scheduler, only what it does. */
static void
test_hello_is_plain (void)
{
  g_autofree char *text = read_source ("examples/hello.c");
  g_autoptr (GRegex) regex = g_regex_new ("\\bcoro_\\w+", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  const char * const plain[] = { "coro_run_main", "coro_run", "coro_await", "coro_sleep", NULL };
  int n = 0;

  for (g_regex_match (regex, text, 0, &match); g_match_info_matches (match); g_match_info_next (match, NULL))
    {
      g_autofree char *name = g_match_info_fetch (match, 0);

      g_test_message ("%s", name);
      g_assert_true (g_strv_contains (plain, name));
      n++;
    }
  g_assert_cmpint (n, >=, 2);
}

/* The umbrella header is the table of contents. */
static void
test_run_comes_first (void)
{
  g_autofree char *text = read_source ("libcoro-glib/coro-glib.h");
  const char *run = g_strstr_len (text, -1, "\"scope/coro-run.h\"");
  const char *runner = g_strstr_len (text, -1, "\"scope/coro-runner.h\"");

  g_assert_nonnull (run);
  g_assert_nonnull (runner);
  g_assert_true (run < runner);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/spec/S034/hello-is-plain", test_hello_is_plain);
  g_test_add_func ("/spec/S086/run-comes-first", test_run_comes_first);
  return g_test_run ();
}
