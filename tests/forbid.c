/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * forbid ERRNO CALL… -- PROGRAM ARGUMENT…: runs a program for which some system calls fail, as
 * they do in a container.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct
{
  const char *name;
  unsigned int number;
} calls[] = {
  { "copy_file_range", SYS_copy_file_range },
  { "epoll_create1", SYS_epoll_create1 },
  { "eventfd2", SYS_eventfd2 },
  { "io_uring_setup", SYS_io_uring_setup },
  { "openat2", SYS_openat2 },
  { "preadv2", SYS_preadv2 },
  { "pwritev2", SYS_pwritev2 },
  { "statx", SYS_statx },
  { "timerfd_create", SYS_timerfd_create },
};

static unsigned int
get_call (const char *name)
{
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
    if (strcmp (calls[i].name, name) == 0)
      return calls[i].number;

  fprintf (stderr, "forbid: unknown system call %s\n", name);
  exit (2);
}

static void
forbid (unsigned int call,
        unsigned int error_number)
{
  struct sock_filter filter[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error_number),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
  };
  struct sock_fprog program = { sizeof filter / sizeof filter[0], filter };

  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
    {
      printf ("1..0 # SKIP system calls cannot be forbidden here: %s\n", strerror (errno));
      exit (0);
    }
}

int
main (int    argc,
      char **argv)
{
  unsigned int error_number = argc > 1 && strcmp (argv[1], "ENOSYS") == 0 ? ENOSYS : EPERM;
  int i;

  for (i = 2; i < argc && strcmp (argv[i], "--") != 0; i++)
    forbid (get_call (argv[i]), error_number);
  if (i + 1 >= argc)
    {
      fprintf (stderr, "Usage: forbid EPERM|ENOSYS CALL... -- PROGRAM ARGUMENT...\n");
      return 2;
    }

  execv (argv[i + 1], argv + i + 1);
  perror (argv[i + 1]);
  return 2;
}
