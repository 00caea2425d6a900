/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A model of a future that coroutines of other main contexts await, for spin.
 *
 * There are the thread of the future's owner, a thread that may complete the future and drops it,
 * and for each waiter a thread with a main context.  A waiter may be cancelled by a request, by a
 * deadline or by both, and its context may end during the wait, as may the owner's.
 *
 * Modelled, step by step as far as another thread can tell:
 *   coro-future-outcome.c  future_claim(), future_finish()
 *   coro-outside.c         coro_outside_add(), _take(), _forget(), _leave(), _take_along(),
 *                          coro_future_tell_outside(), leave_cb()
 *   coro-future-link.c     coro_future_link(), link_ask(), ask_cb(), ask_answer_cb(),
 *                          link_decide_outside(), future_wait_pending(), link_settle()
 *   coro-waiter.c          waiter_park(), coro_waiter_wake()
 *   coro-task.c            coro_task_cancel(), task_cancel_cb(), task_job_abandon()
 *   coro-scheduler.c       coro_scheduler_close() with coroutines left over
 * An inbox is a queue here, and what is posted after the end of its scheduler is handled by one thread
 * at a time: inbox.pml says why that may be taken for granted.
 *
 * The reasoning to be checked:
 *   1. What completes a future sets the state and then looks at the list of waiters; a waiter enters
 *      the list and then looks at the state.  One of them sees the other.
 *   2. A waiter that was told, or is about to be, must not go before the message has come, as the
 *      message is a part of it.
 *   3. The question of a cancelled waiter to the owner's thread may be answered after the waiter has
 *      gone.
 *   4. A waiter whose context has ended stays in memory, with its scheduler, as it may still be told.
 *
 * Asserted: a waiter is told once, and not at all once it has gone; a wait ends if the future is done
 * or the waiter is cancelled; a waiter that sees the state sees the value; a request to cancel is
 * delivered once or stays pending; neither the future, nor a waiter, nor its scheduler is used after
 * its end; no reference is left.
 *
 * Memory: the value and the state go to buffers, and reach memory at any later time.  The store of the
 * state lets that of the value go first (release) and waits until both are done (the fence of a
 * sequentially consistent store).
 *
 * With MUTATE_… the model has a fault that spin must find: see check-models.py. */

#define PLAIN 0                 /* a CoroFuture: done as soon as it is cancelled */
#define TASK 1                  /* done by its own thread, and after a cleanup */
#define SUBCLASS 2              /* done by any thread, perhaps after a cleanup */
#ifndef KIND
# define KIND PLAIN
#endif
#ifndef WAITERS
# define WAITERS 1
#endif

#define OWNER WAITERS           /* the numbers of the threads */
#define OTHER (WAITERS + 1)
#define NONE 255

mtype = { WAKE, ANSWER, DONE, LEAVE, CANCEL, ASK };

/* --- the future --------------------------------------------------------------------- */

#define PENDING 0
#define CLAIMED 1
#define RESOLVED 2
#define CANCELLED 3

byte state = PENDING;
bool value;
bool state_waits, value_waits;
byte state_waiting;

#define is_done (state > CLAIMED)

active proctype memory ()
{
end:
  do
  :: d_step { value_waits -> value = true; value_waits = false }
#ifdef MUTATE_STATE_RELAXED
  :: d_step { state_waits -> state = state_waiting; state_waits = false }
#else
  :: d_step { state_waits && !value_waits -> state = state_waiting; state_waits = false }
#endif
  od
}

#if KIND == TASK
byte n_refs = 2 + WAITERS;      /* of the coroutine, of the other thread, of the waiters */
#else
byte n_refs = 2 + WAITERS;      /* of the threads */
#endif
byte outside;                   /* the list of waiters: a bit for each */
bool outside_lock;

bool job = (KIND == TASK);      /* the coroutine of the task */
bool is_asked;                  /* the task has a request; the subclass is to be done soon */

inline ref ()
{
  d_step { assert (n_refs > 0); n_refs++ }
}

inline unref ()
{
  d_step { assert (n_refs > 0); n_refs-- }
}

/* --- the waiters -------------------------------------------------------------------- */

#define bit(w) (1 << (w))

bool exists[WAITERS];           /* the link, on the stack of the coroutine */
bool told[WAITERS];
bool woken[WAITERS];
bool late[WAITERS];             /* it was cancelled before it was woken */
bool poked[WAITERS];
bool has_request[WAITERS];      /* job->cancel_pending */
bool has_expired[WAITERS];      /* job->cancel_level */
bool parked[WAITERS];
bool aborted[WAITERS];
bool is_closed[WAITERS];        /* the scheduler */
bool is_freed[WAITERS];

bool asks[WAITERS];             /* link->ask */
bool is_kept[WAITERS];
bool ask_exists[WAITERS], ask_link[WAITERS], ask_outside[WAITERS], ask_keeps[WAITERS];

chan inbox[WAITERS] = [3] of { mtype };
chan owner_inbox = [2 * WAITERS + 4] of { mtype, byte };

bool is_owner_closed;
byte after_close_thread = NONE;        /* acts for the owner's scheduler, which has ended */

#define is_cancelled(w) (has_request[w] || has_expired[w])

inline handle (w)
{
  if
  :: inbox[w] ? WAKE ->
     assert (exists[w] && !woken[w]);
     woken[w] = true;
     late[w] = is_cancelled (w);
     poked[w] = true
  :: inbox[w] ? ANSWER ->
     assert (ask_exists[w]);
     if
     :: ask_link[w] ->
        assert (exists[w]);
        asks[w] = false;
        is_kept[w] = ask_keeps[w];
        poked[w] = true
     :: else
     fi;
     ask_exists[w] = false;
     assert (n_refs > 0);
     n_refs--
  fi
}

/* coro_scheduler_post() to the context of a waiter */
inline post (w, message)
{
  atomic {
    assert (!is_freed[w]);
    inbox[w] ! message;
    if
    :: is_closed[w] -> handle (w)
    :: else
    fi
  }
}

/* --- completing --------------------------------------------------------------------- */

inline tell (w)
{
  if
  :: telling & bit (w) ->
     assert (exists[w]);
     post (w, WAKE);
#ifdef MUTATE_NEXT_LATE
     assert (exists[w])         /* `next` is read */
#endif
  :: else
  fi
}

/* `claimed` says whether it was this call. */
inline complete (new_state)
{
  d_step { claimed = (state == PENDING); state = (state == PENDING -> CLAIMED : state) }
  if
  :: claimed ->
     d_step { value_waits = true; state_waits = true; state_waiting = new_state }
#ifndef MUTATE_STATE_RELEASE
     !state_waits && !value_waits;
#endif
     assert (n_refs > 0);
     if
     :: outside != 0 ->
        atomic { !outside_lock -> telling = outside; outside = 0;
          told[0] = told[0] || (telling & 1);
#if WAITERS > 1
          told[1] = told[1] || (telling & 2)
#endif
        }
        tell (0);
#if WAITERS > 1
        tell (1);
#endif
        telling = 0
     :: else
     fi;
     assert (n_refs > 0)
  :: else
  fi
}

/* --- the list ------------------------------------------------------------------------ */

/* coro_outside_add(): `adds`: the future is not done. */
inline add (w)
{
  atomic { !outside_lock -> outside_lock = true }
#ifdef MUTATE_ADD_LATE
  adds = !is_done;
  outside = outside | bit (w);
#else
  outside = outside | bit (w);
  adds = !is_done;
#endif
  d_step {
    told[w] = !adds;
    if
    :: !adds -> outside = outside & ~bit (w)
    :: else
    fi;
    outside_lock = false
  }
}

/* --- the owner ---------------------------------------------------------------------- */

/* coro_future_cancel() on the owner's thread, or that which acts for it */
inline cancel_here ()
{
#if KIND == PLAIN
  complete (CANCELLED);
  accepted = claimed
#elif KIND == TASK
  accepted = !is_done;
  if
  :: job -> is_asked = true
  :: else
  fi
#else
  if
  :: complete (CANCELLED); accepted = claimed
  :: !is_owner_closed -> is_asked = true; accepted = !is_done
  fi
#endif
}

inline handle_ask (w)
{
  atomic {
    !outside_lock -> assert (exists[w] || !ask_outside[w]);
    keeps = ask_outside[w] && !told[w];
    if
    :: keeps -> outside = outside & ~bit (w)
    :: else
    fi
  }
  if
  :: keeps && outside == 0 -> cancel_here (); keeps = accepted && !is_done
  :: else -> keeps = false
  fi;
  if
  :: keeps -> add (w);
     if
     :: told[w] && !adds -> assert (exists[w]); post (w, WAKE)
     :: else
     fi
  :: else
  fi;
  ask_keeps[w] = keeps;
  keeps = false;
  post (w, ANSWER)
}

inline handle_owner (message, w)
{
  if
  :: message == ASK -> handle_ask (w)
  :: message == LEAVE ->
     if
     :: !is_done -> cancel_here ()
     :: else
     fi
  :: message == CANCEL -> cancel_here ()
  :: message == DONE
  fi;
  if
  :: message != ASK -> unref ()
  :: else                       /* the answer takes the reference along */
  fi;
  message = 0; w = 0
}

/* coro_scheduler_post() to the owner's context */
inline post_owner (message, w)
{
  owner_inbox ! message, w;
  if
  :: is_owner_closed -> act_late ()
  :: else
  fi
}

inline act_late ()
{
  atomic {
    if
    :: after_close_thread == NONE -> after_close_thread = me
    :: else
    fi
  }
  do
  :: atomic { after_close_thread == me && nempty (owner_inbox) -> owner_inbox ? next_message, next_waiter }
     handle_owner (next_message, next_waiter)
  :: atomic { after_close_thread == me && empty (owner_inbox) -> after_close_thread = NONE; break }
  :: after_close_thread != me -> break
  od
}

bool owner_has_ref = true;      /* of the coroutine, if it is a task */
bool over;                      /* nothing more will happen */

/* As the last step of the owner, whose reference goes. */
inline complete_last (new_state)
{
  complete (new_state);
  d_step { assert (n_refs > 0); owner_has_ref = false; n_refs-- }
}

active proctype owner ()
{
  byte me = OWNER;
  byte telling;
  bool claimed, accepted, keeps, adds;
  mtype next_message;
  byte next_waiter;
  bool completes, ends;

  atomic {
    if
    :: completes = true         /* sooner or later, without being asked */
    :: completes = false
    fi;
#ifndef WITHOUT_ENDS
    if
    :: ends = true              /* its context, sooner or later */
    :: ends = false
    fi
#endif
  }

  do
  :: owner_inbox ? next_message, next_waiter -> handle_owner (next_message, next_waiter)
  :: owner_has_ref && (completes || is_asked) -> job = false; complete_last (RESOLVED)
  :: owner_has_ref && is_asked -> job = false; complete_last (CANCELLED)
#if KIND == PLAIN
  :: d_step { owner_has_ref && !completes -> assert (n_refs > 0); owner_has_ref = false; n_refs-- }
#endif
  :: ends -> break
  :: over -> goto rest
  od;

  after_close_thread = me;
  is_owner_closed = true;
  act_late ();
#if KIND != PLAIN && !defined (MUTATE_LOSE_SILENT)
  if
  :: owner_has_ref ->
     job = false;
     complete (CANCELLED);
     if
     :: claimed -> ref (); post_owner (DONE, 0)
     :: else
     fi
  :: else
  fi;
#endif
  if
  :: owner_has_ref -> d_step { assert (n_refs > 0); owner_has_ref = false; n_refs-- }
  :: else
  fi;
rest:
  skip
}

/* --- another thread ------------------------------------------------------------------ */

/* From a thread that is not the owner's. */
inline complete_there (new_state)
{
  complete (new_state);
  if
  :: claimed ->
#ifndef MUTATE_DONE_UNREFERENCED
     ref ();
#endif
     post_owner (DONE, 0)
  :: else
  fi
}

active proctype other ()
{
  byte me = OTHER;
  byte telling;
  bool claimed, accepted, keeps, adds;
  mtype next_message;
  byte next_waiter;

  if
#ifndef WITHOUT_OTHER
# if KIND != TASK
  :: complete_there (RESOLVED)
# endif
# if KIND == PLAIN
  :: complete_there (CANCELLED)
# else
  :: !is_done -> ref (); post_owner (CANCEL, 0)
# endif
#endif
  :: true
  fi;
  unref ()
}

/* --- waiting -------------------------------------------------------------------------- */

/* Lets the scheduler of the waiter have some turns, after which the coroutine runs again. */
inline suspend ()
{
  parked[me] = true;
  do
  :: d_step { poked[me] -> poked[me] = false; parked[me] = false }
     break
  :: atomic { nempty (inbox[me]) -> handle (me) }
  :: d_step { requests -> requests = false; requested = true; has_request[me] = true; poked[me] = true }
  :: d_step { expires -> expires = false; has_expired[me] = true; poked[me] = true }
  :: ends -> goto context_ends
  :: over -> goto rest
  od
}

inline await_wake ()
{
  do
  :: !woken[me] -> suspend ()
  :: else -> break
  od
}

/* `waits`: the waiter was woken, or will be. */
inline link_ask ()
{
  d_step {
    assert (!ask_exists[me] && n_refs > 0);
    n_refs++;
    ask_exists[me] = true;
    ask_link[me] = true;
    ask_outside[me] = true;
    asks[me] = true;
    is_kept[me] = false
  }
  post_owner (ASK, me);
  do
  :: asks[me] && !woken[me] -> suspend ()
  :: else -> break
  od;
  if
  :: asks[me] ->
#ifndef MUTATE_ASK_OUTSIDE
     atomic { !outside_lock -> ask_outside[me] = false }
#endif
#ifndef MUTATE_ASK_LINK
     ask_link[me] = false;
#endif
     asks[me] = false
  :: !asks[me] && !is_kept[me] && told[me] -> await_wake ()
  :: else
  fi;
  waits = is_kept[me] || woken[me]
}

/* coro_outside_leave(), coro_outside_remove() */
inline leave ()
{
  atomic {
    !outside_lock -> waits = told[me];
    if
    :: !told[me] -> outside = outside & ~bit (me); is_last = (outside == 0)
    :: else
    fi
  }
  if
#ifdef MUTATE_TOLD_LEAVES
  :: waits -> waits = false
#else
  :: waits -> await_wake ()
#endif
  :: !waits && propagates && is_last ->
#ifndef MUTATE_LEAVE_UNREFERENCED
     ref ();
#endif
     post_owner (LEAVE, me)
  :: else
  fi
}

inline deliver_cancel ()
{
  d_step {
    if
    :: has_request[me] -> has_request[me] = false; n_delivered++
    :: else
    fi
  }
}

active [WAITERS] proctype waiter ()
{
  byte me = _pid - 3;           /* after memory, owner and other */
  byte telling;
  bool claimed, accepted, keeps, adds;
  mtype next_message;
  byte next_waiter;
  bool requests, expires, ends; /* sooner or later, if the coroutine waits for long enough */
  bool propagates;              /* await; a join leaves the future alone */
  bool requested, delegated, waits, is_last;
  byte n_delivered;

  atomic {
    if
    :: requests = true
    :: requests = false
    :: requested = true; has_request[me] = true
    fi;
#ifndef WITHOUT_DEADLINE
    if
    :: expires = true
    :: expires = false
    :: has_expired[me] = true
    fi;
#endif
#ifndef WITHOUT_ENDS
    if
    :: ends = true
    :: ends = false
    fi;
#endif
    if
    :: propagates = true
    :: propagates = false
    fi
  }

  if
  :: is_done -> goto ready
  :: !is_done && is_cancelled (me) && !propagates -> deliver_cancel (); goto left
  :: else
  fi;
  ref ();
  exists[me] = true;
  add (me);
  if
  :: !adds -> exists[me] = false; unref (); goto ready
  :: else -> unref ()           /* the caller's; the wait has its own */
  fi;

  do
  :: woken[me] -> break
  :: !woken[me] && is_cancelled (me) && (!aborted[me] || has_request[me]) ->
     do
     :: atomic { nempty (inbox[me]) -> handle (me) }
     :: empty (inbox[me]) -> break
     od;
     if
     :: woken[me] -> break
     :: else
     fi;
#if KIND == PLAIN
     leave ();
#else
     if
     :: propagates -> link_ask ()
     :: else -> leave ()
     fi;
#endif
     if
     :: !waits -> deliver_cancel (); goto gone
     :: woken[me] -> break
     :: else -> aborted[me] = true
     fi;
     if
     :: has_request[me] -> has_request[me] = false; delegated = true
     :: else
     fi
  :: else -> suspend ()
  od;

  if
  :: is_cancelled (me) && !aborted[me] && (late[me] || has_request[me]) -> deliver_cancel ()
  :: else ->
     assert (is_done && (state == CANCELLED || value));
     if
     :: delegated && (state == CANCELLED || KIND == TASK) -> n_delivered++
#ifndef MUTATE_REQUEST_LOST
     :: delegated && state == RESOLVED && KIND != TASK -> has_request[me] = true
#endif
     :: else
     fi
  fi;
gone:
  assert ((outside & bit (me)) == 0);
  exists[me] = false;
  unref ();
  goto after;

ready:
  assert (state == CANCELLED || value);
  if
  :: is_cancelled (me) -> deliver_cancel ()
  :: else
  fi;
left:
  unref ();
after:
  assert (requested == n_delivered + has_request[me]);
  do
  :: atomic { nempty (inbox[me]) -> handle (me) }
  :: over -> goto rest
#ifdef MUTATE_ASK_UNREFERENCED
  :: ends -> d_step { is_closed[me] = true; is_freed[me] = true }
#else
  :: ends -> d_step { is_closed[me] = true; is_freed[me] = !ask_exists[me] }
#endif
     goto closed
  od;

context_ends:
  parked[me] = false;
  is_closed[me] = true;
#ifdef MUTATE_SCHEDULER_FREED
  is_freed[me] = !ask_exists[me];
#endif
closed:
  do
  :: atomic { nempty (inbox[me]) -> handle (me) }
  :: empty (inbox[me]) -> break
  od;
rest:
  skip
}

/* When no thread can take a step. */
active proctype observer ()
{
  byte w, n_waiting;

  timeout;
  assert (empty (owner_inbox) && after_close_thread == NONE);
  do
  :: w < WAITERS ->
     assert (empty (inbox[w]));
     assert (!parked[w] || (!is_done && !aborted[w] && !is_cancelled (w)));
     if
     :: exists[w] -> n_waiting++
     :: else
     fi;
     w++
  :: else -> break
  od;
  assert (n_refs == n_waiting + owner_has_ref);
  over = true
}
