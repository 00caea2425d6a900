/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "test-util.h"

/* Bodies of coroutines that many tests spawn. */

G_GNUC_UNUSED static gboolean
nothing_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return TRUE;
}

G_GNUC_UNUSED static gboolean
note_cb (gpointer   text,
         GValue    *result,
         GError   **error)
{
  note (text);
  return TRUE;
}

G_GNUC_UNUSED static gboolean
await_cb (gpointer   awaitable,
          GValue    *result,
          GError   **error)
{
  return coro_await (awaitable, result, error);
}
