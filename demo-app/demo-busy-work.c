/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-busy-work.h"

#include <coro-glib/coro-glib.h>

/* The same computation twice: in one go, and in steps.  Both really compute. */

#define STEP (1500)   /* µs */

static void
compute (GChecksum *checksum, GTimeSpan duration)
{
  gint64 end = g_get_monotonic_time () + duration;
  guchar block[4096] = { 0 };

  do
    g_checksum_update (checksum, block, sizeof block);
  while (g_get_monotonic_time () < end);
}

/* Nothing else happens in this thread until it returns. */
void
demo_busy_work (GTimeSpan duration)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  compute (checksum, duration);
}

/* Computes as long as the function above, and gives way after every step.  The only
 * difference is one line: coro_yield() comes back when all that was waiting has had a turn. */
gboolean
demo_busy_work_yield (GTimeSpan duration, guint *n_steps, GError **error)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  *n_steps = 0;
  for (GTimeSpan worked = 0; worked < duration; worked += STEP)
    {
      compute (checksum, STEP);
      ++*n_steps;
      if (!coro_yield (error))
        return FALSE;
    }
  return TRUE;
}
