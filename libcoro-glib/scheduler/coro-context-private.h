/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* The values of context variables: an immutable list, the latest first, so that a new
 * coroutine copies its parent's with one reference.  May be shared by threads. */
typedef struct _CoroBinding CoroBinding;
struct _CoroBinding
{
  gatomicrefcount ref_count;
  guint depth;                  /* how many there are from here on */
  guint64 serial;               /* which call has set it */
  CoroBinding *parent;          /* (nullable) (owned) */
  gconstpointer key;
  GValue value;                 /* empty: unset */
};

CoroBinding  *coro_binding_new         (CoroBinding        *parent,
                                        gconstpointer       key,
                                        const GValue       *value);
CoroBinding  *coro_binding_ref         (CoroBinding        *self);
void          coro_binding_unref       (CoroBinding        *self);
CoroBinding  *coro_binding_find        (CoroBinding        *self,
                                        gconstpointer       key);
CoroBinding  *coro_binding_find_serial (CoroBinding        *self,
                                        guint64             serial);

/* Where the values of the running coroutine, or of the thread outside of one, are kept. */
CoroBinding **coro_context_get_slot    (void);
CoroBinding  *coro_context_dup_current (void);
void          coro_context_call        (CoroBinding        *bindings,
                                        void              (*func) (gpointer data),
                                        gpointer            data);

G_END_DECLS
