/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-revived-private.h"

/* An object may be revived by its dispose(): a future that is dropped before it is done tells its
 * callbacks, which hold it until they have been called, perhaps in another thread.  In GLib 2.74
 * g_object_unref() touches such an object once more after it has given its reference away.  If the
 * other thread is quick, this is freed memory: random programs under ThreadSanitizer crashed once in
 * 16 minutes.  So the dropping thread holds the object until g_object_unref() has returned. */

static GPrivate kept = G_PRIVATE_INIT (g_object_unref);

static gboolean
nothing_cb (gpointer object)
{
  return G_SOURCE_REMOVE;
}

/* Only in the thread that iterates it now has the source its turn after the call. */
static gboolean
keep_for_context (gpointer object)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr (GSource) source = NULL;

  if (!g_main_context_is_owner (context))
    return FALSE;

  source = g_idle_source_new ();
  g_source_set_static_name (source, "[coro] revived object");
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, nothing_cb, g_object_ref (object), g_object_unref);
  g_source_attach (source, context);
  return TRUE;
}

/* For the end of a dispose() that has given a reference to another thread.  If that has been dropped
 * already, g_object_unref() goes on as usual. */
void
coro_keep_revived (gpointer object)
{
  if (g_atomic_int_get (&((GObject *) object)->ref_count) == 1)
    return;

  /* In other threads, until the next object is revived or the thread ends. */
  if (!keep_for_context (object))
    g_private_replace (&kept, g_object_ref (object));
}
