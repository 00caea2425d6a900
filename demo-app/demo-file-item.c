/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-file-item.h"

/* DemoFileItem: one row of the Files page.
 *
 * An item is made when its file is finished, and never changes: either it has a size and
 * a hash, or it has a message that says why not.  What the list shows as text is made when
 * a row asks for it, so that ten thousand items cost ten thousand paths and hashes only. */

struct _DemoFileItem
{
  GObject parent_instance;

  char *path;      /* (owned), below the folder that was walked, valid UTF-8 */
  char *hash;      /* (owned) (nullable) */
  char *message;   /* (owned) (nullable), set where the hash is not */
  guint64 size;
};

enum
{
  PROP_PATH = 1,
  PROP_SIZE_TEXT,
  PROP_DETAIL,
  PROP_PROBLEM,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DemoFileItem, demo_file_item, G_TYPE_OBJECT)

static void
demo_file_item_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  DemoFileItem *self = DEMO_FILE_ITEM (object);

  switch (prop_id)
    {
    case PROP_PATH:
      g_value_set_string (value, self->path);
      break;
    case PROP_SIZE_TEXT:
      g_value_take_string (value, self->hash != NULL ? g_format_size (self->size) : g_strdup (""));
      break;
    case PROP_DETAIL:
      g_value_set_string (value, self->hash != NULL ? self->hash : self->message);
      break;
    case PROP_PROBLEM:
      g_value_set_boolean (value, demo_file_item_is_problem (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
demo_file_item_finalize (GObject *object)
{
  DemoFileItem *self = DEMO_FILE_ITEM (object);

  g_free (self->path);
  g_free (self->hash);
  g_free (self->message);

  G_OBJECT_CLASS (demo_file_item_parent_class)->finalize (object);
}

static void
demo_file_item_class_init (DemoFileItemClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = demo_file_item_get_property;
  object_class->finalize = demo_file_item_finalize;

  properties[PROP_PATH] = g_param_spec_string ("path", NULL, NULL, NULL, flags);
  properties[PROP_SIZE_TEXT] = g_param_spec_string ("size-text", NULL, NULL, NULL, flags);
  properties[PROP_DETAIL] = g_param_spec_string ("detail", NULL, NULL, NULL, flags);
  properties[PROP_PROBLEM] = g_param_spec_boolean ("problem", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
demo_file_item_init (DemoFileItem *self)
{
}

static DemoFileItem *
demo_file_item_new (const char *path)
{
  DemoFileItem *self = g_object_new (DEMO_TYPE_FILE_ITEM, NULL);

  /* A file name is bytes; a label wants UTF-8. */
  self->path = g_utf8_make_valid (path, -1);
  return self;
}

DemoFileItem *
demo_file_item_new_hashed (const char *path, guint64 size, const char *hash)
{
  DemoFileItem *self = demo_file_item_new (path);

  self->size = size;
  self->hash = g_strdup (hash);
  return self;
}

DemoFileItem *
demo_file_item_new_problem (const char *path, const char *message)
{
  DemoFileItem *self = demo_file_item_new (path);

  self->message = g_strdup (message);
  return self;
}

const char *
demo_file_item_get_path (DemoFileItem *self)
{
  g_return_val_if_fail (DEMO_IS_FILE_ITEM (self), NULL);

  return self->path;
}

guint64
demo_file_item_get_size (DemoFileItem *self)
{
  g_return_val_if_fail (DEMO_IS_FILE_ITEM (self), 0);

  return self->size;
}

/* NULL where the file could not be hashed. */
const char *
demo_file_item_get_hash (DemoFileItem *self)
{
  g_return_val_if_fail (DEMO_IS_FILE_ITEM (self), NULL);

  return self->hash;
}

/* Why the file could not be hashed, else NULL. */
const char *
demo_file_item_get_message (DemoFileItem *self)
{
  g_return_val_if_fail (DEMO_IS_FILE_ITEM (self), NULL);

  return self->message;
}

gboolean
demo_file_item_is_problem (DemoFileItem *self)
{
  g_return_val_if_fail (DEMO_IS_FILE_ITEM (self), FALSE);

  return self->hash == NULL;
}
