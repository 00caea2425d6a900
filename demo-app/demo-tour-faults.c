/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-tour-faults.h"

#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void
make_file (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  if (!g_file_set_contents (path, text, -1, NULL))
    g_warning ("%s: not written", path);
}

static void
make_link (const char *folder, const char *name, const char *target)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  if (symlink (target, path) != 0)
    g_warning ("%s: not linked", path);
}

/* Removes what demo_tour_make_faults() has made, and @folder. */
void
demo_tour_remove_faults (const char *folder)
{
  const char * const names[] = { "good.txt", "locked.txt", "broken-link", "circle-a", "circle-b", "to-parent", "pipe" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);

      g_unlink (path);
    }
  g_rmdir (folder);
}

/* Fills @folder with files of which much is wrong, and says how many are.  root may read what
 * others may not, so for it there is one less. */
guint
demo_tour_make_faults (const char *folder)
{
  g_autofree char *locked = g_build_filename (folder, "locked.txt", NULL);
  g_autofree char *pipe_path = g_build_filename (folder, "pipe", NULL);

  make_file (folder, "good.txt", "good");
  make_file (folder, "locked.txt", "locked");
  g_chmod (locked, 0);
  make_link (folder, "broken-link", "nowhere");
  make_link (folder, "circle-a", "circle-b");
  make_link (folder, "circle-b", "circle-a");
  make_link (folder, "to-parent", "..");
  if (mkfifo (pipe_path, 0600) != 0)
    g_warning ("%s: not made", pipe_path);
  return geteuid () == 0 ? 4 : 5;
}
