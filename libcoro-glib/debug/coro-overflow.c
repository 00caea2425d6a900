/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "debug/coro-overflow.h"

#include "fiber/coro-fiber-private.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A coroutine that runs over its stack hits the guard below it: SIGSEGV, and a backtrace
 * of thousands of frames that does not say what ended.  The handler in here adds a line
 * that does.  It is there on request only, because the handlers of a process belong to
 * the application. */

/* Ours needs little; the application's handler, which we call from it, may want more. */
#define ALTERNATE_STACK_SIZE ((gsize) 64 * 1024)
#define MAX_NAME             120

static struct sigaction old_segv;       /* written once, before the handler is in place */
static struct sigaction old_bus;

static void leave_thread (gpointer data);

/* The alternate stack that we gave to the thread, to be taken back at its end. */
static GPrivate alternate_stack = G_PRIVATE_INIT (leave_thread);
static __thread gboolean thread_is_ready;

/* --- in the signal handler: no locks, no allocation, no stdio ----------------------- */

typedef struct
{
  char text[256 + MAX_NAME];
  gsize length;
} Line;

static void
line_append (Line       *self,
             const char *text,
             gsize       max_length)
{
  for (gsize i = 0; i < max_length && text[i] != '\0' && self->length < sizeof self->text; i++)
    self->text[self->length++] = text[i] == '\n' ? ' ' : text[i];
}

static void
line_append_number (Line  *self,
                    gsize  number)
{
  char digits[24];
  gsize i = sizeof digits;

  digits[--i] = '\0';
  do
    digits[--i] = (char) ('0' + number % 10);
  while ((number /= 10) > 0);

  line_append (self, digits + i, sizeof digits);
}

static void
report (const CoroStack *stack,
        const char      *name)
{
  Line line = { .length = 0 };
  ssize_t written;

  line_append (&line, "Coro: coroutine '", G_MAXSIZE);
  line_append (&line, name != NULL ? name : "(unnamed)", MAX_NAME);
  line_append (&line, "' overflowed its stack of ", G_MAXSIZE);
  line_append_number (&line, coro_stack_get_size (stack) / 1024);
  line_append (&line, " KiB; spawn it with a larger one (coro_task_group_set_stack_size(), CORO_STACK_SIZE)", G_MAXSIZE);
  line.text[line.length++] = '\n';

  written = write (STDERR_FILENO, line.text, line.length);
  (void) written;
}

static gboolean
is_overflow (const CoroStack *stack,
             const siginfo_t *info)
{
  const char *address = info->si_addr;

  return stack != NULL && info->si_code > 0
         && address >= stack->low - coro_stack_get_guard_size (stack) && address < stack->low;
}

/* Does what would have happened without us. */
static void
chain (int        signum,
       siginfo_t *info,
       void      *context)
{
  const struct sigaction *old = signum == SIGSEGV ? &old_segv : &old_bus;

  if ((old->sa_flags & SA_SIGINFO) == 0 && old->sa_handler == SIG_IGN && info->si_code <= 0)
    return;

  if ((old->sa_flags & SA_SIGINFO) == 0 && (old->sa_handler == SIG_DFL || old->sa_handler == SIG_IGN))
    {
      /* A fault comes again as soon as we return, and ends the process where it
       * happened; a signal that was sent has to be sent again. */
      const struct sigaction standard = { .sa_handler = SIG_DFL };

      sigaction (signum, &standard, NULL);
      if (info->si_code <= 0)
        raise (signum);
      return;
    }

  /* The mask goes back to what it was when our handler returns. */
  pthread_sigmask (SIG_BLOCK, &old->sa_mask, NULL);
  if ((old->sa_flags & SA_SIGINFO) != 0)
    old->sa_sigaction (signum, info, context);
  else
    old->sa_handler (signum);
}

static void
fault_cb (int        signum,
          siginfo_t *info,
          void      *context)
{
  const char *name = NULL;
  const CoroStack *stack = NULL;

  if (coro_fiber_running_func != NULL)
    stack = coro_fiber_running_func (&name);
  if (is_overflow (stack, info))
    report (stack, name);

  chain (signum, info, context);
}

/* --- outside of it ------------------------------------------------------------------ */

static void
leave_thread (gpointer data)
{
  const stack_t none = { .ss_flags = SS_DISABLE };
  stack_t current;

  /* The program may have put its own in place of ours. */
  if (sigaltstack (NULL, &current) == 0 && current.ss_sp == data)
    sigaltstack (&none, NULL);
  munmap (data, ALTERNATE_STACK_SIZE);
}

/* A handler cannot run on a stack that is full. */
static void
enter_thread (void)
{
  stack_t current;
  stack_t ours = { .ss_size = ALTERNATE_STACK_SIZE };

  if (thread_is_ready)
    return;

  thread_is_ready = TRUE;
  if (sigaltstack (NULL, &current) != 0 || (current.ss_flags & SS_DISABLE) == 0)
    return;

  ours.ss_sp = mmap (NULL, ALTERNATE_STACK_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (ours.ss_sp == MAP_FAILED)
    return;

  if (sigaltstack (&ours, NULL) == 0)
    g_private_set (&alternate_stack, ours.ss_sp);
  else
    munmap (ours.ss_sp, ALTERNATE_STACK_SIZE);
}

static void
install (int               signum,
         struct sigaction *old)
{
  struct sigaction action = { .sa_sigaction = fault_cb, .sa_flags = SA_SIGINFO | SA_ONSTACK };

  sigemptyset (&action.sa_mask);
  sigaction (signum, NULL, old);
  sigaction (signum, &action, NULL);
}

/**
 * coro_debug_report_overflows:
 *
 * Has stack overflows reported by the name of the coroutine.
 *
 * A coroutine that uses up its stack ends the process with a segmentation
 * fault. After this call, a line on stderr says first which one it was and
 * how large its stack is. The same happens without a call where the
 * environment variable `CORO_DEBUG` contains `overflow`.
 *
 * This installs a handler for `SIGSEGV` and `SIGBUS`, which goes on with the
 * one that was there before, and gives an alternate signal stack to every
 * thread that runs coroutines and has none. Install your own handlers first.
 *
 * Callable from any thread, any number of times; never suspends.
 *
 * Since: 0.1
 */
void
coro_debug_report_overflows (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      install (SIGSEGV, &old_segv);
      install (SIGBUS, &old_bus);
      coro_fiber_enter_thread_func = enter_thread;
      g_once_init_leave (&once, 1);
    }

  enter_thread ();
}

__attribute__ ((constructor)) static void
read_environment (void)
{
  static const GDebugKey keys[] = { { "overflow", 1 } };

  if (g_parse_debug_string (g_getenv ("CORO_DEBUG"), keys, G_N_ELEMENTS (keys)) != 0)
    coro_debug_report_overflows ();
}
