/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-foreign-frame-private.h"

#include "base/coro-error.h"

#include <string.h>
#include <unwind.h>

/* A Python or JavaScript callback that is parked by a switch of stacks crashes its
 * interpreter: frames, root lists and counters of the thread are popped in the wrong
 * order.  So a coroutine with such a frame on its stack must not be parked.
 *
 * Such a frame is always entered through the binding's module.  A conservative scan of
 * the stack for addresses of its code (33 ns for 1 KiB) finds none in most cases; stale
 * words can look like one, so that a hit is confirmed by the unwinder (1 to 2 µs).
 * Asking the interpreters was rejected: PyGILState_Check() says nothing while PyGObject
 * has dropped the lock, and JavaScript has no such question. */

#define MAX_MODULES 8

typedef struct
{
  gsize start;
  gsize end;
  char name[64];
} CoroForeignModule;

static const char * const module_prefixes[] = { "_gi.", "libgjs.", "liblgi", "corelgilua", "libguile-gi" };

int coro_foreign_n_modules;     /* (atomic) */
static CoroForeignModule modules[MAX_MODULES];  /* entries below coro_foreign_n_modules never change */

static void
add_module (const struct dl_phdr_info *info,
            const char                *name)
{
  int n = coro_foreign_n_modules;

  if (n == MAX_MODULES)
    return;

  for (int i = 0; i < n; i++)
    if (strcmp (modules[i].name, name) == 0)
      return;

  for (int i = 0; i < info->dlpi_phnum; i++)
    {
      const ElfW(Phdr) *header = &info->dlpi_phdr[i];

      if (header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0)
        {
          modules[n].start = info->dlpi_addr + header->p_vaddr;
          modules[n].end = modules[n].start + header->p_memsz;
          g_strlcpy (modules[n].name, name, sizeof modules[n].name);
          g_atomic_int_set (&coro_foreign_n_modules, n + 1);
          return;
        }
    }
}

/* Notes a module if it is a language binding.  To be called by one thread at a time. */
void
coro_foreign_frame_consider (const struct dl_phdr_info *info,
                             const char                *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (module_prefixes); i++)
    if (g_str_has_prefix (name, module_prefixes[i]))
      add_module (info, name);
}

static const CoroForeignModule *
find_module (gsize address)
{
  for (int i = 0; i < coro_foreign_n_modules; i++)
    if (address >= modules[i].start && address < modules[i].end)
      return &modules[i];
  return NULL;
}

__attribute__ ((no_sanitize ("address", "thread")))
static gboolean
scan_stack (const CoroStack *stack)
{
  for (const gsize *word = __builtin_frame_address (0); (const char *) word < stack->top; word++)
    if (find_module (*word) != NULL)
      return TRUE;
  return FALSE;
}

static _Unwind_Reason_Code
unwind_cb (struct _Unwind_Context *context,
           void                   *data)
{
  const CoroForeignModule **found = data;

  *found = find_module (_Unwind_GetIP (context));
  return *found != NULL ? _URC_END_OF_STACK : _URC_NO_REASON;
}

gboolean
coro_foreign_frame_check_slow (const CoroStack  *stack,
                               GError          **error)
{
  const CoroForeignModule *found = NULL;

  if (stack == NULL || !scan_stack (stack))
    return TRUE;

  /* The first foreign frame above us is the module's, so that frames of a just-in-time
   * compiler, which cannot be unwound, are never reached. */
  _Unwind_Backtrace (unwind_cb, &found);
  if (found == NULL)
    return TRUE;

  g_set_error (error, CORO_ERROR, CORO_ERROR_FOREIGN_FRAME,
               "Cannot wait here: the coroutine would be parked below a frame of a language binding (%s)",
               found->name);
  return FALSE;
}
