/* libcoro-gtk: coroutines for GTK 4
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "coro-gtk-private.h"

/* How many guards are open, as the spinner remembers it. */
static GQuark
busy_quark (void)
{
  static GQuark quark;

  if (quark == 0)
    quark = g_quark_from_static_string ("coro-gtk-busy");
  return quark;
}

static int
spinner_add (GtkWidget *spinner,
             int        change)
{
  int count = GPOINTER_TO_INT (g_object_get_qdata (G_OBJECT (spinner), busy_quark ())) + change;

  g_object_set_qdata (G_OBJECT (spinner), busy_quark (), GINT_TO_POINTER (count));
  return count;
}

/* Handlers of the spinner's properties may be in any language. */
static void
busy_enter_cb (gpointer spinner)
{
  g_object_ref (spinner);
  if (spinner_add (spinner, 1) == 1)
    gtk_spinner_start (spinner);
}

static void
busy_exit_cb (gpointer spinner)
{
  if (spinner_add (spinner, -1) == 0)
    gtk_spinner_stop (spinner);
  g_object_unref (spinner);
}

/**
 * coro_gtk_busy_enter: (skip)
 * @spinner: (type Gtk.Spinner): a spinner
 *
 * Opens a guard: the spinner turns until it, and every other one for the same
 * spinner, is closed.
 *
 * Callable from the main thread; never suspends.
 *
 * Returns: the guard, for a `g_auto (CoroGtkBusy)`
 *
 * Since: 0.1
 */
CoroGtkBusy
coro_gtk_busy_enter (gpointer spinner)
{
  g_return_val_if_fail (GTK_IS_SPINNER (spinner), ((CoroGtkBusy) { NULL }));

  coro_gtk_attach ();
  coro_call_on_thread_stack (busy_enter_cb, spinner);
  return (CoroGtkBusy) { spinner };
}

/**
 * coro_gtk_busy_exit: (skip)
 * @self: a guard
 *
 * Closes the guard; `g_auto` does it. Closing it twice is closing it once.
 *
 * Callable from the main thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_gtk_busy_exit (CoroGtkBusy *self)
{
  GtkWidget *spinner = g_steal_pointer (&self->spinner);

  if (spinner != NULL)
    coro_call_on_thread_stack (busy_exit_cb, spinner);
}
