/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "base/coro-error.h"
#include "fiber/coro-stack-private.h"

#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

/* As many as the pool keeps warm, and some. */
#define N_MANY 3000

static gsize page_size;

static CoroStack *
take (CoroStackPool *pool,
      gsize          size)
{
  g_autoptr(GError) error = NULL;
  CoroStack *stack = coro_stack_pool_take (pool, size, &error);

  g_assert_no_error (error);
  g_assert_nonnull (stack);
  return stack;
}

static void
touch (CoroStack *stack,
       gsize      depth)
{
  memset (stack->top - depth, 0x55, depth);
}

static gboolean
is_resident (const char *address)
{
  unsigned char resident = 0;

  g_assert_cmpint (mincore ((void *) ((gsize) address & ~(page_size - 1)), page_size, &resident), ==, 0);
  return resident & 1;
}

static void
test_a_free_stack_is_the_next_taken (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *first = take (pool, CORO_STACK_SIZE_DEFAULT);
  CoroStack *second = take (pool, CORO_STACK_SIZE_DEFAULT);

  g_assert_true (first != second);
  coro_stack_pool_give (pool, first);
  coro_stack_pool_give (pool, second);
  g_assert_true (take (pool, CORO_STACK_SIZE_DEFAULT) == second);
  g_assert_true (take (pool, CORO_STACK_SIZE_DEFAULT) == first);

  coro_stack_pool_give (pool, first);
  coro_stack_pool_give (pool, second);
  coro_stack_pool_free (pool);
}

static void
test_stacks_do_not_overlap (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *stacks[200];

  for (guint i = 0; i < G_N_ELEMENTS (stacks); i++)
    {
      stacks[i] = take (pool, CORO_STACK_SIZE_DEFAULT);
      for (guint j = 0; j < i; j++)
        g_assert_true (stacks[i]->top <= stacks[j]->low - CORO_STACK_GUARD_SIZE
                       || stacks[j]->top <= stacks[i]->low - CORO_STACK_GUARD_SIZE);
    }

  for (guint i = 0; i < G_N_ELEMENTS (stacks); i++)
    coro_stack_pool_give (pool, stacks[i]);
  coro_stack_pool_free (pool);
}

/* See coro-stack.c: a power of two between the tops would make all of them share a few
 * cache sets. */
static void
test_tops_spread_over_the_cache (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *stacks[16];
  guint colours = 0;

  for (guint i = 0; i < G_N_ELEMENTS (stacks); i++)
    {
      gsize stride;

      stacks[i] = take (pool, CORO_STACK_SIZE_DEFAULT);
      g_assert_cmpuint ((gsize) stacks[i]->top % 64, ==, 0);
      colours |= 1u << (((gsize) stacks[i]->top % page_size) / 64 % 16);

      stride = i > 0 ? (gsize) (stacks[i]->low - stacks[i - 1]->low) : page_size;
      g_assert_cmpuint (stride % page_size, ==, 0);
      g_assert_cmpuint ((stride / page_size) % 2, ==, 1);
    }
  g_assert_cmphex (colours, ==, 0xffff);

  for (guint i = 0; i < G_N_ELEMENTS (stacks); i++)
    coro_stack_pool_give (pool, stacks[i]);
  coro_stack_pool_free (pool);
}

static void
test_sizes_are_kept_apart (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *small = take (pool, CORO_STACK_SIZE_DEFAULT);
  CoroStack *large;

  coro_stack_pool_give (pool, small);
  large = take (pool, CORO_STACK_SIZE_LARGE);
  g_assert_true (large != small);
  g_assert_cmpuint (coro_stack_get_size (large), >=, CORO_STACK_SIZE_LARGE - coro_stack_get_guard_size (large) - 16 * 64);
  g_assert_cmpuint (coro_stack_get_size (small), >=, CORO_STACK_SIZE_DEFAULT - CORO_STACK_GUARD_SIZE - 16 * 64);
  g_assert_true (take (pool, CORO_STACK_SIZE_DEFAULT) == small);
  touch (large, coro_stack_get_size (large));
  touch (small, coro_stack_get_size (small));

  coro_stack_pool_give (pool, small);
  coro_stack_pool_give (pool, large);
  coro_stack_pool_free (pool);
}

static void
test_a_stack_has_a_least_size (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *stack = take (pool, 1);

  g_assert_cmpuint (coro_stack_get_size (stack) + 16 * 64, >=, getauxval (AT_MINSIGSTKSZ) + 16 * 1024);
  touch (stack, coro_stack_get_size (stack));
  coro_stack_pool_give (pool, stack);
  coro_stack_pool_free (pool);
}

static void
test_one_may_be_larger_than_a_slab (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *stack = take (pool, 64 * 1024 * 1024);

  g_assert_cmpuint (coro_stack_get_size (stack), >=, 63 * 1024 * 1024);
  touch (stack, coro_stack_get_size (stack));
  coro_stack_pool_give (pool, stack);
  coro_stack_pool_free (pool);
}

/* A thread has 8 MiB, and the kernel leaves 1 MiB below them. */
static void
test_large_ones_are_like_those_of_threads (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *small = take (pool, CORO_STACK_SIZE_DEFAULT);
  CoroStack *large = take (pool, CORO_STACK_SIZE_LARGE);

  g_assert_cmpuint (coro_stack_get_guard_size (small), ==, 64 * 1024);
#if GLIB_SIZEOF_VOID_P >= 8
  g_assert_cmpuint (coro_stack_get_guard_size (large), ==, 1024 * 1024);
  g_assert_cmpuint (coro_stack_get_size (large), >=, 8 * 1024 * 1024 - 16 * 64);
#endif
  coro_stack_pool_give (pool, small);
  coro_stack_pool_give (pool, large);
  coro_stack_pool_free (pool);
}

/* So that the kernel's limit of mappings does not count them. */
static void
test_large_ones_share_mappings (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *stacks[14];
  gsize mapped = 0;
  guint n_mappings = 0;

  for (guint i = 0; i < G_N_ELEMENTS (stacks); i++)
    {
      stacks[i] = take (pool, CORO_STACK_SIZE_LARGE);
      if (coro_stack_pool_get_mapped (pool) > mapped)
        n_mappings++;
      mapped = coro_stack_pool_get_mapped (pool);
    }
  g_assert_cmpuint (n_mappings, ==, GLIB_SIZEOF_VOID_P >= 8 ? 2 : 1);
  g_assert_cmpuint (mapped, <=, 20 * CORO_STACK_SIZE_LARGE);

  for (guint i = 0; i < G_N_ELEMENTS (stacks); i++)
    coro_stack_pool_give (pool, stacks[i]);
  coro_stack_pool_free (pool);
}

static void
test_contains_what_lies_on_it (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *stack = take (pool, CORO_STACK_SIZE_DEFAULT);

  g_assert_true (coro_stack_contains (stack, stack->low));
  g_assert_true (coro_stack_contains (stack, stack->top - 1));
  g_assert_false (coro_stack_contains (stack, stack->top));
  g_assert_false (coro_stack_contains (stack, stack->low - 1));
  coro_stack_pool_give (pool, stack);
  coro_stack_pool_free (pool);
}

/* --- what is given back ------------------------------------------------------------ */

static guint
trim_to_the_end (CoroStackPool *pool)
{
  guint n_calls = 1;

  while (coro_stack_pool_trim (pool) | coro_stack_pool_trim_depths (pool))
    n_calls++;
  return n_calls;
}

static void
test_deep_stacks_give_their_pages_back (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *stacks[500];

  for (guint i = 0; i < G_N_ELEMENTS (stacks); i++)
    {
      stacks[i] = take (pool, CORO_STACK_SIZE_DEFAULT);
      touch (stacks[i], coro_stack_get_size (stacks[i]));
      g_assert_true (is_resident (stacks[i]->low));
    }
  for (guint i = 0; i < G_N_ELEMENTS (stacks); i++)
    coro_stack_pool_give (pool, stacks[i]);

  /* A little at a time, so that no frame is lost over it. */
  g_assert_cmpuint (trim_to_the_end (pool), >=, 10);
  for (guint i = 0; i < G_N_ELEMENTS (stacks); i++)
    {
      g_assert_false (is_resident (stacks[i]->low));
      g_assert_false (is_resident (stacks[i]->top - 64 * 1024));
      g_assert_true (is_resident (stacks[i]->top - 1));
    }
  coro_stack_pool_free (pool);
}

/* A frame has a large buffer that was never used, so that the pages in use are not in one
 * piece. */
static void
test_deep_pages_are_found_below_a_hole (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *stack = take (pool, CORO_STACK_SIZE_LARGE);

  touch (stack, 64);
  stack->low[0] = 1;
  g_assert_true (is_resident (stack->low));
  coro_stack_pool_give (pool, stack);
  trim_to_the_end (pool);
  g_assert_false (is_resident (stack->low));
  coro_stack_pool_free (pool);
}

static void
test_shallow_stacks_keep_their_pages (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *stack = take (pool, CORO_STACK_SIZE_DEFAULT);

  for (guint i = 0; i < 1000; i++)
    {
      touch (stack, 24 * 1024);
      coro_stack_pool_give (pool, stack);
      trim_to_the_end (pool);
      g_assert_true (take (pool, CORO_STACK_SIZE_DEFAULT) == stack);
      g_assert_true (is_resident (stack->top - 24 * 1024));
    }
  coro_stack_pool_give (pool, stack);
  coro_stack_pool_free (pool);
}

static void
test_a_stack_in_use_is_not_trimmed (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *stack = take (pool, CORO_STACK_SIZE_DEFAULT);
  CoroStack *other = take (pool, CORO_STACK_SIZE_DEFAULT);

  touch (stack, coro_stack_get_size (stack));
  for (guint i = 0; i < 1000; i++)
    {
      coro_stack_pool_give (pool, other);
      trim_to_the_end (pool);
      g_assert_true (take (pool, CORO_STACK_SIZE_DEFAULT) == other);
    }

  for (char *p = stack->low; p < stack->top; p += 1024)
    g_assert_cmpint (*p, ==, 0x55);
  coro_stack_pool_give (pool, stack);
  coro_stack_pool_give (pool, other);
  coro_stack_pool_free (pool);
}

static void
test_unused_slabs_are_unmapped (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  g_autofree CoroStack **stacks = g_new (CoroStack *, N_MANY);
  gsize most, left;

  for (guint round = 0; round < 2; round++)
    {
      for (guint i = 0; i < N_MANY; i++)
        {
          stacks[i] = take (pool, CORO_STACK_SIZE_DEFAULT);
          touch (stacks[i], 64);
        }
      most = coro_stack_pool_get_mapped (pool);
      for (guint i = 0; i < N_MANY; i++)
        coro_stack_pool_give (pool, stacks[i]);
      g_assert_cmpuint (coro_stack_pool_get_mapped (pool), ==, most);

      /* A little at a time, so that no frame is lost over it. */
      g_assert_cmpuint (trim_to_the_end (pool), >, 10);
      left = coro_stack_pool_get_mapped (pool);
      g_assert_cmpuint (left, <, most / 2);
      g_assert_cmpuint (left, >=, 960 * CORO_STACK_SIZE_DEFAULT);
    }

  coro_stack_pool_free (pool);
}

static void
test_free_stacks_between_used_ones_go_cold (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  g_autofree CoroStack **stacks = g_new (CoroStack *, N_MANY);
  guint n_resident = 0;
  guint n_used = 0;

  for (guint i = 0; i < N_MANY; i++)
    {
      stacks[i] = take (pool, CORO_STACK_SIZE_DEFAULT);
      touch (stacks[i], 64);
    }
  for (guint i = 0; i < N_MANY; i++)
    {
      if (i % 50 != 49)
        coro_stack_pool_give (pool, stacks[i]);
      else
        n_used++;
    }

  trim_to_the_end (pool);
  for (guint i = 0; i < N_MANY; i++)
    {
      if (i % 50 == 49)
        g_assert_cmpint (stacks[i]->top[-1], ==, 0x55);
      n_resident += is_resident (stacks[i]->top - 1) ? 1 : 0;
    }
  g_assert_cmpuint (n_resident, <=, 1024 + n_used);
  g_assert_cmpuint (n_resident, >=, 900 + n_used);

  /* Cold ones are as good as any. */
  for (guint i = 0; i < N_MANY; i++)
    {
      if (i % 50 != 49)
        {
          stacks[i] = take (pool, CORO_STACK_SIZE_DEFAULT);
          touch (stacks[i], coro_stack_get_size (stacks[i]) / 16);
        }
    }
  for (guint i = 0; i < N_MANY; i++)
    coro_stack_pool_give (pool, stacks[i]);
  trim_to_the_end (pool);
  coro_stack_pool_free (pool);
}

static gpointer
use_a_pool (gpointer data)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *stacks[100];

  for (guint round = 0; round < 20; round++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (stacks); i++)
        {
          stacks[i] = take (pool, CORO_STACK_SIZE_DEFAULT);
          touch (stacks[i], 64);
        }
      for (guint i = 0; i < G_N_ELEMENTS (stacks); i++)
        coro_stack_pool_give (pool, stacks[i]);
      trim_to_the_end (pool);
    }

  coro_stack_pool_free (pool);
  return NULL;
}

static void
test_threads_have_pools_of_their_own (void)
{
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("stacks", use_a_pool, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

int
main (int   argc,
      char *argv[])
{
  page_size = (gsize) sysconf (_SC_PAGESIZE);

  g_test_init (&argc, &argv, NULL);
  g_test_summary ("Stacks: how they are laid out, reused and given back");

  g_test_add_func ("/stack/a-free-stack-is-the-next-taken", test_a_free_stack_is_the_next_taken);
  g_test_add_func ("/stack/stacks-do-not-overlap", test_stacks_do_not_overlap);
  g_test_add_func ("/stack/tops-spread-over-the-cache", test_tops_spread_over_the_cache);
  g_test_add_func ("/stack/sizes-are-kept-apart", test_sizes_are_kept_apart);
  g_test_add_func ("/stack/a-stack-has-a-least-size", test_a_stack_has_a_least_size);
  g_test_add_func ("/stack/one-may-be-larger-than-a-slab", test_one_may_be_larger_than_a_slab);
  g_test_add_func ("/stack/large-ones-are-like-those-of-threads", test_large_ones_are_like_those_of_threads);
  g_test_add_func ("/stack/large-ones-share-mappings", test_large_ones_share_mappings);
  g_test_add_func ("/stack/contains-what-lies-on-it", test_contains_what_lies_on_it);
  g_test_add_func ("/stack/deep-stacks-give-their-pages-back", test_deep_stacks_give_their_pages_back);
  g_test_add_func ("/stack/deep-pages-are-found-below-a-hole", test_deep_pages_are_found_below_a_hole);
  g_test_add_func ("/stack/shallow-stacks-keep-their-pages", test_shallow_stacks_keep_their_pages);
  g_test_add_func ("/stack/a-stack-in-use-is-not-trimmed", test_a_stack_in_use_is_not_trimmed);
  g_test_add_func ("/stack/unused-slabs-are-unmapped", test_unused_slabs_are_unmapped);
  g_test_add_func ("/stack/free-stacks-between-used-ones-go-cold", test_free_stacks_between_used_ones_go_cold);
  g_test_add_func ("/stack/threads-have-pools-of-their-own", test_threads_have_pools_of_their_own);

  return g_test_run ();
}
