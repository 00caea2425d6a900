/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "testing/coro-test-seed-private.h"

#include "scheduler/coro-scheduler-private.h"

static guint test_seed;         /* (atomic): once seed_read */
static gsize seed_read;         /* (atomic) */

static guint
read_seed (void)
{
  const char *text = g_getenv ("CORO_TEST_SEED");
  g_autoptr (GError) error = NULL;
  guint64 seed = 0;

  if (text != NULL && *text != '\0' && !g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT, &seed, &error))
    g_warning ("CORO_TEST_SEED: %s", error->message);
  return (guint) seed;
}

/* With a seed, has the order of a scheduler made of it, and says so: a test that aborts
 * has no other way to tell. */
void
coro_test_seed_scheduler (CoroScheduler *scheduler)
{
  guint seed = coro_test_get_seed ();

  coro_scheduler_set_seed (scheduler, seed);
  if (seed != 0 && g_test_initialized ())
    g_test_message ("CORO_TEST_SEED=%u", seed);
}

/* The case has failed; in which order is a part of why. */
void
coro_test_fail (const GError *error)
{
  guint seed = coro_test_get_seed ();

  if (seed != 0)
    g_test_fail_printf ("%s (CORO_TEST_SEED=%u)", error->message, seed);
  else
    g_test_fail_printf ("%s", error->message);
}

/**
 * coro_test_get_seed:
 *
 * Gets what the order of coroutines is made of where a test has its own clock.
 *
 * That is the environment variable `CORO_TEST_SEED`, a decimal number, until
 * [func@test_set_seed] says otherwise.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: the seed; 0 without one
 *
 * Since: 0.1
 */
guint
coro_test_get_seed (void)
{
  if (g_once_init_enter (&seed_read))
    {
      g_atomic_int_set ((int *) &test_seed, (int) read_seed ());
      g_once_init_leave (&seed_read, 1);
    }
  return (guint) g_atomic_int_get ((int *) &test_seed);
}

/**
 * coro_test_set_seed:
 * @seed: a number; 0: coroutines run in the order in which they became ready
 *
 * Sets the seed for the order of coroutines, for test clocks that start from now
 * on.
 *
 * With a seed, chance chooses the next coroutine among the first 64 ready
 * coroutines, and decides for how many turns messages of other threads stay
 * unread. A seed gives the same order in every run and on every machine, as long
 * as nothing comes from other threads, processes or the network. A test that only
 * passes in one order relies on more than the library promises.
 *
 * Promises still hold: equal deadlines come in the order of arming, messages
 * of one thread in the order of sending, callbacks of futures in the order of
 * registering, and locks, queues and semaphores serve their waiters in order.
 *
 * Where no test has a clock of its own, the seed does nothing.
 *
 * Callable from any thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_test_set_seed (guint seed)
{
  coro_test_get_seed ();
  g_atomic_int_set ((int *) &test_seed, (int) seed);
}

/**
 * coro_test_keep_order:
 * @scheduler: (nullable): a scheduler; %NULL: the running one
 *
 * Runs coroutines in the order in which they became ready, whatever the seed,
 * until the scheduler's clock for tests is stopped.
 *
 * For a test whose subject is that order. It is the first thing in its body,
 * before it spawns anything.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_test_keep_order (CoroScheduler *scheduler)
{
  g_return_if_fail (scheduler == NULL || CORO_IS_SCHEDULER (scheduler));

  if (scheduler == NULL)
    scheduler = coro_scheduler_get_running ();
  g_return_if_fail (scheduler != NULL);

  coro_scheduler_set_seed (scheduler, 0);
}
