/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gio/gio.h>
#include <sys/stat.h>

#include "io/coro-ring-private.h"
#include "io/coro-thread.h"

G_BEGIN_DECLS

/* An open file. */
typedef struct
{
  int fd;                       /* or -errno */
  gboolean local;               /* its file system asks no network and no other program */
  gboolean stream;              /* a pipe or a device: there are no positions, and it may have to be waited for */
} CoroDiskFile;

/* More is not copied by a single call on the thread of the main loop: 256 KiB take 30 µs. */
#define CORO_DISK_MAX_COPY (256 * 1024)
/* From here on it is not copied on that thread at all. */
#define CORO_DISK_LARGE (4 * 1024 * 1024)

/* These never block and never suspend.  -EAGAIN: that would block, or it cannot be told. */
CoroDiskFile coro_disk_try_open (const char     *path,
                                 int             flags);
gssize       coro_disk_try_read (int             fd,
                                 gpointer        buffer,
                                 gsize           count,
                                 goffset         offset);

/* These suspend.  FALSE: the coroutine was cancelled or cannot wait, and nothing was done.
 * TRUE: the system call was made; its result may be -errno. */
gboolean     coro_disk_open     (const char     *path,
                                 int             flags,
                                 guint           mode,
                                 CoroDiskFile   *file,
                                 GError        **error);
gboolean     coro_disk_transfer (CoroRingOpcode       opcode,
                                 const CoroDiskFile  *file,
                                 gpointer             buffer,
                                 gsize                count,
                                 goffset              offset,
                                 gssize              *result,
                                 GError             **error);
gboolean     coro_disk_sync     (int             fd,
                                 gboolean        data_only,
                                 int            *result,
                                 GError        **error);
int          coro_disk_close    (CoroDiskFile   *file,
                                 gboolean        written);

/* What all of them do with a descriptor: an answer out of what the kernel remembers. */
int          coro_disk_stat     (int             fd,
                                 struct statx   *info);
int          coro_disk_examine  (CoroDiskFile   *file,
                                 struct statx   *info);
gboolean     coro_disk_has_ring (void);
void         coro_disk_learn    (const char     *path,
                                 gboolean        local);
void         coro_disk_set_error (GError       **error,
                                  int            error_number,
                                  const char    *what,
                                  const char    *name);

/* In a thread.  What suspends says FALSE where the coroutine was cancelled or cannot wait, and
 * nothing was done. */
gboolean     coro_disk_call              (CoroThreadFunc   func,
                                          gpointer         user_data,
                                          GError         **error);
gboolean     coro_disk_call_shielded     (CoroThreadFunc   func,
                                          gpointer         user_data);
gboolean     coro_disk_perform_in_thread (CoroRingCall    *call,
                                          GError         **error);
gboolean     coro_disk_open_in_thread    (const char      *path,
                                          int              flags,
                                          guint            mode,
                                          CoroDiskFile    *file,
                                          GError         **error);

/* For a thread, or a caller that may block.  A write without a position raises no SIGPIPE. */
int          coro_disk_perform           (const CoroRingCall *call);
int          coro_disk_open_fd           (const char      *path,
                                          int              flags,
                                          guint            mode);
void         coro_disk_open_blocking     (const char      *path,
                                          int              flags,
                                          guint            mode,
                                          CoroDiskFile    *file);

G_END_DECLS
