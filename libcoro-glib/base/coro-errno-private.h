/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <errno.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/* Errors that say something of the system call itself, not of the file or socket. */

/* The call, or a flag of it, is not available: the kernel is too old, does not support it for this
 * kind of file, or a filter forbids it, as in a container (EPERM mostly; ENOSYS, EACCES).  Nothing
 * was done, and the caller tries a plainer call.  If the refusal is about the file, the plainer
 * call fails with this error again. */
static inline gboolean
coro_errno_is_refusal (int code)
{
  return code == ENOSYS || code == EOPNOTSUPP || code == EINVAL || code == EPERM || code == EACCES;
}

/* A resource has run out, and may be available again later. */
static inline gboolean
coro_errno_is_lack (int code)
{
  return code == EMFILE || code == ENFILE || code == ENOMEM || code == ENOBUFS || code == ENOSPC || code == EDQUOT;
}

/* The same of a GError, as far as it can tell: GIO gives G_IO_ERROR_FAILED to ENOBUFS and many others. */
static inline gboolean
coro_error_is_lack (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
}

/* A file system or device may answer with ECANCELED.  Only the coroutine's own cancellation is
 * reported with G_IO_ERROR_CANCELLED. */
static inline GIOErrorEnum
coro_errno_to_code (int code)
{
  return code == ECANCELED ? G_IO_ERROR_FAILED : g_io_error_from_errno (code);
}

G_END_DECLS
