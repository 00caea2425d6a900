/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-hash-report.h"

#include <glib/gi18n.h>

/* How far the hashing is, in words. */

/* What was done in a second.  A run may end before the clock has moved. */
static double
per_second (double amount, double seconds)
{
  return amount / MAX (0.001, seconds);
}

char *
demo_hash_describe_running (const DemoHashProgress *progress, double seconds)
{
  g_autofree char *bytes = g_format_size (progress->n_bytes);
  g_autofree char *rate = g_format_size ((guint64) per_second (progress->n_bytes, seconds));

  /* Translators: files done, files found, bytes, files a second, bytes a second, as in
   * “1,234 of 9,138 files, 12 MB — 2,345 files/s, 30 MB/s”. */
  return g_strdup_printf (_("%'u of %'u files, %s — %'.0f files/s, %s/s"), progress->n_done, progress->n_found,
                          bytes, per_second (progress->n_done, seconds), rate);
}

char *
demo_hash_describe_done (const DemoHashProgress *progress, double seconds)
{
  g_autofree char *bytes = g_format_size (progress->n_bytes);
  g_autofree char *rate = g_format_size ((guint64) per_second (progress->n_bytes, seconds));

  /* Translators: files, bytes, seconds, files a second, bytes a second. */
  return g_strdup_printf (ngettext ("%'u file, %s in %.1f s — %'.0f files/s, %s/s",
                                    "%'u files, %s in %.1f s — %'.0f files/s, %s/s", progress->n_done),
                          progress->n_done, bytes, seconds, per_second (progress->n_done, seconds), rate);
}

char *
demo_hash_describe_stopped (const DemoHashProgress *progress, double seconds)
{
  g_autofree char *bytes = g_format_size (progress->n_bytes);

  /* Translators: files done, files found, bytes, seconds. */
  return g_strdup_printf (_("Stopped after %'u of %'u files, %s in %.1f s"), progress->n_done, progress->n_found,
                          bytes, seconds);
}
