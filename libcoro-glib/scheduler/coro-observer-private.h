/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scheduler/coro-job-private.h"

G_BEGIN_DECLS

/* The observers of a scheduler: debug mode and tracers.  The layers below know nothing but
 * this table, and ask for it by one branch.  Its functions may run on the stack of a
 * coroutine: no code of others is called from them, they note and report later.  All of
 * them are set, but for what says otherwise. */
typedef struct _CoroObserver CoroObserver;
struct _CoroObserver
{
  /* A job was made; `error` later says how it ended. */
  void (*created)        (CoroObserver     *self,
                          CoroJob       *job);
  /* A job is about to go on (its state is the old one), or a callback to run: NULL. */
  void (*entered)        (CoroObserver     *self,
                          CoroJob       *job);
  /* It is about to be parked, or has ended: it has returned or, if it is still new, got no
   * stack. */
  void (*left)           (CoroObserver     *self,
                          CoroJob       *job,
                          gboolean       ended);
  /* The running job begins to wait, or is done with it; `error`: why nothing came of it. */
  void (*wait_begun)     (CoroObserver     *self,
                          CoroJob       *job);
  void (*wait_ended)     (CoroObserver     *self,
                          CoroJob       *job,
                          const GError  *error);
  /* The body of a job is over. */
  void (*finished)       (CoroObserver     *self,
                          CoroJob       *job,
                          const GError  *error);
  /* A cancellation was delivered to a caller that passed no error. */
  void (*cancel_ignored) (CoroObserver     *self,
                          CoroJob       *job);
  /* The job holds one lock more or, for -1, less. */
  void (*lock_held)      (CoroObserver     *self,
                          CoroJob       *job,
                          int            change);
  /* The scheduler is finalised. */
  void (*free)           (CoroObserver     *self);
  /* (nullable): the running job is about to wait, or to look whether it has to.  It may
   * be cancelled in here. */
  void (*waiting)        (CoroObserver     *self,
                          CoroJob       *job);
  /* (nullable): a cancel request was delivered to the running job. */
  void (*cancel_heard)   (CoroObserver     *self,
                          CoroJob       *job);
  /* (nullable): a generator was dropped before its end. */
  void (*generator_dropped) (CoroObserver  *self,
                             const char *name);
  CoroObserver *next;           /* (nullable) (unowned): to be told by these */
};

/* For what belongs to no scheduler.  Each (nullable), set once by debug mode. */
typedef struct
{
  void (*scheduler_created) (CoroScheduler *scheduler);
  /* Notes the callers, to be described when something turns out to be wrong. */
  gpointer (*capture)       (void);
  char *(*describe)         (gpointer       captured);
  /* A caller is given `error`, with which `awaitable` has failed; `awaited`: the running
   * coroutine, by an await. */
  void (*error_given)       (gpointer       awaitable,
                             const GError  *error,
                             gboolean       awaited);
  /* How the error came through the coroutines; NULL when that is not known. */
  char *(*describe_error)   (const GError  *error);
  /* The calling thread uses an `object_name` that `waiting` waits for or holds. */
  void (*check_thread)      (CoroJob       *waiting,
                             const char    *object_name);
} CoroGlobalObserver;

extern CoroGlobalObserver coro_global_observer G_GNUC_INTERNAL;

static inline void
coro_observer_note_error (gpointer      awaitable,
                          const GError *error,
                          gboolean      awaited)
{
  if (G_UNLIKELY (coro_global_observer.error_given != NULL) && error != NULL)
    coro_global_observer.error_given (awaitable, error, awaited);
}

/* What to put behind a message about an error. */
static inline char *
coro_observer_describe_error (const GError *error)
{
  char *way = coro_global_observer.describe_error != NULL ? coro_global_observer.describe_error (error) : NULL;
  char *text = way != NULL ? g_strconcat ("\n", g_strchomp (way), NULL) : g_strdup ("");

  g_free (way);
  return text;
}

G_END_DECLS
