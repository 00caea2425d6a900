/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "test-util.h"

/* What was logged, a message a line, whatever its thread. */
static GMutex log_lock;
static GString *log_text;

static void
collect_cb (const char     *domain,
            GLogLevelFlags  level,
            const char     *message,
            gpointer        user_data)
{
  g_mutex_lock (&log_lock);
  g_string_append_printf (log_text, "%s\n", message);
  g_mutex_unlock (&log_lock);
}

G_GNUC_UNUSED static void
begin_log (void)
{
  if (log_text == NULL)
    {
      log_text = g_string_new (NULL);
      g_log_set_always_fatal (G_LOG_LEVEL_ERROR);
      g_log_set_handler ("Coro", G_LOG_LEVEL_MASK, collect_cb, NULL);
    }
  g_string_truncate (log_text, 0);
}

/* How many times `what` is in `text`. */
G_GNUC_UNUSED static guint
count (const char *text,
       const char *what)
{
  guint n = 0;

  for (const char *at = strstr (text, what); at != NULL; at = strstr (at + 1, what))
    n++;
  return n;
}

#define assert_count(text, what, n)                                                       \
  G_STMT_START                                                                            \
    {                                                                                     \
      if (count ((text), (what)) != (n))                                                  \
        g_error ("Not %u times \"%s\" in:\n%s", (guint) (n), (what), (text));             \
    }                                                                                     \
  G_STMT_END

/* How many times `text` was logged so far. */
G_GNUC_UNUSED static int
count_logged (const char *text)
{
  int n;

  g_mutex_lock (&log_lock);
  n = (int) count (log_text->str, text);
  g_mutex_unlock (&log_lock);
  return n;
}

G_GNUC_UNUSED static void
end_log (void)
{
  g_string_free (log_text, TRUE);
  log_text = NULL;
  g_log_set_handler ("Coro", G_LOG_LEVEL_MASK, g_log_default_handler, NULL);
}

#define assert_logged(text, times)                                                        \
  G_STMT_START                                                                            \
    {                                                                                     \
      if (count_logged (text) != (times))                                                 \
        g_error ("Not %d times \"%s\" in:\n%s", (times), (text), log_text->str);          \
    }                                                                                     \
  G_STMT_END

/* A function that a backtrace has to show as it is written. */
#if defined (__clang__)
# define NOT_MERGED __attribute__ ((noinline, used))
#else
# define NOT_MERGED __attribute__ ((noipa, used))
#endif

/* Keeps the processor busy. */
G_GNUC_UNUSED static void
spin (GTimeSpan duration)
{
  gint64 end = g_get_monotonic_time () + duration;

  while (g_get_monotonic_time () < end)
    ;
}

G_GNUC_UNUSED static CoroScheduler *
scheduler (void)
{
  return coro_scheduler_get_running ();
}

/* What is printed to stderr by GLib, from collect_printed() on. */
static GString *printed;

G_GNUC_UNUSED static void
print_cb (const char *text)
{
  g_string_append (printed, text);
}

G_GNUC_UNUSED static GPrintFunc
collect_printed (void)
{
  printed = g_string_new (NULL);
  return g_set_printerr_handler (print_cb);
}

/* (transfer full) */
G_GNUC_UNUSED static char *
stop_printing (GPrintFunc old)
{
  g_set_printerr_handler (old);
  return g_string_free (g_steal_pointer (&printed), FALSE);
}
