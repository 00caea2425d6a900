/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What SIGINT does while a program of ours runs: it cancels the main coroutine, or quits
 * the application. */
typedef struct
{
  void (*func) (gpointer data); /* on the thread stack */
  gpointer data;                /* (unowned) */
  GSource *source;              /* (nullable) (owned): NULL while the signal has another handler */
  gboolean interrupted;
  gboolean ending;              /* for another reason, so a later SIGINT is not the cause */
} CoroInterrupt;

void coro_interrupt_begin (CoroInterrupt *self,
                           GMainContext  *context,
                           void         (*func) (gpointer data),
                           gpointer       data);
void coro_interrupt_end   (CoroInterrupt *self);

G_END_DECLS
