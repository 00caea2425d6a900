/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "fiber/coro-exceptions-private.h"

#include "fiber/coro-switch-private.h"

/* Which exceptions are being handled belongs to a stack, but the runtimes of C++ keep it for
 * the thread: two coroutines that waited inside `catch` would rethrow each other's.  So a stack
 * that is left in the middle of one takes it along, and whoever comes next finds none.
 *
 * To look whether there is one takes 5 instructions a switch (0.5 ns of 1.8).  A second
 * runtime, as where libc++ comes beside libstdc++, would take as many again for a rare case:
 * then every switch saves what both have. */

#define MAX_RUNTIMES 4

typedef struct
{
  CoroExceptions *of[MAX_RUNTIMES];
  int n;
} CoroThreadExceptions;

static CoroExceptionsFunc runtimes[MAX_RUNTIMES];       /* entries below n_runtimes never change */
static int n_runtimes;          /* (atomic) */

static CoroExceptions none;
static CoroExceptions several = { .caught = &several };         /* always seems to be open */

__thread CoroExceptions *coro_exceptions __attribute__ ((tls_model ("initial-exec"))) = &none;
static __thread CoroThreadExceptions thread_exceptions;

/* By one thread at a time. */
void
coro_exceptions_add_runtime (CoroExceptionsFunc func)
{
  int n = g_atomic_int_get (&n_runtimes);

  for (int i = 0; i < n; i++)
    if (runtimes[i] == func)
      return;

  if (n < MAX_RUNTIMES)
    {
      runtimes[n] = func;
      g_atomic_int_set (&n_runtimes, n + 1);
    }
}

/* Has the calling thread look at all runtimes that there are. */
void
coro_exceptions_follow (void)
{
  CoroThreadExceptions *self = &thread_exceptions;
  int n = g_atomic_int_get (&n_runtimes);

  if (G_LIKELY (self->n == n))
    return;

  for (; self->n < n; self->n++)
    self->of[self->n] = runtimes[self->n] ();
  coro_exceptions = n == 1 ? self->of[0] : &several;
}

/* coro_switch() from a stack with open exceptions. */
void
coro_exceptions_switch (void **save_sp,
                        void  *load_sp)
{
  CoroThreadExceptions *self = &thread_exceptions;
  CoroExceptions saved[MAX_RUNTIMES];
  int n = self->n;

  for (int i = 0; i < n; i++)
    {
      saved[i] = *self->of[i];
      *self->of[i] = (CoroExceptions) { NULL, };
    }

  coro_switch (save_sp, load_sp);

  for (int i = 0; i < n; i++)
    *self->of[i] = saved[i];
}
