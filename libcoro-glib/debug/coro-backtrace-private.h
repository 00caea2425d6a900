/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CORO_BACKTRACE_MAX_FRAMES 64

guint coro_backtrace_capture             (gpointer       *frames,
                                          guint           n_frames);
guint coro_backtrace_capture_interrupted (gpointer       *frames,
                                          guint           n_frames);
void  coro_backtrace_append              (GString        *string,
                                          gpointer const *frames,
                                          guint           n_frames,
                                          const char     *indent);
gboolean coro_backtrace_is_ours          (gpointer        address);
void  coro_symbol_append                 (GString        *string,
                                          gpointer        address);

G_END_DECLS
