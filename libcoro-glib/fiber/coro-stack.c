/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "fiber/coro-stack-private.h"

#include "fiber/coro-error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef HAVE_VALGRIND
# include <valgrind/valgrind.h>
#endif

/* Stacks are large in addresses and small in memory: a page counts once it is touched.
 *
 * Many stacks share one mapping (a slab), so that a stack costs neither a VMA nor an
 * mmap().  Each ends in a guard.  MADV_GUARD_INSTALL (Linux 6.13) marks the guard in
 * the page table and leaves the VMA whole; before that, mprotect() splits it in two and
 * vm.max_map_count (65530) bounds how many stacks there can be.  We stop at a quarter
 * of it, with a GError, because the rest of the process needs mappings as well.
 *
 * The distance between two stacks is an odd number of pages and their tops start at
 * sixteen different cache lines: with a power of two, the hot ends of all parked stacks
 * fall into the same few cache sets (1000 coroutines yield in 6.6 ns instead of 37.6). */

#ifndef MADV_GUARD_INSTALL
# define MADV_GUARD_INSTALL 102
#endif

#define GUARD_SIZE      ((gsize) 64 * 1024)
#define SLAB_SIZE       ((gsize) 16 * 1024 * 1024)
#define N_COLOURS       16
#define COLOUR_SIZE     64
/* A freed stack keeps its pages while fewer than this many wait for reuse. */
#define N_WARM          1024
/* One release in so many is looked at for pages far below the top. */
#define DEPTH_PERIOD    32
/* What a warm stack may keep. */
#define KEEP_SIZE       ((gsize) 32 * 1024)

typedef struct
{
  char *base;
  gsize size;
  CoroStack *stacks;            /* (owned) (array length=n_stacks) */
  guint n_stacks;
  guint n_used;                 /* handed out at least once; the rest is untouched */
} CoroStackSlab;

struct _CoroStackClass
{
  gsize stride;                 /* guard included; an odd number of pages */
  GArray *slabs;                /* (owned) (element-type CoroStackSlab) */
  GPtrArray *warm;              /* (owned) (element-type CoroStack): pages kept; the last freed is the next taken */
  GPtrArray *cold;              /* (owned) (element-type CoroStack): pages given back */
};

struct _CoroStackPool
{
  GPtrArray *classes;           /* (owned) (element-type CoroStackClass) */
  guint n_gives;
};

static gsize page_size;
static gsize minimum_size;
static int guards_by_mprotect;          /* (atomic) */
static int n_mprotected;                /* (atomic): over all pools of the process */
static int max_mprotected;              /* (atomic): 0 until it is known */

static void
initialize_sizes (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      gsize signal_size = (gsize) getauxval (AT_MINSIGSTKSZ);

      page_size = (gsize) sysconf (_SC_PAGESIZE);
      minimum_size = MAX (signal_size, 4096) + 16 * 1024;
      g_once_init_leave (&once, 1);
    }
}

static int
get_max_mprotected (void)
{
  int limit = g_atomic_int_get (&max_mprotected);

  if (limit == 0)
    {
      g_autofree char *text = NULL;

      limit = 65530 / 4;
      if (g_file_get_contents ("/proc/sys/vm/max_map_count", &text, NULL, NULL))
        limit = MAX ((int) (g_ascii_strtoll (text, NULL, 10) / 4), 1);
      g_atomic_int_set (&max_mprotected, limit);
    }

  return limit;
}

void
coro_stack_pool_use_mprotect (guint limit)
{
  g_atomic_int_set (&guards_by_mprotect, 1);
  g_atomic_int_set (&max_mprotected, (int) limit);
}

static gboolean
install_guard (char    *address,
               GError **error)
{
  int saved_errno;

  if (!g_atomic_int_get (&guards_by_mprotect))
    {
      if (madvise (address, GUARD_SIZE, MADV_GUARD_INSTALL) == 0)
        return TRUE;

      /* EINVAL: an older kernel, or locked memory (mlockall), which has no such guards. */
      g_atomic_int_set (&guards_by_mprotect, 1);
    }

  if (g_atomic_int_add (&n_mprotected, 1) >= get_max_mprotected ())
    {
      g_atomic_int_add (&n_mprotected, -1);
      g_set_error (error, CORO_ERROR, CORO_ERROR_NO_STACK,
                   "No stack for another coroutine: %d exist, a quarter of vm.max_map_count",
                   get_max_mprotected ());
      return FALSE;
    }

  if (mprotect (address, GUARD_SIZE, PROT_NONE) == 0)
    return TRUE;

  saved_errno = errno;
  g_atomic_int_add (&n_mprotected, -1);
  g_set_error (error, CORO_ERROR, CORO_ERROR_NO_STACK,
               "No stack for another coroutine: %s", g_strerror (saved_errno));
  return FALSE;
}

static CoroStackClass *
stack_class_new (gsize stride)
{
  CoroStackClass *self = g_new0 (CoroStackClass, 1);

  self->stride = stride;
  self->slabs = g_array_new (FALSE, FALSE, sizeof (CoroStackSlab));
  self->warm = g_ptr_array_new ();
  self->cold = g_ptr_array_new ();
  return self;
}

static void
stack_class_free (CoroStackClass *self)
{
  for (guint i = 0; i < self->slabs->len; i++)
    {
      CoroStackSlab *slab = &g_array_index (self->slabs, CoroStackSlab, i);

      if (g_atomic_int_get (&guards_by_mprotect))
        g_atomic_int_add (&n_mprotected, -(int) slab->n_used);
      munmap (slab->base, slab->size);
      g_free (slab->stacks);
    }
  g_array_unref (self->slabs);
  g_ptr_array_unref (self->warm);
  g_ptr_array_unref (self->cold);
  g_free (self);
}

static gboolean
stack_class_add_slab (CoroStackClass  *self,
                      GError         **error)
{
  CoroStackSlab slab = { NULL, };

  slab.n_stacks = MAX ((guint) (SLAB_SIZE / self->stride), 1);
  slab.size = slab.n_stacks * self->stride;
  slab.base = mmap (NULL, slab.size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (slab.base == MAP_FAILED)
    {
      int saved_errno = errno;

      g_set_error (error, CORO_ERROR, CORO_ERROR_NO_STACK,
                   "No stack for another coroutine: %s", g_strerror (saved_errno));
      return FALSE;
    }

  madvise (slab.base, slab.size, MADV_NOHUGEPAGE);
  slab.stacks = g_new0 (CoroStack, slab.n_stacks);
  g_array_append_val (self->slabs, slab);
  return TRUE;
}

static CoroStack *
stack_class_take_fresh (CoroStackClass  *self,
                        GError         **error)
{
  CoroStackSlab *slab = NULL;
  CoroStack *stack;
  char *base;

  if (self->slabs->len > 0)
    slab = &g_array_index (self->slabs, CoroStackSlab, self->slabs->len - 1);

  if (slab == NULL || slab->n_used == slab->n_stacks)
    {
      if (!stack_class_add_slab (self, error))
        return NULL;
      slab = &g_array_index (self->slabs, CoroStackSlab, self->slabs->len - 1);
    }

  base = slab->base + slab->n_used * self->stride;
  if (!install_guard (base, error))
    return NULL;

  stack = &slab->stacks[slab->n_used];
  stack->klass = self;
  stack->low = base + GUARD_SIZE;
  stack->top = base + self->stride - (slab->n_used % N_COLOURS) * COLOUR_SIZE;
#ifdef HAVE_VALGRIND
  stack->valgrind_id = VALGRIND_STACK_REGISTER (stack->low, stack->top);
#endif
  slab->n_used++;
  return stack;
}

/* Gives back what lies below the part that every use touches. */
static void
stack_trim_depth (CoroStack *self)
{
  gsize size = (gsize) (self->top - self->low);
  unsigned char resident[64];
  gsize probe;

  if (size <= KEEP_SIZE)
    return;

  /* A stack grows without holes, so the page right below what may stay tells. */
  probe = ((gsize) self->top - KEEP_SIZE) & ~(page_size - 1);
  if (mincore ((void *) (probe - page_size), page_size, resident) == 0 && (resident[0] & 1))
    madvise (self->low, probe - (gsize) self->low, MADV_DONTNEED);
}

static CoroStackClass *
stack_pool_get_class (CoroStackPool *self,
                      gsize          size)
{
  gsize stride;

  initialize_sizes ();
  size = MAX (size, minimum_size + GUARD_SIZE);
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
#ifdef HAVE_VALGRIND
  for (guint i = 0; i < self->classes->len; i++)
    {
      CoroStackClass *klass = g_ptr_array_index (self->classes, i);

      for (guint j = 0; j < klass->slabs->len; j++)
        {
          CoroStackSlab *slab = &g_array_index (klass->slabs, CoroStackSlab, j);

          for (guint k = 0; k < slab->n_used; k++)
            VALGRIND_STACK_DEREGISTER (slab->stacks[k].valgrind_id);
        }
    }
#endif
  g_ptr_array_unref (self->classes);
  g_free (self);
}

CoroStack *
coro_stack_pool_take (CoroStackPool  *self,
                      gsize           size,
                      GError        **error)
{
  CoroStackClass *klass = stack_pool_get_class (self, size);

  if (klass->warm->len > 0)
    return klass->warm->pdata[--klass->warm->len];
  if (klass->cold->len > 0)
    return klass->cold->pdata[--klass->cold->len];
  return stack_class_take_fresh (klass, error);
}

/* May be called on the very stack that is given back, as long as the caller leaves it
 * before the next take: its pages go only in coro_stack_pool_trim(). */
void
coro_stack_pool_give (CoroStackPool *self,
                      CoroStack     *stack)
{
  g_ptr_array_add (stack->klass->warm, stack);
  self->n_gives++;
}

/* To be called now and then on a stack that is not one of ours. */
void
coro_stack_pool_trim (CoroStackPool *self)
{
  if (self->n_gives < DEPTH_PERIOD)
    return;
  self->n_gives = 0;

  for (guint i = 0; i < self->classes->len; i++)
    {
      CoroStackClass *klass = g_ptr_array_index (self->classes, i);

      while (klass->warm->len > N_WARM)
        {
          CoroStack *stack = klass->warm->pdata[--klass->warm->len];

          madvise (stack->low, (gsize) (klass->stride - GUARD_SIZE), MADV_DONTNEED);
          g_ptr_array_add (klass->cold, stack);
        }

      if (klass->warm->len > 0)
        stack_trim_depth (klass->warm->pdata[g_random_int_range (0, (int) klass->warm->len)]);
    }
}
