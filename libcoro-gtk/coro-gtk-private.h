/* libcoro-gtk: coroutines for GTK 4
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "coro-gtk.h"

#include <string.h>

G_BEGIN_DECLS

/* The coroutines of a program with windows end with its application, and keep it for their
 * cleanup, unasked. */
static inline void
coro_gtk_attach (void)
{
  GApplication *application = g_application_get_default ();

  if (application != NULL)
    coro_application_attach (application);
}

G_END_DECLS
