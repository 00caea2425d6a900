/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-screenshot.h"

#include <coro-gtk/coro-gtk.h>
#include <glib/gi18n.h>

/* So many empty pictures are no accident. */
#define MAX_PAINTS 100

typedef struct
{
  GdkTexture *texture;   /* (owned) */
  char *path;            /* (owned) */
} Picture;

static void
picture_free (gpointer pointer)
{
  Picture *picture = pointer;

  g_clear_object (&picture->texture);
  g_free (picture->path);
  g_free (picture);
}

/* Compressing takes longer than a frame, so it is done in a thread. */
static gpointer
save_cb (gpointer user_data, GCancellable *cancellable, GError **error)
{
  Picture *picture = user_data;

  if (!gdk_texture_save_to_png (picture->texture, picture->path))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("%s cannot be written"), picture->path);
  return NULL;
}

/* A copy in memory: a texture of the GPU belongs to the thread of its renderer. */
static GdkTexture *
copy_texture (GdkTexture *texture)
{
  int width = gdk_texture_get_width (texture);
  int height = gdk_texture_get_height (texture);
  gsize stride = 4 * (gsize) width;
  guchar *pixels = g_malloc (stride * height);
  g_autoptr (GBytes) bytes = NULL;

  gdk_texture_download (texture, pixels, stride);
  bytes = g_bytes_new_take (pixels, stride * height);
  return gdk_memory_texture_new (width, height, GDK_MEMORY_DEFAULT, bytes, stride);
}

static GdkTexture *
render (GtkWindow *window)
{
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (GTK_WIDGET (window));
  g_autoptr (GdkTexture) texture = NULL;
  g_autoptr (GskRenderNode) node = NULL;
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  int width = gdk_paintable_get_intrinsic_width (paintable);
  int height = gdk_paintable_get_intrinsic_height (paintable);

  gdk_paintable_snapshot (paintable, snapshot, width, height);
  node = gtk_snapshot_free_to_node (snapshot);
  if (node == NULL)
    return NULL;
  texture = gsk_renderer_render_texture (gtk_native_get_renderer (GTK_NATIVE (window)), node,
                                         &GRAPHENE_RECT_INIT (0, 0, width, height));
  return copy_texture (texture);
}

/* Takes the contents of @window right after a paint: between the next change and the next paint
 * the picture would be empty. */
static GdkTexture *
render_painted (GtkWindow *window, GError **error)
{
  GdkTexture *texture = NULL;

  for (int i = 0; i < MAX_PAINTS && texture == NULL; i++)
    {
      if (!coro_gtk_after_paint (window, error))
        return NULL;
      texture = render (window);
    }
  if (texture == NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("The window is not shown"));
  return texture;
}

/* Saves what @window shows as a PNG file. */
gboolean
demo_screenshot_save (GtkWindow *window, GFile *file, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  GdkTexture *texture = render_painted (window, error);
  Picture *picture;

  if (texture == NULL)
    return FALSE;

  picture = g_new0 (Picture, 1);
  picture->texture = texture;
  picture->path = g_file_get_path (file);
  coro_run_in_thread (save_cb, picture, picture_free, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  return TRUE;
}
