/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How large the stacks of coroutines are.
 */
#include "config.h"

#include "scheduler/coro-scheduler-private.h"

#include "scheduler/coro-modules-private.h"

/* GTK's first widget overflows a stack of 256 KiB, and so does a deeply nested SVG.  So in a
 * process with GTK all coroutines have large stacks.  Such a process has few coroutines, and a
 * parked one only takes 4 KiB more, for page tables of its own. */

#define DEFAULT_SIZE ((guint) (CORO_STACK_SIZE_DEFAULT / 1024))
#define LARGE_SIZE   ((guint) (CORO_STACK_SIZE_LARGE / 1024))
/* Half of the largest size that CoroJob can hold. */
#define MAX_SIZE     ((guint) 1 << 30)

/* The value of CORO_STACK_SIZE in KiB; 0: not set. */
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

/* Runs in the scheduler's thread, or before the scheduler has a thread. */
void
coro_scheduler_update_stack_size (CoroScheduler *self)
{
  self->stack_size = scheduler_get_stack_size (self);
}

/* Looks whether a module was loaded that needs large stacks.  Runs in the scheduler's thread. */
void
coro_scheduler_look_around (CoroScheduler *self)
{
  coro_modules_refresh ();
  coro_exceptions_follow ();
  coro_scheduler_update_stack_size (self);
}

/* The scheduler's own thread looks again before each dispatch. */
static void
scheduler_follow_choice (CoroScheduler *self)
{
  if (coro_scheduler_is_mine (self))
    coro_scheduler_look_around (self);
}

/* From now on the coroutines of the scheduler belong to an application. */
void
coro_scheduler_expect_application (CoroScheduler *self)
{
  g_atomic_int_set (&self->has_application, TRUE);
  scheduler_follow_choice (self);
}

/* If the program has not chosen the size, a smaller stack may be returned, and *stack_size is set
 * to its size: where RLIMIT_AS leaves little room a small stack is better than none. */
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

/* A stack of the scheduler's size for a job, of *stack_size KiB if possible. */
CoroStack *
coro_scheduler_take_automatic_stack (CoroScheduler  *self,
                                     guint          *stack_size,
                                     GError        **error)
{
  return take_stack (self->stacks, stack_size, g_atomic_int_get (&self->chosen_stack_size) != 0, error);
}

/* A stack for code that runs on behalf of its caller, a generator say: as large as the stack of a
 * coroutine that the caller would spawn.  The caller need not be a coroutine. */
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
 * Gets the stack size of coroutines that are spawned now, unless
 * [method@TaskGroup.set_stack_size] has set another size.
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
 * @stack_size: a number of bytes; 0: the default
 *
 * Sets the stack size of coroutines and generators that begin from now on.
 * [method@TaskGroup.set_stack_size] sets the size for the members of a group.
 *
 * The default is 256 KiB, of which 64 KiB are a guard: enough for the program's
 * own code. Foreign code counts on the 8 MiB of a thread stack, so the default
 * is 8 MiB once the process has loaded GTK, and after
 * [func@application_attach]; where memory is too scarce for 8 MiB it is 256 KiB
 * again. A frame larger than the guard is only caught if its code was compiled
 * with `-fstack-clash-protection`. The environment variable `CORO_STACK_SIZE`, a
 * number of KiB, overrides the default and this setting, to test whether a crash
 * comes from the stack size.
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
