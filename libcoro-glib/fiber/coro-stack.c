/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "fiber/coro-slab-private.h"

#include <sys/auxv.h>
#include <unistd.h>

/* Stacks are large in addresses and small in memory: a page counts once it is touched.
 *
 * A stack that is given back stays warm: it keeps its pages and is the next to be taken.
 * Of more than CORO_N_WARM of them, coro_stack_pool_trim() first unmaps the slabs that
 * have no stack in use, page tables and all, then cools what lies between stacks in use:
 * it gives their pages back.  Of those that stay, coro_stack_pool_trim_depths() takes what
 * only a deep one touches. */

/* Each release pays for a look at one free stack, at most so many at a time (10 µs),
 * found by as many steps at most. */
#define TRIM_LOOKS 32
#define TRIM_STEPS 1024
/* From this size on a large guard takes only a small part of a stack. */
#define LARGE_SIZE (4 * CORO_STACK_GUARD_SIZE_LARGE)

struct _CoroStackPool
{
  GPtrArray *classes;           /* (owned) (element-type CoroStackClass) */
  gsize last_size;              /* what was asked for last, and its class */
  CoroStackClass *last_class;   /* (unowned) (nullable) */
  gboolean orphaned;            /* the last stack that comes back frees it */
};

static gsize page_size;
static gsize minimum_size;

static void
initialize_sizes (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      gsize signal_size = (gsize) getauxval (AT_MINSIGSTKSZ);

      page_size = (gsize) sysconf (_SC_PAGESIZE);
      minimum_size = MAX (signal_size, 4096) + 16 * 1024 + CORO_STACK_GUARD_SIZE;
      g_once_init_leave (&once, 1);
    }
}

static CoroStackClass *
stack_class_new (gsize stride)
{
  CoroStackClass *self = g_new0 (CoroStackClass, 1);

  self->page_size = page_size;
  self->stride = stride;
  self->guard_size = stride >= LARGE_SIZE ? CORO_STACK_GUARD_SIZE_LARGE : CORO_STACK_GUARD_SIZE;
  self->all = g_ptr_array_new ();
  return self;
}

static void
stack_class_free (CoroStackClass *self)
{
  while (self->all->len > 0)
    coro_slab_free (g_ptr_array_index (self->all, self->all->len - 1));
  g_ptr_array_unref (self->all);
  g_free (self);
}

G_ALWAYS_INLINE static inline CoroStack *
stack_class_take (CoroStackClass  *self,
                  gboolean         sparing,
                  GError         **error)
{
  static const CoroSlabState order[] = { CORO_SLAB_WARM, CORO_SLAB_COOL, CORO_SLAB_EMPTY };
  CoroStackSlab *slab;

  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    {
      while (self->slabs[order[i]].head != NULL)
        {
          slab = self->slabs[order[i]].head->data;
          if (order[i] != CORO_SLAB_WARM || slab->n_warm > 0)
            return coro_slab_take (slab, error);
          coro_slab_update (slab);
        }
    }

  slab = coro_slab_new (self, sparing, error);
  return slab != NULL ? coro_slab_take (slab, error) : NULL;
}

static CoroStack *
stack_class_next (CoroStackClass *self)
{
  CoroStackSlab *slab;

  if (self->cursor_slab >= self->all->len)
    self->cursor_slab = 0;
  slab = g_ptr_array_index (self->all, self->cursor_slab);
  if (self->cursor_stack < slab->n_touched)
    return &slab->stacks[self->cursor_stack++];

  self->cursor_slab++;
  self->cursor_stack = 0;
  return NULL;
}

/* Returns whether there is more to do. */
static gboolean
stack_class_trim_depths (CoroStackClass *self)
{
  guint n_looks;

  self->n_unseen = MIN (self->n_unseen, self->n_warm);
  n_looks = MIN (self->n_unseen, TRIM_LOOKS);
  self->n_unseen -= n_looks;

  for (guint i = 0; n_looks > 0 && i < TRIM_STEPS; i++)
    {
      CoroStack *stack = stack_class_next (self);

      if (stack != NULL && stack->state == CORO_STACK_WARM)
        {
          coro_slab_trim_depth (stack->slab, stack);
          n_looks--;
        }
    }

  self->n_unseen += n_looks;
  return self->n_unseen > 0;
}

/* One slab at a time, which is 64 stacks and 80 µs.  Returns whether there is more to do. */
static gboolean
stack_class_trim_slabs (CoroStackClass *self)
{
  CoroStackSlab *slab = g_queue_peek_head (&self->slabs[CORO_SLAB_EMPTY]);

  if (slab == NULL && self->n_warm > CORO_N_WARM)
    slab = g_queue_peek_tail (&self->slabs[CORO_SLAB_WARM]);
  if (slab == NULL)
    return FALSE;

  if (slab->n_in_use == 0)
    coro_slab_free (slab);
  else
    coro_slab_cool (slab);

  return self->slabs[CORO_SLAB_EMPTY].length > 0 || self->n_warm > CORO_N_WARM;
}

G_ALWAYS_INLINE static inline CoroStackClass *
stack_pool_get_class (CoroStackPool *self,
                      gsize          size)
{
  gsize asked = size;
  gsize stride;

  if (size == self->last_size && self->last_class != NULL)
    return self->last_class;

  initialize_sizes ();
  size = CLAMP (size, minimum_size, G_MAXSIZE / 4);
  stride = (size + page_size - 1) / page_size;
  stride = (stride | 1) * page_size;

  self->last_size = asked;
  for (guint i = 0; i < self->classes->len; i++)
    {
      self->last_class = g_ptr_array_index (self->classes, i);
      if (self->last_class->stride == stride)
        return self->last_class;
    }

  self->last_class = stack_class_new (stride);
  g_ptr_array_add (self->classes, self->last_class);
  return self->last_class;
}

CoroStackPool *
coro_stack_pool_new (void)
{
  CoroStackPool *self = g_new0 (CoroStackPool, 1);

  self->classes = g_ptr_array_new_with_free_func ((GDestroyNotify) stack_class_free);
  return self;
}

/* A generator, or a coroutine that is resumed by hand, may outlive the loop or the thread
 * that it began in: the pool stays until the last of them has ended. */
void
coro_stack_pool_free (CoroStackPool *self)
{
  self->orphaned = TRUE;
  if (coro_stack_pool_count_in_use (self) > 0)
    return;

  g_ptr_array_unref (self->classes);
  g_free (self);
}

/* Fails with CORO_ERROR_NO_STACK when addresses or mappings have run out. */
CoroStack *
coro_stack_pool_take (CoroStackPool  *self,
                      gsize           size,
                      GError        **error)
{
  return stack_class_take (stack_pool_get_class (self, size), FALSE, error);
}

/* For a caller that can use a smaller stack instead.  Returns NULL also if little room would be
 * left for other stacks. */
CoroStack *
coro_stack_pool_take_sparing (CoroStackPool *self,
                              gsize          size)
{
  return stack_class_take (stack_pool_get_class (self, size), TRUE, NULL);
}

/* May be called on the very stack that is given back, as long as the caller leaves it
 * before the next take: its pages go only in coro_stack_pool_trim(). */
void
coro_stack_pool_give (CoroStackPool *self,
                      CoroStack     *stack)
{
  coro_slab_give (stack->slab, stack);
}

/* coro_stack_pool_give() for a caller that may have outlived the pool, and does not run on the
 * stack. */
void
coro_stack_pool_give_deferred (CoroStackPool *self,
                               CoroStack     *stack)
{
  coro_stack_pool_give (self, stack);
  if (G_UNLIKELY (self->orphaned))
    coro_stack_pool_free (self);
}

/* Gives back free stacks beyond those that stay warm.  To be called now and then, on a stack
 * that is not one of ours.  Does a little at a time; TRUE says that it wants to be called
 * again soon. */
gboolean
coro_stack_pool_trim (CoroStackPool *self)
{
  gboolean more = FALSE;

  for (guint i = 0; i < self->classes->len; i++)
    more |= stack_class_trim_slabs (g_ptr_array_index (self->classes, i));

  return more;
}

/* Whether there are stacks that may have been deep. */
gboolean
coro_stack_pool_is_unseen (CoroStackPool *self)
{
  for (guint i = 0; i < self->classes->len; i++)
    if (((CoroStackClass *) g_ptr_array_index (self->classes, i))->n_unseen > 0)
      return TRUE;

  return FALSE;
}

/* The same for what deep stacks have that stay warm.  It is in no hurry: with a look for each
 * coroutine that ends, a million that sleep took a twelfth of their time for it. */
gboolean
coro_stack_pool_trim_depths (CoroStackPool *self)
{
  gboolean more = FALSE;

  for (guint i = 0; i < self->classes->len; i++)
    more |= stack_class_trim_depths (g_ptr_array_index (self->classes, i));

  return more;
}

gsize
coro_stack_pool_get_mapped (CoroStackPool *self)
{
  gsize total = 0;

  for (guint i = 0; i < self->classes->len; i++)
    {
      CoroStackClass *klass = g_ptr_array_index (self->classes, i);

      for (guint j = 0; j < klass->all->len; j++)
        total += ((CoroStackSlab *) g_ptr_array_index (klass->all, j))->size;
    }

  return total;
}

/* How many are taken and not given back. */
guint
coro_stack_pool_count_in_use (CoroStackPool *self)
{
  guint total = 0;

  for (guint i = 0; i < self->classes->len; i++)
    {
      CoroStackClass *klass = g_ptr_array_index (self->classes, i);

      for (guint j = 0; j < klass->all->len; j++)
        total += ((CoroStackSlab *) g_ptr_array_index (klass->all, j))->n_in_use;
    }

  return total;
}

/* The size in bytes of the guard below a stack.  May be called in a signal handler. */
gsize
coro_stack_get_guard_size (const CoroStack *stack)
{
  return stack->slab->klass->guard_size;
}
