/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-interrupt-private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <glib-unix.h>

/* A handler of our own and not g_unix_signal_source_new(): that keeps the signal for as
 * long as the source lives, so that a coroutine that never awaits could not be stopped
 * from the keyboard.  Ours serves once, and the second SIGINT has the default action
 * whatever the thread is doing. */

/* Made once and kept: another thread may be in the handler as a run ends. */
static int pipe_fds[2] = { -1, -1 };

static void
sigint_handler (int signum)
{
  int saved_errno = errno;
  ssize_t n = write (pipe_fds[1], "", 1);

  (void) n;                     /* a full pipe says it already */
  errno = saved_errno;
}

static gboolean
sigint_cb (int           fd,
           GIOCondition  condition,
           gpointer      user_data)
{
  CoroInterrupt *self = user_data;
  char buffer[16];

  while (read (fd, buffer, sizeof buffer) > 0)
    ;
  if (!self->ending)
    self->interrupted = TRUE;
  self->func (self->data);
  return G_SOURCE_CONTINUE;
}

static gboolean
is_main_thread (void)
{
#ifdef __linux__
  return getpid () == gettid ();
#else
  return FALSE;                 /* there is no telling: SIGINT keeps its default action */
#endif
}

static gboolean
open_pipe (void)
{
  char buffer[16];

  if (pipe_fds[0] < 0)
    {
      int fds[2];

      /* g_unix_open_pipe() takes FD_CLOEXEC before GLib 2.78 and O_CLOEXEC since. */
      if (pipe2 (fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return FALSE;
      pipe_fds[1] = fds[1];
      pipe_fds[0] = fds[0];
    }

  while (read (pipe_fds[0], buffer, sizeof buffer) > 0)
    ;                           /* one that came as the last run ended */
  return TRUE;
}

/* Has SIGINT cancel `task`, once, unless it is handled elsewhere: in the main thread, if the
 * default action was in place. */
void
coro_interrupt_begin (CoroInterrupt *self,
                      GMainContext  *context,
                      void         (*func) (gpointer data),
                      gpointer       data)
{
  struct sigaction action;

  self->interrupted = self->ending = FALSE;
  if (!is_main_thread ())
    return;
  if (sigaction (SIGINT, NULL, &action) != 0 || (action.sa_flags & SA_SIGINFO) || action.sa_handler != SIG_DFL)
    return;
  if (!open_pipe ())
    return;

  self->func = func;
  self->data = data;
  self->source = g_unix_fd_source_new (pipe_fds[0], G_IO_IN);
  g_source_set_static_name (self->source, "[coro] SIGINT");
  g_source_set_priority (self->source, G_PRIORITY_HIGH);
  g_source_set_callback (self->source, G_SOURCE_FUNC (sigint_cb), self, NULL);
  g_source_attach (self->source, context);

  action.sa_handler = sigint_handler;
  action.sa_flags = (int) (SA_RESTART | SA_RESETHAND);
  sigemptyset (&action.sa_mask);
  sigaction (SIGINT, &action, NULL);
}

/* Puts the default action back, unless another one has been put in place. */
void
coro_interrupt_end (CoroInterrupt *self)
{
  struct sigaction action;

  if (self->source == NULL)
    return;

  if (sigaction (SIGINT, NULL, &action) == 0 && action.sa_handler == sigint_handler)
    signal (SIGINT, SIG_DFL);
  g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
}
