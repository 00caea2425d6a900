/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "fiber/coro-exceptions-private.h"

#include "fiber/coro-switch-private.h"

/* The list of exceptions that are being handled belongs to a stack, but C++ runtimes keep a list
 * for each thread: two coroutines that wait inside `catch` would rethrow each other's exception.
 * So a switch away from a stack with an open exception saves the list on this stack, and the next
 * stack starts with an empty list.
 *
 * The check for an open exception takes 5 instructions a switch (0.5 ns of 1.8).  A check for a
 * second runtime, libc++ beside libstdc++ say, would take 5 more in each process, for a rare case.
 * So in a process with two runtimes every switch saves the state of both, without a check. */

#define MAX_RUNTIMES 4

typedef struct
{
  CoroExceptions *of[MAX_RUNTIMES];
  int n;
} CoroThreadExceptions;

static CoroExceptionsFunc runtimes[MAX_RUNTIMES];       /* entries below n_runtimes never change */
static int n_runtimes;          /* (atomic) */

static CoroExceptions none;
static CoroExceptions several = { .caught = &several };         /* seems to have an open exception always */

__thread CoroExceptions *coro_exceptions __attribute__ ((tls_model ("initial-exec"))) = &none;
static __thread CoroThreadExceptions thread_exceptions;

/* To be called by one thread at a time. */
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

/* Makes the calling thread look at the state of all known runtimes. */
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

/* A coro_switch() that leaves a stack with open exceptions. */
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
