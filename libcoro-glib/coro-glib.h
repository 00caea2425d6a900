/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#define CORO_GLIB_INSIDE

#include "coro-version.h"
#include "coro-version-macros.h"
#include "coro-enum-types.h"
#include "base/coro-error.h"

/* To begin with: run, spawn, sleep, await. */
#include "scope/coro-run.h"
#include "scope/coro-spawn.h"
#include "future/coro-sleep.h"
#include "future/coro-future.h"
#include "future/coro-task.h"
#include "future/coro-gather.h"
#include "future/coro-wait.h"
#include "future/coro-return.h"

/* What belongs together, and for how long. */
#include "scope/coro-nursery.h"
#include "scope/coro-task-group.h"
#include "scope/coro-group-error.h"
#include "scope/coro-timeout.h"
#include "scope/coro-cancel-scope.h"
#include "scope/coro-shield.h"
#include "scope/coro-each.h"
#include "scope/coro-race.h"
#include "scope/coro-context-var.h"

/* Input and output; functions that block or compute. */
#include "io/coro-operation.h"
#include "file/coro-file.h"
#include "file/coro-local-file.h"
#include "net/coro-socket.h"
#include "net/coro-socket-server.h"
#include "io/coro-fd.h"
#include "io/coro-unix-signal.h"
#include "thread/coro-thread.h"
#include "thread/coro-executor.h"
#include "worker/coro-worker-pool.h"

/* Between coroutines. */
#include "sync/coro-queue.h"
#include "sync/coro-lock.h"
#include "sync/coro-event.h"
#include "sync/coro-condition.h"
#include "sync/coro-semaphore.h"
#include "sync/coro-barrier.h"

/* Sequences, and cleaning up. */
#include "flow/coro-iterator.h"
#include "flow/coro-generator.h"
#include "flow/coro-completion.h"
#include "flow/coro-context-manager.h"
#include "flow/coro-exit-stack.h"

/* For libraries and language bindings. */
#include "scheduler/coro-scheduler.h"
#include "scheduler/coro-priority.h"
#include "scheduler/coro-call.h"
#include "future/coro-awaitable.h"
#include "future/coro-coroutine.h"
#include "future/coro-foreign-task.h"
#include "scope/coro-closure.h"
#include "scope/coro-application.h"
#include "scope/coro-runner.h"

/* To find faults, and to test. */
#include "debug/coro-call-graph.h"
#include "debug/coro-debug.h"
#include "debug/coro-error-trace.h"
#include "debug/coro-overflow.h"
#include "debug/coro-tracer.h"
#include "testing/coro-test-clock.h"
#include "testing/coro-test-seed.h"
#include "testing/coro-test.h"
#include "testing/coro-test-cancel.h"

#undef CORO_GLIB_INSIDE
