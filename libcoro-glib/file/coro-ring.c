/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "file/coro-ring-private.h"

#include "base/coro-container-private.h"
#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-scheduler-private.h"

#include <errno.h>
#include <liburing.h>

/* io_uring for one scheduler.  Everything in here belongs to its thread.
 *
 * What coroutines ask for in one turn goes to the kernel together: an operation joins a queue,
 * and a function at the end of the scheduler's ready queue submits that in one system
 * call, from which what needed no waiting comes back at once. */
struct _CoroRing
{
  struct io_uring ring;
  CoroScheduler *scheduler;     /* (unowned): owns us */
  CoroWatch watch;              /* of the ring's descriptor */
  gboolean mapped;              /* there is a ring */
  CoroReady flush;
  gboolean flush_queued;
  gboolean broken;              /* the kernel takes no more: what is queued fails with ENOSYS */
  GSource *glance;              /* (nullable) (owned): for a ring whose descriptor is not ours any more */
  guint n_forks;                /* of the process that has it */
  guint n_submitted;
  CoroFileOp *queue_head;       /* (nullable) */
  CoroFileOp *queue_tail;       /* (nullable) */
  CoroFileOp *submitted;        /* (nullable) */
  CoroFileOp *cancelled;        /* (nullable): by next_cancelled */
};

/* One page of submissions. */
#define N_ENTRIES 64
/* So many operations are under way at the most; the rest waits in our queue.  Half of what
 * completions have room for: each operation may come with a request to call it off. */
#define MAX_SUBMITTED N_ENTRIES
/* ms between two looks at what is under way where nothing tells of it any more. */
#define GLANCE_PERIOD 10

static const guint8 opcodes[CORO_FILE_N_OPCODES] = {
  [CORO_FILE_OP_CLOSE] = IORING_OP_CLOSE,
  [CORO_FILE_OP_OPEN] = IORING_OP_OPENAT,
  [CORO_FILE_OP_READ] = IORING_OP_READ,
  [CORO_FILE_OP_SYNC] = IORING_OP_FSYNC,
  [CORO_FILE_OP_WRITE] = IORING_OP_WRITE
};

/* A child has the descriptor and the mapping of its parent's ring, and must not touch
 * them: it would take completions that are the parent's. */
static inline gboolean
ring_is_foreign (CoroRing *self)
{
  return G_UNLIKELY (self->n_forks != coro_n_forks);
}

/* --- lists of calls --------------------------------------------------------------- */

static void
ring_queue (CoroRing   *self,
            CoroFileOp *op)
{
  op->state = CORO_RING_QUEUED;
  op->next = NULL;
  op->previous = self->queue_tail;
  if (op->previous != NULL)
    op->previous->next = op;
  else
    self->queue_head = op;
  self->queue_tail = op;
}

static void
ring_unqueue (CoroRing   *self,
              CoroFileOp *op)
{
  g_assert (op->state == CORO_RING_QUEUED);

  if (op->previous != NULL)
    op->previous->next = op->next;
  else
    self->queue_head = op->next;
  if (op->next != NULL)
    op->next->previous = op->previous;
  else
    self->queue_tail = op->previous;
}

static void
ring_add_submitted (CoroRing   *self,
                    CoroFileOp *op)
{
  op->state = CORO_RING_SUBMITTED;
  op->previous = NULL;
  op->next = self->submitted;
  if (op->next != NULL)
    op->next->previous = op;
  self->submitted = op;
  self->n_submitted++;
}

static void
ring_remove_cancelled (CoroRing   *self,
                       CoroFileOp *op)
{
  CoroFileOp **link = &self->cancelled;

  while (*link != op)
    link = &(*link)->next_cancelled;
  *link = op->next_cancelled;
  op->cancelled = FALSE;
}

static void
ring_remove_submitted (CoroRing   *self,
                       CoroFileOp *op)
{
  g_assert (op->state == CORO_RING_SUBMITTED);

  if (op->previous != NULL)
    op->previous->next = op->next;
  else
    self->submitted = op->next;
  if (op->next != NULL)
    op->next->previous = op->previous;
  self->n_submitted--;
  if (op->cancelled)
    ring_remove_cancelled (self, op);
}

static void
ring_complete (CoroRing   *self,
               CoroFileOp *op,
               int         result)
{
  op->state = CORO_RING_DONE;
  op->result = result;
  coro_waiter_wake (&op->waiter);
}

/* --- talking to the kernel -------------------------------------------------------- */

static void
ring_flush_later (CoroRing *self)
{
  if (self->flush_queued)
    return;

  self->flush_queued = TRUE;
  coro_scheduler_push (self->scheduler, &self->flush);
}

static void
prepare_call (struct io_uring_sqe *sqe,
              CoroFileOp          *op)
{
  io_uring_prep_rw (opcodes[op->opcode], sqe, op->fd, op->address, op->length, op->offset);
  sqe->rw_flags = (int) op->flags;
  if (op->elsewhere)
    sqe->flags |= IOSQE_ASYNC;
  io_uring_sqe_set_data (sqe, op);
}

/* Completions of these have no data and are dropped: the operation itself tells how it ended. */
static void
prepare_cancel (struct io_uring_sqe *sqe,
                CoroFileOp          *op)
{
  io_uring_prep_cancel (sqe, op, 0);
  io_uring_sqe_set_data (sqe, NULL);
}

static void
ring_prepare (CoroRing *self)
{
  struct io_uring_sqe *sqe;

  while (self->cancelled != NULL && (sqe = io_uring_get_sqe (&self->ring)) != NULL)
    {
      CoroFileOp *op = self->cancelled;

      ring_remove_cancelled (self, op);
      prepare_cancel (sqe, op);
    }

  while (self->queue_head != NULL && self->n_submitted < MAX_SUBMITTED &&
         (sqe = io_uring_get_sqe (&self->ring)) != NULL)
    {
      CoroFileOp *op = self->queue_head;

      ring_unqueue (self, op);
      ring_add_submitted (self, op);
      prepare_call (sqe, op);
    }
}

/* What is queued is not going to be submitted. */
static void
ring_refuse (CoroRing *self)
{
  while (self->queue_head != NULL)
    {
      CoroFileOp *op = self->queue_head;

      ring_unqueue (self, op);
      ring_complete (self, op, -ENOSYS);
    }
  while (self->cancelled != NULL)
    ring_remove_cancelled (self, self->cancelled);
}

/* The kernel refuses for good, as it does when a filter for system calls has been installed
 * since.  Calls that were not submitted are told; the others still end. */
static void
ring_break (CoroRing *self)
{
  struct io_uring_sq *sq = &self->ring.sq;
  unsigned n_left = io_uring_sq_ready (&self->ring);

  self->broken = TRUE;
  for (unsigned i = 1; i <= n_left; i++)
    {
      CoroFileOp *op = (CoroFileOp *) (gsize) sq->sqes[(sq->sqe_tail - i) & *sq->kring_mask].user_data;

      if (op == NULL)
        continue;
      ring_remove_submitted (self, op);
      ring_complete (self, op, -ENOSYS);
    }
  ring_refuse (self);
}

static void
ring_submit (CoroRing *self)
{
  int result;

  if (self->broken)
    {
      ring_refuse (self);
      return;
    }

  ring_prepare (self);
  result = io_uring_submit (&self->ring);
  /* EAGAIN: no memory at the moment; EBUSY: completions first. */
  if (result < 0 && result != -EAGAIN && result != -EBUSY && result != -EINTR)
    ring_break (self);
}

static void
ring_reap (CoroRing *self)
{
  struct io_uring_cqe *cqe;

  while (io_uring_peek_cqe (&self->ring, &cqe) == 0)
    {
      CoroFileOp *op = io_uring_cqe_get_data (cqe);
      int result = cqe->res;

      io_uring_cqe_seen (&self->ring, cqe);
      if (op == NULL)
        continue;
      ring_remove_submitted (self, op);
      ring_complete (self, op, result);
    }
}

static gboolean
ring_has_more (CoroRing *self)
{
  if (self->broken)
    return self->queue_head != NULL;
  return self->cancelled != NULL || io_uring_sq_ready (&self->ring) > 0 ||
         (self->queue_head != NULL && self->n_submitted < MAX_SUBMITTED);
}

static void ring_renew (CoroRing *self);

static void
flush_cb (CoroReady *ready)
{
  CoroRing *self = CORO_CONTAINER_OF (ready, CoroRing, flush);

  self->flush_queued = FALSE;
  if (ring_is_foreign (self))
    ring_renew (self);

  ring_submit (self);
  if (self->mapped)
    ring_reap (self);
  if (ring_has_more (self))
    ring_flush_later (self);
}

static const CoroReadyClass flush_class = { flush_cb, NULL };

/* --- the descriptor --------------------------------------------------------------- */

static void
ring_ready_cb (CoroWatch *watch,
               guint32    events)
{
  CoroRing *self = CORO_CONTAINER_OF (watch, CoroRing, watch);

  if (!ring_is_foreign (self))
    ring_reap (self);
  if (ring_is_foreign (self) || ring_has_more (self))
    ring_flush_later (self);
}

static gboolean
glance_cb (gpointer ring)
{
  CoroRing *self = ring;
  gboolean foreign = ring_is_foreign (self);

  if (foreign)
    ring_flush_later (self);    /* in a child, to which nothing else tells it */
  else
    ring_reap (self);
  if (!foreign && self->submitted != NULL)
    return G_SOURCE_CONTINUE;

  g_clear_pointer (&self->glance, g_source_unref);
  return G_SOURCE_REMOVE;
}

/* The descriptor was closed, or epoll has no room for it.  The mapping lives on, and so do
 * the operations that are under way: their buffers are not free before those have ended. */
static void
ring_unregistered_cb (CoroWatch *watch,
                      int        code)
{
  CoroRing *self = CORO_CONTAINER_OF (watch, CoroRing, watch);

  if (code == 0)
    return;

  if (code == EBADF)
    self->ring.ring_fd = -1;
  ring_flush_later (self);
  if (ring_is_foreign (self))
    {
      self->broken = TRUE;      /* until it is renewed */
      return;
    }

  if (!self->broken)
    ring_break (self);
  if (self->submitted == NULL || self->glance != NULL)
    return;

  self->glance = g_timeout_source_new (GLANCE_PERIOD);
  g_source_set_static_name (self->glance, "[coro] io_uring without a descriptor");
  g_source_set_callback (self->glance, glance_cb, self, NULL);
  g_source_attach (self->glance, self->scheduler->context);
}

/* In a child, nothing tells that the ring is the parent's: no answer ever comes. */
static void
ring_moved_cb (CoroWatch *watch)
{
  ring_flush_later (CORO_CONTAINER_OF (watch, CoroRing, watch));
}

static const CoroWatchClass ring_watch_class = { ring_ready_cb, ring_unregistered_cb, ring_moved_cb };

/* --- beginning and end ------------------------------------------------------------ */

static gboolean
ring_can (struct io_uring *ring)
{
  struct io_uring_probe *probe = io_uring_get_probe_ring (ring);
  gboolean can = probe != NULL && io_uring_opcode_supported (probe, IORING_OP_ASYNC_CANCEL);

  for (guint i = 0; can && i < G_N_ELEMENTS (opcodes); i++)
    can = io_uring_opcode_supported (probe, opcodes[i]);
  if (probe != NULL)
    io_uring_free_probe (probe);
  return can;
}

/* Whether the descriptor is still a ring.  Another file gives EOPNOTSUPP, a seccomp filter EPERM. */
static gboolean
ring_has_descriptor (struct io_uring *ring)
{
  struct io_uring_probe probe = { 0, };
  int result = io_uring_register_probe (ring, &probe, 0);

  return result == 0 || result == -ENOMEM || result == -EINVAL || result == -EINTR;
}

/* 0 or -errno.  Without IORING_FEAT_NODROP, Linux 5.5, completions may get lost. */
static int
ring_open (CoroRing *self)
{
  struct io_uring_params params = { 0, };
  int result = io_uring_queue_init_params (N_ENTRIES, &self->ring, &params);

  if (result < 0)
    return result;

  result = -ENOSYS;
  if ((params.features & IORING_FEAT_NODROP) != 0 && ring_can (&self->ring))
    result = -coro_reactor_add (&self->scheduler->reactor, &self->watch, &ring_watch_class, self->ring.ring_fd, EPOLLIN);
  self->mapped = result == 0;
  if (!self->mapped)
    io_uring_queue_exit (&self->ring);
  return result;
}

static void
ring_close (CoroRing *self)
{
  CoroReactor *reactor = &self->scheduler->reactor;

  /* If the number is another file by now, the watch is lost. */
  if (self->watch.klass != NULL && coro_reactor_update (reactor, &self->watch, self->watch.events) == 0)
    coro_reactor_remove (reactor, &self->watch);

  if (self->glance != NULL)
    g_source_destroy (self->glance);
  g_clear_pointer (&self->glance, g_source_unref);

  if (!self->mapped)
    return;

  /* A child's epoll, which is new, does not tell whether it is still the ring. */
  if (!ring_has_descriptor (&self->ring))
    self->ring.ring_fd = -1;
  io_uring_queue_exit (&self->ring);
  self->mapped = FALSE;
}

/* In a child: makes all operations that are under way again, on a ring of its own, since the
 * answers go to the parent.  All of them can be made twice. */
static void
ring_renew (CoroRing *self)
{
  ring_close (self);
  self->n_forks = coro_n_forks;

  while (self->submitted != NULL)
    {
      CoroFileOp *op = self->submitted;

      ring_remove_submitted (self, op);
      ring_queue (self, op);
    }

  self->broken = ring_open (self) < 0;
}

/* Returns: (nullable): NULL with `error_number` set where there is none to be had. */
CoroRing *
coro_ring_new (CoroScheduler *scheduler,
               int           *error_number)
{
  CoroRing *self = g_new0 (CoroRing, 1);
  int result;

  self->n_forks = coro_n_forks;
  self->scheduler = scheduler;
  self->flush.klass = &flush_class;
  result = ring_open (self);
  if (result == 0)
    return self;

  *error_number = -result;
  g_free (self);
  return NULL;
}

void
coro_ring_free (CoroRing *self)
{
  self->flush_queued = TRUE;    /* nothing is run any more */
  ring_close (self);
  g_free (self);
}

/* Whether the kernel does not take calls any more. */
gboolean
coro_ring_is_broken (CoroRing *self)
{
  return self->broken;
}

/* --- calls ------------------------------------------------------------------------ */

static gboolean
ring_op_abort (gpointer    object,
               CoroWaiter *waiter)
{
  CoroFileOp *op = object;
  CoroRing *ring = op->ring;

  if (op->state == CORO_RING_QUEUED)
    {
      ring_unqueue (ring, op);
      return TRUE;
    }

  /* The kernel may be writing to our memory: only its answer ends the wait. */
  if (op->state == CORO_RING_SUBMITTED && !ring->broken)
    {
      op->cancelled = TRUE;
      op->next_cancelled = ring->cancelled;
      ring->cancelled = op;
      ring_flush_later (ring);
    }
  return FALSE;
}

static const CoroWaitClass ring_wait_class = { ring_op_abort, NULL, FALSE, "a file" };

/* Makes an operation and waits for it.  FALSE: it was not made, or was called off in time. */
gboolean
coro_ring_run (CoroRing    *self,
               CoroFileOp  *op,
               GError     **error)
{
  gboolean ended;

  if (!coro_waiter_init (&op->waiter, error))
    return FALSE;

  op->ring = self;
  op->cancelled = FALSE;
  ring_queue (self, op);
  ring_flush_later (self);

  self->scheduler->n_external++;
  self->scheduler->reactor.n_waiting++;
  ended = coro_waiter_wait (&op->waiter, &ring_wait_class, op, error);
  self->scheduler->reactor.n_waiting--;
  self->scheduler->n_external--;
  if (!ended)
    return FALSE;

  /* Called off, by us or by the signal that this is for a thread of the kernel's. */
  if ((op->result == -ECANCELED || op->result == -EINTR) && coro_job_is_cancelled (op->waiter.job))
    {
      coro_job_deliver_cancel (op->waiter.job, error);
      return FALSE;
    }
  return TRUE;
}
