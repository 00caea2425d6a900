/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "fiber/coro-stack-private.h"

#include "fiber/coro-error.h"
#include "fiber/coro-fiber-private.h"
#include "fiber/coro-guard-private.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef HAVE_VALGRIND
# include <valgrind/memcheck.h>
#endif

/* Stacks are large in addresses and small in memory: a page counts once it is touched.
 *
 * Many stacks share one mapping (a slab), so that a stack costs neither a VMA nor an
 * mmap().  The distance between two stacks is an odd number of pages and their tops
 * start at sixteen different cache lines: with a power of two, the hot ends of all parked
 * stacks fall into the same few cache sets (1000 coroutines yield in 6.6 ns instead of
 * 37.6).
 *
 * A stack that is given back stays warm: it keeps its pages and is the next to be taken.
 * Of more than N_WARM of them, coro_stack_pool_trim() first unmaps the slabs that have no
 * stack in use, page tables and all, then cools what lies between stacks in use. */

/* Not more than RLIMIT_AS leaves room for, even when it is small. */
#define SLAB_SIZE       ((gsize) 16 * 1024 * 1024)
/* What must be left to everybody else after a slab: malloc() aborts under GLib. */
#define HEADROOM        ((gsize) 2 * 1024 * 1024)
#define N_COLOURS       16
#define COLOUR_SIZE     64
#define N_WARM          1024
/* At most so many slabs are unmapped or cooled at a time: 64 stacks are 50 µs. */
#define TRIM_SLABS      2
/* Each release pays for a look at one free stack, at most so many at a time (10 µs) ... */
#define TRIM_LOOKS      32
/* ... and found by as many steps at most.  Of its pages it may keep this much. */
#define TRIM_STEPS      1024
#define KEEP_SIZE       ((gsize) 32 * 1024)

typedef enum
{
  STACK_FRESH,                  /* never taken: its guard is not yet installed */
  STACK_IN_USE,
  STACK_WARM,                   /* free, with its pages */
  STACK_COLD                    /* free, without */
} CoroStackState;

typedef enum
{
  SLAB_FULL,                    /* nothing free */
  SLAB_WARM,
  SLAB_COOL,                    /* cold and fresh stacks only */
  SLAB_EMPTY,                   /* no stack in use, to be unmapped */
  N_SLAB_STATES
} CoroSlabState;

typedef struct
{
  gsize stride;                 /* guard included; an odd number of pages */
  GQueue slabs[N_SLAB_STATES];  /* (element-type CoroStackSlab), linked through their `link` */
  GPtrArray *all;               /* (owned) (element-type CoroStackSlab) */
  guint n_warm;
  guint n_unseen;               /* stacks given back since all free ones have been looked at */
  guint cursor_slab;            /* which of `all`, and which of its stacks, is the next to be looked at */
  guint cursor_stack;
} CoroStackClass;

struct _CoroStackSlab
{
  GList link;                   /* in the class's queue for `state` */
  CoroStackClass *klass;        /* (unowned) */
  char *base;
  gsize size;
  CoroStack *stacks;            /* (owned) (array length=n_stacks) */
  CoroStack *warm;              /* (unowned) (nullable): the last given is the next taken */
  CoroStack *cold;              /* (unowned) (nullable) */
  guint n_stacks;
  guint n_touched;              /* the stacks from here on are fresh */
  guint n_in_use;
  guint n_warm;
  guint n_mprotected;           /* guards that cost mappings */
  guint index;                  /* in the class's `all` */
  CoroSlabState state;
};

struct _CoroStackPool
{
  GPtrArray *classes;           /* (owned) (element-type CoroStackClass) */
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

/* Files a slab under what its counters say. */
static void
stack_slab_update (CoroStackSlab *self)
{
  CoroStackClass *klass = self->klass;
  CoroSlabState state;

  if (self->n_warm > 0)
    state = SLAB_WARM;
  else if (self->n_in_use < self->n_stacks)
    state = SLAB_COOL;
  else
    state = SLAB_FULL;

  /* An empty slab that is not listed as such is one that the pool wants to keep. */
  if (self->n_in_use == 0 && (klass->n_warm > N_WARM || self->cold != NULL))
    state = SLAB_EMPTY;

  if (state == self->state)
    return;

  g_queue_unlink (&klass->slabs[self->state], &self->link);
  g_queue_push_head_link (&klass->slabs[state], &self->link);
  self->state = state;
}

static gpointer
map_slab (gsize    size,
          GError **error)
{
  char *base = mmap (NULL, size + HEADROOM, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

  if (base == MAP_FAILED)
    {
      int saved_errno = errno;

      g_set_error (error, CORO_ERROR, CORO_ERROR_NO_STACK,
                   "No stack for another coroutine: %s", g_strerror (saved_errno));
      return NULL;
    }

  munmap (base + size, HEADROOM);
  madvise (base, size, MADV_NOHUGEPAGE);
  return base;
}

static CoroStackSlab *
stack_slab_new (CoroStackClass  *klass,
                GError         **error)
{
  guint n_stacks = MAX ((guint) (SLAB_SIZE / klass->stride), 1);
  gsize size = n_stacks * klass->stride;
  CoroStackSlab *self;
  char *base;

  if (!coro_fiber_check_supported (error))
    return NULL;

  base = map_slab (size, error);
  if (base == NULL)
    return NULL;

  self = g_new0 (CoroStackSlab, 1);
  self->link.data = self;
  self->klass = klass;
  self->base = base;
  self->size = size;
  self->stacks = g_new0 (CoroStack, n_stacks);
  self->n_stacks = n_stacks;
  self->state = SLAB_COOL;
  self->index = klass->all->len;
  g_ptr_array_add (klass->all, self);
  g_queue_push_head_link (&klass->slabs[SLAB_COOL], &self->link);
  return self;
}

static void
stack_slab_free (CoroStackSlab *self)
{
  CoroStackClass *klass = self->klass;

  g_assert (self->n_in_use == 0);

#ifdef HAVE_VALGRIND
  for (guint i = 0; i < self->n_touched; i++)
    VALGRIND_STACK_DEREGISTER (self->stacks[i].valgrind_id);
#endif
  klass->n_warm -= self->n_warm;
  g_queue_unlink (&klass->slabs[self->state], &self->link);
  g_ptr_array_remove_index_fast (klass->all, self->index);
  if (self->index < klass->all->len)
    ((CoroStackSlab *) g_ptr_array_index (klass->all, self->index))->index = self->index;

  munmap (self->base, self->size);
  coro_guard_release (self->n_mprotected);
  g_free (self->stacks);
  g_free (self);
}

static CoroStack *
stack_slab_take_fresh (CoroStackSlab  *self,
                       GError        **error)
{
  char *base = self->base + self->n_touched * self->klass->stride;
  CoroStack *stack = &self->stacks[self->n_touched];
  gboolean mprotected;

  if (!coro_guard_install (base, CORO_STACK_GUARD_SIZE, &mprotected, error))
    return NULL;

  stack->slab = self;
  stack->low = base + CORO_STACK_GUARD_SIZE;
  stack->top = base + self->klass->stride - (self->n_touched % N_COLOURS) * COLOUR_SIZE;
#ifdef HAVE_VALGRIND
  stack->valgrind_id = VALGRIND_STACK_REGISTER (stack->low, stack->top - 1);
#endif
  self->n_touched++;
  self->n_mprotected += mprotected ? 1 : 0;
  return stack;
}

static CoroStack *
stack_slab_take (CoroStackSlab  *self,
                 GError        **error)
{
  CoroStack *stack;

  if (self->warm != NULL)
    {
      stack = self->warm;
      self->warm = stack->next;
      self->n_warm--;
      self->klass->n_warm--;
    }
  else if (self->cold != NULL)
    {
      stack = self->cold;
      self->cold = stack->next;
    }
  else
    {
      stack = stack_slab_take_fresh (self, error);
      if (stack == NULL)
        return NULL;
    }

  stack->state = STACK_IN_USE;
  self->n_in_use++;
  if (self->n_warm == 0 || self->state == SLAB_EMPTY)
    stack_slab_update (self);
  return stack;
}

static void
stack_discard (CoroStack *self,
               char      *end)
{
  gsize size = ((gsize) end - (gsize) self->low) & ~(page_size - 1);

  madvise (self->low, size, MADV_DONTNEED);
}

/* Takes the pages of all its warm stacks. */
static void
stack_slab_cool (CoroStackSlab *self)
{
  CoroStack *stack;

  while ((stack = self->warm) != NULL)
    {
      self->warm = stack->next;
      stack_discard (stack, stack->low + self->klass->stride - CORO_STACK_GUARD_SIZE);
      stack->state = STACK_COLD;
      stack->next = self->cold;
      self->cold = stack;
    }

  self->klass->n_warm -= self->n_warm;
  self->n_warm = 0;
  stack_slab_update (self);
}

static CoroStackClass *
stack_class_new (gsize stride)
{
  CoroStackClass *self = g_new0 (CoroStackClass, 1);

  self->stride = stride;
  self->all = g_ptr_array_new ();
  return self;
}

static void
stack_class_free (CoroStackClass *self)
{
  while (self->all->len > 0)
    stack_slab_free (g_ptr_array_index (self->all, self->all->len - 1));
  g_ptr_array_unref (self->all);
  g_free (self);
}

static CoroStack *
stack_class_take (CoroStackClass  *self,
                  GError         **error)
{
  static const CoroSlabState order[] = { SLAB_WARM, SLAB_COOL, SLAB_EMPTY };

  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    {
      GList *head = self->slabs[order[i]].head;

      if (head != NULL)
        return stack_slab_take (head->data, error);
    }

  CoroStackSlab *slab = stack_slab_new (self, error);

  return slab != NULL ? stack_slab_take (slab, error) : NULL;
}

/* Gives back what lies below the part that every use touches. */
static void
stack_trim_depth (CoroStack *self)
{
  char *end = (char *) ((gsize) (self->top - KEEP_SIZE) & ~(page_size - 1));
  unsigned char resident[512];
  gsize n_pages;

  if (coro_stack_get_size (self) <= KEEP_SIZE + page_size)
    return;

  /* Large frames leave holes, so that the page right below what may stay does not tell. */
  n_pages = MIN ((gsize) (end - self->low) / page_size, G_N_ELEMENTS (resident));
  if (mincore (end - n_pages * page_size, n_pages * page_size, resident) != 0)
    return;

  for (gsize i = 0; i < n_pages; i++)
    {
      if (resident[i] & 1)
        {
          stack_discard (self, end);
          return;
        }
    }
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

      if (stack != NULL && stack->state == STACK_WARM)
        {
          stack_trim_depth (stack);
          n_looks--;
        }
    }

  self->n_unseen += n_looks;
  return self->n_unseen > 0;
}

/* Returns whether there is more to do. */
static gboolean
stack_class_trim_slabs (CoroStackClass *self)
{
  for (guint i = 0; i < TRIM_SLABS; i++)
    {
      CoroStackSlab *slab = g_queue_peek_head (&self->slabs[SLAB_EMPTY]);

      if (slab == NULL && self->n_warm > N_WARM)
        slab = g_queue_peek_tail (&self->slabs[SLAB_WARM]);
      if (slab == NULL)
        return FALSE;

      if (slab->n_in_use == 0)
        stack_slab_free (slab);
      else
        stack_slab_cool (slab);
    }

  return self->slabs[SLAB_EMPTY].length > 0 || self->n_warm > N_WARM;
}

static CoroStackClass *
stack_pool_get_class (CoroStackPool *self,
                      gsize          size)
{
  gsize stride;

  initialize_sizes ();
  size = MAX (size, minimum_size);
  stride = (size + page_size - 1) / page_size;
  stride = (stride | 1) * page_size;

  for (guint i = 0; i < self->classes->len; i++)
    {
      CoroStackClass *klass = g_ptr_array_index (self->classes, i);

      if (klass->stride == stride)
        return klass;
    }

  g_ptr_array_add (self->classes, stack_class_new (stride));
  return g_ptr_array_index (self->classes, self->classes->len - 1);
}

CoroStackPool *
coro_stack_pool_new (void)
{
  CoroStackPool *self = g_new0 (CoroStackPool, 1);

  self->classes = g_ptr_array_new_with_free_func ((GDestroyNotify) stack_class_free);
  return self;
}

/* No stack may be in use any more. */
void
coro_stack_pool_free (CoroStackPool *self)
{
  g_ptr_array_unref (self->classes);
  g_free (self);
}

/* Fails with CORO_ERROR_NO_STACK when addresses or mappings have run out. */
CoroStack *
coro_stack_pool_take (CoroStackPool  *self,
                      gsize           size,
                      GError        **error)
{
  CoroStack *stack = stack_class_take (stack_pool_get_class (self, size), error);

#ifdef HAVE_VALGRIND
  /* Its last user left by a jump, with everything below the stack pointer out of bounds. */
  if (stack != NULL)
    (void) VALGRIND_MAKE_MEM_UNDEFINED (stack->low, stack->top - stack->low);
#endif
  return stack;
}

/* May be called on the very stack that is given back, as long as the caller leaves it
 * before the next take: its pages go only in coro_stack_pool_trim(). */
void
coro_stack_pool_give (CoroStackPool *self,
                      CoroStack     *stack)
{
  CoroStackSlab *slab = stack->slab;

  g_assert (stack->state == STACK_IN_USE);

  stack->state = STACK_WARM;
  stack->next = slab->warm;
  slab->warm = stack;
  slab->n_warm++;
  slab->n_in_use--;
  slab->klass->n_warm++;
  slab->klass->n_unseen++;
  if (slab->n_warm == 1 || slab->n_in_use == 0)
    stack_slab_update (slab);
}

/* To be called now and then, on a stack that is not one of ours.  Does a little at a
 * time; TRUE says that it wants to be called again soon. */
gboolean
coro_stack_pool_trim (CoroStackPool *self)
{
  gboolean more = FALSE;

  for (guint i = 0; i < self->classes->len; i++)
    {
      CoroStackClass *klass = g_ptr_array_index (self->classes, i);

      more |= stack_class_trim_slabs (klass);
      if (klass->n_unseen > 0)
        more |= stack_class_trim_depths (klass);
    }

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
