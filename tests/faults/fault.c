/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not every processor has each of them: fork() is a clone() there, and so on. */
#define KIND(call, ...) { #call, SYS_##call, { __VA_ARGS__ } }

const FaultKind fault_kinds[] = {
  /* descriptors */
  KIND (epoll_create1, EMFILE, ENOMEM, EPERM, ENOSYS),
  KIND (epoll_ctl, ENOMEM, ENOSPC),
#ifdef SYS_epoll_wait
  KIND (epoll_wait, EINTR),
#endif
  KIND (epoll_pwait, EINTR),
  KIND (eventfd2, EMFILE, ENOMEM, ENOSYS),
  KIND (timerfd_create, EMFILE, ENOMEM, EPERM, ENOSYS),
  KIND (timerfd_settime, ENOMEM, EINVAL),
  KIND (pipe2, EMFILE, ENFILE),
  KIND (fcntl, EMFILE),
  KIND (ppoll, EINTR, ENOMEM),
#ifdef SYS_poll
  KIND (poll, EINTR, ENOMEM),
#endif
  KIND (close, EINTR, EIO),
  KIND (read, EINTR, EAGAIN, EIO),
  KIND (write, EINTR, EAGAIN, EIO, ENOSPC, EPIPE),
  /* files */
  KIND (io_uring_setup, EMFILE, ENOMEM, EPERM, ENOSYS),
  KIND (io_uring_enter, EINTR, EAGAIN, EBUSY, ENOMEM, EPERM),
  KIND (io_uring_register, EINVAL, ENOMEM),
  KIND (openat, EMFILE, ENOMEM, EINTR, EIO, ENOSPC, EACCES),
  KIND (openat2, EMFILE, EINTR, EAGAIN, EIO, EPERM, ENOSYS),
  KIND (pread64, EINTR, EIO),
  KIND (preadv2, EINTR, EAGAIN, EIO, EPERM, ENOSYS, EOPNOTSUPP),
  KIND (pwrite64, EINTR, EIO, ENOSPC),
  KIND (pwritev2, EINTR, EAGAIN, EIO, ENOSPC, EPERM, ENOSYS),
  KIND (fsync, EIO, EINTR, ENOSPC),
  KIND (fdatasync, EIO, ENOSPC),
  KIND (fallocate, ENOSPC, EOPNOTSUPP, EINTR),
  KIND (ftruncate, EINTR, EIO, EPERM),
  KIND (lseek, EINVAL, EIO),
#ifdef SYS_fstat
  KIND (fstat, EIO, ENOMEM),
#endif
#ifdef SYS_newfstatat
  KIND (newfstatat, EIO, ENOMEM),
#endif
  KIND (statx, EIO, EPERM, ENOSYS),
  KIND (fstatfs, EIO, ENOSYS),
  KIND (fchmod, EPERM, EIO),
  KIND (fchown, EPERM, EIO),
  KIND (flistxattr, EOPNOTSUPP, EIO),
  KIND (fgetxattr, EOPNOTSUPP, EIO),
  KIND (copy_file_range, EINTR, EIO, ENOSPC, EXDEV, EPERM, ENOSYS),
#ifdef SYS_rename
  KIND (rename, EIO, EXDEV, EPERM, ENOSPC),
  KIND (unlink, EIO, EPERM),
  KIND (readlink, EIO, EPERM),
#endif
  KIND (ioctl, EPERM, EIO),
  /* sockets: they say EAGAIN if there is nothing, or no room, and tell when that changes; never else */
  KIND (socket, EMFILE, ENOBUFS, EPERM),
  KIND (socketpair, EMFILE, ENOMEM),
  KIND (bind, EADDRINUSE, EACCES),
  KIND (listen, EADDRINUSE, EOPNOTSUPP),
  KIND (connect, ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL),
  KIND (accept4, EMFILE, ENOBUFS, ECONNABORTED, EHOSTUNREACH, EINTR, EPERM),
  KIND (recvfrom, EINTR, ECONNRESET, ENOMEM),
  KIND (recvmsg, EINTR, ECONNRESET, ENOMEM),
  KIND (sendto, EINTR, EPIPE, ENOBUFS, EPERM),
  KIND (sendmsg, EINTR, EPIPE, ENOBUFS, EPERM),
  KIND (sendfile, EINTR, EIO, EINVAL, ENOSYS, EPERM),
  KIND (getsockopt, ENOBUFS, EPERM),
  KIND (setsockopt, ENOBUFS, ENOPROTOOPT),
  KIND (getsockname, ENOBUFS),
  KIND (shutdown, ENOTCONN),
  /* memory and threads */
  KIND (mmap, ENOMEM, EAGAIN, EPERM),
  KIND (mprotect, ENOMEM, EACCES),
  KIND (munmap, ENOMEM),
  KIND (madvise, ENOMEM, EINVAL, EAGAIN, EPERM),
  KIND (clone3, EAGAIN, ENOSYS, EPERM),
  KIND (clone, EAGAIN, EPERM),
#ifdef SYS_fork
  KIND (fork, EAGAIN, ENOMEM),
#endif
  KIND (getrandom, EINTR, ENOSYS),
  KIND (sched_getaffinity, EPERM, ENOSYS),
};

const guint fault_n_kinds = G_N_ELEMENTS (fault_kinds);

/* What the thread answers by.  There is one filter in a process. */
static struct
{
  const FaultKind *kind;
  int error_number;
  int at;
  gboolean on;
  FaultLog *log;
  int listener;                 /* (atomic): -1 as long as there is no filter */
} fault = { .listener = -1 };

/* Some calls fail at certain things alone. */
static gboolean
may_fail (const struct seccomp_data *data)
{
  switch (data->nr)
    {
    case SYS_epoll_ctl:
      return data->args[1] == EPOLL_CTL_ADD;
    case SYS_fcntl:
      return data->args[1] == F_DUPFD || data->args[1] == F_DUPFD_CLOEXEC;
    case SYS_read:
    case SYS_write:
      /* What wakes a thread up, an eventfd, may at most be asked again. */
      return data->args[2] != sizeof (guint64) || fault.error_number == EINTR;
    case SYS_lseek:
      return data->args[2] != SEEK_CUR;
    default:
      return TRUE;
    }
}

static gboolean
is_to_fail (const struct seccomp_notif *call)
{
  const struct seccomp_data *data = &call->data;
  int n;

  if (g_atomic_int_get (&fault.log->quiet) || !may_fail (data))
    return FALSE;
  /* What a forked process wants to be closed, we cannot close. */
  if (data->nr == SYS_close && syscall (SYS_tgkill, getpid (), call->pid, 0) != 0)
    return FALSE;

  n = g_atomic_int_add (&fault.log->n_calls, 1) + 1;
  if (fault.at == 0 || !(fault.on ? n >= fault.at : n == fault.at))
    return FALSE;

  g_atomic_int_inc (&fault.log->n_failed);
  /* The kernel closes the descriptor whatever it says of it. */
  if (data->nr == SYS_close)
    close ((int) data->args[0]);
  return TRUE;
}

/* The kernel's structures may be longer than the structures of the kernel headers. */
typedef union
{
  struct seccomp_notif notif;
  struct seccomp_notif_resp answer;
  char room[512];
} Message;

static void *
answer_thread (void *unused)
{
  int listener;

  while ((listener = g_atomic_int_get (&fault.listener)) == -1)
    sched_yield ();

  while (listener >= 0)
    {
      Message call = { 0, }, answer = { 0, };

      if (ioctl (listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
        {
          if (errno == EINTR || errno == ENOENT)
            continue;
          break;
        }

      answer.answer.id = call.notif.id;
      if (is_to_fail (&call.notif))
        answer.answer.error = -fault.error_number;
      else
        answer.answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
      (void) !ioctl (listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
  return NULL;
}

/* FALSE: the kernel has no such filters, or an existing filter forbids new ones. */
gboolean
fault_arm (const FaultKind *kind,
           int              error_number,
           int              at,
           gboolean         on,
           FaultLog        *log)
{
  struct sock_filter filter[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (guint32) kind->number, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
  };
  struct sock_fprog program = { G_N_ELEMENTS (filter), filter };
  pthread_t thread;
  int listener;

  fault.kind = kind;
  fault.error_number = error_number;
  fault.at = at;
  fault.on = on;
  fault.log = log;
  if (pthread_create (&thread, NULL, answer_thread, NULL) != 0)
    return FALSE;

  listener = -1;
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
    listener = (int) syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  g_atomic_int_set (&fault.listener, listener >= 0 ? listener : -2);
  return listener >= 0;
}
