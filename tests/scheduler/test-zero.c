/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Nothing is allocated and no lock is taken where tasks of one thread wait for each other.
 *
 * The allocator and the locks of this program are its own, which count what this thread
 * asks of them while a test is at work.
 */
#include "test-util.h"

#include <dlfcn.h>
#include <pthread.h>

static __thread gboolean counting;
static __thread int n_allocations;
static __thread int n_locks;

#if !TEST_SLOW                  /* a sanitizer has replaced them already */

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *memory, size_t size);
extern void __libc_free (void *memory);

void *
malloc (size_t size)
{
  n_allocations += counting;
  return __libc_malloc (size);
}

void *
calloc (size_t n,
        size_t size)
{
  n_allocations += counting;
  return __libc_calloc (n, size);
}

void *
realloc (void   *memory,
         size_t  size)
{
  n_allocations += counting;
  return __libc_realloc (memory, size);
}

void
free (void *memory)
{
  n_allocations += counting && memory != NULL;
  __libc_free (memory);
}

#define NEXT(name) \
  static __typeof__ (&name) next; \
  if (G_UNLIKELY (next == NULL)) \
    next = (__typeof__ (&name)) dlsym (RTLD_NEXT, #name)

int
pthread_mutex_lock (pthread_mutex_t *mutex)
{
  NEXT (pthread_mutex_lock);
  n_locks += counting;
  return next (mutex);
}

/* A GMutex is none of them, but a word of its own. */
void
(g_mutex_lock) (GMutex *mutex)
{
  NEXT (g_mutex_lock);
  n_locks += counting;
  next (mutex);
}

void
(g_rec_mutex_lock) (GRecMutex *mutex)
{
  NEXT (g_rec_mutex_lock);
  n_locks += counting;
  next (mutex);
}

#endif

/* A slice may end at any time on a busy machine, and the scheduler then makes a source for its
 * rest.  So some rounds of many must have done without. */
#define PIECE 20

static int n_rounds;
static int n_clean;             /* pieces without an allocation and without a lock */

static void
count_piece (void)
{
  n_clean += n_allocations == 0 && n_locks == 0;
  n_allocations = n_locks = 0;
}

/* At the beginning of a round; the first `n_warm` do not count. */
static void
count_round (int round,
             int n_warm)
{
  if (round < n_warm)
    return;
  if (round == n_warm)
    {
      n_rounds = n_clean = n_allocations = n_locks = 0;
      counting = TRUE;
    }
  else if (counting && ++n_rounds % PIECE == 0)
    {
      count_piece ();
    }
}

static void
count_end (void)
{
  counting = FALSE;
  g_assert_cmpint (n_rounds, >, PIECE);
  g_assert_cmpint (n_clean, >, 0);
}

#define N_ROUNDS 1000
#define N_WARM   1100           /* all that grows has grown */

/* The counters count at all. */
static void
test_counters (void)
{
  GMutex mutex;
  g_autofree char *memory = NULL;

  g_mutex_init (&mutex);
  n_allocations = n_locks = 0;
  counting = TRUE;
  memory = g_malloc (100);
  g_mutex_lock (&mutex);
  counting = FALSE;
  g_mutex_unlock (&mutex);
  g_mutex_clear (&mutex);
  g_assert_nonnull (memory);
  g_assert_cmpint (n_allocations, >, 0);
  g_assert_cmpint (n_locks, >, 0);
}

/* --- yield ------------------------------------------------------------------------- */

static gboolean
keep_yielding_cb (gpointer   stop,
                  GValue    *result,
                  GError   **error)
{
  while (!*(gboolean *) stop)
    if (!coro_yield (error))
      return FALSE;
  return TRUE;
}

static gboolean
yield_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  gboolean stop = FALSE;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < 10; i++)
    coro_task_group_spawn (nursery.group, keep_yielding_cb, &stop, NULL);
  for (int i = 0; i < N_WARM + N_ROUNDS; i++)
    {
      count_round (i, N_WARM);
      if (!coro_yield (error))
        return FALSE;
    }
  count_end ();
  stop = TRUE;
  return coro_nursery_join (&nursery);
}

/* --- a pending await, and what wakes it -------------------------------------------- */

typedef struct
{
  CoroFuture *futures[2 * (N_WARM + N_ROUNDS)];
} PingPong;

static gboolean
pong_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  PingPong *self = user_data;

  for (int i = 0; i < N_WARM + N_ROUNDS; i++)
    {
      if (!coro_await (self->futures[2 * i], NULL, error))
        return FALSE;
      coro_future_resolve (self->futures[2 * i + 1], NULL);
    }
  return TRUE;
}

static gboolean
await_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_autofree PingPong *game = g_new0 (PingPong, 1);
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (gsize i = 0; i < G_N_ELEMENTS (game->futures); i++)
    game->futures[i] = coro_future_new ();
  coro_task_group_spawn (nursery.group, pong_cb, game, NULL);
  for (int i = 0; i < N_WARM + N_ROUNDS; i++)
    {
      count_round (i, N_WARM);
      coro_future_resolve (game->futures[2 * i], NULL);
      if (!coro_await (game->futures[2 * i + 1], NULL, error))
        return FALSE;
    }
  count_end ();
  if (!coro_nursery_join (&nursery))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (game->futures); i++)
    g_object_unref (game->futures[i]);
  return TRUE;
}

/* --- sleep --------------------------------------------------------------------------- */

static gboolean
keep_sleeping_cb (gpointer   stop,
                  GValue    *result,
                  GError   **error)
{
  while (!*(gboolean *) stop)
    if (!coro_sleep (20, error))
      return FALSE;
  return TRUE;
}

/* Through the main loop, the kernel's timer and back. */
static gboolean
sleep_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  gboolean stop = FALSE;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < 10; i++)
    coro_task_group_spawn (nursery.group, keep_sleeping_cb, &stop, NULL);
  for (int i = 0; i < 200; i++)
    {
      count_round (i, 100);
      if (!coro_sleep (10 + i % 7, error))
        return FALSE;
    }
  count_end ();
  stop = TRUE;
  return coro_nursery_join (&nursery);
}

/* --- from hand to hand ----------------------------------------------------------------- */

typedef struct
{
  CoroQueue *there;
  CoroQueue *back;
} Queues;

static gboolean
echo_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Queues *self = user_data;
  gpointer item;

  for (int i = 0; i < N_WARM + N_ROUNDS; i++)
    if (!coro_queue_take (self->there, &item, error) || !coro_queue_put (self->back, item, error))
      return FALSE;
  return TRUE;
}

static gboolean
queue_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_autoptr (CoroQueue) there = coro_queue_new (1, NULL);
  g_autoptr (CoroQueue) back = coro_queue_new (1, NULL);
  Queues queues = { there, back };
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, echo_cb, &queues, NULL);
  for (int i = 0; i < N_WARM + N_ROUNDS; i++)
    {
      gpointer item;

      count_round (i, N_WARM);
      if (!coro_queue_put (there, &queues, error) || !coro_queue_take (back, &item, error))
        return FALSE;
      g_assert_true (item == &queues);
    }
  count_end ();
  return coro_nursery_join (&nursery);
}

static gboolean
contend_cb (gpointer   lock,
            GValue    *result,
            GError   **error)
{
  for (int i = 0; i < N_WARM + N_ROUNDS; i++)
    {
      count_round (i, N_WARM);
      if (!coro_lock_acquire (lock, error) || !coro_yield (error))
        return FALSE;
      coro_lock_release (lock);
    }
  count_end ();
  return TRUE;
}

static gboolean
lock_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroLock) lock = coro_lock_new ();
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, contend_cb, lock, NULL);
  coro_task_group_spawn (nursery.group, contend_cb, lock, NULL);
  return coro_nursery_join (&nursery);
}

/* --- spawning ---------------------------------------------------------------------------- */

static gboolean
nothing_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return TRUE;
}

/* New coroutines use the records and stacks of those that have ended. */
static gboolean
spawn_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < N_WARM + N_ROUNDS; i++)
    {
      count_round (i, N_WARM);
      coro_task_group_spawn (nursery.group, nothing_cb, NULL, NULL);
      if (!coro_yield (error))
        return FALSE;
    }
  count_end ();
  return coro_nursery_join (&nursery);
}

static void
run_cb (gconstpointer func)
{
  g_autoptr (GError) error = NULL;

  if (is_slow ())
    {
      g_test_skip ("the allocator is another one");
      return;
    }
  coro_run ((CoroFunc) func, NULL, NULL, &error);
  g_assert_no_error (error);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("Nothing is allocated and no lock is taken where tasks wait for each other");

  if (!is_slow ())
    g_test_add_func ("/scheduler/zero/counters-count", test_counters);
  g_test_add_data_func ("/scheduler/zero/yield", yield_cb, run_cb);
  g_test_add_data_func ("/scheduler/zero/await-and-wake", await_cb, run_cb);
  g_test_add_data_func ("/scheduler/zero/sleep", sleep_cb, run_cb);
  g_test_add_data_func ("/scheduler/zero/queue", queue_cb, run_cb);
  g_test_add_data_func ("/scheduler/zero/lock", lock_cb, run_cb);
  g_test_add_data_func ("/scheduler/zero/spawn", spawn_cb, run_cb);
  return g_test_run ();
}
