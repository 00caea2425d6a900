/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gio/gio.h>

#include "io/coro-threads-private.h"
#include "scheduler/coro-context-private.h"

G_BEGIN_DECLS

typedef struct _CoroThreadCall CoroThreadCall;

/* Neither may touch `self` after it has told the side that frees it. */
typedef struct
{
  /* In a thread: what it is all for. */
  void (*make)  (CoroThreadCall *self);
  /* Afterwards, or without it: `error` says why. */
  void (*ended) (CoroThreadCall *self);
} CoroThreadCallClass;

/* A function that one of the threads is to call, embedded in whatever has it called.  What was
 * cancelled before its turn is not made, nor is what was dropped with the queue. */
struct _CoroThreadCall
{
  CoroThreadItem item;          /* first */
  const CoroThreadCallClass *klass;
  CoroThreads *threads;         /* (owned) */
  CoroContextValue *context;    /* (nullable) (unowned): the context variables that it sees */
  GCancellable *cancellable;    /* (owned) */
  GError *error;                /* (nullable) (owned) */
};

void     coro_thread_call_init     (CoroThreadCall            *self,
                                    const CoroThreadCallClass *klass,
                                    CoroThreads               *threads,
                                    CoroContextValue               *context);
void     coro_thread_call_clear    (CoroThreadCall            *self);
gboolean coro_thread_call_push     (CoroThreadCall            *self,
                                    GError                   **error);
gboolean coro_thread_call_withdraw (CoroThreadCall            *self);
void     coro_thread_call_fail_in_fork_child (CoroThreadCall            *self);
void     coro_thread_call_cancel   (CoroThreadCall            *self);

G_END_DECLS
