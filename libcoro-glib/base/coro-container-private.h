/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <stddef.h>

/* The structure of the kind `type` of which `pointer` is the field `member`. */
#define CORO_CONTAINER_OF(pointer, type, member) ((type *) (void *) ((char *) (pointer) - offsetof (type, member)))
