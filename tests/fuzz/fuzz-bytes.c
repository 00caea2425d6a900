/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "run.h"

/* The same random programs with the decisions of libFuzzer, which looks for bytes that lead
 * into code that was not reached before. */

int LLVMFuzzerInitialize   (int            *argc,
                            char         ***argv);
int LLVMFuzzerTestOneInput (const guint8   *bytes,
                            gsize           n_bytes);

int
LLVMFuzzerInitialize (int    *argc,
                      char ***argv)
{
  fuzz_init ();
  return 0;
}

int
LLVMFuzzerTestOneInput (const guint8 *bytes,
                        gsize         n_bytes)
{
  fuzz_run ("input", draw_from_bytes (bytes, n_bytes), FALSE, n_bytes > 0 ? bytes[0] : 0);
  return 0;
}
