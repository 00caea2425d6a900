/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "fiber/coro-slab-private.h"

#include "base/coro-error.h"
#include "fiber/coro-fiber-private.h"
#include "fiber/coro-guard-page-private.h"

#include <errno.h>
#include <sys/mman.h>

#ifdef HAVE_VALGRIND
# include <valgrind/memcheck.h>
#endif

/* Many stacks in one mapping, so that a stack costs neither a VMA nor an mmap().
 *
 * The distance between two stacks is an odd number of pages and their tops start at
 * sixteen different cache lines: with a power of two, the hot ends of all parked stacks
 * fall into the same few cache sets (1000 coroutines yield in 6.6 ns instead of 37.6). */

/* Not more than RLIMIT_AS leaves room for, even when it is small. */
#define SLAB_SIZE       ((gsize) 16 * 1024 * 1024)
/* Large stacks share a mapping as well, because the kernel limits the number of mappings.  Where
 * there is no room for so many stacks, each large stack gets a slab of its own. */
#define MIN_STACKS      8
#define MAX_SLAB_SIZE   ((gsize) 256 * 1024 * 1024)
/* The room that must be left for the rest of the process after a slab: under GLib a failed
 * malloc() aborts. */
#define HEADROOM        ((gsize) 2 * 1024 * 1024)
/* The room that must be left after a slab of large stacks if small stacks would do: room for a
 * thousand small stacks. */
#define SPARING_HEADROOM ((gsize) 256 * 1024 * 1024)
/* What one page of page tables describes.  A slab that begins in the middle of one needs
 * nine of them instead of eight: 65 bytes a coroutine. */
#define TABLE_REACH     ((gsize) 2 * 1024 * 1024)
/* For the same reason no two slabs begin alike: all begin where a page of page tables does, and
 * their stacks would share the sets of the TLB (1000 coroutines yield in 51 ns instead of 20). */
#define MIN_SHIFTS      32
#define N_COLOURS       16
#define COLOUR_SIZE     64
/* What a free stack that was looked at may keep of its pages. */
#define KEEP_SIZE       ((gsize) 32 * 1024)

/* Files a slab under what its counters say. */
void
coro_slab_update (CoroStackSlab *self)
{
  CoroStackClass *klass = self->klass;
  CoroSlabState state;

  if (self->n_warm > 0)
    state = CORO_SLAB_WARM;
  else if (self->n_in_use < self->n_stacks)
    state = CORO_SLAB_COOL;
  else
    state = CORO_SLAB_FULL;

  /* An empty slab that is not listed as such is one that the pool wants to keep. */
  if (self->n_in_use == 0 && (klass->n_warm > CORO_N_WARM || self->cold != NULL))
    state = CORO_SLAB_EMPTY;

  if (state == self->state)
    return;

  g_queue_unlink (&klass->slabs[self->state], &self->link);
  g_queue_push_head_link (&klass->slabs[state], &self->link);
  self->state = state;
}

static gpointer
map_slab (gsize    size,
          gsize    headroom,
          GError **error)
{
  char *map = mmap (NULL, size + headroom, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  char *base;

  if (map == MAP_FAILED)
    {
      int saved_errno = errno;

      g_set_error (error, CORO_ERROR, CORO_ERROR_NO_STACK,
                   "No stack for another coroutine: %s", g_strerror (saved_errno));
      return NULL;
    }

  base = (char *) (((gsize) map + TABLE_REACH - 1) & ~(TABLE_REACH - 1));
  if (base > map)
    munmap (map, (gsize) (base - map));
  if (base < map + headroom)
    munmap (base + size, (gsize) (map + headroom - base));
  madvise (base, size, MADV_NOHUGEPAGE);
  return base;
}

static gsize
get_slab_size (CoroStackClass *klass)
{
  gsize size = klass->stride * MIN_STACKS + MIN_SHIFTS * klass->page_size;

  return MAX (MAX (SLAB_SIZE, klass->stride), MIN (size, MAX_SLAB_SIZE));
}

/* `sparing`: fails unless much room is left after the slab. */
CoroStackSlab *
coro_slab_new (CoroStackClass  *klass,
               gboolean         sparing,
               GError         **error)
{
  gsize headroom = sparing ? SPARING_HEADROOM : HEADROOM;
  gsize size = get_slab_size (klass);
  CoroStackSlab *self;
  gsize n_shifts;
  guint n_stacks;
  char *base;

  if (!coro_fiber_check_supported (error))
    return NULL;

  base = size > SLAB_SIZE && size > klass->stride ? map_slab (size, headroom, NULL) : NULL;
  if (base == NULL)
    {
      size = klass->stride > SLAB_SIZE / 2 ? klass->stride : SLAB_SIZE;
      base = map_slab (size, headroom, error);
    }
  if (base == NULL)
    return NULL;

  n_stacks = (guint) ((size - MIN (size - klass->stride, MIN_SHIFTS * klass->page_size)) / klass->stride);
  n_shifts = (size - n_stacks * klass->stride) / klass->page_size + 1;

  self = g_new0 (CoroStackSlab, 1);
  self->link.data = self;
  self->klass = klass;
  self->base = base;
  self->size = size;
  self->first = base + klass->all->len % n_shifts * klass->page_size;
  self->stacks = g_new0 (CoroStack, n_stacks);
  self->n_stacks = n_stacks;
  self->state = CORO_SLAB_COOL;
  self->index = klass->all->len;
  g_ptr_array_add (klass->all, self);
  g_queue_push_head_link (&klass->slabs[CORO_SLAB_COOL], &self->link);
  return self;
}

void
coro_slab_free (CoroStackSlab *self)
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
  coro_guard_page_release (self->n_mprotected);
  g_free (self->stacks);
  g_free (self);
}

static CoroStack *
slab_take_fresh (CoroStackSlab  *self,
                 GError        **error)
{
  char *base = self->first + self->n_touched * self->klass->stride;
  CoroStack *stack = &self->stacks[self->n_touched];
  gboolean mprotected;

  if (!coro_guard_page_install (base, self->klass->guard_size, &mprotected, error))
    return NULL;

  stack->slab = self;
  stack->low = base + self->klass->guard_size;
  stack->top = base + self->klass->stride - (self->n_touched % N_COLOURS) * COLOUR_SIZE;
#ifdef HAVE_VALGRIND
  stack->valgrind_id = VALGRIND_STACK_REGISTER (stack->low, stack->top - 1);
#endif
  self->n_touched++;
  self->n_mprotected += mprotected ? 1 : 0;
  return stack;
}

CoroStack *
coro_slab_take (CoroStackSlab  *self,
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
      stack = slab_take_fresh (self, error);
      if (stack == NULL)
        return NULL;
    }

#ifdef HAVE_VALGRIND
  /* Its last user left by a jump, with everything below the stack pointer out of bounds. */
  (void) VALGRIND_MAKE_MEM_UNDEFINED (stack->low, stack->top - stack->low);
#endif
  stack->state = CORO_STACK_IN_USE;
  self->n_in_use++;
  if (self->state != CORO_SLAB_WARM)
    coro_slab_update (self);
  return stack;
}

/* The pages stay: the caller may still be on it. */
void
coro_slab_give (CoroStackSlab *self,
                CoroStack     *stack)
{
  g_assert (stack->state == CORO_STACK_IN_USE);

  stack->state = CORO_STACK_WARM;
  stack->next = self->warm;
  self->warm = stack;
  self->n_warm++;
  self->n_in_use--;
  self->klass->n_warm++;
  self->klass->n_unseen++;
  if (self->state != CORO_SLAB_WARM || self->n_in_use == 0)
    coro_slab_update (self);
}

/* Gives the pages of a free stack back, up to `end`. */
static void
slab_discard (CoroStackSlab *self,
              CoroStack     *stack,
              char          *end)
{
  gsize size = ((gsize) end - (gsize) stack->low) & ~(self->klass->page_size - 1);

  madvise (stack->low, size, MADV_DONTNEED);
}

/* Takes the pages of all its warm stacks. */
void
coro_slab_cool (CoroStackSlab *self)
{
  CoroStack *stack;

  while ((stack = self->warm) != NULL)
    {
      self->warm = stack->next;
      slab_discard (self, stack, stack->low + self->klass->stride - self->klass->guard_size);
      stack->state = CORO_STACK_COLD;
      stack->next = self->cold;
      self->cold = stack;
    }

  self->klass->n_warm -= self->n_warm;
  self->n_warm = 0;
  coro_slab_update (self);
}

/* Whether any page of [low, end) has been touched, from the end downwards. */
static gboolean
is_any_resident (const char *low,
                 char       *end,
                 gsize       page_size)
{
  unsigned char resident[512];

  while (end > low)
    {
      gsize n_pages = MIN ((gsize) (end - low) / page_size, G_N_ELEMENTS (resident));

      end -= n_pages * page_size;
      if (n_pages == 0 || mincore (end, n_pages * page_size, resident) != 0)
        return FALSE;
      for (gsize i = 0; i < n_pages; i++)
        if (resident[i] & 1)
          return TRUE;
    }
  return FALSE;
}

/* Gives back what lies below the part of a stack that every use touches. */
void
coro_slab_trim_depth (CoroStackSlab *self,
                      CoroStack     *stack)
{
  gsize page_size = self->klass->page_size;
  char *end = (char *) ((gsize) (stack->top - KEEP_SIZE) & ~(page_size - 1));

  if (stack->state != CORO_STACK_WARM || coro_stack_get_size (stack) <= KEEP_SIZE + page_size)
    return;

  /* Large frames leave holes, so that the page right below what may stay does not tell. */
  if (is_any_resident (stack->low, end, page_size))
    slab_discard (self, stack, end);
}
