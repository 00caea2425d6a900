/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scheduler/coro-waiter-private.h"

G_BEGIN_DECLS

typedef struct _CoroRing CoroRing;
typedef struct _CoroFileOp CoroFileOp;

typedef enum
{
  CORO_FILE_OP_CLOSE,
  CORO_FILE_OP_OPEN,
  CORO_FILE_OP_READ,
  CORO_FILE_OP_SYNC,
  CORO_FILE_OP_WRITE,
  CORO_FILE_N_OPCODES
} CoroFileOpcode;

typedef enum
{
  CORO_RING_QUEUED,             /* the kernel has not heard of it */
  CORO_RING_SUBMITTED,          /* it has: what the call points to must stay */
  CORO_RING_DONE
} CoroRingState;

/* A system call that the kernel makes on its own, on the stack of the coroutine that waits
 * for it.  The fields are those of a submission. */
struct _CoroFileOp
{
  CoroWaiter waiter;
  CoroRing *ring;
  CoroFileOp *previous;         /* (nullable): among those of its state */
  CoroFileOp *next;
  CoroFileOp *next_cancelled; /* (nullable) */
  CoroRingState state;
  gboolean cancelled;           /* is to be called off, and the kernel has not been told */
  int result;                   /* what the system call returned, or -errno */

  CoroFileOpcode opcode;
  gboolean elsewhere;           /* by a thread of the kernel's even if it would not block: copies a lot */
  int fd;
  gconstpointer address;
  guint32 length;
  guint64 offset;
  guint32 flags;                /* those of open() or fsync's */
};

CoroRing *coro_ring_new       (CoroScheduler  *scheduler,
                               int            *error_number);
void      coro_ring_free      (CoroRing       *self);
gboolean  coro_ring_is_broken (CoroRing       *self);
gboolean  coro_ring_run       (CoroRing       *self,
                               CoroFileOp     *call,
                               GError        **error);

G_END_DECLS
