/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include <glib-object.h>

#include "../coro-version-macros.h"

G_BEGIN_DECLS

/**
 * CoroPriority:
 * @CORO_PRIORITY_DEFAULT: in the order of becoming ready
 * @CORO_PRIORITY_HIGH: before all others that are ready
 * @CORO_PRIORITY_LOW: when no other is ready
 *
 * Which of the coroutines of a scheduler that are ready to run comes first.
 *
 * Among those of one priority it is the one that became ready first. None waits
 * for ever: in each time slice of the scheduler one that has to stand back gets a
 * turn, however many come before it. See [method@Task.set_priority].
 *
 * A priority is among coroutines; what else runs in the main context does not
 * notice.
 *
 * Since: 0.1
 */
typedef enum
{
  CORO_PRIORITY_DEFAULT,
  CORO_PRIORITY_HIGH,
  CORO_PRIORITY_LOW
} CoroPriority;

#define CORO_TYPE_PRIORITY (coro_priority_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_priority_get_type (void);

G_END_DECLS
