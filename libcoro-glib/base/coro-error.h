/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include <glib.h>

#include "../coro-version-macros.h"

G_BEGIN_DECLS

/**
 * CORO_ERROR:
 *
 * Error domain for misuse and for what the library itself runs out of.
 *
 * Cancellation and timeouts are not in here: they are
 * %G_IO_ERROR_CANCELLED and %G_IO_ERROR_TIMED_OUT, GIO's own, so that
 * they compose with everything else.
 *
 * Since: 0.1
 */
#define CORO_ERROR (coro_error_quark ())

/**
 * CoroError:
 * @CORO_ERROR_NOT_IN_COROUTINE: something that suspends was called outside a coroutine
 * @CORO_ERROR_FOREIGN_FRAME: a language binding's frame is on the coroutine's stack
 * @CORO_ERROR_NESTED_LOOP: a main loop nested in the coroutine has not returned
 * @CORO_ERROR_NESTED_RUN: [func@run] was called while the thread already runs coroutines
 * @CORO_ERROR_ALREADY_DONE: the object is complete and cannot be changed any more
 * @CORO_ERROR_CLOSED: the object was closed
 * @CORO_ERROR_NO_RESULT: a coroutine failed without setting an error, or a call was not made
 * @CORO_ERROR_TYPE_MISMATCH: a result is of another type than was asked for
 * @CORO_ERROR_NO_STACK: no stack could be had for another coroutine
 * @CORO_ERROR_PROTOCOL: calls came in an order that makes no sense
 * @CORO_ERROR_EXHAUSTED: an iterator has no further value
 * @CORO_ERROR_GENERATOR_EXIT: the generator whose body this is was closed
 *
 * Codes of [error@Coro.Error].
 *
 * Since: 0.1
 */
typedef enum
{
  CORO_ERROR_NOT_IN_COROUTINE,
  CORO_ERROR_FOREIGN_FRAME,
  CORO_ERROR_NESTED_LOOP,
  CORO_ERROR_NESTED_RUN,
  CORO_ERROR_ALREADY_DONE,
  CORO_ERROR_CLOSED,
  CORO_ERROR_NO_RESULT,
  CORO_ERROR_TYPE_MISMATCH,
  CORO_ERROR_NO_STACK,
  CORO_ERROR_PROTOCOL,
  CORO_ERROR_EXHAUSTED,
  CORO_ERROR_GENERATOR_EXIT
} CoroError;

CORO_AVAILABLE_IN_ALL
GQuark   coro_error_quark        (void);
CORO_AVAILABLE_IN_ALL
gboolean coro_error_is_cancelled (const GError *error);

G_END_DECLS
