/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "base/coro-fork-private.h"
#include "future/coro-future-private.h"

G_BEGIN_DECLS

/* The future of several others: a gather, a race.
 *
 * The member futures only know the CoroMembers of the combination.  So a combination without
 * references is freed although members are pending, and its effect on the members, as the
 * cancelling of the losers of a race, goes on. */
#define CORO_TYPE_COMBINATION (coro_combination_get_type ())
G_DECLARE_DERIVABLE_TYPE (CoroCombination, coro_combination, CORO, COMBINATION, CoroFuture)

typedef struct _CoroMembers CoroMembers;

/* `outer`: (nullable): the combination, unless it was dropped.  Called on the thread of the
 * member's context, or on any thread once the context has ended; two members may end at the same
 * time. */
struct _CoroCombinationClass
{
  CoroFutureClass parent_class;

  void (*member_done) (CoroMembers     *members,
                       CoroFuture      *member,
                       CoroCombination *outer);
  /* The combination is not done before all its members are done, unless a member fails. */
  gboolean needs_all;
  /* Called after the last member_done(). */
  void (*all_done)    (CoroMembers     *members,
                       CoroCombination *outer);
};

struct _CoroMembers
{
  gatomicrefcount ref_count;
  const CoroCombinationClass *klass;
  guint flags;                  /* for the subclass */
  gboolean lasts;               /* a member that ends acts on the others also without an outer */
  gsize n_futures;
  int n_pending;                /* (atomic) */
  int cancelling;               /* (atomic): the combination was cancelled */
  int cancel_pass;              /* (atomic): the last pass that reached this combination */
  int cancel_any;               /* (atomic): this pass has found a future below that was not done */
  GWeakRef outer;
  CoroObjectLock lock;
  CoroFuture **futures;         /* (nullable) (owned): while there is an outer; else guarded by lock */
  GWeakRef *dropped;            /* (nullable) (owned): once the outer is gone; guarded by lock */
  CoroFuture *winner;           /* (nullable) (owned): for the subclass; guarded by lock */
  GPtrArray *errors;            /* (owned) (element-type GError): for the subclass; guarded by lock */
};

void         coro_combination_set_futures    (CoroCombination     *self,
                                              CoroFuture * const  *futures,
                                              gsize                n_futures,
                                              guint                flags,
                                              gboolean             lasts);
CoroMembers *coro_combination_get_members    (CoroCombination     *self);
gboolean     coro_members_cancel             (CoroMembers         *self);

G_END_DECLS
