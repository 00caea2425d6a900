/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

void     demo_busy_work       (GTimeSpan   duration);
gboolean demo_busy_work_yield (GTimeSpan   duration,
                               guint      *n_steps,
                               GError    **error);

G_END_DECLS
