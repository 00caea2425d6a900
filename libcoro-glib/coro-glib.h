/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

/* In reading order. */
#include "coro-version.h"
#include "coro-version-macros.h"
#include "fiber/coro-error.h"
#include "scheduler/coro-scheduler.h"
#include "future/coro-awaitable.h"
#include "future/coro-future.h"
#include "future/coro-return.h"
#include "future/coro-coroutine.h"
#include "future/coro-task.h"
#include "future/coro-sleep.h"
#include "future/coro-combine.h"
#include "scope/coro-group-error.h"
#include "scope/coro-task-group.h"
#include "scope/coro-spawn.h"
#include "scope/coro-closure.h"
#include "scope/coro-timeout.h"
#include "scope/coro-shield.h"
#include "scope/coro-nursery.h"
#include "scope/coro-each.h"
#include "scope/coro-run.h"
#include "sync/coro-queue.h"
#include "io/coro-operation.h"
#include "io/coro-file.h"
#include "io/coro-thread.h"
#include "io/coro-unix-signal.h"
#include "debug/coro-overflow.h"
#include "testing/coro-test-clock.h"
#include "testing/coro-test.h"
