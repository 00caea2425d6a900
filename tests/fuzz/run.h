/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "draw.h"

void    fuzz_init (void);
guint64 fuzz_run  (const char *name,
                   Draw        draw,
                   gboolean    real_time,
                   guint       order);
