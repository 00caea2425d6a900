/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-sha256sum.h"

#include <coro-glib/coro-glib.h>
#include <glib/gi18n.h>

#define HASH_LENGTH 64

/* Asks a program that has nothing to do with us: runs sha256sum(1) on @file and waits for
 * its end.  Returns the hash in hexadecimal. */
char *
demo_sha256sum (GFile *file, GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GSubprocess) process = NULL;
  g_autofree char *output = NULL;
  g_autofree char *complaint = NULL;

  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, error,
                              "sha256sum", "--zero", "--", g_file_peek_path (file), NULL);
  if (process == NULL)
    return NULL;
  if (!g_subprocess_communicate_utf8_finish (process, CORO_CALL (&op, g_subprocess_communicate_utf8_async, process, NULL),
                                             &output, &complaint, error))
    {
      g_subprocess_force_exit (process);     /* cancelled: its answer is of no use any more */
      return NULL;
    }
  if (!g_subprocess_get_successful (process) || strlen (output) < HASH_LENGTH)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("sha256sum failed: %s"), g_strstrip (complaint));
      return NULL;
    }
  return g_strndup (output, HASH_LENGTH);
}
