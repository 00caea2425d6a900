/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "fiber/coro-fork-private.h"
#include "future/coro-future-private.h"

G_BEGIN_DECLS

/* The future of several others: a gather, a race.
 *
 * What the others know of it is its members, a part of its own: a future that was dropped by
 * all is freed although the others are pending, and what it does to them goes on. */
#define CORO_TYPE_COMBINATION (coro_combination_get_type ())
G_DECLARE_DERIVABLE_TYPE (CoroCombination, coro_combination, CORO, COMBINATION, CoroFuture)

typedef struct _CoroMembers CoroMembers;

/* `outer` (nullable): the combination, unless it was dropped.  Called on the thread of the
 * member's context, or on any once that has ended; two members may end at the same time. */
struct _CoroCombinationClass
{
  CoroFutureClass parent_class;

  void (*member_done) (CoroMembers     *members,
                       CoroFuture      *member,
                       CoroCombination *outer);
  /* It is not done before all members are, unless one fails. */
  gboolean needs_all;
  /* After the last of these. */
  void (*all_done)    (CoroMembers     *members,
                       CoroCombination *outer);
};

struct _CoroMembers
{
  gatomicrefcount ref_count;
  const CoroCombinationClass *klass;
  guint flags;                  /* for the subclass */
  gboolean lasts;               /* what one member does to the others goes on without an outer */
  gsize n_futures;
  int n_pending;                /* (atomic) */
  int cancelling;               /* (atomic): the combination was cancelled */
  int cancel_pass;              /* (atomic): the last one that came by */
  GWeakRef outer;
  CoroObjectLock lock;
  CoroFuture **futures;         /* (nullable) (owned): while there is an outer; else guarded by lock */
  GWeakRef *dropped;            /* (nullable) (owned): from then on; guarded by lock */
  CoroFuture *winner;           /* (nullable) (owned): for the subclass; guarded by lock */
  GPtrArray *errors;            /* (owned) (element-type GError): the same */
};

void         coro_combination_set_futures    (CoroCombination     *self,
                                              CoroFuture * const  *futures,
                                              gsize                n_futures,
                                              guint                flags,
                                              gboolean             lasts);
CoroMembers *coro_combination_get_members    (CoroCombination     *self);
gboolean     coro_members_cancel             (CoroMembers         *self);

G_END_DECLS
