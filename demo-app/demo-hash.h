/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "demo-file-item.h"

G_BEGIN_DECLS

/* How far demo_hash_tree() has come.  The caller reads it whenever it likes: everything
 * happens in one thread, so no lock is needed. */
typedef struct
{
  gboolean walking;      /* folders are still being listed: n_found will grow */
  guint n_found;
  guint n_done;          /* problems included */
  guint n_problems;
  guint64 n_bytes;       /* read and hashed, also of files that are not finished */
} DemoHashProgress;

/* Takes over the item. */
typedef void (*DemoHashFunc) (DemoFileItem *item,
                              gpointer      user_data);

gboolean  demo_hash_file           (GFile             *file,
                                    guint64           *total,
                                    guint64           *size,
                                    char             **hash,
                                    GError           **error);
gboolean  demo_hash_tree           (GFile             *root,
                                    DemoHashProgress  *progress,
                                    DemoHashFunc       func,
                                    gpointer           user_data,
                                    GError           **error);
char     *demo_hash_describe_error (const GError      *error);

G_END_DECLS
