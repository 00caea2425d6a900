/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define DEMO_TYPE_FILE_ITEM (demo_file_item_get_type ())
G_DECLARE_FINAL_TYPE (DemoFileItem, demo_file_item, DEMO, FILE_ITEM, GObject)

DemoFileItem *demo_file_item_new_hashed  (const char   *path,
                                          guint64       size,
                                          const char   *hash);
DemoFileItem *demo_file_item_new_problem (const char   *path,
                                          const char   *message);

const char   *demo_file_item_get_path    (DemoFileItem *self);
guint64       demo_file_item_get_size    (DemoFileItem *self);
const char   *demo_file_item_get_hash    (DemoFileItem *self);
const char   *demo_file_item_get_message (DemoFileItem *self);
gboolean      demo_file_item_is_problem  (DemoFileItem *self);

G_END_DECLS
