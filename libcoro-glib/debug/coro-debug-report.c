/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "debug/coro-debug-private.h"

#include "base/coro-container-private.h"

/* What debug mode has to say is said on the thread stack, a little later: a handler
 * of log messages is code of others, which may end in a language binding. */

void
coro_debug_flush (CoroDebug *self)
{
  char *report;

  while ((report = g_queue_pop_head (&self->reports)) != NULL)
    {
      g_warning ("%s", report);
      g_free (report);
    }
}

static void
flush_cb (CoroReady *ready)
{
  CoroDebug *self = CORO_CONTAINER_OF (ready, CoroDebug, flush);

  self->flushing = FALSE;
  coro_debug_flush (self);
  self->reporting = TRUE;       /* this step is not the program's doing */
}

static const CoroReadyClass flush_class = { flush_cb, NULL };

/* To be said in a moment. */
void
coro_debug_report (CoroDebug  *self,
                   const char *format,
                   ...)
{
  va_list args;

  va_start (args, format);
  g_queue_push_tail (&self->reports, g_strdup_vprintf (format, args));
  va_end (args);

  if (self->flushing)
    return;
  self->flushing = TRUE;
  self->flush.klass = &flush_class;
  coro_scheduler_push (self->scheduler, &self->flush);
}
