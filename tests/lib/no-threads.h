/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>
#include <pthread.h>

/* Under valgrind the refusal is EINVAL, at which GLib ends the process. */
static inline gboolean
can_forbid_threads (void)
{
  return g_getenv ("CORO_TEST_VALGRIND") == NULL;
}

/* While threads are forbidden each asks for a stack that no machine has. */
static inline void
forbid_threads (gboolean forbid)
{
  static size_t usual_size;
  pthread_attr_t attributes;

  g_assert_cmpint (pthread_getattr_default_np (&attributes), ==, 0);
  if (usual_size == 0)
    g_assert_cmpint (pthread_attr_getstacksize (&attributes, &usual_size), ==, 0);
  g_assert_cmpint (pthread_attr_setstacksize (&attributes, forbid ? G_MAXSIZE / 4 : usual_size), ==, 0);
  g_assert_cmpint (pthread_setattr_default_np (&attributes), ==, 0);
  pthread_attr_destroy (&attributes);
}
