/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "debug/coro-error-trace-private.h"

#include "debug/coro-error-step-private.h"
#include "base/coro-fork-private.h"
#include "future/coro-coroutine.h"
#include "future/coro-task.h"
#include "scope/coro-group-error-private.h"

#include <string.h>

/* The way of an error through the coroutines.
 *
 * A GError has no room for it and is copied at every await, so that there is a table of
 * errors beside them.  Where a coroutine fails or is given an error we see which one it is:
 * the failed task carries its way, and the copy that an await makes is noted with it.  What
 * the program does with the copy in between we do not see: it may prefix, propagate or copy
 * it, and so an error is still the same if its address and kind are, and the message ends as
 * it did, or if its kind and the whole message are.
 *
 * The stack on which the program sets an error of its own is gone when we hear of it.  What
 * comes closest is the last wait of that coroutine. */

/* Notes are asked for soon or never. */
#define MAX_NOTES 256

typedef struct
{
  const GError *address;        /* (nullable) (unowned): to be compared alone; NULL: that error is gone */
  GQuark domain;
  int code;
  char *message;                /* (owned) */
  gconstpointer job;            /* (nullable) (unowned): the coroutine that was given it, while that lives */
  CoroErrorStep *step;          /* (owned) */
} CoroErrorNote;

CORO_FORK_LOCK (notes_lock, CORO_FORK_LAST)
static GQueue notes = G_QUEUE_INIT;     /* (element-type CoroErrorNote): the newest first; guarded by notes_lock */

static GQuark
step_quark (void)
{
  return g_quark_from_static_string ("coro-error-step");
}

/* --- the table -------------------------------------------------------------------- */

static void
note_free (CoroErrorNote *self)
{
  g_free (self->message);
  coro_error_step_unref (self->step);
  g_free (self);
}

/* What was noted of another error at the same address does not hold any more.  With
 * notes_lock held. */
static void
notes_forget_address (const GError *error)
{
  for (GList *l = notes.head; l != NULL; l = l->next)
    {
      CoroErrorNote *note = l->data;

      if (note->address == error)
        note->address = NULL;
    }
}

/* `lasting`: the error itself is passed on, rather than a copy of it. */
static void
notes_add (const GError  *error,
           gboolean       lasting,
           gconstpointer  job,
           CoroErrorStep *step)
{
  CoroErrorNote *note = g_new0 (CoroErrorNote, 1);
  CoroErrorNote *oldest = NULL;

  *note = (CoroErrorNote) { lasting ? error : NULL, error->domain, error->code, g_strdup (error->message), job,
                            coro_error_step_ref (step) };
  g_mutex_lock (&notes_lock);
  notes_forget_address (error);
  g_queue_push_head (&notes, note);
  if (notes.length > MAX_NOTES)
    oldest = g_queue_pop_tail (&notes);
  g_mutex_unlock (&notes_lock);

  if (oldest != NULL)
    note_free (oldest);
}

static gboolean
note_matches (const CoroErrorNote *self,
              const GError        *error,
              gboolean             exact)
{
  if (self->domain != error->domain || self->code != error->code)
    return FALSE;
  if (exact)
    return self->address == error && g_str_has_suffix (error->message, self->message);
  return strcmp (self->message, error->message) == 0;
}

/* The newest note of the error; with `job` among what that was given.  (transfer full) */
static CoroErrorStep *
notes_find (const GError  *error,
            gconstpointer  job)
{
  CoroErrorStep *step = NULL;

  g_mutex_lock (&notes_lock);
  for (int exact = TRUE; exact >= FALSE && step == NULL; exact--)
    for (GList *l = notes.head; l != NULL && step == NULL; l = l->next)
      {
        CoroErrorNote *note = l->data;

        if ((job == NULL || note->job == job) && note_matches (note, error, exact))
          step = coro_error_step_ref (note->step);
      }
  g_mutex_unlock (&notes_lock);

  return step;
}

/* Another job may get the same record. */
static void
notes_forget_job (gconstpointer job)
{
  g_mutex_lock (&notes_lock);
  for (GList *l = notes.head; l != NULL; l = l->next)
    {
      CoroErrorNote *note = l->data;

      if (note->job == job)
        note->job = NULL;
    }
  g_mutex_unlock (&notes_lock);
}

/* --- what happens ----------------------------------------------------------------- */

/* The job is about to be parked, on its own stack. */
void
coro_error_trace_waits (CoroDebug *debug,
                        CoroJob   *job)
{
  CoroDebugJob *record = coro_debug_get_job (debug, job);

  record->n_wait_frames = coro_backtrace_capture (record->wait_frames, G_N_ELEMENTS (record->wait_frames));
}

static void
copy_wait_frames (CoroDebug     *debug,
                  CoroJob       *job,
                  CoroErrorStep *step)
{
  CoroDebugJob *record = coro_debug_get_job (debug, job);

  step->n_frames = record->n_wait_frames;
  memcpy (step->frames, record->wait_frames, sizeof step->frames);
}

/* The body of a job is over. */
void
coro_error_trace_finished (CoroDebug    *debug,
                           CoroJob      *job,
                           const GError *error)
{
  g_autoptr (CoroErrorStep) origin = NULL;
  g_autoptr (CoroErrorStep) step = NULL;
  char name[CORO_DEBUG_MAX_NAME];

  if (error != NULL)
    {
      coro_job_copy_name (job, name, sizeof name);
      origin = notes_find (error, job);
      step = coro_error_step_new (origin != NULL ? CORO_ERROR_PASSED : CORO_ERROR_RAISED, origin, name, job->site);
      if (origin == NULL)
        copy_wait_frames (debug, job, step);
      if (job->task != NULL)
        g_object_set_qdata_full (job->task, step_quark (), coro_error_step_ref (step),
                                 (GDestroyNotify) coro_error_step_unref);
      notes_add (error, job->task == NULL, NULL, step);
    }
  notes_forget_job (job);
}

/* How `awaitable` came to fail with `error`.  (nullable) (transfer full) */
static CoroErrorStep *
find_origin (gpointer      awaitable,
             const GError *error,
             CoroJob      *job)
{
  CoroErrorStep *step = g_object_get_qdata (awaitable, step_quark ());

  if (step != NULL)
    return coro_error_step_ref (step);

  /* What is made of other futures has copied the error of one of them.  A plain future
   * may have it from anywhere. */
  if (CORO_IS_FUTURE (awaitable))
    return G_OBJECT_TYPE (awaitable) != CORO_TYPE_FUTURE ? notes_find (error, NULL) : NULL;

  /* It ran on this very stack. */
  return job != NULL ? notes_find (error, job) : NULL;
}

static CoroErrorStep *
step_for_await (gpointer       awaitable,
                CoroJob       *job,
                CoroErrorStep *origin)
{
  char name[CORO_DEBUG_MAX_NAME];
  CoroErrorStep *step;

  coro_job_copy_name (job, name, sizeof name);
  step = coro_error_step_new (CORO_ERROR_AWAITED, origin, name, job->site);
  step->n_frames = coro_backtrace_capture (step->frames, CORO_ERROR_STEP_MAX_FRAMES);
  if (origin == NULL && CORO_IS_COROUTINE (awaitable))
    step->raiser = g_strdup (coro_coroutine_get_name (awaitable));
  return step;
}

/* A caller is given `error`, with which `awaitable` has failed; `awaited`: by an await. */
void
coro_error_trace_given (gpointer      awaitable,
                        const GError *error,
                        gboolean      awaited)
{
  CoroJob *job = awaited ? coro_job_get_running () : NULL;
  CoroDebug *debug = job != NULL ? (CoroDebug *) coro_job_get_scheduler (job)->debug : NULL;
  g_autoptr (CoroErrorStep) origin = find_origin (awaitable, error, job);
  g_autoptr (CoroErrorStep) step = NULL;

  if (debug == NULL || (debug->flags & CORO_DEBUG_ERRORS) == 0)
    job = NULL;

  /* An await on the same stack, further out, has nothing to add. */
  if (job == NULL || (origin != NULL && !CORO_IS_FUTURE (awaitable)))
    step = g_steal_pointer (&origin);
  else
    step = step_for_await (awaitable, job, origin);
  if (step != NULL)
    notes_add (error, TRUE, job, step);
}

static gboolean
append_trace_cb (const GError *error,
                 guint         index,
                 guint         size,
                 gpointer      text)
{
  g_autoptr (CoroErrorStep) step = notes_find (error, NULL);

  if (size > 0)
    g_string_append_printf (text, "%u of %u: %s\n", index + 1, size, error->message);
  if (step != NULL)
    coro_error_step_append (step, text);
  return TRUE;
}

/**
 * coro_format_error_trace:
 * @error: an error
 *
 * Describes how an error came through the coroutines: an asynchronous
 * backtrace.
 *
 * It is noted while debug mode has %CORO_DEBUG_ERRORS. The text begins with the
 * coroutine that was given the error last, with the functions on its stack,
 * the outermost first, down to the one that waits; below it stands what that
 * one waited for in the same way, and so on, to the coroutine that failed at
 * first. Of that one it has the last place where it waited: the place where it
 * set the error is not known. The errors in a group error follow one by one.
 *
 * An error is recognised, also after it was copied, propagated or prefixed, but
 * not after it was replaced by another, which begins anew. If several that are
 * alike were seen, it may be the newest of them. The last 256 are known.
 *
 * Warnings of unread errors have this text below them.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (nullable) (transfer full): lines of text; %NULL if nothing is known
 *
 * Since: 0.1
 */
char *
coro_format_error_trace (const GError *error)
{
  GString *text;

  g_return_val_if_fail (error != NULL, NULL);

  text = g_string_new (NULL);
  coro_group_error_foreach (error, append_trace_cb, text);
  return g_string_free (text, text->len == 0);
}
