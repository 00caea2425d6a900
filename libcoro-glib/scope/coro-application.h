/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "coro-run.h"

G_BEGIN_DECLS

CORO_AVAILABLE_IN_ALL
void coro_application_attach (GApplication  *application);
CORO_AVAILABLE_IN_ALL
int  coro_application_run    (GApplication  *application,
                              int            argc,
                              char         **argv);

G_END_DECLS
