/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every case dies, in a process of its own; the test reads what it said.
 */
#include "config.h"

#include "debug/coro-overflow.h"
#include "fiber/coro-fiber-private.h"

#include <signal.h>
#include <sys/mman.h>
#include <stdlib.h>
#include <unistd.h>

static CoroFiber native;
static CoroFiber fiber;
static gboolean in_fiber;

static const CoroStack *
running (const char **name)
{
  *name = "the deep one";
  return in_fiber ? fiber.stack : NULL;
}

/* No tail call, and nothing that the compiler could do without. */
__attribute__ ((noinline)) static int
recurse (int depth)
{
  volatile char frame[512];

  frame[depth % 512] = (char) depth;
  return depth < 0 ? 0 : recurse (depth + 1) + frame[depth % 512];
}

static void
overflow (gpointer data)
{
  coro_fiber_arrived (&fiber);
  exit (recurse (0) & 1);
}

static void
fault_elsewhere (gpointer data)
{
  volatile char *volatile nowhere = (char *) 8;        /* not NULL: a sanitizer would say so before the kernel does */

  coro_fiber_arrived (&fiber);
  *nowhere = 1;
  exit (0);
}

/* Larger than the stack and its guard, and only its far end is written to.  The neighbour is
 * safe because the compiler has every page of a frame touched as it is made. */
__attribute__ ((noinline)) static void
jump (gsize size)
{
  volatile char *volatile frame = __builtin_alloca (size);

  frame[0] = 1;
}

static void
jump_over_the_guard (gpointer data)
{
  coro_fiber_arrived (&fiber);
  jump (300 * 1024);
  exit (0);
}

static void
run_on (gsize         stack_size,
        CoroFiberFunc func)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *stack;

  /* What lies below it is a stack as well. */
  coro_stack_pool_take (pool, stack_size, NULL);
  coro_stack_pool_take (pool, stack_size, NULL);
  stack = coro_stack_pool_take (pool, stack_size, NULL);

  coro_fiber_running_func = running;
  coro_fiber_init_thread (&native);
  coro_fiber_init (&fiber, stack, 0, func, NULL);
  in_fiber = TRUE;
  coro_fiber_switch (&native, &fiber);
}

static void
run (CoroFiberFunc func)
{
  run_on (CORO_STACK_SIZE_DEFAULT, func);
}

static void
trap (const char *environment)
{
  const char *path = g_test_get_path ();

  if (environment == NULL)
    g_unsetenv ("CORO_DEBUG");
  else
    g_setenv ("CORO_DEBUG", environment, TRUE);
  g_test_trap_subprocess (path, 0, 0);
  g_unsetenv ("CORO_DEBUG");
  g_test_trap_assert_failed ();
}

/* What can be used of it: the rest of its 256 KiB is the guard. */
#define NAMED "*Coro: coroutine 'the deep one' overflowed its stack of 19? KiB;*"

static void
test_is_silent_unless_asked (void)
{
  if (g_test_subprocess ())
    run (overflow);

  trap (NULL);
  g_test_trap_assert_stderr_unmatched ("*overflowed its stack*");
  trap ("no-frame-check");
  g_test_trap_assert_stderr_unmatched ("*overflowed its stack*");
}

static void
test_names_the_coroutine_on_request (void)
{
  if (g_test_subprocess ())
    {
      coro_debug_report_overflows ();
      coro_debug_report_overflows ();
      run (overflow);
    }

  trap (NULL);
  g_test_trap_assert_stderr (NAMED);
}

static void
test_reads_the_environment (void)
{
  if (g_test_subprocess ())
    run (overflow);

  trap ("no-frame-check,overflow");
  g_test_trap_assert_stderr (NAMED);
}

static void
test_tells_the_size_of_a_large_one (void)
{
  if (g_test_subprocess ())
    {
      coro_debug_report_overflows ();
      run_on (8 * 1024 * 1024, overflow);
    }

  trap (NULL);
  g_test_trap_assert_stderr ("*Coro: coroutine 'the deep one' overflowed its stack of 71?? KiB;*");
}

static void
test_large_frames_do_not_jump_over_the_guard (void)
{
  if (g_test_subprocess ())
    {
      coro_debug_report_overflows ();
      run (jump_over_the_guard);
    }

  trap (NULL);
  g_test_trap_assert_stderr (NAMED);
}

static void
test_says_nothing_of_other_faults (void)
{
  if (g_test_subprocess ())
    {
      coro_debug_report_overflows ();
      run (fault_elsewhere);
    }

  trap (NULL);
  g_test_trap_assert_stderr_unmatched ("*overflowed its stack*");
}

static gpointer
overflow_in_thread (gpointer data)
{
  run (overflow);
  return NULL;
}

static void
test_works_in_every_thread (void)
{
  if (g_test_subprocess ())
    {
      coro_debug_report_overflows ();
      g_thread_join (g_thread_new ("deep", overflow_in_thread, NULL));
    }

  trap (NULL);
  g_test_trap_assert_stderr (NAMED);
}

static gpointer
end_at_once (gpointer data)
{
  coro_fiber_init_thread (&native);
  return NULL;
}

/* The alternate stacks of threads that ended are gone, and their successors get theirs. */
static void
test_outlives_threads (void)
{
  if (g_test_subprocess ())
    {
      coro_debug_report_overflows ();
      for (guint i = 0; i < 100; i++)
        g_thread_join (g_thread_new ("short", end_at_once, NULL));
      g_thread_join (g_thread_new ("deep", overflow_in_thread, NULL));
    }

  trap (NULL);
  g_test_trap_assert_stderr (NAMED);
}

static char *stack_of_thread;
static char own_stack[64 * 1024];

/* `own`: (nullable): an alternate stack that the thread itself sets. */
static gpointer
note_stack (gpointer own)
{
  const stack_t mine = { .ss_sp = own, .ss_size = sizeof own_stack };
  stack_t current;

  coro_fiber_init_thread (&native);
  g_assert_cmpint (sigaltstack (NULL, &current), ==, 0);
  g_assert_cmpint (current.ss_flags & SS_DISABLE, ==, 0);
  stack_of_thread = current.ss_sp;
  g_assert_true (own == NULL || sigaltstack (&mine, NULL) == 0);
  return NULL;
}

/* The page is not mapped any more.  ThreadSanitizer has a thread of its own, which may map another in
 * its place. */
static void
assert_unmapped (char *address)
{
#ifndef CORO_TSAN
  guchar page;

  g_assert_cmpint (mincore (address, 1, &page), !=, 0);
#endif
}

static void
test_ends_with_its_thread (void)
{
  if (g_test_subprocess ())
    {
      coro_debug_report_overflows ();
      g_thread_join (g_thread_new ("plain", note_stack, NULL));
      assert_unmapped (stack_of_thread);
#ifndef CORO_ASAN                /* it unmaps the alternate stack of a thread that ends, whatever it is */
      g_thread_join (g_thread_new ("own", note_stack, own_stack));
      assert_unmapped (stack_of_thread);
#endif
      return;
    }

  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

/* --- the application's own handlers ------------------------------------------------- */

static char old_alternate_stack[128 * 1024];

static void
own_info_cb (int        signum,
             siginfo_t *info,
             void      *context)
{
  const char *here = __builtin_frame_address (0);
  const char text[] = "own handler\n";
  gboolean kept = here > old_alternate_stack && here < old_alternate_stack + sizeof old_alternate_stack;
  ssize_t written = write (STDERR_FILENO, text, sizeof text - 1);

  _exit (written > 0 && kept && info->si_signo == SIGSEGV ? 42 : 43);
}

static void
own_plain_cb (int signum)
{
  const char text[] = "own handler\n";
  ssize_t written = write (STDERR_FILENO, text, sizeof text - 1);

  _exit (written > 0 && signum == SIGSEGV ? 42 : 43);
}

static void
test_goes_on_with_the_old_handler (void)
{
  if (g_test_subprocess ())
    {
      const stack_t alternate = { .ss_sp = old_alternate_stack, .ss_size = sizeof old_alternate_stack };
      const struct sigaction action = { .sa_sigaction = own_info_cb, .sa_flags = SA_SIGINFO | SA_ONSTACK };

      g_assert_cmpint (sigaltstack (&alternate, NULL), ==, 0);
      g_assert_cmpint (sigaction (SIGSEGV, &action, NULL), ==, 0);
      coro_debug_report_overflows ();
      run (overflow);
    }

  trap (NULL);
  g_test_trap_assert_stderr (NAMED "own handler*");
}

static void
test_goes_on_with_an_old_plain_handler (void)
{
  if (g_test_subprocess ())
    {
      const struct sigaction action = { .sa_handler = own_plain_cb };

      g_assert_cmpint (sigaction (SIGSEGV, &action, NULL), ==, 0);
      coro_debug_report_overflows ();
      run (fault_elsewhere);
    }

  trap (NULL);
  g_test_trap_assert_stderr ("*own handler*");
  g_test_trap_assert_stderr_unmatched ("*overflowed its stack*");
}

/* A signal that was sent, not caused: it must end the process as well. */
static void
test_a_signal_that_was_sent_still_kills (void)
{
  if (g_test_subprocess ())
    {
      const struct sigaction standard = { .sa_handler = SIG_DFL };

      g_assert_cmpint (sigaction (SIGSEGV, &standard, NULL), ==, 0);
      coro_debug_report_overflows ();
      kill (getpid (), SIGSEGV);
      for (guint i = 0; i < 1000; i++)
        g_thread_yield ();
      exit (0);
    }

  trap (NULL);
  g_test_trap_assert_stderr_unmatched ("*overflowed its stack*");
}

static void
test_a_signal_that_is_ignored_stays_ignored (void)
{
  if (g_test_subprocess ())
    {
      const struct sigaction ignore = { .sa_handler = SIG_IGN };

      g_assert_cmpint (sigaction (SIGSEGV, &ignore, NULL), ==, 0);
      coro_debug_report_overflows ();
      kill (getpid (), SIGSEGV);
      return;
    }

  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("A stack overflow names the coroutine where the program asks for it");

  g_test_add_func ("/overflow/is-silent-unless-asked", test_is_silent_unless_asked);
  g_test_add_func ("/overflow/names-the-coroutine-on-request", test_names_the_coroutine_on_request);
  g_test_add_func ("/overflow/reads-the-environment", test_reads_the_environment);
  g_test_add_func ("/overflow/tells-the-size-of-a-large-one", test_tells_the_size_of_a_large_one);
  g_test_add_func ("/overflow/large-frames-do-not-jump-over-the-guard", test_large_frames_do_not_jump_over_the_guard);
  g_test_add_func ("/overflow/says-nothing-of-other-faults", test_says_nothing_of_other_faults);
  g_test_add_func ("/overflow/works-in-every-thread", test_works_in_every_thread);
  g_test_add_func ("/overflow/outlives-threads", test_outlives_threads);
  g_test_add_func ("/overflow/ends-with-its-thread", test_ends_with_its_thread);
  g_test_add_func ("/overflow/goes-on-with-the-old-handler", test_goes_on_with_the_old_handler);
  g_test_add_func ("/overflow/goes-on-with-an-old-plain-handler", test_goes_on_with_an_old_plain_handler);
  g_test_add_func ("/overflow/a-signal-that-was-sent-still-kills", test_a_signal_that_was_sent_still_kills);
  g_test_add_func ("/overflow/a-signal-that-is-ignored-stays-ignored", test_a_signal_that_is_ignored_stays_ignored);

  return g_test_run ();
}
