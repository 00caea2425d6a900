/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../scheduler/coro-scheduler.h"

G_BEGIN_DECLS

/**
 * CoroTraceEvent:
 * @CORO_TRACE_CREATED: it was spawned
 * @CORO_TRACE_STARTED: its body is about to begin
 * @CORO_TRACE_AWAITING: it begins to wait for what is not there yet
 * @CORO_TRACE_SUSPENDED: it is about to be parked
 * @CORO_TRACE_RESUMED: it is about to go on
 * @CORO_TRACE_RESULT: what it waited for is there, or the wait was cancelled
 * @CORO_TRACE_RETURNED: its body has succeeded
 * @CORO_TRACE_FAILED: its body has failed
 * @CORO_TRACE_CANCELLED: its body has ended by cancellation
 * @CORO_TRACE_FINISHED: however it has ended, all its waiters have been told
 * @CORO_TRACE_FREED: its stack and its record are given back
 *
 * What happens to a coroutine.
 *
 * One that awaits something and fails has %CORO_TRACE_CREATED,
 * %CORO_TRACE_STARTED, %CORO_TRACE_AWAITING, %CORO_TRACE_SUSPENDED,
 * %CORO_TRACE_RESUMED, %CORO_TRACE_RESULT, %CORO_TRACE_FAILED,
 * %CORO_TRACE_FINISHED and %CORO_TRACE_FREED, in this order. Giving way, with
 * [func@yield], is no wait: it is suspended and resumed.
 *
 * Since: 0.1
 */
typedef enum
{
  CORO_TRACE_CREATED,
  CORO_TRACE_STARTED,
  CORO_TRACE_AWAITING,
  CORO_TRACE_SUSPENDED,
  CORO_TRACE_RESUMED,
  CORO_TRACE_RESULT,
  CORO_TRACE_RETURNED,
  CORO_TRACE_FAILED,
  CORO_TRACE_CANCELLED,
  CORO_TRACE_FINISHED,
  CORO_TRACE_FREED
} CoroTraceEvent;

/**
 * CoroTraceRecord: (skip)
 * @event: what happens
 * @coroutine: which coroutine it is; another may have the same after
 *   %CORO_TRACE_FREED
 * @name: (nullable): the name of its task, or of its function
 * @site: (nullable): where it was spawned
 * @awaited: (nullable): for %CORO_TRACE_AWAITING and %CORO_TRACE_SUSPENDED, the
 *   object it waits for, if it is one
 * @error: (nullable): for %CORO_TRACE_FAILED and %CORO_TRACE_CANCELLED, why; for
 *   %CORO_TRACE_RESULT, why the wait was given up
 *
 * What a tracer is told. It is valid during the call.
 *
 * Since: 0.1
 */
typedef struct
{
  CoroTraceEvent event;
  gconstpointer coroutine;
  const char *name;
  const char *site;
  GObject *awaited;
  const GError *error;
} CoroTraceRecord;

/**
 * CoroTraceFunc: (skip)
 * @record: what has happened
 * @user_data: what was passed along
 *
 * Called for every event.
 *
 * It is called in the midst of a switch, on the stack of a coroutine: it can
 * note something, but must not wait, spawn, cancel, or call what belongs to a
 * language binding.
 *
 * Since: 0.1
 */
typedef void (*CoroTraceFunc) (const CoroTraceRecord *record,
                               gpointer               user_data);

CORO_AVAILABLE_IN_ALL
void coro_scheduler_set_tracer (CoroScheduler  *self,
                                CoroTraceFunc   func,
                                gpointer        user_data,
                                GDestroyNotify  destroy);

G_END_DECLS
