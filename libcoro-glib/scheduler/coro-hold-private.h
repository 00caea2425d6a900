/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* What keeps an object while coroutines wait for it.
 *
 * A coroutine that waits comes back to the object: it takes its waiter out of the list, or gives back
 * what it was handed.  The owner may wake or cancel it and drop the object in the same turn.  A
 * reference for each wait would take a sixth more instructions for a ball through two queues.  So
 * waits are only counted, and an object that is disposed of during waits takes one reference for all
 * of them.
 *
 * It belongs to the thread whose coroutines use the object. */
typedef struct
{
  guint n_waits;
  gboolean is_kept;             /* the object was dropped, and the waits have a reference to it */
} CoroHold;

void coro_hold_release (CoroHold *self,
                        gpointer  object);

static inline void
coro_hold_begin (CoroHold *self)
{
  self->n_waits++;
}

/* The object may be gone afterwards. */
static inline void
coro_hold_end (CoroHold *self,
               gpointer  object)
{
  if (--self->n_waits == 0 && G_UNLIKELY (self->is_kept))
    coro_hold_release (self, object);
}

/* To be called first by the dispose function of the object.  If TRUE the object lives on, and is
 * disposed of again after the last wait. */
static inline gboolean
coro_hold_keeps (CoroHold *self,
                 gpointer  object)
{
  if (G_LIKELY (self->n_waits == 0))
    return FALSE;

  if (!self->is_kept)
    g_object_ref (object);
  self->is_kept = TRUE;
  return TRUE;
}

G_END_DECLS
