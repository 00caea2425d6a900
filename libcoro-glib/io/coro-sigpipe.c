/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "io/coro-sigpipe-private.h"

#include <errno.h>

void
coro_sigpipe_hold (CoroSigpipe *self)
{
  struct sigaction action;
  sigset_t mask, pending;

  /* Mostly SIGPIPE is ignored, because GIO does so for sockets; then this call is the only one. */
  self->held = sigaction (SIGPIPE, NULL, &action) == 0 && (action.sa_flags & SA_SIGINFO) == 0 &&
               action.sa_handler == SIG_DFL;
  if (!self->held)
    return;

  self->was_pending = sigpending (&pending) == 0 && sigismember (&pending, SIGPIPE) == 1;
  sigemptyset (&mask);
  sigaddset (&mask, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &mask, &self->old);
}

void
coro_sigpipe_release (CoroSigpipe *self)
{
  static const struct timespec now = { 0, 0 };
  int saved_errno = errno;
  sigset_t mask;

  if (!self->held)
    return;

  sigemptyset (&mask);
  sigaddset (&mask, SIGPIPE);
  if (!self->was_pending)
    while (sigtimedwait (&mask, NULL, &now) < 0 && errno == EINTR)
      continue;
  pthread_sigmask (SIG_SETMASK, &self->old, NULL);
  errno = saved_errno;
}
