/* A window that loads a file on a click, stays smooth meanwhile, and shows what went
 * wrong.  A second click restarts, closing the window cancels: window [FILE]
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-gtk/coro-gtk.h>

typedef struct
{
  GtkWindow *window;            /* owns this struct */
  GFile *file;
  GtkSpinner *spinner;
  GtkTextBuffer *buffer;
  GtkLabel *error;
} Window;

/* An ordinary function: any coroutine may call it. */
static gboolean
window_load (Window  *self,
             GError **error)
{
  g_auto (CoroGtkBusy) busy = coro_gtk_busy_enter (self->spinner);        /* stops on every path */
  g_auto (CoroTimeout) timeout = coro_timeout_enter (10 * G_TIME_SPAN_SECOND, error);
  g_autoptr (GBytes) bytes = NULL;

  gtk_label_set_text (self->error, "");
  bytes = coro_file_load_bytes (self->file, NULL, error);                 /* the window stays alive and smooth */
  if (bytes == NULL)
    return FALSE;
  gtk_text_buffer_set_text (self->buffer, g_bytes_get_data (bytes, NULL), (int) g_bytes_get_size (bytes));
  return TRUE;
}

static gboolean
load_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Window *self = user_data;                                               /* kept alive by the widget's group */
  g_autoptr (GError) local_error = NULL;

  if (!window_load (self, &local_error) && !coro_error_is_cancelled (local_error))
    gtk_label_set_text (self->error, local_error->message);
  return TRUE;
}

static void
clicked_cb (GtkButton *button,
            Window    *self)
{
  coro_gtk_widget_spawn_latest (self->window, "load", load_cb, self, NULL);       /* a second click restarts */
}

static void
window_free (Window *self)
{
  g_object_unref (self->file);
  g_object_unref (self->spinner);
  g_object_unref (self->buffer);
  g_object_unref (self->error);
  g_free (self);
}

static void
window_new (GtkApplication *application,
            GFile          *file)
{
  Window *self = g_new0 (Window, 1);
  GtkWidget *header = gtk_header_bar_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *scroller = gtk_scrolled_window_new ();
  GtkWidget *button = gtk_button_new_with_mnemonic ("_Load");

  self->window = GTK_WINDOW (gtk_application_window_new (application));
  self->file = g_object_ref (file);
  self->spinner = g_object_ref_sink (GTK_SPINNER (gtk_spinner_new ()));
  self->buffer = gtk_text_buffer_new (NULL);
  self->error = g_object_ref_sink (GTK_LABEL (gtk_label_new ("")));
  g_object_set_data_full (G_OBJECT (self->window), "window", self, (GDestroyNotify) window_free);

  gtk_header_bar_pack_start (GTK_HEADER_BAR (header), button);
  gtk_header_bar_pack_end (GTK_HEADER_BAR (header), GTK_WIDGET (self->spinner));
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), gtk_text_view_new_with_buffer (self->buffer));
  gtk_widget_set_vexpand (scroller, TRUE);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->error));
  gtk_box_append (GTK_BOX (box), scroller);
  gtk_window_set_titlebar (self->window, header);
  gtk_window_set_child (self->window, box);
  gtk_window_set_default_size (self->window, 640, 480);
  g_signal_connect (button, "clicked", G_CALLBACK (clicked_cb), self);
  gtk_window_present (self->window);
}

static void
open_cb (GtkApplication  *application,
         GFile          **files,
         int              n_files,
         const char      *hint,
         gpointer         user_data)
{
  window_new (application, files[0]);
}

static void
activate_cb (GtkApplication *application,
             gpointer        user_data)
{
  g_autoptr (GFile) file = g_file_new_for_path ("/etc/passwd");

  window_new (application, file);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr (GtkApplication) application =
    gtk_application_new ("io.github.libcoro.Window", G_APPLICATION_HANDLES_OPEN | G_APPLICATION_NON_UNIQUE);

  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  g_signal_connect (application, "open", G_CALLBACK (open_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
