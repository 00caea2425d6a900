/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include <gio/gio.h>

#include "../coro-version-macros.h"

G_BEGIN_DECLS

/* A variable of which every coroutine has a value of its own. */
typedef struct _CoroContextVar CoroContextVar;

/**
 * CoroContextToken: (skip)
 *
 * A guard: a context variable has its value until the block of C is left.
 *
 * Since: 0.1
 */
typedef struct
{
  /*< private >*/
  CoroContextVar *var;
  gpointer slot;
  guint64 serial;
} CoroContextToken G_GNUC_UNUSED;

CORO_AVAILABLE_IN_ALL
CoroContextVar   *coro_context_var_new        (const char        *name,
                                               GType              type,
                                               const GValue      *fallback);
CORO_AVAILABLE_IN_ALL
void              coro_context_var_free       (CoroContextVar    *self);
CORO_AVAILABLE_IN_ALL
const char       *coro_context_var_get_name   (CoroContextVar    *self);
CORO_AVAILABLE_IN_ALL
gboolean          coro_context_var_get        (CoroContextVar    *self,
                                               GValue            *value,
                                               GError           **error);
CORO_AVAILABLE_IN_ALL
const char       *coro_context_var_get_string (CoroContextVar    *self);
CORO_AVAILABLE_IN_ALL
int               coro_context_var_get_int    (CoroContextVar    *self);
CORO_AVAILABLE_IN_ALL
gpointer          coro_context_var_get_object (CoroContextVar    *self);
CORO_AVAILABLE_IN_ALL
CoroContextToken  coro_context_var_set        (CoroContextVar    *self,
                                               const GValue      *value);
CORO_AVAILABLE_IN_ALL
CoroContextToken  coro_context_var_set_string (CoroContextVar    *self,
                                               const char        *value);
CORO_AVAILABLE_IN_ALL
CoroContextToken  coro_context_var_set_int    (CoroContextVar    *self,
                                               int                value);
CORO_AVAILABLE_IN_ALL
CoroContextToken  coro_context_var_set_object (CoroContextVar    *self,
                                               gpointer           object);
CORO_AVAILABLE_IN_ALL
void              coro_context_token_clear    (CoroContextToken  *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CoroContextToken, coro_context_token_clear)

G_END_DECLS
