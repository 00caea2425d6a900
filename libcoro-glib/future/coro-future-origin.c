/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-future-private.h"

#include "fiber/coro-drop-private.h"

/* Few futures have one, so it has no place in all of them. */
static G_DEFINE_QUARK (coro-future-origin, coro_future_origin)

/* It may have an origin itself, and so on. */
static void
origin_free (gpointer origin)
{
  coro_drop (origin, g_object_unref);
}

/* Says whose outcome `self` is about to take over.  FALSE if that was said already: then it
 * is the outcome of another one. */
gboolean
coro_future_set_origin (CoroFuture *self,
                        CoroFuture *origin)
{
  if (g_object_replace_qdata (G_OBJECT (self), coro_future_origin_quark (), NULL, g_object_ref (origin),
                              origin_free, NULL))
    return TRUE;

  g_object_unref (origin);
  return FALSE;
}

/**
 * coro_future_take_origin:
 * @self: a future
 *
 * Gets the future whose outcome is that of @self: what a race was won by, what
 * was shielded, whose error a gather has failed with.
 *
 * A language binding that keeps values and errors of the language with the
 * future they were given to finds them there, and then keeps them with @self as
 * well. @self forgets it: no garbage collector would see such a reference.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (nullable) (transfer full): that future, once; %NULL if the outcome
 *   is of its own, or @self is not done
 *
 * Since: 0.1
 */
CoroFuture *
coro_future_take_origin (CoroFuture *self)
{
  CoroFuture *origin;

  g_return_val_if_fail (CORO_IS_FUTURE (self), NULL);

  if (!coro_future_is_done (self))
    return NULL;

  /* Another thread may have cancelled `self` in the last moment. */
  origin = g_object_steal_qdata (G_OBJECT (self), coro_future_origin_quark ());
  if (origin != NULL && coro_future_get_state (origin) != coro_future_get_state (self))
    g_clear_object (&origin);
  return origin;
}
