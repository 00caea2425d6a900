/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "fiber/coro-stack-private.h"

#include <link.h>

G_BEGIN_DECLS

/* How many language bindings are mapped into the process; see coro-foreign-frame.c. */
extern int coro_foreign_n_modules G_GNUC_INTERNAL;

void     coro_foreign_frame_consider   (const struct dl_phdr_info *info,
                                        const char                *name);
gboolean coro_foreign_frame_check_slow (const CoroStack           *stack,
                                        GError                   **error);

/* Whether the calling coroutine, on `stack`, may be parked as far as bindings go.
 * Free of charge while no binding is loaded. */
static inline gboolean
coro_foreign_frame_check (const CoroStack  *stack,
                          GError          **error)
{
  return G_LIKELY (coro_foreign_n_modules == 0) || coro_foreign_frame_check_slow (stack, error);
}

G_END_DECLS
