/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "future/coro-future-private.h"

G_BEGIN_DECLS

void coro_future_watch          (CoroFuture        *self,
                                 CoroFutureFunc     func,
                                 gpointer           user_data,
                                 GDestroyNotify     destroy);
void coro_future_call_callbacks (CoroFuture        *self);
void coro_future_drop_callbacks (CoroFuturePrivate *priv);

G_END_DECLS
