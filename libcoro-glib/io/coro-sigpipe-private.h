/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>
#include <signal.h>

G_BEGIN_DECLS

/* Holds SIGPIPE back, which a write raises in addition to EPIPE, until coro_sigpipe_release()
 * discards it.  Both are for one thread, which must not switch to another coroutine in between. */
typedef struct
{
  gboolean held;
  gboolean was_pending;
  sigset_t old;
} CoroSigpipe;

void coro_sigpipe_hold    (CoroSigpipe *self);
void coro_sigpipe_release (CoroSigpipe *self);

G_END_DECLS
