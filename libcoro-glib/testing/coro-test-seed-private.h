/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "testing/coro-test-seed.h"

G_BEGIN_DECLS

void coro_test_seed_scheduler (CoroScheduler *scheduler);
void coro_test_fail           (const GError  *error);

G_END_DECLS
