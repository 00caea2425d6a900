/* libcoro-gtk: coroutines for GTK 4
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gtk/gtk.h>

#include "../../demo-app/demo-warnings.h"

/* Begins a test program that needs a display.  Returns whether there is one. */
static gboolean
test_display_init (int    *argc,
                   char ***argv)
{
  g_test_init (argc, argv, NULL);
  demo_warnings_forgive_gtk ();
  if (gtk_init_check ())
    return TRUE;

  g_print ("1..0 # SKIP no display\n");
  return FALSE;
}
