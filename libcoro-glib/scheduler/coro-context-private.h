/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* The values of context variables: an immutable list, the latest first, so that a new
 * coroutine copies its parent's with one reference.  May be shared by threads. */
typedef struct _CoroContextValue CoroContextValue;
struct _CoroContextValue
{
  gatomicrefcount ref_count;
  guint depth;                  /* how many there are from here on */
  guint64 serial;               /* which call has set it */
  CoroContextValue *parent;     /* (nullable) (owned) */
  gconstpointer key;
  GValue value;                 /* empty: unset */
};

CoroContextValue *coro_context_value_new         (CoroContextValue *parent,
                                                  gconstpointer     key,
                                                  const GValue     *value);
CoroContextValue *coro_context_value_ref         (CoroContextValue *self);
void              coro_context_value_unref       (CoroContextValue *self);
CoroContextValue *coro_context_value_find        (CoroContextValue *self,
                                                  gconstpointer     key);
CoroContextValue *coro_context_value_find_serial (CoroContextValue *self,
                                                  guint64           serial);

/* Where the values of the running coroutine, or of the thread outside of one, are kept. */
CoroContextValue **coro_context_get_slot    (void);
CoroContextValue  *coro_context_dup_current (void);
void               coro_context_call        (CoroContextValue *values,
                                             void            (*func) (gpointer data),
                                             gpointer          data);

G_END_DECLS
