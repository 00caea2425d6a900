/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "loop/coro-inbox-private.h"

/* Returns whether the inbox was empty: only then the reader needs a wake-up. */
gboolean
coro_inbox_push (CoroInbox   *self,
                 CoroMessage *message)
{
  CoroMessage *head;

  do
    {
      head = g_atomic_pointer_get (&self->head);
      message->next = head;
    }
  while (!g_atomic_pointer_compare_and_exchange (&self->head, head, message));

  return head == NULL;
}

/* All messages so far, the oldest first. */
CoroMessage *
coro_inbox_take_all (CoroInbox *self)
{
  CoroMessage *head, *ordered = NULL;

  do
    head = g_atomic_pointer_get (&self->head);
  while (!g_atomic_pointer_compare_and_exchange (&self->head, head, NULL));

  while (head != NULL)
    {
      CoroMessage *next = head->next;

      head->next = ordered;
      ordered = head;
      head = next;
    }

  return ordered;
}
