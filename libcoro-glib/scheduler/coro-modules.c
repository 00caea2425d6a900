/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-modules-private.h"

#include "fiber/coro-exceptions-private.h"
#include "base/coro-fork-private.h"
#include "scheduler/coro-foreign-frame-private.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

/* Some modules of the process matter to all coroutines: GTK, C++ runtimes, language bindings.  They
 * are found by name, because the library must not link them.  The search is repeated after each
 * load of a module, because a plugin or a language may load them at any time. */

gboolean coro_modules_have_gtk;

/* The runtimes of C++, which have a state for each thread; see coro-exceptions.c. */
static const char * const runtime_prefixes[] = { "libstdc++.so", "libc++abi.so", "libcxxrt.so" };

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
  GPtrArray *runtimes = data;
  const char *name = strrchr (info->dlpi_name, '/');

  name = name != NULL ? name + 1 : info->dlpi_name;
  coro_foreign_frame_consider (info, name);
  if (g_str_has_prefix (name, "libgtk-"))
    g_atomic_int_set (&coro_modules_have_gtk, TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (runtime_prefixes); i++)
    if (g_str_has_prefix (name, runtime_prefixes[i]))
      g_ptr_array_add (runtimes, g_strdup (info->dlpi_name));
  return 0;
}

/* Replaces each path by the function of this library.  No lock may be held: dlopen() takes its
 * locks in another order than dl_iterate_phdr(), and runs constructors under them. */
static void
find_runtimes (GPtrArray *runtimes)
{
  for (guint i = 0; i < runtimes->len; i++)
    {
      g_autofree char *path = runtimes->pdata[i];
      /* Stays open, because its function may be called at any time. */
      gpointer library = dlopen (path, RTLD_LAZY | RTLD_NOLOAD);

      runtimes->pdata[i] = library != NULL ? dlsym (library, "__cxa_get_globals") : NULL;
    }

  g_ptr_array_add (runtimes, dlsym (RTLD_DEFAULT, "__cxa_get_globals"));        /* a runtime inside the program */
}

static void
add_runtime_cb (gpointer func,
                gpointer user_data)
{
  if (func != NULL)
    coro_exceptions_add_runtime ((CoroExceptionsFunc) func);
}

/* Looks at the modules that were loaded since the last call; takes 20 ns if there are none. */
void
coro_modules_refresh (void)
{
  static unsigned long long seen;       /* (atomic): how many modules had been loaded at the last scan */
  g_autoptr (GPtrArray) runtimes = NULL;
  unsigned long long adds = 0;

  dl_iterate_phdr (count_cb, &adds);
  if (G_LIKELY (adds == __atomic_load_n (&seen, __ATOMIC_RELAXED)))
    return;

  g_mutex_lock (&refresh_lock);
  runtimes = g_ptr_array_new ();
  dl_iterate_phdr (scan_cb, runtimes);
  g_mutex_unlock (&refresh_lock);

  find_runtimes (runtimes);

  g_mutex_lock (&refresh_lock);
  g_ptr_array_foreach (runtimes, add_runtime_cb, NULL);
  __atomic_store_n (&seen, adds, __ATOMIC_RELAXED);
  g_mutex_unlock (&refresh_lock);
}
