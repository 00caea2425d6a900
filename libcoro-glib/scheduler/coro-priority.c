/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-priority.h"

G_DEFINE_ENUM_TYPE (CoroPriority, coro_priority,
                    G_DEFINE_ENUM_VALUE (CORO_PRIORITY_DEFAULT, "default"),
                    G_DEFINE_ENUM_VALUE (CORO_PRIORITY_HIGH, "high"),
                    G_DEFINE_ENUM_VALUE (CORO_PRIORITY_LOW, "low"))
