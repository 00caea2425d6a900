/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../future/coro-return.h"

G_BEGIN_DECLS

/**
 * CoroTestCancelFlags: (skip)
 * @CORO_TEST_CANCEL_BEFORE: as a coroutine begins to wait
 * @CORO_TEST_CANCEL_PARKED: as soon as it is parked
 * @CORO_TEST_CANCEL_WOKEN: once it was woken, in the same turn, before it runs;
 *   a coroutine that has not made its first step as well
 * @CORO_TEST_CANCEL_TASK: by [method@Task.cancel], of the coroutine that waits
 * @CORO_TEST_CANCEL_SCOPE: by a scope around the whole body: everything below
 *   it fails until it is left
 * @CORO_TEST_CANCEL_TIMEOUT: by the deadline of such a scope
 * @CORO_TEST_CANCEL_ALL: each moment in each way
 *
 * When [method@TestCancel.everywhere] cancels, and how.
 *
 * Since: 0.1
 */
typedef enum
{
  CORO_TEST_CANCEL_BEFORE = 1 << 0,
  CORO_TEST_CANCEL_PARKED = 1 << 1,
  CORO_TEST_CANCEL_WOKEN = 1 << 2,
  CORO_TEST_CANCEL_TASK = 1 << 3,
  CORO_TEST_CANCEL_SCOPE = 1 << 4,
  CORO_TEST_CANCEL_TIMEOUT = 1 << 5,
  CORO_TEST_CANCEL_ALL = (1 << 6) - 1
} CoroTestCancelFlags;

/**
 * CoroTestFunc: (skip)
 * @fixture: the fixture of this run
 * @error: return location for an error
 *
 * A part of a [struct@TestCancel]. It runs in a coroutine.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 0.1
 */
typedef gboolean (*CoroTestFunc) (gpointer   fixture,
                                  GError   **error);

/**
 * CoroTestCancel: (skip)
 * @fixture_size: bytes of the fixture: every run gets a new one, filled with 0
 * @set_up: (nullable): makes what the body uses; nothing is cancelled in it
 * @body: what to cancel
 * @check: (nullable): whether what the body has used is as it should be and
 *   still works
 * @tear_down: (nullable): frees what is in the fixture
 * @flags: when to cancel, and how; no flag of a kind means all of this kind
 *
 * What [method@TestCancel.everywhere] runs.
 *
 * Since: 0.1
 */
typedef struct
{
  gsize fixture_size;
  CoroTestFunc set_up;
  CoroTestFunc body;
  CoroTestFunc check;
  CoroTestFunc tear_down;
  CoroTestCancelFlags flags;
} CoroTestCancel;

CORO_AVAILABLE_IN_ALL
void     coro_test_add_cancel        (const char            *path,
                                      const CoroTestCancel  *test);
CORO_AVAILABLE_IN_ALL
gboolean coro_test_cancel_everywhere (const CoroTestCancel  *test,
                                      guint                 *n_runs,
                                      GError               **error);
CORO_AVAILABLE_IN_ALL
void     coro_test_cancel_track      (gpointer               object);

G_END_DECLS
