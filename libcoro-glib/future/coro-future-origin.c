/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-future-private.h"

#include "base/coro-drop-private.h"

/* Few futures have an origin, so it is no field of every future. */
static G_DEFINE_QUARK (coro-future-origin, coro_future_origin)

/* The origin may have an origin itself, and so on. */
static void
origin_free (gpointer origin)
{
  coro_drop (origin, g_object_unref);
}

/* Notes the future whose outcome `self` is about to take over.  FALSE if an origin was noted
 * before: then `self` has the outcome of another future. */
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
 * Gets the future from which @self has taken its outcome: the winner of a race,
 * the future inside a shield, the member whose error a gather has failed with.
 *
 * This is for language bindings that store values and errors of the language
 * with the future that they were given to: the binding finds the stored value
 * there, and stores it with @self as well. @self then forgets the origin,
 * because no garbage collector would see such a reference.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (nullable) (transfer full): the origin, in the first call; %NULL if
 *   @self has an outcome of its own, or is not done
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
