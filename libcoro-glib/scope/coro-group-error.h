/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include <gio/gio.h>

#include "../coro-version-macros.h"

G_BEGIN_DECLS

/**
 * CORO_GROUP_ERROR:
 *
 * Error domain of an error that holds several.
 *
 * Since: 0.1
 */
#define CORO_GROUP_ERROR (coro_group_error_quark ())

/**
 * CoroGroupError:
 * @CORO_GROUP_ERROR_FAILED: members of a group have failed
 *
 * Codes of [error@Coro.GroupError].
 *
 * Since: 0.1
 */
typedef enum
{
  CORO_GROUP_ERROR_FAILED
} CoroGroupError;

CORO_AVAILABLE_IN_ALL
GQuark                 coro_group_error_quark   (void);
CORO_AVAILABLE_IN_ALL
guint                  coro_group_error_get_size (const GError        *error);
CORO_AVAILABLE_IN_ALL
const GError          *coro_group_error_get_nth (const GError         *error,
                                                 guint                 index);
CORO_AVAILABLE_IN_ALL
gboolean               coro_group_error_matches (const GError         *error,
                                                 GQuark                domain,
                                                 int                   code);

CORO_AVAILABLE_IN_ALL
gboolean               coro_group_error_split   (const GError         *error,
                                                 GQuark                domain,
                                                 int                   code,
                                                 GError              **match,
                                                 GError              **rest);

G_END_DECLS
