/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The state that a C++ runtime keeps for each thread: the exceptions that are being handled, and
 * the number of exceptions that are thrown and not caught yet.  The layout is a part of the
 * runtime's ABI (__cxa_eh_globals). */
typedef struct
{
  gpointer caught;
  guint uncaught;
#if defined (__arm__) && defined (__ARM_EABI__)
  gpointer propagating;
#endif
} CoroExceptions;

typedef CoroExceptions *(*CoroExceptionsFunc) (void);

/* The exception state of the calling thread, never NULL. */
extern __thread CoroExceptions *coro_exceptions __attribute__ ((tls_model ("initial-exec"), visibility ("hidden")));

void coro_exceptions_add_runtime   (CoroExceptionsFunc   func);
void coro_exceptions_follow        (void);
void coro_exceptions_switch        (void               **save_sp,
                                    void                *load_sp);

/* Whether the running stack handles an exception, or is being unwound for one. */
static inline gboolean
coro_exceptions_are_open (void)
{
  const CoroExceptions *self = coro_exceptions;

  return ((gsize) self->caught | self->uncaught) != 0;
}

G_END_DECLS
