/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a C program loads while it runs, and with it the runtime of C++.
 */
#include <coro-glib/coro-glib.h>

#include <string>

extern "C" __attribute__ ((visibility ("default"))) gboolean cxx_catch_and_wait (gpointer   name,
                                                                                  GValue    *result,
                                                                                  GError   **error);

gboolean
cxx_catch_and_wait (gpointer   name,
                    GValue    *result,
                    GError   **error)
{
  try
    {
      try
        {
          throw std::string (static_cast<const char *> (name));
        }
      catch (std::string &)
        {
          if (!coro_yield (error) || !coro_yield (error))
            return FALSE;
          throw;
        }
    }
  catch (std::string &mine)
    {
      return coro_return_boolean (result, mine == static_cast<const char *> (name));
    }
}
