/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "io/coro-unix-signal.h"

#include "future/coro-future-private.h"
#include "scheduler/coro-scheduler-private.h"

#include <glib-unix.h>

/* What a pending signal future holds on to. */
typedef struct
{
  CoroFutureResource resource;  /* first */
  GSource *source;              /* (owned) */
} CoroUnixSignalResource;

static gboolean
unix_signal_cb (gpointer user_data)
{
  GWeakRef *weak = user_data;
  g_autoptr (CoroFuture) future = g_weak_ref_get (weak);

  if (future != NULL)
    coro_future_resolve_int (future, GPOINTER_TO_INT (g_object_get_data (G_OBJECT (future), "coro-signum")));
  return G_SOURCE_REMOVE;
}

static void
weak_ref_free (gpointer weak)
{
  g_weak_ref_clear (weak);
  g_free (weak);
}

static void
unix_signal_resource_release (CoroFutureResource *resource)
{
  CoroUnixSignalResource *self = (CoroUnixSignalResource *) resource;

  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_free (self);
}

/**
 * coro_unix_signal_future:
 * @signum: one of SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH
 *
 * Makes a future that is done when the process gets a signal; its value is
 * @signum.
 *
 * As long as it is pending the signal has no other effect. Cancelling or
 * dropping the future ends that. In a coroutine that cleans up after the end of
 * its main context, the future is cancelled from the start.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future
 *
 * Since: 0.1
 */
CoroFuture *
coro_unix_signal_future (int signum)
{
  CoroFuture *future;
  CoroUnixSignalResource *resource;
  GWeakRef *weak;
  GSource *source = g_unix_signal_source_new (signum);
  GMainContext *context;

  g_return_val_if_fail (source != NULL, NULL);

  future = coro_future_new ();
  context = coro_future_get_scheduler (future)->context;
  if (context == NULL)          /* a coroutine cleans up at the end of its context */
    {
      g_source_unref (source);
      coro_future_set_cancelled (future, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The main context has ended"));
      return future;
    }

  weak = g_new0 (GWeakRef, 1);
  g_weak_ref_init (weak, future);
  g_object_set_data (G_OBJECT (future), "coro-signum", GINT_TO_POINTER (signum));

  resource = g_new0 (CoroUnixSignalResource, 1);
  resource->resource.release = unix_signal_resource_release;
  resource->source = source;
  coro_future_set_resource (future, &resource->resource);

  g_source_set_static_name (source, "[coro] unix signal");
  g_source_set_callback (source, unix_signal_cb, weak, weak_ref_free);
  g_source_attach (source, context);
  return future;
}
