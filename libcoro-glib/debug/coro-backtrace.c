/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "debug/coro-backtrace-private.h"

#include "base/coro-fork-private.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <unwind.h>

/* A module's own table of symbols.  dladdr() knows the exported ones alone, and what
 * blocks is a static function in most cases. */
typedef struct
{
  gsize base;
  char *name;                   /* (owned): without its folder */
  GMappedFile *file;            /* (owned) (nullable) */
  const ElfW(Sym) *symbols;     /* (nullable): in the file */
  gsize n_symbols;
  const char *strings;
  gsize strings_size;
} CoroModule;

CORO_FORK_LOCK (modules_lock, CORO_FORK_LAST)
static GPtrArray *modules;      /* (owned): never freed; guarded by modules_lock */

/* --- capturing: callable in a signal handler, once it has been called outside of one --- */

typedef struct
{
  gpointer *frames;
  guint n_frames;
  guint max_frames;
  gboolean skipping;            /* up to the frame that a signal has interrupted */
  guint n_skip;
} CoroUnwind;

static _Unwind_Reason_Code
unwind_cb (struct _Unwind_Context *context,
           void                   *data)
{
  CoroUnwind *self = data;
  int is_exact = 0;
  gsize address = _Unwind_GetIPInfo (context, &is_exact);

  if (address == 0 || self->n_frames == self->max_frames)
    return _URC_END_OF_STACK;

  if (self->skipping && !is_exact)
    return _URC_NO_REASON;
  self->skipping = FALSE;

  if (self->n_skip > 0)
    {
      self->n_skip--;
      return _URC_NO_REASON;
    }

  /* A return address may belong to the next line or function already. */
  self->frames[self->n_frames++] = (gpointer) (is_exact ? address : address - 1);
  return _URC_NO_REASON;
}

/* The caller's frames, innermost first.  Each is an address inside the calling
 * instruction. */
G_GNUC_NO_INLINE guint
coro_backtrace_capture (gpointer *frames,
                        guint     n_frames)
{
  CoroUnwind unwind = { frames, 0, n_frames, FALSE, 1 };

  _Unwind_Backtrace (unwind_cb, &unwind);
  return unwind.n_frames;
}

/* In a signal handler: the frames of what it has interrupted. */
guint
coro_backtrace_capture_interrupted (gpointer *frames,
                                    guint     n_frames)
{
  CoroUnwind unwind = { frames, 0, n_frames, TRUE, 0 };

  _Unwind_Backtrace (unwind_cb, &unwind);
  return unwind.n_frames;
}

/* --- naming ----------------------------------------------------------------------- */

static gconstpointer
module_get (const CoroModule *self,
            gsize             offset,
            gsize             size)
{
  gsize length = g_mapped_file_get_length (self->file);

  if (offset > length || size > length - offset)
    return NULL;
  return g_mapped_file_get_contents (self->file) + offset;
}

/* Looks for the table; a stripped module has none. */
static void
module_read_symbols (CoroModule *self)
{
  const ElfW(Ehdr) *header = module_get (self, 0, sizeof *header);
  const ElfW(Shdr) *sections;

  if (header == NULL || memcmp (header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_shentsize != sizeof *sections)
    return;

  sections = module_get (self, header->e_shoff, header->e_shnum * sizeof *sections);
  for (int i = 0; sections != NULL && i < header->e_shnum; i++)
    {
      const ElfW(Shdr) *section = &sections[i];
      const ElfW(Shdr) *strings;

      if (section->sh_type != SHT_SYMTAB || section->sh_link >= header->e_shnum)
        continue;

      strings = &sections[section->sh_link];
      self->strings = module_get (self, strings->sh_offset, strings->sh_size);
      self->strings_size = strings->sh_size;
      self->n_symbols = section->sh_size / sizeof (ElfW(Sym));
      self->symbols = self->strings != NULL ? module_get (self, section->sh_offset, section->sh_size) : NULL;
      return;
    }
}

/* With modules_lock held. */
static CoroModule *
module_load (const struct link_map *map)
{
  const char *path = map->l_name[0] != '\0' ? map->l_name : "/proc/self/exe";
  CoroModule *self = g_new0 (CoroModule, 1);

  self->base = map->l_addr;
  self->file = g_mapped_file_new (path, FALSE, NULL);
  self->name = g_path_get_basename (map->l_name[0] != '\0' ? path : g_get_prgname () != NULL ? g_get_prgname () : "program");
  if (self->file != NULL)
    module_read_symbols (self);
  return self;
}

static const CoroModule *
module_find (const struct link_map *map)
{
  CoroModule *found = NULL;

  g_mutex_lock (&modules_lock);
  if (modules == NULL)
    modules = g_ptr_array_new ();
  for (guint i = 0; i < modules->len && found == NULL; i++)
    {
      CoroModule *module = modules->pdata[i];

      if (module->base == map->l_addr)
        found = module;
    }
  if (found == NULL)
    {
      found = module_load (map);
      g_ptr_array_add (modules, found);
    }
  g_mutex_unlock (&modules_lock);

  return found;
}

/* `address` as the file has it. */
static const char *
module_lookup (const CoroModule *self,
               gsize             address,
               gsize            *offset)
{
  for (gsize i = 0; self->symbols != NULL && i < self->n_symbols; i++)
    {
      const ElfW(Sym) *symbol = &self->symbols[i];

      if (ELF64_ST_TYPE (symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF)
        continue;
      if (address < symbol->st_value || address - symbol->st_value >= MAX (symbol->st_size, 1))
        continue;
      if (symbol->st_name >= self->strings_size)
        return NULL;
      *offset = address - symbol->st_value;
      return self->strings + symbol->st_name;
    }
  return NULL;
}

/* Whether it is code of this library, unless that is part of the program. */
gboolean
coro_backtrace_is_ours (gpointer address)
{
  struct link_map *map = NULL, *our_map = NULL;
  Dl_info info;

  return dladdr1 (address, &info, (void **) &map, RTLD_DL_LINKMAP) != 0 &&
         dladdr1 ((gpointer) coro_backtrace_is_ours, &info, (void **) &our_map, RTLD_DL_LINKMAP) != 0 &&
         map == our_map && map->l_name[0] != '\0';
}

/* "function+0x1a (module+0x1234)": the latter is what addr2line(1) wants.  Not in a signal
 * handler. */
void
coro_symbol_append (GString  *string,
                    gpointer  address)
{
  struct link_map *map = NULL;
  const CoroModule *module;
  const char *name;
  gsize offset = 0;
  Dl_info info;

  if (dladdr1 (address, &info, (void **) &map, RTLD_DL_LINKMAP) == 0 || map == NULL)
    {
      g_string_append_printf (string, "%p", address);
      return;
    }

  module = module_find (map);
  name = module_lookup (module, (gsize) address - module->base, &offset);
  if (name == NULL && info.dli_sname != NULL)
    {
      name = info.dli_sname;
      offset = (gsize) address - (gsize) info.dli_saddr;
    }

  g_string_append (string, name != NULL ? name : "??");
  if (offset != 0)
    g_string_append_printf (string, "+0x%" G_GSIZE_MODIFIER "x", offset);
  g_string_append_printf (string, " (%s+0x%" G_GSIZE_MODIFIER "x)", module->name, (gsize) address - module->base);
}

/* A line for each frame. */
void
coro_backtrace_append (GString        *string,
                       gpointer const *frames,
                       guint           n_frames,
                       const char     *indent)
{
  for (guint i = 0; i < n_frames; i++)
    {
      g_string_append (string, indent);
      coro_symbol_append (string, frames[i]);
      g_string_append_c (string, '\n');
    }
}
