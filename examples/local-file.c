/* A file that is read and written at any position: records of eight bytes, of which one is changed.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

#define RECORD_SIZE 8

static gboolean
change (CoroLocalFile  *file,
        GError        **error)
{
  char record[RECORD_SIZE + 1] = "";
  char all[3 * RECORD_SIZE + 1] = "";

  if (!coro_local_file_write_all (file, "one.....two.....three...", 3 * RECORD_SIZE, 0, NULL, error) ||
      !coro_local_file_read_all (file, record, RECORD_SIZE, 1 * RECORD_SIZE, NULL, error))
    return FALSE;
  g_print ("The second record: %s\n", record);

  if (!coro_local_file_write_all (file, "second..", RECORD_SIZE, 1 * RECORD_SIZE, NULL, error) ||
      !coro_local_file_read_all (file, all, sizeof all, 0, NULL, error))        /* less than asked for: the file ends */
    return FALSE;
  g_print ("All: %s\n", all);
  return TRUE;
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  GFile *path = user_data;
  g_autoptr (CoroLocalFile) file =
    coro_local_file_open (path, CORO_LOCAL_FILE_READ | CORO_LOCAL_FILE_WRITE | CORO_LOCAL_FILE_CREATE, 0666, error);

  return file != NULL && change (file, error) &&
         coro_local_file_close (file, error);           /* says whether everything could be written */
}

int
main (void)
{
  g_autoptr (GFileIOStream) stream = NULL;
  g_autoptr (GFile) path = g_file_new_tmp ("local-file-XXXXXX", &stream, NULL);
  int status = 1;

  if (path != NULL)
    {
      status = coro_run_main (main_cb, path);
      g_file_delete (path, NULL, NULL);
    }
  return status;
}
