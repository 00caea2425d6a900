/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What happens when stacks run out: a GError, and the process goes on.  Most of this
 * changes the whole process, so it runs in one of its own.
 */
#include "config.h"

#include "lib/process.h"

#include "base/coro-error.h"
#include "fiber/coro-fiber-private.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef HAVE_VALGRIND
# include <valgrind/valgrind.h>
#else
# define RUNNING_ON_VALGRIND 0
#endif

static guint
get_n_many (void)
{
#ifdef CORO_TSAN
  return 4000;
#else
  return RUNNING_ON_VALGRIND ? 1000 : 200000;
#endif
}

/* Takes stacks until there are `most` or an error, which must be the right one. */
static GPtrArray *
take_many (CoroStackPool *pool,
           guint          most)
{
  GPtrArray *stacks = g_ptr_array_new ();
  g_autoptr(GError) error = NULL;
  CoroStack *stack;

  while (stacks->len < most && (stack = coro_stack_pool_take (pool, CORO_STACK_SIZE_DEFAULT, &error)) != NULL)
    g_ptr_array_add (stacks, stack);

  if (stacks->len < most)
    g_assert_error (error, CORO_ERROR, CORO_ERROR_NO_STACK);
  else
    g_assert_no_error (error);
  return stacks;
}

static void
give_all (CoroStackPool *pool,
          GPtrArray     *stacks)
{
  for (guint i = 0; i < stacks->len; i++)
    coro_stack_pool_give (pool, stacks->pdata[i]);
  while (coro_stack_pool_trim (pool))
    continue;
  g_ptr_array_unref (stacks);
}

/* Under the default vm.max_map_count (65530).  On Linux 6.13 and later all of them are to
 * be had, before that a quarter of the count. */
static void
test_200000_or_an_error (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  guint n_first = 0;

  for (guint round = 0; round < 2; round++)
    {
      GPtrArray *stacks = take_many (pool, get_n_many ());

      g_test_message ("%u stacks", stacks->len);
      g_assert_cmpuint (stacks->len, >=, MIN (get_n_many (), 10000));
      if (round == 0)
        n_first = stacks->len;
      g_assert_cmpuint (stacks->len, ==, n_first);
      for (guint i = 0; i < stacks->len; i += 1000)
        ((CoroStack *) stacks->pdata[i])->top[-1] = 1;
      give_all (pool, stacks);
      g_assert_cmpuint (coro_stack_pool_get_mapped (pool), <, 1200 * CORO_STACK_SIZE_DEFAULT);
    }

  coro_stack_pool_free (pool);
  g_assert_cmpuint (coro_stack_pool_get_n_guards (), ==, 0);
}

/* --- in a process of its own ------------------------------------------------------- */

static void
run_in_subprocess (void)
{
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

static void
test_older_kernels_stop_at_the_limit (void)
{
  if (!g_test_subprocess ())
    {
      run_in_subprocess ();
      return;
    }

  CoroStackPool *pool = coro_stack_pool_new ();

  coro_stack_pool_use_mprotect (100);
  for (guint round = 0; round < 3; round++)
    {
      GPtrArray *stacks = take_many (pool, 1000);

      g_assert_cmpuint (stacks->len, ==, 100);
      g_assert_cmpuint (coro_stack_pool_get_n_guards (), ==, 100);
      memset (((CoroStack *) stacks->pdata[99])->low, 1, coro_stack_get_size (stacks->pdata[99]));
      give_all (pool, stacks);
    }

  coro_stack_pool_free (pool);
  g_assert_cmpuint (coro_stack_pool_get_n_guards (), ==, 0);

  /* The limit is one for all pools of the process. */
  pool = coro_stack_pool_new ();
  CoroStackPool *other = coro_stack_pool_new ();
  GPtrArray *stacks = take_many (pool, 60);
  GPtrArray *others = take_many (other, 1000);

  g_assert_cmpuint (others->len, ==, 40);
  give_all (pool, stacks);
  give_all (other, others);
  coro_stack_pool_free (pool);
  coro_stack_pool_free (other);
  g_assert_cmpuint (coro_stack_pool_get_n_guards (), ==, 0);
}

/* The guards of before the change cost no mapping, and are not to be counted down. */
static void
test_a_change_of_guards_keeps_the_count (void)
{
  if (!g_test_subprocess ())
    {
      run_in_subprocess ();
      return;
    }

  CoroStackPool *pool = coro_stack_pool_new ();
  GPtrArray *before = take_many (pool, 30);
  guint n_before = coro_stack_pool_get_n_guards ();
  GPtrArray *after;

  coro_stack_pool_use_mprotect (n_before + 20);
  after = take_many (pool, 1000);
  g_assert_cmpuint (after->len, ==, 20);
  g_assert_cmpuint (coro_stack_pool_get_n_guards (), ==, n_before + 20);

  give_all (pool, before);
  give_all (pool, after);
  coro_stack_pool_free (pool);
  g_assert_cmpuint (coro_stack_pool_get_n_guards (), ==, 0);
}

/* Without our limit the kernel says no, when the process has no mapping left. */
static void
test_mappings_run_out (void)
{
#if defined (CORO_ASAN) || defined (CORO_TSAN)
  g_test_skip ("Sanitizers need mappings, too");
  return;
#endif
  if (!g_test_subprocess ())
    {
      run_in_subprocess ();
      return;
    }

  CoroStackPool *pool = coro_stack_pool_new ();
  guint n_first = 0;

  coro_stack_pool_use_mprotect (G_MAXINT);
  for (guint round = 0; round < 2; round++)
    {
      GPtrArray *stacks = take_many (pool, 2000000);

      g_test_message ("%u stacks", stacks->len);
      g_assert_cmpuint (stacks->len, <, 2000000);
      if (round == 0)
        n_first = stacks->len;
      g_assert_cmpuint (stacks->len, >=, n_first * 9 / 10);
      give_all (pool, stacks);
    }

  coro_stack_pool_free (pool);
  g_assert_cmpuint (coro_stack_pool_get_n_guards (), ==, 0);
}

/* The address space runs out; what is left over must do for malloc(), which under GLib
 * ends the process when it fails. */
static void
test_addresses_run_out (void)
{
#if defined (CORO_ASAN) || defined (CORO_TSAN)
  g_test_skip ("Sanitizers need the address space");
  return;
#endif
  if (!g_test_subprocess ())
    {
      run_in_subprocess ();
      return;
    }

  const rlim_t megabyte = 1024 * 1024;
  rlim_t base = get_address_space () + 200 * megabyte;

  /* Whatever the last slab leaves over: from next to nothing to nearly a slab. */
  for (guint i = 0; i < 17; i++)
    {
      CoroStackPool *pool = coro_stack_pool_new ();
      const struct rlimit limit = { base + i * megabyte, RLIM_INFINITY };
      GPtrArray *stacks;
      gpointer block;

      g_assert_cmpint (setrlimit (RLIMIT_AS, &limit), ==, 0);
      stacks = take_many (pool, 100000);
      g_assert_cmpuint (stacks->len, >=, 500);
      g_assert_cmpuint (stacks->len, <, 5000);
      block = mmap (NULL, megabyte, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      g_assert_true (block != MAP_FAILED);
      munmap (block, megabyte);
      give_all (pool, stacks);
      coro_stack_pool_free (pool);
    }
}

/* Locked memory cannot have the guards of Linux 6.13. */
static void
test_locked_memory_has_guards_too (void)
{
#if defined (CORO_ASAN) || defined (CORO_TSAN)
  g_test_skip ("Sanitizers map more than can be locked");
  return;
#endif
  if (!g_test_subprocess ())
    {
      run_in_subprocess ();
      return;
    }

  CoroStackPool *pool = coro_stack_pool_new ();
  GPtrArray *stacks;

  if (mlockall (MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
    {
      g_test_message ("Not allowed to lock memory");
      coro_stack_pool_free (pool);
      return;
    }

  stacks = take_many (pool, 10);
  g_assert_cmpuint (stacks->len, ==, 10);
  g_assert_cmpuint (coro_stack_pool_get_n_guards (), ==, 10);
  give_all (pool, stacks);
  coro_stack_pool_free (pool);
}

/* --- guards ------------------------------------------------------------------------ */

typedef struct
{
  const char *path;
  gboolean by_mprotect;
  gssize offset;                /* from the low end of the stack */
  gboolean faults;
} GuardCase;

static const GuardCase guard_cases[] = {
  { "/stack-limits/guard/madvise/first-byte", FALSE, -1, TRUE },
  { "/stack-limits/guard/madvise/last-byte", FALSE, -(gssize) CORO_STACK_GUARD_SIZE, TRUE },
  { "/stack-limits/guard/madvise/stack", FALSE, 0, FALSE },
  { "/stack-limits/guard/mprotect/first-byte", TRUE, -1, TRUE },
  { "/stack-limits/guard/mprotect/last-byte", TRUE, -(gssize) CORO_STACK_GUARD_SIZE, TRUE },
  { "/stack-limits/guard/mprotect/stack", TRUE, 0, FALSE },
};

static void
test_guard (gconstpointer data)
{
  const GuardCase *self = data;

  if (g_test_subprocess ())
    {
      CoroStackPool *pool = coro_stack_pool_new ();
      CoroStack *stack;

      if (self->by_mprotect)
        coro_stack_pool_use_mprotect (10);
      stack = coro_stack_pool_take (pool, CORO_STACK_SIZE_DEFAULT, NULL);
      g_print ("before\n");
      *(volatile char *) (stack->low + self->offset) = 1;
      g_print ("after\n");
      coro_stack_pool_give (pool, stack);
      coro_stack_pool_free (pool);
      return;
    }

  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_stdout ("*before\n*");
  if (self->faults)
    {
      g_test_trap_assert_failed ();
      g_test_trap_assert_stdout_unmatched ("*after\n*");
    }
  else
    {
      g_test_trap_assert_passed ();
      g_test_trap_assert_stdout ("*after\n*");
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("Stacks: what happens when they run out or run over");

  g_test_add_func ("/stack-limits/200000-or-an-error", test_200000_or_an_error);
  g_test_add_func ("/stack-limits/older-kernels-stop-at-the-limit", test_older_kernels_stop_at_the_limit);
  g_test_add_func ("/stack-limits/a-change-of-guards-keeps-the-count", test_a_change_of_guards_keeps_the_count);
  g_test_add_func ("/stack-limits/mappings-run-out", test_mappings_run_out);
  g_test_add_func ("/stack-limits/addresses-run-out", test_addresses_run_out);
  g_test_add_func ("/stack-limits/locked-memory-has-guards-too", test_locked_memory_has_guards_too);
  for (guint i = 0; i < G_N_ELEMENTS (guard_cases); i++)
    g_test_add_data_func (guard_cases[i].path, &guard_cases[i], test_guard);

  return g_test_run ();
}
