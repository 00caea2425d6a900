/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "fiber/coro-fiber-private.h"

#include <string.h>
#include <unwind.h>

#ifdef HAVE_VALGRIND
# include <valgrind/valgrind.h>
#else
# define RUNNING_ON_VALGRIND 0
#endif

typedef struct
{
  CoroFiber native;
  CoroFiber fiber;
  CoroStackPool *pool;
  CoroStack *stack;
  guint n_steps;
  gboolean aligned;
  guint n_frames;
  double sum;
  gpointer seen;
} Fixture;

static void
fixture_set_up (Fixture       *self,
                gconstpointer  test_data)
{
  CoroFiberFunc func = (CoroFiberFunc) test_data;
  g_autoptr(GError) error = NULL;

  self->pool = coro_stack_pool_new ();
  self->stack = coro_stack_pool_take (self->pool, CORO_STACK_SIZE_DEFAULT, &error);
  g_assert_no_error (error);
  coro_fiber_init_thread (&self->native);
  coro_fiber_init (&self->fiber, self->stack, 0, func, self);
}

static void
fixture_tear_down (Fixture       *self,
                   gconstpointer  test_data)
{
  coro_fiber_clear (&self->fiber);
  coro_stack_pool_give (self->pool, self->stack);
  coro_stack_pool_free (self->pool);
}

static void
enter (Fixture *self)
{
  coro_fiber_switch (&self->native, &self->fiber);
}

static void
leave (Fixture *self)
{
  coro_fiber_switch (&self->fiber, &self->native);
}

G_GNUC_NORETURN static void
end (Fixture *self)
{
  coro_fiber_switch_last (&self->fiber, &self->native);
}

static void
three_steps (gpointer data)
{
  Fixture *self = data;

  coro_fiber_arrived (&self->fiber);
  for (guint i = 0; i < 2; i++)
    {
      self->n_steps++;
      leave (self);
    }
  self->n_steps++;
  end (self);
}

static void
test_switches_there_and_back (Fixture       *self,
                              gconstpointer  test_data)
{
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpuint (self->n_steps, ==, i);
      enter (self);
    }
  g_assert_cmpuint (self->n_steps, ==, 3);
}

/* The compiler relies on the alignment of the stack for SSE spills and `movaps`. */
static void
check_alignment (gpointer data)
{
  Fixture *self = data;

  coro_fiber_arrived (&self->fiber);
  self->aligned = ((gsize) __builtin_frame_address (0) & 15) == 0;
  self->seen = __builtin_frame_address (0);
  end (self);
}

static void
test_starts_on_an_aligned_stack (Fixture       *self,
                                 gconstpointer  test_data)
{
  enter (self);
  g_assert_true (coro_stack_contains (self->stack, self->seen));
  g_assert_true (self->aligned);
}

/* More values alive over the switch than there are registers to keep them in. */
static void
sum_slowly (gpointer data)
{
  Fixture *self = data;
  volatile double seed = 0.5;
  double a = seed, b = a * 3, c = b * 5, d = c * 7, e = d * 11, f = e * 13, g = f * 17;
  gsize i = (gsize) (seed * 2), j = i * 3, k = j * 5, l = k * 7, m = l * 11, n = m * 13, o = n * 17;

  coro_fiber_arrived (&self->fiber);
  leave (self);
  self->sum = a + b + c + d + e + f + g + (double) (i + j + k + l + m + n + o);
  end (self);
}

static void
test_keeps_the_registers (Fixture       *self,
                          gconstpointer  test_data)
{
  volatile double seed = 2;
  double a = seed, b = a * 2, c = b * 2, d = c * 2, e = d * 2, f = e * 2, g = f * 2;
  gsize i = (gsize) seed, j = i * 3, k = j * 3, l = k * 3, m = l * 3, n = m * 3, o = n * 3;

  enter (self);
  g_assert_cmpfloat (a + b + c + d + e + f + g, ==, 254);
  enter (self);
  g_assert_cmpuint (i + j + k + l + m + n + o, ==, 2 * (1 + 3 + 9 + 27 + 81 + 243 + 729));
  g_assert_cmpfloat (self->sum, ==, 1.5 * (1 + 3 + 15 + 105 + 1155 + 15015 + 255255));
}

static _Unwind_Reason_Code
count_frame_cb (struct _Unwind_Context *context,
                void                   *data)
{
  Fixture *self = data;

  return ++self->n_frames < 1000 ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

static void
unwind (gpointer data)
{
  Fixture *self = data;

  coro_fiber_arrived (&self->fiber);
  leave (self);
  _Unwind_Backtrace (count_frame_cb, self);
  end (self);
}

static void
test_backtrace_ends_at_the_entry (Fixture       *self,
                                  gconstpointer  test_data)
{
  enter (self);
  enter (self);
  g_assert_cmpuint (self->n_frames, >=, 2);
  g_assert_cmpuint (self->n_frames, <=, 4);
}

static void
test_clears_one_that_never_ran (Fixture       *self,
                                gconstpointer  test_data)
{
  g_assert_nonnull (self->fiber.sp);
}

/* A relay of fibers: each switches straight to the next one, not by way of the thread. */
#define N_RELAY 100

typedef struct _Relay Relay;

typedef struct
{
  Relay *relay;
  CoroFiber fiber;
  guint index;
} Runner;

struct _Relay
{
  CoroFiber native;
  Runner runners[N_RELAY];
  GArray *order;
};

static void
run_relay (gpointer data)
{
  Runner *self = data;
  Relay *relay = self->relay;
  Runner *next = self->index + 1 < N_RELAY ? &relay->runners[self->index + 1] : NULL;

  coro_fiber_arrived (&self->fiber);
  for (guint round = 0; round < 2; round++)
    {
      g_array_append_val (relay->order, self->index);
      coro_fiber_switch (&self->fiber, next != NULL ? &next->fiber : &relay->native);
    }
  coro_fiber_switch_last (&self->fiber, next != NULL ? &next->fiber : &relay->native);
}

static void
test_switches_from_one_to_the_next (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  Relay relay = { .order = g_array_new (FALSE, FALSE, sizeof (guint)) };

  coro_fiber_init_thread (&relay.native);
  for (guint i = 0; i < N_RELAY; i++)
    {
      g_autoptr(GError) error = NULL;
      CoroStack *stack = coro_stack_pool_take (pool, CORO_STACK_SIZE_DEFAULT, &error);

      g_assert_no_error (error);
      relay.runners[i].relay = &relay;
      relay.runners[i].index = i;
      coro_fiber_init (&relay.runners[i].fiber, stack, 0, run_relay, &relay.runners[i]);
    }

  for (guint round = 0; round < 3; round++)
    coro_fiber_switch (&relay.native, &relay.runners[0].fiber);

  g_assert_cmpuint (relay.order->len, ==, 2 * N_RELAY);
  for (guint i = 0; i < relay.order->len; i++)
    g_assert_cmpuint (g_array_index (relay.order, guint, i), ==, i % N_RELAY);

  for (guint i = 0; i < N_RELAY; i++)
    {
      CoroStack *stack = relay.runners[i].fiber.stack;

      coro_fiber_clear (&relay.runners[i].fiber);
      coro_stack_pool_give (pool, stack);
    }
  g_array_unref (relay.order);
  coro_stack_pool_free (pool);
}

/* The top of the stack may belong to the caller: nothing of the fiber reaches into it. */
static void
test_leaves_the_reserved_top_alone (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *stack = coro_stack_pool_take (pool, CORO_STACK_SIZE_DEFAULT, NULL);
  Fixture *fixture;
  gsize reserved = sizeof (Fixture) + 3;

  fixture = (Fixture *) (((gsize) stack->top - reserved) & ~(gsize) 15);
  *fixture = (Fixture) { .pool = pool };
  coro_fiber_init_thread (&fixture->native);
  coro_fiber_init (&fixture->fiber, stack, reserved, three_steps, fixture);
  for (guint i = 0; i < 3; i++)
    enter (fixture);
  g_assert_cmpuint (fixture->n_steps, ==, 3);
  g_assert_true (fixture->pool == pool);

  coro_fiber_clear (&fixture->fiber);
  coro_stack_pool_give (pool, stack);
  coro_stack_pool_free (pool);
}

__attribute__ ((noinline)) static int
go_deep (int depth)
{
  volatile char frame[1024];

  frame[depth] = (char) depth;
  return depth == 0 ? 0 : go_deep (depth - 1) + frame[depth];
}

static void
return_from_deep (gpointer data)
{
  Fixture *self = data;

  coro_fiber_arrived (&self->fiber);
  self->n_steps += (guint) go_deep (64);
  end (self);
}

/* valgrind takes what lies below the stack pointer for out of bounds, ASan the frames
 * that were left without a return; the next user of the stack must not hear of it. */
static void
test_starts_where_another_one_went_deep (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  Fixture fixture = { .pool = pool };

  coro_fiber_init_thread (&fixture.native);
  for (gsize reserved = 0; reserved < 32 * 1024; reserved = reserved * 2 + 64)
    {
      CoroStack *stack = coro_stack_pool_take (pool, CORO_STACK_SIZE_DEFAULT, NULL);

      memset (stack->top - reserved, 0x55, reserved);
      coro_fiber_init (&fixture.fiber, stack, reserved, return_from_deep, &fixture);
      enter (&fixture);
      for (gsize i = 0; i < reserved; i++)
        g_assert_cmpint (stack->top[-1 - (gssize) i], ==, 0x55);
      coro_fiber_clear (&fixture.fiber);
      coro_stack_pool_give (pool, stack);
    }

  coro_stack_pool_free (pool);
}

/* What a scheduler does: the fiber itself gives its stack back and leaves it for good.
 * One after the other, there may be more of them than TSan has room for at a time. */
typedef struct
{
  CoroFiber native;
  CoroFiber fiber;
  CoroStackPool *pool;
  guint n_ended;
} Succession;

static void
end_alone (gpointer data)
{
  Succession *self = data;
  CoroFiber here;

  coro_fiber_arrived (&self->fiber);
  coro_fiber_switch (&self->fiber, &self->native);
  self->n_ended++;
  here = self->fiber;
  memset (&self->fiber, 0xaa, sizeof self->fiber);
  coro_stack_pool_give (self->pool, here.stack);
  coro_fiber_switch_last (&here, &self->native);
}

static void
test_ends_alone_any_number_of_times (void)
{
  Succession self = { .pool = coro_stack_pool_new () };
  guint n_fibers = RUNNING_ON_VALGRIND ? 1000 : 10000;

  coro_fiber_init_thread (&self.native);
  for (guint i = 0; i < n_fibers; i++)
    {
      CoroStack *stack = coro_stack_pool_take (self.pool, CORO_STACK_SIZE_DEFAULT, NULL);

      coro_fiber_init (&self.fiber, stack, 0, end_alone, &self);
      coro_fiber_switch (&self.native, &self.fiber);
      g_assert_cmpuint (self.n_ended, ==, i);
      coro_fiber_switch (&self.native, &self.fiber);
      g_assert_cmpuint (self.n_ended, ==, i + 1);
    }

  coro_stack_pool_free (self.pool);
}

/* --- many ---------------------------------------------------------------------------- */

typedef struct
{
  CoroFiber fiber;
  CoroFiber *native;
  guint64 sum;
} Member;

static void
add_twice (gpointer data)
{
  Member *self = data;
  guint64 sum = GPOINTER_TO_SIZE (self);

  coro_fiber_arrived (&self->fiber);
  coro_fiber_switch (&self->fiber, self->native);
  self->sum += sum;
  coro_fiber_switch_last (&self->fiber, self->native);
}

static guint
get_n_members (void)
{
#ifdef CORO_TSAN
  return 4000;
#elif defined (CORO_ASAN)
  return 10000;
#else
  return RUNNING_ON_VALGRIND ? 1000 : 50000;
#endif
}

static void
test_parks_many_at_once (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  guint n_members = get_n_members ();
  g_autofree Member *members = g_new0 (Member, n_members);
  CoroFiber here;

  coro_fiber_init_thread (&here);
  for (guint i = 0; i < n_members; i++)
    {
      g_autoptr(GError) error = NULL;
      CoroStack *stack = coro_stack_pool_take (pool, CORO_STACK_SIZE_DEFAULT, &error);

      /* A kernel before 6.13 has room for some 16000. */
      if (stack == NULL)
        {
          n_members = i;
          break;
        }
      members[i].native = &here;
      coro_fiber_init (&members[i].fiber, stack, 0, add_twice, &members[i]);
      coro_fiber_switch (&here, &members[i].fiber);
    }

  g_assert_cmpuint (n_members, >=, 1000);
  for (guint i = 0; i < n_members; i++)
    {
      CoroStack *stack = members[i].fiber.stack;

      g_assert_cmpuint (members[i].sum, ==, 0);
      coro_fiber_switch (&here, &members[i].fiber);
      g_assert_cmpuint (members[i].sum, ==, GPOINTER_TO_SIZE (&members[i]));
      coro_stack_pool_give (pool, stack);
    }
  coro_stack_pool_free (pool);
}

static gpointer
run_in_thread (gpointer data)
{
  Fixture fixture = { .pool = NULL };

  fixture_set_up (&fixture, three_steps);
  for (guint i = 0; i < 3; i++)
    enter (&fixture);
  fixture_tear_down (&fixture, three_steps);
  return GUINT_TO_POINTER (fixture.n_steps);
}

static void
test_runs_in_many_threads (void)
{
  GThread *threads[8];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("fibers", run_in_thread, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_cmpuint (GPOINTER_TO_UINT (g_thread_join (threads[i])), ==, 3);
}

static void
test_is_supported_here (void)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (coro_fiber_check_supported (&error));
  g_assert_no_error (error);
}

#define ADD(path, body, test) \
  g_test_add ("/fiber/" path, Fixture, (gconstpointer) (body), fixture_set_up, test, fixture_tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("Fibers: parked stacks and the switch between them");

  ADD ("switches-there-and-back", three_steps, test_switches_there_and_back);
  ADD ("starts-on-an-aligned-stack", check_alignment, test_starts_on_an_aligned_stack);
  ADD ("keeps-the-registers", sum_slowly, test_keeps_the_registers);
  ADD ("backtrace-ends-at-the-entry", unwind, test_backtrace_ends_at_the_entry);
  ADD ("clears-one-that-never-ran", three_steps, test_clears_one_that_never_ran);
  g_test_add_func ("/fiber/switches-from-one-to-the-next", test_switches_from_one_to_the_next);
  g_test_add_func ("/fiber/leaves-the-reserved-top-alone", test_leaves_the_reserved_top_alone);
  g_test_add_func ("/fiber/starts-where-another-one-went-deep", test_starts_where_another_one_went_deep);
  g_test_add_func ("/fiber/ends-alone-any-number-of-times", test_ends_alone_any_number_of_times);
  g_test_add_func ("/fiber/parks-many-at-once", test_parks_many_at_once);
  g_test_add_func ("/fiber/runs-in-many-threads", test_runs_in_many_threads);
  g_test_add_func ("/fiber/is-supported-here", test_is_supported_here);

  return g_test_run ();
}
