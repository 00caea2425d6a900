/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "testing/coro-test-cancel-private.h"

#include "debug/coro-backtrace-private.h"
#include "base/coro-fork-private.h"
#include "testing/coro-test-seed-private.h"

/* --- what is said of a run -------------------------------------------------------- */

static const char *
get_moment_name (CoroTestCancelFlags moment)
{
  switch ((guint) moment)
    {
    case CORO_TEST_CANCEL_BEFORE:
      return "before it waits";
    case CORO_TEST_CANCEL_PARKED:
      return "while it is parked";
    default:
      return "once it was woken";
    }
}

static const char *
get_kind_name (CoroTestCancelFlags kind)
{
  switch ((guint) kind)
    {
    case CORO_TEST_CANCEL_TASK:
      return "task cancelled";
    case CORO_TEST_CANCEL_SCOPE:
      return "scope cancelled";
    default:
      return "timed out";
    }
}

static void
run_prefix_error (CoroCancelRun  *self,
                  GError        **error)
{
  g_autoptr (GString) trace = g_string_new (NULL);

  if (!self->struck)
    {
      g_prefix_error (error, "Without a cancel: ");
      return;
    }

  if (self->n_frames > 1)       /* the first is ours */
    coro_backtrace_append (trace, self->frames + 1, self->n_frames - 1, "    ");
  g_prefix_error (error, "Await %u, %s %s: ", self->target, get_kind_name (self->kind), get_moment_name (self->moment));
  if (error != NULL)
    {
      char *message = g_strdup_printf ("%s\n  in %s\n%s", (*error)->message, self->place, trace->str);

      g_free ((*error)->message);
      (*error)->message = g_strchomp (message);
    }
}

/* --- all of them ------------------------------------------------------------------ */

/* Runs that are stuck are leaked; this list keeps them reachable for a leak checker.  Guarded by
 * stuck_lock. */
CORO_FORK_LOCK (stuck_lock, CORO_FORK_LAST)
static CoroCancelRun *stuck_runs;

/* What is stuck cannot be freed, only left alone. */
static void
run_leave (CoroCancelRun *self)
{
  g_mutex_lock (&stuck_lock);
  self->next_stuck = stuck_runs;
  stuck_runs = self;
  g_mutex_unlock (&stuck_lock);
}

/* Returns whether there may be another await to cancel at. */
static gboolean
test_run (const CoroTestCancel  *test,
          CoroTestCancelFlags    moment,
          CoroTestCancelFlags    kind,
          guint                  target,
          gboolean              *struck,
          GError               **error)
{
  CoroCancelRun *self = g_new0 (CoroCancelRun, 1);
  gboolean ok;

  self->test = test;
  self->moment = moment;
  self->kind = kind;
  self->target = target;
  ok = coro_cancel_run_once (self, error);
  *struck = self->struck;
  if (!ok)
    run_prefix_error (self, error);
  if (self->stuck)
    {
      run_leave (self);
      return FALSE;
    }

  g_free (self->place);
  g_free (self);
  return ok;
}

/* One way, at the first await, the second, … */
static gboolean
test_way (const CoroTestCancel  *test,
          CoroTestCancelFlags    moment,
          CoroTestCancelFlags    kind,
          guint                 *n_runs,
          GError               **error)
{
  gboolean struck = TRUE;

  for (guint target = 1; struck; target++)
    {
      if (target > CORO_CANCEL_MAX_RUNS)
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "There is no end of awaits");
          return FALSE;
        }
      if (!test_run (test, moment, kind, target, &struck, error))
        return FALSE;
      *n_runs += struck;
    }
  return TRUE;
}

static gboolean
test_has (const CoroTestCancel *test,
          CoroTestCancelFlags   all,
          CoroTestCancelFlags   flag)
{
  return (test->flags & all) == 0 || (test->flags & flag) != 0;
}

/**
 * coro_test_cancel_everywhere: (skip)
 * @test: what to run
 * @n_runs: (out) (optional): in how many runs something was cancelled
 * @error: return location for an error
 *
 * Runs a body again and again and cancels it at its first await, its second
 * and so on, until there are no more.
 *
 * An await is any wait of any coroutine that the body has spawned, directly
 * or not. Each is cancelled at three moments and in three ways, as
 * [flags@TestCancelFlags] says. Each run has a main context, a fixture
 * and a clock that jumps ([func@test_clock_start]) of its own. Afterwards the
 * body must have ended, well or cancelled, and all its coroutines; a request
 * that came too late for one await must have been heard at the next; no timer,
 * no stack, no generator and no operation of the body may be left, the check
 * of @test must be content, and at the end no future and no object that
 * [func@TestCancel.track] was told of may be alive. The first run cancels
 * nothing, and the body has to return %TRUE in it.
 *
 * What stands still for 5 s, with no operation of GIO and no thread under
 * way, is said not to end, and is leaked.
 *
 * Callable from any thread, which it blocks, outside coroutines.
 *
 * @error can be set to %G_IO_ERROR_FAILED, with what was found and where: the
 * number of the await, how it was cancelled, and the functions that waited.
 *
 * Returns: %TRUE if nothing was found; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_test_cancel_everywhere (const CoroTestCancel  *test,
                             guint                 *n_runs,
                             GError               **error)
{
  static const CoroTestCancelFlags moments[] = { CORO_TEST_CANCEL_BEFORE, CORO_TEST_CANCEL_PARKED, CORO_TEST_CANCEL_WOKEN };
  static const CoroTestCancelFlags kinds[] = { CORO_TEST_CANCEL_TASK, CORO_TEST_CANCEL_SCOPE, CORO_TEST_CANCEL_TIMEOUT };
  const CoroTestCancelFlags all_moments = moments[0] | moments[1] | moments[2];
  const CoroTestCancelFlags all_kinds = kinds[0] | kinds[1] | kinds[2];
  guint n = 0;
  gboolean struck;

  g_return_val_if_fail (test != NULL && test->body != NULL, FALSE);

  if (n_runs != NULL)
    *n_runs = 0;
  if (!test_run (test, 0, 0, 0, &struck, error))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (moments); i++)
    for (guint j = 0; j < G_N_ELEMENTS (kinds); j++)
      if (test_has (test, all_moments, moments[i]) && test_has (test, all_kinds, kinds[j]) &&
          !test_way (test, moments[i], kinds[j], &n, error))
        return FALSE;

  if (n_runs != NULL)
    *n_runs = n;
  if (n == 0)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The body does not wait for anything");
  return n > 0;
}

static void
test_cancel_cb (gconstpointer test)
{
  g_autoptr (GError) error = NULL;
  guint n_runs;

  if (coro_test_cancel_everywhere (test, &n_runs, &error))
    g_test_message ("cancelled in %u runs", n_runs);
  else
    coro_test_fail (error);
}

/**
 * coro_test_add_cancel: (skip)
 * @path: the path of the test case
 * @test: what to run; it must stay until the test has run, so make it static
 *
 * Adds a test case that calls [method@TestCancel.everywhere].
 *
 * Callable from `main()`, after g_test_init(); never suspends.
 *
 * Since: 0.1
 */
void
coro_test_add_cancel (const char           *path,
                      const CoroTestCancel *test)
{
  g_return_if_fail (path != NULL);
  g_return_if_fail (test != NULL && test->body != NULL);

  g_test_add_data_func (path, test, test_cancel_cb);
}
