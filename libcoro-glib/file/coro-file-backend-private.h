/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gio/gio.h>
#include <sys/stat.h>

#include "file/coro-ring-private.h"
#include "thread/coro-thread.h"

G_BEGIN_DECLS

/* An open file. */
typedef struct
{
  int fd;                       /* or -errno */
  gboolean local;               /* its file system asks no network and no other program */
  gboolean stream;              /* a pipe or a device: there are no positions, and it may have to be waited for */
} CoroBackendFile;

/* More is not copied by a single call on the thread of the main loop: 256 KiB take 30 µs. */
#define CORO_FILE_BACKEND_MAX_COPY (256 * 1024)
/* From here on it is not copied on that thread at all. */
#define CORO_FILE_BACKEND_LARGE (4 * 1024 * 1024)

/* These never block and never suspend.  -EAGAIN: that would block, or it cannot be told. */
CoroBackendFile coro_file_backend_try_open (const char *path,
                                            int         flags);
gssize          coro_file_backend_try_read (int         fd,
                                            gpointer    buffer,
                                            gsize       count,
                                            goffset     offset);

/* These suspend.  FALSE: the coroutine was cancelled or cannot wait, and nothing was done.
 * TRUE: the system call was made; its result may be -errno. */
gboolean coro_file_backend_open     (const char             *path,
                                     int                     flags,
                                     guint                   mode,
                                     CoroBackendFile        *file,
                                     GError                **error);
gboolean coro_file_backend_transfer (CoroFileOpcode          opcode,
                                     const CoroBackendFile  *file,
                                     gpointer                buffer,
                                     gsize                   count,
                                     goffset                 offset,
                                     gssize                 *result,
                                     GError                **error);
gboolean coro_file_backend_sync     (int                     fd,
                                     gboolean                data_only,
                                     int                    *result,
                                     GError                **error);
int      coro_file_backend_close    (CoroBackendFile        *file,
                                     gboolean                written);

/* What all of them do with a descriptor: an answer out of what the kernel remembers. */
int      coro_file_backend_stat      (int               fd,
                                      struct statx     *info);
int      coro_file_backend_examine   (CoroBackendFile  *file,
                                      struct statx     *info);
gboolean coro_file_backend_has_ring  (void);
void     coro_file_backend_learn     (const char       *path,
                                      gboolean          local);
void     coro_file_backend_set_error (GError          **error,
                                      int               error_number,
                                      const char       *what,
                                      const char       *name);

/* In a thread.  What suspends says FALSE where the coroutine was cancelled or cannot wait, and
 * nothing was done. */
gboolean coro_file_backend_call              (CoroThreadFunc    func,
                                              gpointer          user_data,
                                              GError          **error);
gboolean coro_file_backend_call_shielded     (CoroThreadFunc    func,
                                              gpointer          user_data);
gboolean coro_file_backend_perform_in_thread (CoroFileOp       *op,
                                              GError          **error);
gboolean coro_file_backend_open_in_thread    (const char       *path,
                                              int               flags,
                                              guint             mode,
                                              CoroBackendFile  *file,
                                              GError          **error);

/* For a thread, or a caller that may block.  A write without a position raises no SIGPIPE. */
int  coro_file_backend_perform       (const CoroFileOp *op);
int  coro_file_backend_open_fd       (const char       *path,
                                      int               flags,
                                      guint             mode);
void coro_file_backend_open_blocking (const char       *path,
                                      int               flags,
                                      guint             mode,
                                      CoroBackendFile  *file);

G_END_DECLS
