/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <errno.h>
#include <glib.h>

G_BEGIN_DECLS

/* What an errno says of the system call, and not of what it was made for. */

/* The call, or a flag of it, cannot be had: the kernel is too old for it, does not have it for
 * this kind of file, or a filter forbids it, as in a container (EPERM mostly; ENOSYS, EACCES).
 * Nothing was done.  There is another way to the same end: where the refusal is meant for the
 * file, that one says so again. */
static inline gboolean
coro_errno_is_refusal (int code)
{
  return code == ENOSYS || code == EOPNOTSUPP || code == EINVAL || code == EPERM || code == EACCES;
}

/* Something has run out, and may be there again the next time. */
static inline gboolean
coro_errno_is_lack (int code)
{
  return code == EMFILE || code == ENFILE || code == ENOMEM || code == ENOBUFS || code == ENOSPC || code == EDQUOT;
}

G_END_DECLS
