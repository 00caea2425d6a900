/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _CoroMessage CoroMessage;
typedef void (*CoroMessageFunc) (CoroMessage *message);

/* Embedded in whatever one thread tells another. */
struct _CoroMessage
{
  CoroMessage *next;
  CoroMessageFunc handle;       /* runs in the scheduler's dispatch, on its thread */
};

/* From any thread to one: a lock-free stack that its reader takes whole and turns
 * around, so that messages of one sender arrive in order. */
typedef struct
{
  CoroMessage *head;            /* (atomic) */
} CoroInbox;

gboolean     coro_inbox_push     (CoroInbox   *self,
                                  CoroMessage *message);
CoroMessage *coro_inbox_take_all (CoroInbox   *self);

static inline gboolean
coro_inbox_is_empty (CoroInbox *self)
{
  return g_atomic_pointer_get (&self->head) == NULL;
}

G_END_DECLS
