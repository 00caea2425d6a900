/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "debug/coro-error-step-private.h"

#include "debug/coro-backtrace-private.h"

CoroErrorStep *
coro_error_step_new (CoroErrorStepKind  kind,
                     CoroErrorStep     *origin,
                     const char        *name,
                     const char        *site)
{
  CoroErrorStep *self = g_new0 (CoroErrorStep, 1);

  self->ref_count = 1;
  self->kind = kind;
  self->origin = origin != NULL ? coro_error_step_ref (origin) : NULL;
  self->name = g_strdup (name);
  self->site = site;
  return self;
}

CoroErrorStep *
coro_error_step_ref (CoroErrorStep *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

/* In a loop: the way of an error through a chain of tasks may be as long as the chain. */
void
coro_error_step_unref (CoroErrorStep *self)
{
  while (self != NULL && g_atomic_int_dec_and_test (&self->ref_count))
    {
      CoroErrorStep *origin = self->origin;

      g_free (self->name);
      g_free (self->raiser);
      g_free (self);
      self = origin;
    }
}

/* The outermost first, without our own: what the program's functions did. */
static void
append_frames (const CoroErrorStep *self,
               GString             *text)
{
  for (guint i = self->n_frames; i > 0; i--)
    if (!coro_backtrace_is_ours (self->frames[i - 1]))
      coro_backtrace_append (text, &self->frames[i - 1], 1, "    ");
}

static void
append_name (const CoroErrorStep *self,
             GString             *text)
{
  g_string_append_printf (text, "CoroTask '%s'", self->name[0] != '\0' ? self->name : "unnamed");
  if (self->site != NULL)
    g_string_append_printf (text, ", spawned at %s", self->site);
}

/* The way down to where the error came from: the first waiter first, the raiser last. */
void
coro_error_step_append (const CoroErrorStep *self,
                        GString             *text)
{
  for (; self != NULL; self = self->origin)
    {
      if (self->kind == CORO_ERROR_PASSED)
        continue;               /* the await before it says the same */

      append_name (self, text);
      if (self->kind == CORO_ERROR_AWAITED)
        g_string_append (text, ", awaited here:\n");
      else if (self->n_frames > 0)
        g_string_append (text, ", raised it after this wait:\n");
      else
        g_string_append (text, ", raised it before its first wait\n");
      append_frames (self, text);
      if (self->raiser != NULL)
        g_string_append_printf (text, "coroutine '%s', raised it\n", self->raiser);
    }
}
