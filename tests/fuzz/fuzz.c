/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "run.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs random programs, each in a main context of its own, and checks that nothing is lost
 * and nothing left:
 *     fuzz FIRST LAST        a program for each of these seeds
 *     fuzz FIRST +SECONDS    as many as there is time for, in a few processes' worth of seeds
 * Each seed goes by a clock of its own, and in an order of its own, but every fourth by real
 * time.  Prints TAP. */

static int
count_descriptors (void)
{
  DIR *folder = opendir ("/proc/self/fd");
  int n = 0;

  while (readdir (folder) != NULL)
    n++;
  closedir (folder);
  return n;
}

static guint64
run_seed (guint seed)
{
  g_autofree char *name = g_strdup_printf ("seed %u", seed);

  return fuzz_run (name, draw_from_seed (seed), seed % 4 == 3, seed % 2 == 0 ? seed + 1 : 0);
}

int
main (int    argc,
      char **argv)
{
  guint first = argc > 1 ? (guint) atoi (argv[1]) : 1;
  const char *last = argc > 2 ? argv[2] : argc > 1 ? argv[1] : "300";
  gint64 end = last[0] == '+' ? g_get_monotonic_time () + (gint64) atoi (last + 1) * G_USEC_PER_SEC : 0;
  guint64 n_operations = 0;
  guint seed;
  int n_descriptors = 0;

  fuzz_init ();
  printf ("1..1\n");
  for (seed = first; end > 0 ? g_get_monotonic_time () < end : seed <= (guint) atoi (last); seed++)
    {
      n_operations += run_seed (seed);
      if (seed == first + 4)            /* the threads of GLib have theirs by now */
        n_descriptors = count_descriptors ();
      else if (seed > first + 4 && count_descriptors () != n_descriptors)
        {
          printf ("not ok 1 - seed %u has left a descriptor open\n", seed);
          return 1;
        }
    }
  printf ("ok 1 - %u programs from seed %u on, %" G_GUINT64_FORMAT " operations\n", seed - first, first, n_operations);
  return 0;
}
