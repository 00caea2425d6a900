/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <gio/gio.h>
#include <string.h>

#include "demo-study-programs.h"

/* What the nine programs say, in virtual time. */

static void
print (const char *line, gpointer data)
{
  g_string_append_printf (data, "%s\n", line);
}

static const DemoStudyProgram *
find (const char *name)
{
  const DemoStudyProgram *programs = demo_study_get_programs ();

  for (int i = 0; i < DEMO_STUDY_N_PROGRAMS; i++)
    if (g_str_equal (programs[i].name, name))
      return &programs[i];
  g_error ("There is no program \"%s\"", name);
}

static void
assert_says (const char *name, const char *expected)
{
  g_autoptr (GString) text = g_string_new (NULL);
  DemoStudyOutput output = { print, text };
  g_autoptr (GError) error = NULL;

  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  g_assert_true (find (name)->func (&output, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (text->str, ==, expected);
}

static gboolean
test_programs (gpointer user_data, GValue *result, GError **error)
{
  assert_says ("enter", "opening the connection and the file\ntransferred\nclosing the file\nclosing the connection\n");
  assert_says ("iterate", "got item 1\ngot item 2\ngot item 3\ngot item 4\nthat was all\n");
  assert_says ("generate", "1\n4\n9\n16\n25\n");
  assert_says ("tasks", "tea: begun\ntoast: begun\ntea: done\ntoast: done\nbreakfast, after 600 ms and not 900\n");
  assert_says ("cancel", "1\n2\n3\n4\ncancelled: cleaning up\nit has ended\n");
  assert_says ("context", "request 1: begun\nrequest 2: begun\nrequest 3: begun\n"
               "request 1: answered\nrequest 2: answered\nrequest 3: answered\n");
  return TRUE;
}

static gboolean
test_group (gpointer user_data, GValue *result, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  DemoStudyOutput output = { print, text };

  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  g_assert_true (find ("group")->func (&output, NULL, error));
  g_assert_true (g_str_has_prefix (text->str, "1\n2\n3\none of them fails\ncancelled: cleaning up\nnothing is left running: "));
  return TRUE;
}

static gboolean
real_time_cb (gpointer user_data, GValue *result, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  DemoStudyOutput output = { print, text };

  g_assert_true (find ("await")->func (&output, NULL, error));
  g_assert_cmpstr (text->str, ==, "waiting for the answer\nthe answer is 42\n");
  g_string_truncate (text, 0);
  g_assert_true (find ("block")->func (&output, NULL, error));
  g_assert_true (g_str_has_prefix (text->str, "computing, in a thread\nmeanwhile, the window lives\n"));
  g_assert_true (g_str_has_suffix (text->str, "\ncomputed 42\n"));
  return TRUE;
}

/* A thread and a timeout of GLib's, which has a time of its own, in the main context that the
 * window is in. */
static void
test_real_time (void)
{
  g_autoptr (CoroTask) task = coro_spawn_task (real_time_cb, NULL, NULL);
  g_autoptr (GError) error = NULL;

  while (!coro_future_is_done (CORO_FUTURE (task)))
    g_main_context_iteration (NULL, TRUE);
  coro_future_get_result (CORO_FUTURE (task), NULL, &error);
  g_assert_no_error (error);
}

static gboolean
test_cancelled (gpointer user_data, GValue *result, GError **error)
{
  const DemoStudyProgram *programs = demo_study_get_programs ();

  for (int i = 0; i < DEMO_STUDY_N_PROGRAMS; i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      DemoStudyOutput output = { print, text };
      g_autoptr (CoroTask) task = coro_spawn_task (programs[i].func, &output, NULL);

      /* Virtual time would stand still while a thread is at work. */
      for (int turn = 0; turn < 5; turn++)
        g_assert_true (coro_yield (error));
      coro_task_cancel (task);
      g_assert_true (coro_join (task, error));
      if (!coro_error_is_cancelled (coro_future_get_error (CORO_FUTURE (task))))
        g_error ("%s was not cancelled: %s", programs[i].name, text->str);
      g_assert_cmpuint (coro_scheduler_count_coroutines (coro_scheduler_get_running ()), ==, 1);
    }
  return TRUE;
}

static void
test_source_is_shown (void)
{
  const DemoStudyProgram *programs = demo_study_get_programs ();
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "..", "demo-study-programs.c", NULL);
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  for (int i = 0; i < DEMO_STUDY_N_PROGRAMS; i++)
    {
      g_autofree char *source = demo_study_extract_source (text, programs[i].name);
      g_autofree char *function = g_strdup_printf ("\n%s_cb (gpointer out, ", programs[i].name);

      g_assert_true (g_str_has_prefix (source, "static "));
      g_assert_true (g_str_has_suffix (source, "\n}"));
      g_assert_nonnull (strstr (source, function));
      g_assert_null (strstr (source, "/* ---"));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("The programs of the Study page say what they should, and end when they are cancelled");

  coro_test_add_func ("/spec/S365/programs", test_programs);
  coro_test_add_func ("/spec/S365/group", test_group);
  g_test_add_func ("/spec/S365/real-time", test_real_time);
  coro_test_add_func ("/spec/S365/cancelled", test_cancelled);
  g_test_add_func ("/spec/S365/source-is-shown", test_source_is_shown);
  return g_test_run ();
}
