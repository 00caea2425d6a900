/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "file/coro-ring-private.h"

#include <errno.h>

/* In place of coro-ring.c, where there is no liburing. */

CoroRing *
coro_ring_new (CoroScheduler *scheduler,
               int           *error_number)
{
  *error_number = ENOSYS;
  return NULL;
}

void
coro_ring_free (CoroRing *self)
{
}

gboolean
coro_ring_is_broken (CoroRing *self)
{
  return TRUE;
}

gboolean
coro_ring_run (CoroRing    *self,
               CoroFileOp  *call,
               GError     **error)
{
  g_return_val_if_reached (FALSE);
}
