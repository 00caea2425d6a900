/* A generator that reads a folder piece by piece, and a loop that takes one name after the
 * other, and may stop half-way: folder [FOLDER [COUNT]]
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static GFileEnumerator *
enumerate (GFile   *folder,
           GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return g_file_enumerate_children_finish (folder, CORO_CALL (&op, g_file_enumerate_children_async, folder,
                                                              G_FILE_ATTRIBUTE_STANDARD_NAME,
                                                              G_FILE_QUERY_INFO_NONE, G_PRIORITY_DEFAULT), error);
}

static GList *
next_files (GFileEnumerator  *children,
            GError          **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return g_file_enumerator_next_files_finish (children, CORO_CALL (&op, g_file_enumerator_next_files_async,
                                                                   children, 64, G_PRIORITY_DEFAULT), error);
}

static gboolean
entries_cb (CoroGenerator  *generator,
            gpointer        folder,
            GError        **error)
{
  g_autoptr (GFileEnumerator) children = enumerate (folder, error);

  if (children == NULL)
    return FALSE;
  while (TRUE)
    {
      GError *local_error = NULL;
      g_autolist (GFileInfo) infos = next_files (children, &local_error);

      if (infos == NULL)
        {
          if (local_error != NULL)
            g_propagate_error (error, local_error);
          return local_error == NULL;
        }
      for (GList *l = infos; l != NULL; l = l->next)
        if (!coro_generator_produce_object (generator, l->data, error))
          return FALSE;                         /* closed: the loop has enough */
    }
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  char **arguments = user_data;
  const char *path = arguments[0] != NULL ? arguments[0] : ".";
  int n_wanted = arguments[0] != NULL && arguments[1] != NULL ? atoi (arguments[1]) : G_MAXINT;
  g_autoptr (CoroGenerator) entries =
    coro_generator_new (G_TYPE_FILE_INFO, entries_cb, g_file_new_for_path (path), g_object_unref);
  g_autoptr (GFileInfo) info = NULL;
  g_auto (CoroLoop) loop = coro_loop_enter (entries, error);

  while (n_wanted-- > 0 && coro_loop_next_object (&loop, (gpointer *) &info))
    g_print ("%s\n", g_file_info_get_name (info));
  return coro_loop_ok (&loop);                  /* and the generator is closed here, also in its middle */
}

int
main (int    argc,
      char **argv)
{
  return coro_run_main (main_cb, argv + 1);
}
