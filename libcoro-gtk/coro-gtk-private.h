/* libcoro-gtk: coroutines for GTK 4
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "coro-gtk.h"

#include <string.h>

G_BEGIN_DECLS

/* Attaches the default application: coroutines end with the application, and it waits for their
 * cleanup, without a call of the program. */
static inline void
coro_gtk_attach (void)
{
  GApplication *application = g_application_get_default ();

  if (application != NULL)
    coro_application_attach (application);
}

G_END_DECLS
