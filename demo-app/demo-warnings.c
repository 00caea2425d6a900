/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-warnings.h"

#include <string.h>

static const char *
get_field (const GLogField *fields, gsize n_fields, const char *key)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, key) && fields[i].length < 0)
      return fields[i].value;
  return "";
}

/* A widget whose text or scroll bars change while the window is laid out keeps a request for a
 * new size.  When a sibling of one of its parents has changed in the same frame, GTK forgets that
 * request until the next frame, says that a widget has no current allocation, and paints the
 * widget as it was.  Nothing is wrong with the program then. */
static gboolean
is_missing_allocation (const GLogField *fields, gsize n_fields)
{
  return g_str_equal (get_field (fields, n_fields, "GLIB_DOMAIN"), "Gtk") &&
         strstr (get_field (fields, n_fields, "MESSAGE"), "without a current allocation") != NULL;
}

/* GTK 4.24 hands some frames to an X server without a compositor twice, and says so once. */
static gboolean
is_frame_submitted_twice (const GLogField *fields, gsize n_fields)
{
  return g_str_equal (get_field (fields, n_fields, "GLIB_DOMAIN"), "Gdk") &&
         g_str_has_prefix (get_field (fields, n_fields, "MESSAGE"), "gdk_frame_timings_submitted() called on submitted frame");
}

static GLogWriterOutput
write_cb (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  if (is_missing_allocation (fields, n_fields) || is_frame_submitted_twice (fields, n_fields))
    return g_log_writer_standard_streams (level, fields, n_fields, NULL);    /* never fatal */
  return g_log_writer_default (level, fields, n_fields, user_data);
}

/* For runs in which every warning is fatal: two of GTK's are not.  To be called once. */
void
demo_warnings_forgive_gtk (void)
{
  g_log_set_writer_func (write_cb, NULL, NULL);
}
