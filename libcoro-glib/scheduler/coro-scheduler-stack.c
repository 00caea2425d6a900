/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How large the stacks of coroutines are.
 */
#include "config.h"

#include "scheduler/coro-scheduler-private.h"

#include "scheduler/coro-modules-private.h"

/* GTK's first widget overflows a stack of 256 KiB, and an SVG can overflow any that a program
 * has counted on.  So a process with GTK has large ones for all of its coroutines, which are
 * few there: a parked one takes 4 KiB more, for page tables of its own. */

#define DEFAULT_SIZE ((guint) (CORO_STACK_SIZE_DEFAULT / 1024))
#define LARGE_SIZE   ((guint) (CORO_STACK_SIZE_LARGE / 1024))
/* Half of what CoroJob has room for. */
#define MAX_SIZE     ((guint) 1 << 30)

/* In KiB: what CORO_STACK_SIZE says; 0: nothing. */
static guint
get_environment_size (void)
{
  static gsize once;
  static guint size;

  if (g_once_init_enter (&once))
    {
      const char *text = g_getenv ("CORO_STACK_SIZE");
      guint64 number = 0;

      if (text != NULL && !g_ascii_string_to_unsigned (text, 10, 1, MAX_SIZE, &number, NULL))
        g_warning ("CORO_STACK_SIZE is “%s”, which is no number of KiB", text);
      size = (guint) number;
      g_once_init_leave (&once, 1);
    }

  return size;
}

static guint
get_automatic_size (gboolean has_application)
{
  if (get_environment_size () != 0)
    return get_environment_size ();
  return has_application || g_atomic_int_get (&coro_modules_have_gtk) ? LARGE_SIZE : DEFAULT_SIZE;
}

static guint
scheduler_get_stack_size (CoroScheduler *self)
{
  guint chosen = g_atomic_int_get (&self->chosen_stack_size);

  return chosen != 0 ? chosen : get_automatic_size (g_atomic_int_get (&self->has_application));
}

/* In the scheduler's thread, or before it has one. */
void
coro_scheduler_update_stack_size (CoroScheduler *self)
{
  self->stack_size = scheduler_get_stack_size (self);
}

/* Looks whether something was loaded that coroutines have to reckon with.  In the
 * scheduler's thread. */
void
coro_scheduler_look_around (CoroScheduler *self)
{
  coro_modules_refresh ();
  coro_exceptions_follow ();
  coro_scheduler_update_stack_size (self);
}

/* Its own thread looks again before each dispatch. */
static void
scheduler_follow_choice (CoroScheduler *self)
{
  if (coro_scheduler_is_mine (self))
    coro_scheduler_look_around (self);
}

/* From now on its coroutines do what those of an application do. */
void
coro_scheduler_expect_application (CoroScheduler *self)
{
  g_atomic_int_set (&self->has_application, TRUE);
  scheduler_follow_choice (self);
}

/* A size that was not chosen may become a smaller one, which *stack_size says then: a small
 * stack is better than none, as where RLIMIT_AS leaves little room. */
static CoroStack *
take_stack (CoroStackPool  *pool,
            guint          *stack_size,
            gboolean        chosen,
            GError        **error)
{
  if (!chosen && *stack_size > DEFAULT_SIZE)
    {
      CoroStack *stack = coro_stack_pool_take_sparing (pool, (gsize) *stack_size * 1024);

      if (G_LIKELY (stack != NULL))
        return stack;
      *stack_size = DEFAULT_SIZE;
    }
  return coro_stack_pool_take (pool, (gsize) *stack_size * 1024, error);
}

/* A stack for a job that has what the scheduler gives, of *stack_size KiB if that can be. */
CoroStack *
coro_scheduler_take_automatic_stack (CoroScheduler  *self,
                                     guint          *stack_size,
                                     GError        **error)
{
  return take_stack (self->stacks, stack_size, g_atomic_int_get (&self->chosen_stack_size) != 0, error);
}

/* A stack for what runs on behalf of its caller, which may be no coroutine: as large as that of
 * a coroutine that the caller would spawn. */
CoroStack *
coro_stack_take_for_caller (CoroStackPool  *pool,
                            GError        **error)
{
  CoroScheduler *scheduler = coro_scheduler_current;
  CoroJob *job = coro_job_get_running ();
  gboolean chosen = FALSE;
  guint stack_size;

  if (job != NULL && !job->automatic)
    {
      chosen = TRUE;
      stack_size = job->stack_size;
    }
  else if (scheduler != NULL)
    {
      chosen = g_atomic_int_get (&scheduler->chosen_stack_size) != 0;
      stack_size = scheduler->stack_size;
    }
  else
    {
      coro_modules_refresh ();
      stack_size = get_automatic_size (FALSE);
    }

  return take_stack (pool, &stack_size, chosen, error);
}

/**
 * coro_scheduler_get_stack_size:
 * @self: a scheduler
 *
 * Gets how large the stacks of coroutines are that are spawned now, unless
 * [method@TaskGroup.set_stack_size] has said otherwise.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: a number of bytes
 *
 * Since: 0.1
 */
gsize
coro_scheduler_get_stack_size (CoroScheduler *self)
{
  g_return_val_if_fail (CORO_IS_SCHEDULER (self), 0);

  coro_modules_refresh ();
  return (gsize) scheduler_get_stack_size (self) * 1024;
}

/**
 * coro_scheduler_set_stack_size:
 * @self: a scheduler
 * @stack_size: a number of bytes; 0: what the process needs, as in the beginning
 *
 * Sets how large the stacks of coroutines are that begin from now on, and
 * of generators; [method@TaskGroup.set_stack_size] says it for some of them.
 *
 * Without it they have 256 KiB, of which 64 KiB are a guard: enough for code
 * of one's own. Foreign code takes a thread's 8 MiB for granted, and
 * coroutines have them as soon as the process has loaded GTK, and after
 * [func@application_attach]; where so much cannot be had, 256 KiB again. A frame
 * larger than the guard is only caught if its code was compiled with
 * `-fstack-clash-protection`. The
 * environment variable `CORO_STACK_SIZE`, a number of KiB, puts another size
 * in the place of either, to see whether a crash has to do with it.
 *
 * Callable from any thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_scheduler_set_stack_size (CoroScheduler *self,
                               gsize          stack_size)
{
  g_return_if_fail (CORO_IS_SCHEDULER (self));
  g_return_if_fail (stack_size / 1024 <= MAX_SIZE);

  g_atomic_int_set (&self->chosen_stack_size, (guint) ((stack_size + 1023) / 1024));
  scheduler_follow_choice (self);
}
