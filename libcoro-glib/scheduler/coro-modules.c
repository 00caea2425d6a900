/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-modules-private.h"

#include "fiber/coro-fork-private.h"
#include "scheduler/coro-foreign-frame-private.h"

#include <link.h>
#include <string.h>

/* What the process has loaded: some of it asks for something of all coroutines.  It is
 * looked at by name, because nothing of it may be linked, and again whenever something was
 * loaded: a plugin, or a module of a language, may bring it at any time. */

gboolean coro_modules_have_gtk;

CORO_FORK_LOCK (refresh_lock, CORO_FORK_LAST)

static int
count_cb (struct dl_phdr_info *info,
          size_t               size,
          void                *data)
{
  *(unsigned long long *) data = info->dlpi_adds;
  return 1;
}

static int
scan_cb (struct dl_phdr_info *info,
         size_t               size,
         void                *data)
{
  const char *name = strrchr (info->dlpi_name, '/');

  name = name != NULL ? name + 1 : info->dlpi_name;
  coro_foreign_frame_consider (info, name);
  if (g_str_has_prefix (name, "libgtk-"))
    g_atomic_int_set (&coro_modules_have_gtk, TRUE);
  return 0;
}

/* Looks for what was loaded since the last time; 20 ns when nothing was. */
void
coro_modules_refresh (void)
{
  static unsigned long long seen;       /* (atomic): how many modules had been loaded at the last scan */
  unsigned long long adds = 0;

  dl_iterate_phdr (count_cb, &adds);
  if (G_LIKELY (adds == __atomic_load_n (&seen, __ATOMIC_RELAXED)))
    return;

  g_mutex_lock (&refresh_lock);
  dl_iterate_phdr (scan_cb, NULL);
  __atomic_store_n (&seen, adds, __ATOMIC_RELAXED);
  g_mutex_unlock (&refresh_lock);
}
