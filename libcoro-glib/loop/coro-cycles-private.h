/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* More than a µs has: a counter that went on while the system slept must not be believed. */
#ifdef __aarch64__
# define CORO_CYCLES_MAX 1000
#else
# define CORO_CYCLES_MAX 10000
#endif

/* A counter of the processor that goes on evenly, for less than the clock (7 ns instead of
 * 25).  Differences are a hint: another processor may count from elsewhere.  0 where there is
 * none. */
static inline guint64
coro_cycles (void)
{
#if defined (__x86_64__)
  return __builtin_ia32_rdtsc ();
#elif defined (__aarch64__)
  guint64 cycles;

  __asm__ volatile ("mrs %0, cntvct_el0" : "=r" (cycles));
  return cycles;
#else
  return 0;
#endif
}

G_END_DECLS
