/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

#include "coro-version.h"

/* Every public function starts with one of these; everything else is hidden. */
#ifndef _CORO_EXTERN
# if defined (__GNUC__)
#  define _CORO_EXTERN __attribute__ ((visibility ("default"))) extern
# else
#  define _CORO_EXTERN extern
# endif
#endif

#define CORO_AVAILABLE_IN_ALL _CORO_EXTERN
#define CORO_AVAILABLE_IN_0_1 _CORO_EXTERN
