/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <coro-glib/coro-glib.h>

#include <stdlib.h>
#include <string.h>

/* What a test observes, in the order in which it happened. */
static GString *trace;

G_GNUC_UNUSED static void
note (const char *text)
{
  if (trace == NULL)
    trace = g_string_new (NULL);
  if (trace->len > 0)
    g_string_append_c (trace, ' ');
  g_string_append (trace, text);
}

/* Compares with what was noted since the last time. */
#define assert_trace(expected)                                                            \
  G_STMT_START                                                                            \
    {                                                                                     \
      g_autofree char *_trace = trace != NULL ? g_string_free (trace, FALSE) : g_strdup (""); \
      trace = NULL;                                                                       \
      g_assert_cmpstr (_trace, ==, (expected));                                           \
    }                                                                                     \
  G_STMT_END

G_GNUC_UNUSED static int
compare_words (gconstpointer a,
               gconstpointer b)
{
  return strcmp (*(char **) a, *(char **) b);
}

/* Sorts the words of what was noted, for coroutines that may run in any order. */
G_GNUC_UNUSED static void
sort_trace (void)
{
  g_auto (GStrv) words = g_strsplit (trace != NULL ? trace->str : "", " ", -1);
  g_autofree char *sorted = NULL;

  qsort (words, g_strv_length (words), sizeof *words, compare_words);
  sorted = g_strjoinv (" ", words);
  if (trace != NULL)
    g_string_assign (trace, sorted);
}

/* Like assert_trace(), where the order does not matter or is left to chance; `expected` is
 * sorted. */
#define assert_trace_in_any_order(expected)                                               \
  G_STMT_START                                                                            \
    {                                                                                     \
      sort_trace ();                                                                      \
      assert_trace (expected);                                                            \
    }                                                                                     \
  G_STMT_END

#define assert_cancelled(error) g_assert_error ((error), G_IO_ERROR, G_IO_ERROR_CANCELLED)
#define assert_timed_out(error) g_assert_error ((error), G_IO_ERROR, G_IO_ERROR_TIMED_OUT)

#define SECOND G_TIME_SPAN_SECOND
#define MILLISECOND G_TIME_SPAN_MILLISECOND

/* Iterates a context until six rounds in a row had nothing to do: four are what the
 * scheduler leaves to others after a full slice. */
G_GNUC_UNUSED static void
settle (GMainContext *context)
{
  for (int idle = 0; idle < 6;)
    idle = g_main_context_iteration (context, FALSE) ? 0 : idle + 1;
}

/* Counts how often data was freed: the code under test must do so once. */
G_GNUC_UNUSED static void
count_cb (gpointer counter)
{
  ++*(int *) counter;
}

G_GNUC_UNUSED static gint64
now (void)
{
  return coro_scheduler_get_time (coro_scheduler_get_running ());
}

G_GNUC_UNUSED static gboolean
fail_cb (gpointer   message,
         GValue    *result,
         GError   **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", message != NULL ? (const char *) message : "failed");
  return FALSE;
}

/* Waits until it is cancelled. */
G_GNUC_UNUSED static gboolean
forever_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return coro_sleep (1000 * 1000 * SECOND, error);
}

#if defined (__SANITIZE_THREAD__) || defined (__SANITIZE_ADDRESS__)
# define TEST_SLOW 1
#else
# define TEST_SLOW 0
#endif

/* Under valgrind, as the setup of that name says, or a sanitizer a test does less. */
G_GNUC_UNUSED static gboolean
is_slow (void)
{
  return TEST_SLOW || g_getenv ("CORO_TEST_VALGRIND") != NULL;
}
