/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "fiber/coro-stack-private.h"

G_BEGIN_DECLS

typedef enum
{
  CORO_STACK_FRESH,             /* never taken: its guard is not yet installed */
  CORO_STACK_IN_USE,
  CORO_STACK_WARM,              /* free, with its pages */
  CORO_STACK_COLD               /* free, without */
} CoroStackState;

typedef enum
{
  CORO_SLAB_FULL,               /* nothing free */
  CORO_SLAB_WARM,               /* or has been: it leaves when the next one to take a stack finds none */
  CORO_SLAB_COOL,               /* cold and fresh stacks only */
  CORO_SLAB_EMPTY,              /* no stack in use, to be unmapped */
  CORO_N_SLAB_STATES
} CoroSlabState;

/* The counters that change together are kept apart: compilers make one SIMD addition of
 * neighbours, and loading both right after a store to one costs 5 ns. */
typedef struct
{
  gsize page_size;
  gsize stride;                 /* guard included; an odd number of pages */
  gsize guard_size;
  GQueue slabs[CORO_N_SLAB_STATES]; /* (element-type CoroStackSlab), linked through their `link` */
  GPtrArray *all;               /* (owned) (element-type CoroStackSlab) */
  guint n_warm;
  guint cursor_slab;            /* which of `all`, and which of its stacks, is the next to be looked at */
  guint cursor_stack;
  guint n_unseen;               /* stacks given back since all free ones have been looked at */
} CoroStackClass;

struct _CoroStackSlab
{
  GList link;                   /* in the class's queue for `state` */
  CoroStackClass *klass;        /* (unowned) */
  char *base;
  gsize size;
  char *first;                  /* where its stacks begin: not at the same page in all slabs */
  CoroStack *stacks;            /* (owned) (array length=n_stacks) */
  CoroStack *warm;              /* (unowned) (nullable): the last given is the next taken */
  CoroStack *cold;              /* (unowned) (nullable) */
  guint n_in_use;
  guint n_stacks;
  guint n_touched;              /* the stacks from here on are fresh */
  guint n_warm;
  guint n_mprotected;           /* guards that cost mappings */
  guint index;                  /* in the class's `all` */
  CoroSlabState state;
};

/* Of the free stacks of a class this many stay as they are. */
#define CORO_N_WARM 1024

CoroStackSlab *coro_slab_new        (CoroStackClass  *klass,
                                     gboolean         sparing,
                                     GError         **error);
void           coro_slab_free       (CoroStackSlab   *self);
CoroStack     *coro_slab_take       (CoroStackSlab   *self,
                                     GError         **error);
void           coro_slab_give       (CoroStackSlab   *self,
                                     CoroStack       *stack);
void           coro_slab_update     (CoroStackSlab   *self);
void           coro_slab_cool       (CoroStackSlab   *self);
void           coro_slab_trim_depth (CoroStackSlab   *self,
                                     CoroStack       *stack);

G_END_DECLS
