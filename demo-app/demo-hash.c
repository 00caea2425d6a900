/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-hash.h"

#include <coro-glib/coro-glib.h>
#include <glib/gi18n.h>

#include "demo-io.h"

/* A folder tree, walked and hashed by coroutines.
 *
 * One coroutine lists folders and puts every file into a queue; eight others take files
 * from it and hash them.  The queue is bounded: when the hashers are behind, the walker
 * waits in coro_queue_put(), so a tree of a million files needs no memory for a million
 * jobs.  Nothing here knows of widgets. */

#define N_HASHERS 8
/* Enough for the walker to come to its end early, so that the progress bar knows the whole. */
#define QUEUE_CAPACITY 65536
#define FOLDER_BATCH 64

/* SHA-256 of a chunk takes a fraction of a millisecond: that is how long the window has to
 * wait for a hasher.  Larger chunks are hardly faster, smaller ones are slower. */
#define CHUNK_SIZE (64 * 1024)

#define ATTRIBUTES \
  G_FILE_ATTRIBUTE_STANDARD_NAME "," \
  G_FILE_ATTRIBUTE_STANDARD_TYPE "," \
  G_FILE_ATTRIBUTE_UNIX_DEVICE

typedef struct
{
  GFile *root;
  guint32 device;
  CoroQueue *queue;      /* of GFile */
  DemoHashProgress *progress;
  DemoHashFunc func;
  gpointer user_data;
} Tree;

/* --- one file --------------------------------------------------------------------- */

/* Hashes @file.  @total grows by what was read, while it is read. */
gboolean
demo_hash_file (GFile *file, guint64 *total, guint64 *size, char **hash, GError **error)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *buffer = g_malloc (CHUNK_SIZE);
  g_autoptr (GFileInputStream) stream = NULL;
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  /* Reads like blocking code.  CORO_CALL() starts the operation, lets other code run, and
   * gives the result to the finish function when GIO has it. */
  stream = g_file_read_finish (file, CORO_CALL (&op, g_file_read_async, file, DEMO_IO_PRIORITY), error);
  if (stream == NULL)
    return FALSE;

  *size = 0;
  while (TRUE)
    {
      gssize n_read = g_input_stream_read_finish (G_INPUT_STREAM (stream),
                                                  CORO_CALL (&op, g_input_stream_read_async,
                                                             G_INPUT_STREAM (stream), buffer, CHUNK_SIZE,
                                                             DEMO_IO_PRIORITY),
                                                  error);

      if (n_read < 0)
        return FALSE;
      if (n_read == 0)
        break;
      g_checksum_update (checksum, (const guchar *) buffer, n_read);
      *size += n_read;
      *total += n_read;
    }

  *hash = g_strdup (g_checksum_get_string (checksum));
  return TRUE;
}

/* What a row says instead of a hash.  GIO's own messages repeat the path. */
char *
demo_hash_describe_error (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    return g_strdup (_("No permission to read"));
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return g_strdup (_("Does not exist (vanished, or the target of a broken link)"));
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_LINKS))
    return g_strdup (_("Symbolic links that lead in a circle"));
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY))
    return g_strdup (_("Not a folder"));
  return g_strdup (error->message);
}

/* --- rows ------------------------------------------------------------------------- */

static char *
tree_get_path (Tree *tree, GFile *file)
{
  char *path = g_file_get_relative_path (tree->root, file);

  return path != NULL ? path : g_file_get_parse_name (file);
}

static void
tree_add_problem (Tree *tree, GFile *file, const char *message)
{
  g_autofree char *path = tree_get_path (tree, file);

  tree->progress->n_done++;
  tree->progress->n_problems++;
  tree->func (demo_file_item_new_problem (path, message), tree->user_data);
}

/* Only a cancellation fails: a bad file is a row like any other, and the rest goes on. */
static gboolean
tree_hash_file (Tree *tree, GFile *file, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree char *path = NULL;
  g_autofree char *hash = NULL;
  guint64 size;

  if (!demo_hash_file (file, &tree->progress->n_bytes, &size, &hash, &local_error))
    {
      g_autofree char *message = NULL;

      if (coro_error_is_cancelled (local_error))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      message = demo_hash_describe_error (local_error);
      tree_add_problem (tree, file, message);
      return TRUE;
    }

  path = tree_get_path (tree, file);
  tree->progress->n_done++;
  tree->func (demo_file_item_new_hashed (path, size, hash), tree->user_data);
  return TRUE;
}

static gboolean
hasher_cb (gpointer user_data, GValue *result, GError **error)
{
  Tree *tree = user_data;

  while (TRUE)
    {
      g_autoptr (GFile) file = NULL;

      if (!coro_queue_take (tree->queue, (gpointer *) &file, error))
        return FALSE;
      if (file == NULL)
        return TRUE;                       /* closed and empty: the work is done */
      if (!tree_hash_file (tree, file, error))
        return FALSE;
    }
}

/* --- the walk --------------------------------------------------------------------- */

static gboolean
tree_add_file (Tree *tree, GFile *file, GError **error)
{
  tree->progress->n_found++;
  return coro_queue_put (tree->queue, g_object_ref (file), error);
}

/* A link to a file counts as that file; one to a folder is not followed, so that a link
 * to its own parent cannot keep the walk going for ever.  A broken link or a circle goes
 * to the hashers like a file, and opening it says what is wrong with it. */
static gboolean
tree_add_link (Tree *tree, GFile *file, GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GFileInfo) info =
    g_file_query_info_finish (file, CORO_CALL (&op, g_file_query_info_async, file, G_FILE_ATTRIBUTE_STANDARD_TYPE,
                                               G_FILE_QUERY_INFO_NONE, DEMO_IO_PRIORITY), &local_error);

  if (coro_error_is_cancelled (local_error))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (info != NULL && g_file_info_get_file_type (info) == G_FILE_TYPE_DIRECTORY)
    return TRUE;
  return tree_add_file (tree, file, error);
}

static gboolean
tree_add_child (Tree *tree, GPtrArray *folders, GFile *folder, GFileInfo *info, GError **error)
{
  g_autoptr (GFile) child = g_file_get_child (folder, g_file_info_get_name (info));

  switch (g_file_info_get_file_type (info))
    {
    case G_FILE_TYPE_DIRECTORY:
      /* Staying on one file system keeps a walk of "/" out of /proc, where files never end. */
      if (g_file_info_get_attribute_uint32 (info, G_FILE_ATTRIBUTE_UNIX_DEVICE) == tree->device)
        g_ptr_array_add (folders, g_steal_pointer (&child));
      return TRUE;
    case G_FILE_TYPE_REGULAR:
      return tree_add_file (tree, child, error);
    case G_FILE_TYPE_SYMBOLIC_LINK:
      return tree_add_link (tree, child, error);
    default:
      /* Opening a named pipe would wait for a writer, perhaps for ever. */
      tree->progress->n_found++;
      tree_add_problem (tree, child, _("Not a regular file (a pipe, socket or device)"));
      return TRUE;
    }
}

static gboolean
tree_list_folder (Tree *tree, GPtrArray *folders, GFile *folder, GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GFileEnumerator) enumerator =
    g_file_enumerate_children_finish (folder, CORO_CALL (&op, g_file_enumerate_children_async, folder, ATTRIBUTES,
                                                         G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, DEMO_IO_PRIORITY), error);

  if (enumerator == NULL)
    return FALSE;

  while (TRUE)
    {
      g_autolist (GFileInfo) infos = NULL;
      GError *local_error = NULL;

      infos = g_file_enumerator_next_files_finish (enumerator,
                                                   CORO_CALL (&op, g_file_enumerator_next_files_async, enumerator,
                                                              FOLDER_BATCH, DEMO_IO_PRIORITY),
                                                   &local_error);
      if (local_error != NULL)
        {
          g_propagate_error (error, local_error);
          return FALSE;
        }
      if (infos == NULL)
        return TRUE;
      for (GList *l = infos; l != NULL; l = l->next)
        if (!tree_add_child (tree, folders, folder, l->data, error))
          return FALSE;
    }
}

static gboolean
tree_walk (Tree *tree, GError **error)
{
  g_autoptr (GPtrArray) folders = g_ptr_array_new_with_free_func (g_object_unref);

  g_ptr_array_add (folders, g_object_ref (tree->root));
  while (folders->len > 0)
    {
      g_autoptr (GFile) folder = g_ptr_array_steal_index (folders, folders->len - 1);
      g_autoptr (GError) local_error = NULL;
      g_autofree char *message = NULL;

      if (tree_list_folder (tree, folders, folder, &local_error))
        continue;
      if (folder == tree->root || coro_error_is_cancelled (local_error))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      message = demo_hash_describe_error (local_error);
      tree->progress->n_found++;
      tree_add_problem (tree, folder, message);
    }
  return TRUE;
}

static gboolean
tree_open (Tree *tree, GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GFileInfo) info =
    g_file_query_info_finish (tree->root, CORO_CALL (&op, g_file_query_info_async, tree->root, ATTRIBUTES,
                                                     G_FILE_QUERY_INFO_NONE, DEMO_IO_PRIORITY), error);

  if (info == NULL)
    return FALSE;
  tree->device = g_file_info_get_attribute_uint32 (info, G_FILE_ATTRIBUTE_UNIX_DEVICE);
  return TRUE;
}

/* Hashes every file below @root and gives each to @func as soon as it is finished.
 * Fails only when @root itself cannot be listed, or when it is cancelled. */
gboolean
demo_hash_tree (GFile *root, DemoHashProgress *progress, DemoHashFunc func, gpointer user_data, GError **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (QUEUE_CAPACITY, g_object_unref);
  Tree tree = { .root = root, .queue = queue, .progress = progress, .func = func, .user_data = user_data };
  /* The nursery is declared last, and so left first: no hasher outlives the tree. */
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  *progress = (DemoHashProgress) { .walking = TRUE };
  if (!tree_open (&tree, error))
    return FALSE;
  for (int i = 0; i < N_HASHERS; i++)
    coro_task_group_spawn (nursery.group, hasher_cb, &tree, NULL);
  if (!tree_walk (&tree, error))
    return FALSE;                          /* the hashers are cancelled and joined here */
  progress->walking = FALSE;
  coro_queue_close (queue);
  return coro_nursery_join (&nursery);
}
