/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scheduler/coro-waiter-private.h"

G_BEGIN_DECLS

typedef struct _CoroRing CoroRing;
typedef struct _CoroRingCall CoroRingCall;

typedef enum
{
  CORO_RING_CLOSE,
  CORO_RING_OPEN,
  CORO_RING_READ,
  CORO_RING_SYNC,
  CORO_RING_WRITE,
  CORO_RING_N_OPCODES
} CoroRingOpcode;

typedef enum
{
  CORO_RING_QUEUED,             /* the kernel has not heard of it */
  CORO_RING_SUBMITTED,          /* it has: what the call points to must stay */
  CORO_RING_DONE
} CoroRingState;

/* A system call that the kernel makes on its own, on the stack of the coroutine that waits
 * for it.  The fields are those of a submission. */
struct _CoroRingCall
{
  CoroWaiter waiter;
  CoroRing *ring;
  CoroRingCall *previous;       /* (nullable): among those of its state */
  CoroRingCall *next;
  CoroRingCall *next_cancelled; /* (nullable) */
  CoroRingState state;
  gboolean cancelled;           /* is to be called off, and the kernel has not been told */
  int result;                   /* what the system call returned, or -errno */

  CoroRingOpcode opcode;
  gboolean elsewhere;           /* by a thread of the kernel's even if it would not block: copies a lot */
  int fd;
  gconstpointer address;
  guint32 length;
  guint64 offset;
  guint32 flags;                /* those of open() or fsync's */
};

CoroRing *coro_ring_new     (CoroScheduler  *scheduler,
                             int            *error_number);
void      coro_ring_free    (CoroRing       *self);
gboolean  coro_ring_is_broken (CoroRing     *self);
gboolean  coro_ring_run     (CoroRing       *self,
                             CoroRingCall   *call,
                             GError        **error);

G_END_DECLS
