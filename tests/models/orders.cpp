/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The memory orders of the inbox, in all executions of C11's memory model that relacy knows.  The
 * functions are those of the library: check-orders.py takes them out of the C files.
 *
 * Each of POSTERS threads posts a message.  A scheduler falls asleep, or reads its inbox.
 *
 * The argument names an access that is made weaker than sequentially consistent; then relacy must
 * find a fault. */

#include <relacy/relacy.hpp>

#include <cstring>

#define G_UNLIKELY(x) (x)
typedef int gboolean;
enum { FALSE, TRUE };

static const char *weak = "";

static rl::memory_order
order (const char *access, rl::memory_order weaker)
{
  return strcmp (access, weak) == 0 ? weaker : rl::mo_seq_cst;
}

/* What GLib calls atomic. */
template<typename T> struct Atomic
{
  rl::atomic<T> value;

  T get (const char *access) { return value.load (order (access, rl::mo_acquire), $); }
  void set (const char *access, T other) { value.store (other, order (access, rl::mo_release), $); }
  gboolean swap (const char *access, T old, T other)
  {
    return value.compare_exchange_strong (old, other, order (access, rl::mo_relaxed), $);
  }
};

/* Everything else: two threads must not meet there. */
template<typename T> struct Plain
{
  rl::var<T> value;

  operator T () { return value ($); }
  T operator= (T other) { value ($) = other; return other; }
};

struct CoroMessage
{
  Plain<CoroMessage *> next;
  Plain<int> content;
};

struct CoroInbox { Atomic<CoroMessage *> head; };

struct CoroScheduler
{
  CoroInbox inbox;
  Atomic<int> asleep, closed;
  Plain<CoroMessage *> messages;
  void *ready_head;
  rl::mutex wakeup_lock;
  int n_wakes;                  /* guarded by wakeup_lock */
};

static void g_object_ref (CoroScheduler *) {}
static void g_object_unref (CoroScheduler *) {}
static void coro_object_lock_take (rl::mutex *lock) { lock->lock ($); }
static void coro_object_lock_release (rl::mutex *lock) { lock->unlock ($); }
static void scheduler_wake (CoroScheduler *self) { self->n_wakes++; }
static void scheduler_handle_after_close (CoroScheduler *) { RL_ASSERT (!"not closed"); }

#include "extracted.inc"

#ifndef POSTERS
# define POSTERS 1
#endif

struct Orders : rl::test_suite<Orders, POSTERS + 1>
{
  CoroScheduler scheduler;
  CoroMessage messages[POSTERS];
  bool sleeps;

  void
  before ()
  {
    scheduler.inbox.head.value ($) = NULL;
    scheduler.asleep.value ($) = FALSE;
    scheduler.closed.value ($) = FALSE;
    scheduler.messages = NULL;
    scheduler.ready_head = NULL;
    scheduler.n_wakes = 0;
    sleeps = false;
  }

  void
  thread (unsigned i)
  {
    if (i < POSTERS)
      {
        messages[i].content = 1;
        coro_scheduler_post (&scheduler, &messages[i]);
        return;
      }

    sleeps = scheduler_falls_asleep (&scheduler);
    if (sleeps)
      return;
    for (CoroMessage *message = coro_inbox_take_all (&scheduler.inbox); message != NULL; message = message->next)
      RL_ASSERT (message->content == 1);
  }

  void
  after ()
  {
    RL_ASSERT (!sleeps || scheduler.n_wakes > 0);
  }
};

int
main (int argc, char **argv)
{
  rl::test_params params;

  if (argc > 1)
    weak = argv[1];
  params.search_type = rl::sched_full;
  return !rl::simulate<Orders> (params);
}
