/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-io.h"

#include <coro-glib/coro-glib.h>

/* Small things that several parts do with files.  All of them suspend. */

static gpointer
make_folder_cb (gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_file_make_directory_with_parents (user_data, cancellable, error);
  return NULL;
}

/* Makes @folder and its parents, unless it exists.  GIO has no asynchronous form of this
 * one, so a thread blocks in our place. */
gboolean
demo_io_make_folder (GFile *folder, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  coro_run_in_thread (make_folder_cb, g_object_ref (folder), g_object_unref, &local_error);
  if (local_error == NULL || g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_EXISTS))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/* Type and size. */
GFileInfo *
demo_io_query (GFile *file, GFileQueryInfoFlags flags, GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return g_file_query_info_finish (file, CORO_CALL (&op, g_file_query_info_async, file,
                                                    G_FILE_ATTRIBUTE_STANDARD_TYPE "," G_FILE_ATTRIBUTE_STANDARD_SIZE,
                                                    flags, DEMO_IO_PRIORITY), error);
}

/* Whether there is no such file, not even a broken link.  On failure FALSE, and @error is set. */
gboolean
demo_io_is_free (GFile *file, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GFileInfo) info = demo_io_query (file, G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, &local_error);

  if (info != NULL)
    return FALSE;
  if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

gboolean
demo_io_delete (GFile *file, GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return g_file_delete_finish (file, CORO_CALL (&op, g_file_delete_async, file, DEMO_IO_PRIORITY), error);
}
