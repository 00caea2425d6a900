/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The size of a stack is the size of its address range, guard included. */

/* Enough for the program's own code. */
#define CORO_STACK_SIZE_DEFAULT ((gsize) 256 * 1024)
/* For foreign code, which counts on the 8 MiB of a thread stack: GTK's CSS parser, librsvg and GL
 * drivers recurse as deep as their input is nested.  8 MiB and the guard make 9 MiB.  One more MiB
 * makes the size a multiple of 2 MiB, so that the guard and the top of the neighbour share a page
 * of page tables: a parked coroutine then takes 9 KiB instead of 11.  On 32 bits addresses are
 * scarce, and the size is what such code usually needs. */
#if GLIB_SIZEOF_VOID_P >= 8
# define CORO_STACK_SIZE_LARGE  ((gsize) 10 * 1024 * 1024)
#else
# define CORO_STACK_SIZE_LARGE  ((gsize) 1024 * 1024)
#endif
#define CORO_STACK_GUARD_SIZE   ((gsize) 64 * 1024)
/* The guard of large stacks: as much as the kernel leaves below a thread stack. */
#define CORO_STACK_GUARD_SIZE_LARGE ((gsize) 1024 * 1024)

typedef struct _CoroStackPool CoroStackPool;
typedef struct _CoroStackSlab CoroStackSlab;
typedef struct _CoroStack CoroStack;

/* One stack of a slab.  [low, top) is usable; the guard ends at low. */
struct _CoroStack
{
  char *low;
  char *top;
  CoroStackSlab *slab;          /* (unowned) */
  CoroStack *next;              /* (unowned) (nullable): in the slab's list of free stacks */
  guint valgrind_id;
  guint8 state;                 /* CoroStackState */
};

/* A pool belongs to one thread: nothing in here takes a lock. */
CoroStackPool *coro_stack_pool_new           (void);
void           coro_stack_pool_free          (CoroStackPool  *self);
CoroStack     *coro_stack_pool_take          (CoroStackPool  *self,
                                              gsize           size,
                                              GError        **error);
CoroStack     *coro_stack_pool_take_sparing  (CoroStackPool  *self,
                                              gsize           size);
void           coro_stack_pool_give          (CoroStackPool  *self,
                                              CoroStack      *stack);
void           coro_stack_pool_give_deferred (CoroStackPool  *self,
                                              CoroStack      *stack);
gboolean       coro_stack_pool_trim          (CoroStackPool  *self);
gboolean       coro_stack_pool_trim_depths   (CoroStackPool  *self);
gboolean       coro_stack_pool_is_unseen     (CoroStackPool  *self);

/* For tests: behave as a kernel without MADV_GUARD_INSTALL, with room for `limit` guards. */
void           coro_stack_pool_use_mprotect (guint           limit);
guint          coro_stack_pool_get_n_guards (void);
gsize          coro_stack_pool_get_mapped   (CoroStackPool  *self);
guint          coro_stack_pool_count_in_use (CoroStackPool  *self);
gsize          coro_stack_get_guard_size    (const CoroStack *stack);

static inline gsize
coro_stack_get_size (const CoroStack *self)
{
  return (gsize) (self->top - self->low);
}

static inline gboolean
coro_stack_contains (const CoroStack *self,
                     gconstpointer    address)
{
  return (const char *) address >= self->low && (const char *) address < self->top;
}

G_END_DECLS
