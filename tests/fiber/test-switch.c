/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The bare switch, tested without GLib: this is what runs under qemu-user for the
 * architectures that are not this machine's.
 */
#include "fiber/coro-switch-private.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unwind.h>

#if __has_include (<valgrind/valgrind.h>)
# include <valgrind/valgrind.h>
#else
# define VALGRIND_STACK_REGISTER(low, high) 0
# define VALGRIND_STACK_DEREGISTER(id) (void) (id)
#endif

#define STACK_SIZE (256 * 1024)

static void *native;
static void *fiber;
static char *stack;

static unsigned int n_tests;
static unsigned int n_failed;

static void
check (int         ok,
       const char *name)
{
  n_tests++;
  n_failed += ok ? 0 : 1;
  printf ("%sok %u %s\n", ok ? "" : "not ", n_tests, name);
  fflush (stdout);
}

static void
prepare (void (*func) (void *),
         void  *argument)
{
  fiber = coro_switch_prepare (stack + STACK_SIZE, func, argument);
}

static void
enter (void)
{
  coro_switch (&native, fiber);
}

static void
leave (void)
{
  coro_switch (&fiber, native);
}

/* --- there and back ---------------------------------------------------------------- */

static unsigned int n_steps;
static uintptr_t frame;
static void *seen_argument;

static void
count_steps (void *argument)
{
  seen_argument = argument;
  frame = (uintptr_t) __builtin_frame_address (0);
  for (;;)
    {
      n_steps++;
      leave ();
    }
}

static void
test_goes_there_and_back (void)
{
  prepare (count_steps, &n_steps);
  for (unsigned int i = 0; i < 1000; i++)
    enter ();

  check (n_steps == 1000, "goes there and back");
  check (seen_argument == &n_steps, "passes the argument");
  check (frame > (uintptr_t) stack && frame <= (uintptr_t) stack + STACK_SIZE, "runs on its own stack");
  check ((frame & 15) == 0, "starts on an aligned stack");
}

/* --- registers --------------------------------------------------------------------- */

#if defined (__aarch64__)
# define FLOAT "+w"
#elif defined (__riscv)
# define FLOAT "+f"
#else
# define FLOAT "+x"
#endif

/* Makes the compiler have each value in a register of its own, and forget what it knows
 * of it. */
#define SHUFFLE_INTEGERS() \
  __asm__ volatile ("" : "+r" (a), "+r" (b), "+r" (c), "+r" (d), "+r" (e), "+r" (f), \
                         "+r" (g), "+r" (h), "+r" (i), "+r" (j), "+r" (k))
#define SHUFFLE_DOUBLES() \
  __asm__ volatile ("" : FLOAT (m), FLOAT (n), FLOAT (o), FLOAT (p), FLOAT (q), FLOAT (r), \
                         FLOAT (s), FLOAT (t), FLOAT (u), FLOAT (v), FLOAT (w), FLOAT (x))

/* Keeps more values alive over the switch than there are registers for it to save. */
__attribute__ ((noinline)) static double
work (uint64_t step,
      void     (*hand_over) (void))
{
  uint64_t a = step, b = a + step, c = b + step, d = c + step, e = d + step, f = e + step;
  uint64_t g = f + step, h = g + step, i = h + step, j = i + step, k = j + step;
  double m = (double) step, n = m + 1, o = m + 2, p = m + 3, q = m + 4, r = m + 5;
  double s = m + 6, t = m + 7, u = m + 8, v = m + 9, w = m + 10, x = m + 11;

  for (unsigned int round = 0; round < 10; round++)
    {
      SHUFFLE_INTEGERS ();
      SHUFFLE_DOUBLES ();
      hand_over ();
      SHUFFLE_DOUBLES ();
      SHUFFLE_INTEGERS ();
      a += 2 * b, b += 3 * c, c += 5 * d, d += 7 * e, e += 11 * f, f += 13 * g;
      g += 17 * h, h += 19 * i, i += 23 * j, j += 29 * k, k += 31 * a;
      m += 2 * n, n += 3 * o, o += 5 * p, p += 7 * q, q += 11 * r, r += 13 * s;
      s += 17 * t, t += 19 * u, u += 23 * v, v += 29 * w, w += 31 * x, x += 37;
    }

  return (double) (a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j ^ k) + m + n + o + p + q + r + s + t + u + v + w + x;
}

static void
do_nothing (void)
{
}

static double fiber_result;

static void
work_in_fiber (void *argument)
{
  fiber_result = work (7, leave);
  for (;;)
    leave ();
}

static void
test_keeps_the_registers (void)
{
  double expected = work (3, do_nothing);

  prepare (work_in_fiber, NULL);
  check (work (3, enter) == expected, "keeps the registers of the thread");
  enter ();
  check (fiber_result == work (7, do_nothing), "keeps the registers of the fiber");
}

/* --- many ---------------------------------------------------------------------------- */

#define N_MANY    64
#define MANY_SIZE (16 * 1024)

static void *many[N_MANY];
static unsigned int many_ids[N_MANY];
static unsigned int order[2 * N_MANY];
static unsigned int n_order;

static void
run_relay (void *argument)
{
  unsigned int index = (unsigned int) (uintptr_t) argument;

  for (;;)
    {
      order[n_order++ % (2 * N_MANY)] = index;
      coro_switch (&many[index], index + 1 < N_MANY ? many[index + 1] : native);
    }
}

static void
test_goes_from_one_to_the_next (void)
{
  char *many_stacks = aligned_alloc (4096, N_MANY * MANY_SIZE);
  int ok = 1;

  for (unsigned int i = 0; i < N_MANY; i++)
    {
      char *top = many_stacks + (i + 1) * MANY_SIZE;

      many_ids[i] = VALGRIND_STACK_REGISTER (top - MANY_SIZE, top - 1);
      many[i] = coro_switch_prepare (top, run_relay, (void *) (uintptr_t) i);
    }
  for (unsigned int round = 0; round < 2; round++)
    coro_switch (&native, many[0]);

  for (unsigned int i = 0; i < 2 * N_MANY; i++)
    ok = ok && order[i] == i % N_MANY;
  check (ok && n_order == 2 * N_MANY, "goes from one to the next");

  for (unsigned int i = 0; i < N_MANY; i++)
    VALGRIND_STACK_DEREGISTER (many_ids[i]);
  free (many_stacks);
}

/* --- unwinding ----------------------------------------------------------------------- */

static unsigned int n_frames;

static _Unwind_Reason_Code
count_frame (struct _Unwind_Context *context,
             void                   *data)
{
  return ++n_frames < 1000 ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

static void
unwind (void *argument)
{
  leave ();
  _Unwind_Backtrace (count_frame, NULL);
  for (;;)
    leave ();
}

static void
test_backtrace_ends (void)
{
  prepare (unwind, NULL);
  enter ();
  enter ();
  check (n_frames >= 1 && n_frames <= 3, "a backtrace ends at the entry");
}

int
main (void)
{
  unsigned int id;

  stack = aligned_alloc (4096, STACK_SIZE);
  id = VALGRIND_STACK_REGISTER (stack, stack + STACK_SIZE - 1);

  test_goes_there_and_back ();
  test_keeps_the_registers ();
  test_goes_from_one_to_the_next ();
  test_backtrace_ends ();
  printf ("1..%u\n", n_tests);

  VALGRIND_STACK_DEREGISTER (id);
  free (stack);
  return n_failed == 0 ? 0 : 1;
}
