/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "fiber/coro-guard-page-private.h"

#include "base/coro-error.h"
#include "fiber/coro-stack-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef HAVE_VALGRIND
# include <valgrind/valgrind.h>
#else
# define RUNNING_ON_VALGRIND 0
#endif

/* Addresses below a stack that fault.
 *
 * MADV_GUARD_INSTALL (Linux 6.13) marks the guard in the page table and leaves the VMA
 * whole.  Before that, mprotect() cuts a VMA out of the slab, two for each stack, and
 * vm.max_map_count (65530) bounds how many there can be.  We stop at a quarter of it,
 * with a GError, because the rest of the process needs mappings as well. */

#ifndef MADV_GUARD_INSTALL
# define MADV_GUARD_INSTALL 102
#endif

/* valgrind handles 30000 mappings, and each guard takes two. */
#define MAX_UNDER_VALGRIND 10000

typedef enum
{
  GUARDS_UNTRIED,
  GUARDS_BY_MADVISE,
  GUARDS_BY_MPROTECT
} CoroGuards;

static int guards;              /* (atomic): CoroGuards */
static int n_mprotected;        /* (atomic): over all pools of the process */
static int max_mprotected;      /* (atomic): 0 until it is known */

static int
get_max_mprotected (void)
{
  int limit = g_atomic_int_get (&max_mprotected);

  if (limit == 0)
    {
      g_autofree char *text = NULL;

      limit = 65530 / 4;
      if (g_file_get_contents ("/proc/sys/vm/max_map_count", &text, NULL, NULL))
        limit = (int) CLAMP (g_ascii_strtoll (text, NULL, 10) / 4, 1, G_MAXINT);
      if (RUNNING_ON_VALGRIND)
        limit = MIN (limit, MAX_UNDER_VALGRIND);
      g_atomic_int_set (&max_mprotected, limit);
    }

  return limit;
}

void
coro_stack_pool_use_mprotect (guint limit)
{
  g_atomic_int_set (&guards, GUARDS_BY_MPROTECT);
  g_atomic_int_set (&max_mprotected, (int) limit);
}

guint
coro_stack_pool_get_n_guards (void)
{
  return (guint) g_atomic_int_get (&n_mprotected);
}

/* Has the kernel read it: EFAULT, and no signal, says that it is a guard.  (An emulator
 * such as qemu-user answers 0 to every advice that it does not know.) */
static gboolean
faults (const char *address)
{
  gboolean readable;
  int fds[2];

  if (pipe2 (fds, O_CLOEXEC) != 0)
    return TRUE;

  readable = write (fds[1], address, 1) == 1;
  close (fds[0]);
  close (fds[1]);
  return !readable;
}

static gboolean
guard_by_madvise (char  *address,
                  gsize  size)
{
  int mode = g_atomic_int_get (&guards);

  if (mode == GUARDS_BY_MPROTECT)
    return FALSE;

  /* valgrind 3.27 keeps a list of such guards, and ends at the 500th page. */
  if (mode == GUARDS_UNTRIED && RUNNING_ON_VALGRIND)
    {
      g_atomic_int_set (&guards, GUARDS_BY_MPROTECT);
      return FALSE;
    }

  if (madvise (address, size, MADV_GUARD_INSTALL) == 0
      && (mode == GUARDS_BY_MADVISE || faults (address)))
    {
      if (mode == GUARDS_UNTRIED)
        g_atomic_int_set (&guards, GUARDS_BY_MADVISE);
      return TRUE;
    }

  /* An older kernel, or locked memory (mlockall), which cannot have such guards. */
  g_atomic_int_set (&guards, GUARDS_BY_MPROTECT);
  return FALSE;
}

static gboolean
guard_by_mprotect (char    *address,
                   gsize    size,
                   GError **error)
{
  int limit = get_max_mprotected ();

  if (g_atomic_int_add (&n_mprotected, 1) >= limit)
    {
      g_atomic_int_add (&n_mprotected, -1);
      g_set_error (error, CORO_ERROR, CORO_ERROR_NO_STACK,
                   "No stack for another coroutine: %d exist, and the kernel's "
                   "vm.max_map_count must leave room for other mappings", limit);
      return FALSE;
    }

  if (mprotect (address, size, PROT_NONE) != 0)
    {
      int saved_errno = errno;

      g_atomic_int_add (&n_mprotected, -1);
      g_set_error (error, CORO_ERROR, CORO_ERROR_NO_STACK,
                   "No stack for another coroutine: %s", g_strerror (saved_errno));
      return FALSE;
    }

  return TRUE;
}

/* Sets *mprotected to whether the guard counts for coro_guard_page_release(), which is to be
 * called once it has been unmapped. */
gboolean
coro_guard_page_install (char      *address,
                         gsize      size,
                         gboolean  *mprotected,
                         GError   **error)
{
  *mprotected = FALSE;
  if (guard_by_madvise (address, size))
    return TRUE;

  *mprotected = guard_by_mprotect (address, size, error);
  return *mprotected;
}

void
coro_guard_page_release (guint count)
{
  g_atomic_int_add (&n_mprotected, -(int) count);
}
