/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The runtime of C++ comes with a module, while coroutines run.
 */
#include "test-util.h"

#include <dlfcn.h>

static const char *path;

static gboolean
load_and_run_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  static const char * const names[] = { "one", "two", "three" };
  CoroTask *tasks[3];
  gpointer module;
  CoroFunc func;

  g_assert_null (dlsym (RTLD_DEFAULT, "__cxa_get_globals"));
  module = dlopen (path, RTLD_NOW | RTLD_LOCAL);
  if (module == NULL)
    g_error ("%s", dlerror ());
  func = (CoroFunc) dlsym (module, "cxx_catch_and_wait");
  g_assert_nonnull (func);

  for (int i = 0; i < 3; i++)
    tasks[i] = coro_spawn_task (func, (gpointer) names[i], NULL);
  for (int i = 0; i < 3; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      if (!coro_await (tasks[i], &value, error))
        return FALSE;
      g_assert_true (g_value_get_boolean (&value));
      g_object_unref (tasks[i]);
    }
  return TRUE;
}

static void
test_loaded_later (void)
{
  g_autoptr (GError) error = NULL;

  coro_run (load_and_run_cb, NULL, NULL, &error);
  g_assert_no_error (error);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  path = g_getenv ("CORO_TEST_CXX_MODULE");

  g_test_add_func ("/cxx/loaded-later", test_loaded_later);

  return g_test_run ();
}
