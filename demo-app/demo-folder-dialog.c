/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-folder-dialog.h"

#include <coro-gtk/coro-gtk.h>
#include <glib/gi18n.h>

/* Anything that calls back once becomes something to wait for with a future: the callback
 * resolves it, the coroutine awaits it. */
static void
response_cb (GtkNativeDialog *dialog, int response, CoroFuture *answered)
{
  coro_future_resolve_int (answered, response);
}

/* Asks for a folder.  Returns NULL with G_IO_ERROR_CANCELLED where the user has none. */
GFile *
demo_folder_dialog_run (GtkWidget *parent, const char *title, GFile *folder, GError **error)
{
  g_autoptr (CoroFuture) answered = coro_future_new ();
  g_autoptr (GtkFileChooserNative) dialog =
    gtk_file_chooser_native_new (title, GTK_WINDOW (gtk_widget_get_root (parent)),
                                 GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, _("_Select"), NULL);
  g_autoptr (GError) local_error = NULL;
  int response;

  gtk_file_chooser_set_current_folder (GTK_FILE_CHOOSER (dialog), folder, NULL);
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect (dialog, "response", G_CALLBACK (response_cb), answered);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));

  response = coro_await_int (answered, &local_error);
  gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (dialog));
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  if (response != GTK_RESPONSE_ACCEPT)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "No folder was chosen");
      return NULL;
    }
  return gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
}
