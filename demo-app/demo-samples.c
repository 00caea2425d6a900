/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-samples.h"

#include <glib/gi18n.h>

#include "demo-io.h"

/* Downloads that show one thing each: what works, and every way in which it does not.
 * They come from the built-in server, so they need no network. */

#define N_LARGE 3
#define LARGEST (8 * 1024 * 1024)

/* --- large files of the server's folder --------------------------------------------- */

typedef struct
{
  char *path;
  goffset size;
} Found;

static void
found_clear (gpointer pointer)
{
  g_free (((Found *) pointer)->path);
}

static int
found_compare (gconstpointer a, gconstpointer b)
{
  goffset size_a = ((const Found *) a)->size;
  goffset size_b = ((const Found *) b)->size;

  return size_a < size_b ? 1 : size_a > size_b ? -1 : 0;
}

static void
found_add (GArray *found, const char *path, goffset size)
{
  Found one = { g_strdup (path), size };

  if (size <= LARGEST)
    g_array_append_val (found, one);
  else
    g_free (one.path);
}

/* Adds the files in @path below @root and, where @depth allows, in its folders. */
static gboolean
find_files (GFile *root, const char *path, int depth, GArray *found, GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GFile) folder = g_file_resolve_relative_path (root, path);
  g_autoptr (GFileEnumerator) enumerator =
    g_file_enumerate_children_finish (folder, CORO_CALL (&op, g_file_enumerate_children_async, folder,
                                                         G_FILE_ATTRIBUTE_STANDARD_NAME ","
                                                         G_FILE_ATTRIBUTE_STANDARD_TYPE ","
                                                         G_FILE_ATTRIBUTE_STANDARD_SIZE,
                                                         G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, DEMO_IO_PRIORITY), error);
  g_autolist (GFileInfo) infos = NULL;
  GError *local_error = NULL;

  if (enumerator == NULL)
    return FALSE;
  infos = g_file_enumerator_next_files_finish (enumerator,
                                               CORO_CALL (&op, g_file_enumerator_next_files_async, enumerator,
                                                          G_MAXINT, DEMO_IO_PRIORITY), &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, local_error);
      return FALSE;
    }
  for (GList *l = infos; l != NULL; l = l->next)
    {
      g_autofree char *child = g_build_filename (path, g_file_info_get_name (l->data), NULL);

      if (g_file_info_get_file_type (l->data) == G_FILE_TYPE_REGULAR)
        found_add (found, child, g_file_info_get_size (l->data));
      else if (g_file_info_get_file_type (l->data) == G_FILE_TYPE_DIRECTORY && depth > 0)
        find_files (root, child, depth - 1, found, NULL);      /* an unreadable one has no samples */
    }
  return coro_check_cancelled (error);
}

/* --- the samples -------------------------------------------------------------------- */

static DemoDownload *
add_sample (GListStore *store, const char *title, const char *url)
{
  g_autoptr (DemoDownload) download = demo_download_new (url);

  demo_download_set_title (download, title);
  g_list_store_append (store, download);
  return download;
}

static void
add_served (GListStore *store, DemoServer *server, const char *title, const char *path, const char *query)
{
  g_autofree char *url = demo_server_dup_url (server, path, query);

  add_sample (store, title, url);
}

/* /dev/full takes a byte like any file, and then has no space.  With a link to it in place
 * of the part, the downloader meets a full disk without knowing that it is a sample. */
static gboolean
add_full_disk (GListStore *store, DemoServer *server, DemoDownloader *downloader, const char *path, GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autofree char *url = demo_server_dup_url (server, path, "disk=full");
  g_autoptr (GFile) file = demo_downloader_choose_file (downloader, "full-disk.h", error);
  g_autoptr (GFile) part = NULL;
  DemoDownload *download;

  if (file == NULL)
    return FALSE;
  download = add_sample (store, _("A disk that is full"), url);
  demo_download_set_file (download, file);
  part = demo_download_dup_part (download);
  return g_file_make_symbolic_link_finish (part, CORO_CALL (&op, g_file_make_symbolic_link_async, part, "/dev/full",
                                                            DEMO_IO_PRIORITY), error);
}

/* A list of downloads that have not been started. */
GListModel *
demo_samples_new (DemoServer *server, DemoDownloader *downloader, GError **error)
{
  static const char * const rates[N_LARGE] = { "rate=900000", "rate=600000", "rate=400000" };
  g_autoptr (GListStore) store = g_list_store_new (DEMO_TYPE_DOWNLOAD);
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (Found));
  g_autofree char *refused_url = demo_server_dup_refused_url (server);
  const char *small;

  g_array_set_clear_func (found, found_clear);
  if (!find_files (demo_server_get_root (server), "", 2, found, error))
    return NULL;
  if (found->len == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("The folder that the samples come from is empty"));
      return NULL;
    }
  g_array_sort (found, found_compare);
  small = g_array_index (found, Found, MIN (2 * N_LARGE, found->len - 1)).path;

  for (guint i = 0; i < MIN (N_LARGE, found->len); i++)
    {
      const char *path = g_array_index (found, Found, i).path;
      g_autofree char *name = g_path_get_basename (path);

      add_served (store, server, name, path, rates[i]);
    }
  add_served (store, server, _("A busy server that answers the third time"), small, "busy=2");
  add_served (store, server, _("A connection that breaks once"), small, "cut=1");
  add_served (store, server, _("A server that falls silent"), small, "stall=9");
  add_served (store, server, _("A file that does not exist"), "no/such/file.h", NULL);
  add_sample (store, _("A connection that is refused"), refused_url);
  add_sample (store, _("An address that is none"), "htp:/example org");
  if (!add_full_disk (store, server, downloader, small, error))
    return NULL;
  return G_LIST_MODEL (g_steal_pointer (&store));
}
