/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A model of the inbox of a scheduler, for spin: threads post messages, and the scheduler reads them,
 * goes to sleep, is woken and ends.
 *
 * Modelled, step by step as far as another thread can tell:
 *   coro-inbox.c      coro_inbox_push(), coro_inbox_take_all()
 *   coro-scheduler.c  coro_scheduler_post(), coro_scheduler_read_inbox(), coro_scheduler_close(),
 *                     scheduler_begin_after_close(), scheduler_act_after_close(), scheduler_end_after_close()
 *   coro-source.c     source_prepare() with scheduler_falls_asleep(), source_check(), source_dispatch()
 *
 * The reasoning to be checked:
 *   1. Of a thread that pushes and then looks whether the reader sleeps, and a reader that says that
 *      it sleeps and then looks at the inbox, one sees the other.  Only the thread that has found the
 *      inbox empty has to wake the reader.
 *   2. The same holds for `closed` and the last look of the scheduler that ends: a message is handled
 *      by the scheduler, or by the thread that is late.
 *   3. Of threads that are late one acts at a time, and the others leave their messages to it.
 *   4. The main context is not woken once it may be gone, and the scheduler is not used once it is
 *      freed, although each message may hold the last reference to it.
 *
 * Asserted: each message is handled once, and those of a thread in the order of posting; the scheduler
 * does not sleep with a message unread; one thread handles messages at a time; nothing is used that was
 * freed; everything ends.
 *
 * Memory: stores go to a buffer of their thread, one for each variable, and reach memory at any later
 * time and in any order.  What GLib calls atomic waits until the buffers of its thread are empty, and
 * so does the end of a locked section.  The records of messages are used again, so that the head of
 * the inbox may be what it was before and nevertheless have changed.
 *
 * With MUTATE_… the model has a fault that spin must find: see check-models.py. */

#ifndef POSTERS
# define POSTERS 2
#endif
#ifndef POSTS
# define POSTS 2                /* of each thread */
#endif
#define RECORDS 2               /* of each thread */
#define N_RECORDS (POSTERS * RECORDS + 1)       /* 0: NULL */
#define RECORD(poster, n) (1 + (poster) * RECORDS + (n) % RECORDS)
#define POSTER(record) (((record) - 1) / RECORDS)

#define SCHEDULER POSTERS       /* the number of its thread */
#define NONE 255

/* --- memory ----------------------------------------------------------------------- */

byte head;                      /* of the inbox: a record */
byte next[N_RECORDS];
byte content[N_RECORDS];        /* which message of its thread it is */
bool asleep;
bool closed;

/* The buffers: of each poster for the record that it writes, of the scheduler for the rest. */
bool record_waits[POSTERS];
byte record_waiting[POSTERS], next_waiting[POSTERS], content_waiting[POSTERS];
bool asleep_waits, asleep_waiting;

inline write (i)
{
  next[record_waiting[i]] = next_waiting[i];
  content[record_waiting[i]] = content_waiting[i];
  record_waits[i] = false
}

active proctype memory ()
{
end:
  do
  :: d_step { asleep_waits -> asleep = asleep_waiting; asleep_waits = false }
  :: d_step { record_waits[0] -> write (0) }
#if POSTERS > 1
  :: d_step { record_waits[1] -> write (1) }
#endif
#if POSTERS > 2
  :: d_step { record_waits[2] -> write (2) }
#endif
  od
}

#define is_flushed(thread) (thread == SCHEDULER -> !asleep_waits : !record_waits[thread])

/* g_atomic_int_set() */
inline set_asleep (value)
{
  d_step { asleep_waits = true; asleep_waiting = value }
#ifndef MUTATE_ASLEEP_RELEASE
  !asleep_waits                 /* the fence */
#endif
}

/* --- locks, references -------------------------------------------------------------- */

bool wakeup_lock, after_close_lock;

inline lock (mutex)
{
  atomic { !mutex -> mutex = true }
}

inline unlock (mutex)
{
  atomic { is_flushed (me) -> mutex = false }
}

/* Of the scheduler: one of its source, one of each message. */
byte n_refs = 1 + POSTERS * POSTS;
bool has_context = true;        /* self->context */
bool is_context_freed;

#define is_freed (n_refs == 0)

inline ref ()
{
  d_step { assert (!is_freed); n_refs++ }
}

inline unref ()
{
  d_step { assert (!is_freed); n_refs-- }
}

/* --- reading ------------------------------------------------------------------------ */

byte after_close_thread = NONE;
byte messages;                  /* self->messages */
byte handling = NONE;           /* the thread that handles a message */
byte n_handled[POSTERS];

/* The end of whatever the message was about: its record may be used again, and its reference goes. */
inline handle (message)
{
  d_step { assert (handling == NONE); handling = me }
  d_step {
    assert (!is_freed);
    assert (content[message] == n_handled[POSTER (message)]);
    n_handled[POSTER (message)]++;
    handling = NONE;
    n_refs--
  }
}

inline take_all ()
{
#ifdef MUTATE_TAKE_TORN
  taken = head;
  head = 0;
#else
  do
  :: taken = head;
     if
     :: atomic { head == taken -> head = 0; break }
     :: head != taken
     fi
  od;
#endif
#ifdef MUTATE_NOT_REVERSED
  messages = taken;
#else
  messages = 0;
  d_step {
    do
    :: taken != 0 ->
       following = next[taken];
       next[taken] = messages;
       messages = taken;
       taken = following
    :: else -> break
    od;
    following = 0
  }
#endif
  taken = 0
}

inline read_inbox ()
{
  take_all ();
  do
  :: messages != 0 ->
     taken = messages;
     messages = next[taken];
     handle (taken)
  :: else -> break
  od;
  taken = 0
}

/* --- after the end ------------------------------------------------------------------- */

inline begin_late (begins)
{
#ifdef MUTATE_LATE_TOGETHER
  begins = true;
#else
  lock (after_close_lock);
  if
  :: after_close_thread == NONE -> after_close_thread = me; begins = true
  :: else
  fi;
  unlock (after_close_lock)
#endif
}

inline act_late ()
{
  do
  :: read_inbox ();
#ifdef MUTATE_END_UNSEEN
     after_close_thread = NONE;
     break
#else
     lock (after_close_lock);
     if
     :: head == 0 -> after_close_thread = NONE; unlock (after_close_lock); break
     :: else -> unlock (after_close_lock)
     fi
#endif
  od
}

/* --- the scheduler -------------------------------------------------------------------- */

bool wakes;                     /* the event that makes poll() return */
bool scheduler_rests;           /* it sleeps for good, or has ended */

active proctype scheduler ()
{
  byte me = SCHEDULER;
  byte taken, following;
  bool begins, quits;

  if
  :: quits = true               /* sooner or later another source ends the loop */
  :: quits = false
  fi;

prepare:
  if
  :: quits -> goto close
  :: true
  fi;
  if
  :: head != 0 -> goto dispatch
  :: else
  fi;
  set_asleep (true);
#ifndef MUTATE_NO_SECOND_LOOK
  if
  :: head != 0 -> goto dispatch
  :: else
  fi;
#endif

  /* poll(): `timeout` is true when no thread can take a step. */
  if
  :: wakes
  :: quits -> set_asleep (false); goto close
  :: timeout ->
     assert (head == 0 && messages == 0);
     scheduler_rests = true;
     goto rest
  fi;

  /* check */
  set_asleep (false);
  if
  :: head != 0 || wakes
  :: else -> goto prepare
  fi;

dispatch:
  if
  :: asleep || asleep_waits -> set_asleep (false)
  :: else
  fi;
  wakes = false;
  if
  :: head != 0 -> read_inbox ()
  :: else
  fi;
  goto prepare;

close:
  begin_late (begins);
#ifndef MUTATE_CLOSED_LAST
  closed = true;
#endif
  lock (wakeup_lock);
  has_context = false;
  unlock (wakeup_lock);
  act_late ();
#ifdef MUTATE_CLOSED_LAST
  closed = true;
#endif
  is_context_freed = true;
  unref ();
  scheduler_rests = true;
rest:
  skip
}

/* --- the others ----------------------------------------------------------------------- */

byte n_done;

inline write_record (record, following_record, n)
{
  d_step {
    record_waits[me] = true;
    record_waiting[me] = record;
    next_waiting[me] = following_record;
    content_waiting[me] = n
  }
}

/* Nothing is known of `record` until it is in the inbox. */
inline push (record, n)
{
  do
  :: seen = head;
     write_record (record, seen, n);
#ifdef MUTATE_PUSH_RELAXED
     if
     :: atomic { head == seen -> head = record; break }
     :: head != seen
     fi
#else
     if
     :: atomic { !record_waits[me] && head == seen -> head = record; break }
     :: atomic { !record_waits[me] && head != seen }
     fi
#endif
  od
}

inline wake ()
{
  lock (wakeup_lock);
  ended = closed;
  if
  :: !ended -> assert (has_context && !is_context_freed); wakes = true
  :: else
  fi;
  unlock (wakeup_lock)
}

#ifdef MUTATE_WAKE_UNLOCKED
# define wake() \
  ended = closed; \
  if \
  :: !ended -> assert (has_context && !is_context_freed); wakes = true \
  :: else \
  fi
#endif

active [POSTERS] proctype poster ()
{
  byte me = _pid - 2;           /* after memory and scheduler */
  byte taken, following;
  byte n, seen;
  bool begins, ended, sleeps;

  do
  :: n < POSTS ->
     n < n_handled[me] + RECORDS;       /* a record is free */
#ifndef MUTATE_NO_REFERENCE
     ref ();
#endif
#ifdef MUTATE_PUSH_RELEASE
     sleeps = asleep;           /* the look is done before what was pushed is seen by others */
#endif
     push (RECORD (me, n), n);
     assert (!is_freed);
#ifndef MUTATE_PUSH_RELEASE
     sleeps = asleep;
#endif
     if
     :: (seen == 0 && sleeps) || closed ->
        wake ();
        if
        :: ended -> begin_late (begins)
        :: else
        fi;
        if
        :: begins -> act_late (); begins = false
        :: else
        fi
     :: else
     fi;
#ifndef MUTATE_NO_REFERENCE
     unref ();
#endif
     n++
  :: else -> break
  od;
  n_done++
}

/* At the end nothing is left. */
active proctype observer ()
{
  byte i;

end:
  scheduler_rests && n_done == POSTERS;
  assert (head == 0 && messages == 0 && after_close_thread == NONE);
  do
  :: i < POSTERS -> assert (n_handled[i] == POSTS); i++
  :: else -> break
  od
}
