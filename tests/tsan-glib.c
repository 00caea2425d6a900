/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GLib is not compiled for the thread sanitizer, and its locks and atomics are system
 * calls and instructions of its own that the sanitizer does not see.  This library, which
 * `meson test --setup tsan` preloads, tells it of them.  That leaves nothing to suppress.
 *
 * It does nothing in a process without the sanitizer.
 */
#include <dlfcn.h>
#include <gio/gio.h>

extern void __tsan_acquire (void *address) __attribute__ ((weak));
extern void __tsan_release (void *address) __attribute__ ((weak));

static void
acquire (gconstpointer address)
{
  if (__tsan_acquire != NULL)
    __tsan_acquire ((gpointer) address);
}

static void
release (gconstpointer address)
{
  if (__tsan_release != NULL)
    __tsan_release ((gpointer) address);
}

/* The function of GLib that the one of the same name in here stands in front of. */
#define REAL(name) \
  static __typeof__ (&name) real; \
  if (real == NULL) \
    real = (__typeof__ (&name)) dlsym (RTLD_NEXT, #name)

/* --- locks ------------------------------------------------------------------------ */

void
g_mutex_lock (GMutex *mutex)
{
  REAL (g_mutex_lock);
  real (mutex);
  acquire (mutex);
}

gboolean
g_mutex_trylock (GMutex *mutex)
{
  REAL (g_mutex_trylock);
  if (!real (mutex))
    return FALSE;
  acquire (mutex);
  return TRUE;
}

void
g_mutex_unlock (GMutex *mutex)
{
  REAL (g_mutex_unlock);
  release (mutex);
  real (mutex);
}

void
g_cond_wait (GCond  *cond,
             GMutex *mutex)
{
  REAL (g_cond_wait);
  release (mutex);
  real (cond, mutex);
  acquire (mutex);
}

gboolean
g_cond_wait_until (GCond  *cond,
                   GMutex *mutex,
                   gint64  end_time)
{
  gboolean signalled;
  REAL (g_cond_wait_until);
  release (mutex);
  signalled = real (cond, mutex, end_time);
  acquire (mutex);
  return signalled;
}

#undef g_once_init_leave
void
g_once_init_leave (volatile void *location,
                   gsize          result)
{
  REAL (g_once_init_leave);
  release ((gpointer) location);
  real (location, result);
}

/* --- counts of references --------------------------------------------------------- */

/* What others did with the object comes before what the last one does to it. */
gboolean
(g_atomic_ref_count_dec) (gatomicrefcount *count)
{
  static gboolean (*real) (gatomicrefcount *count);
  gboolean last;

  if (real == NULL)
    real = dlsym (RTLD_NEXT, "g_atomic_ref_count_dec");
  release (count);
  last = real (count);
  if (last)
    acquire (count);
  return last;
}

void
g_atomic_rc_box_release_full (gpointer       box,
                              GDestroyNotify clear)
{
  REAL (g_atomic_rc_box_release_full);
  release (box);
  acquire (box);
  real (box, clear);
}

void
g_object_unref (gpointer object)
{
  REAL (g_object_unref);
  release (object);
  acquire (object);
  real (object);
}

void
g_bytes_unref (GBytes *bytes)
{
  REAL (g_bytes_unref);
  release (bytes);
  acquire (bytes);
  real (bytes);
}

void
g_main_context_unref (GMainContext *context)
{
  REAL (g_main_context_unref);
  release (context);
  acquire (context);
  real (context);
}

/* --- what one thread hands to another ---------------------------------------------- */

/* The functions of a scheduler's source, which another thread may call as soon as it is attached. */
typedef struct
{
  GSourceFuncs funcs;           /* first */
  gboolean (*prepare) (GSource *source,
                       int     *timeout);
} SchedulerFuncs;

static gboolean
scheduler_prepare_cb (GSource *source,
                      int     *timeout)
{
  acquire (source);
  return ((SchedulerFuncs *) source->source_funcs)->prepare (source, timeout);
}

static void
wrap_scheduler (GSource *source)
{
  SchedulerFuncs *self = g_new (SchedulerFuncs, 1);

  self->funcs = *source->source_funcs;
  self->prepare = self->funcs.prepare;
  self->funcs.prepare = scheduler_prepare_cb;
  source->source_funcs = &self->funcs;
}

guint
g_source_attach (GSource      *source,
                 GMainContext *context)
{
  REAL (g_source_attach);
  if (g_strcmp0 (g_source_get_name (source), "[coro] scheduler") == 0)
    wrap_scheduler (source);
  release (source);
  return real (source, context);
}

typedef struct
{
  GSourceFunc func;
  gpointer data;
  GDestroyNotify notify;
} SourceCall;

static gboolean
source_call_cb (gpointer data)
{
  SourceCall *self = data;

  acquire (g_main_current_source ());
  return self->func (self->data);
}

static void
source_call_free (gpointer data)
{
  SourceCall *self = data;

  if (self->notify != NULL)
    self->notify (self->data);
  g_free (self);
}

/* Only sources whose callbacks take nothing but their data: idle ones and timeouts. */
static gpointer
wrap_callback (GSourceFunc    *func,
               gpointer        data,
               GDestroyNotify *notify)
{
  SourceCall *self = g_new (SourceCall, 1);

  *self = (SourceCall) { *func, data, *notify };
  *func = source_call_cb;
  *notify = source_call_free;
  return self;
}

guint
g_idle_add_full (int            priority,
                 GSourceFunc    func,
                 gpointer       data,
                 GDestroyNotify notify)
{
  GSource *source = g_idle_source_new ();
  guint id;

  data = wrap_callback (&func, data, &notify);
  g_source_set_priority (source, priority);
  g_source_set_callback (source, func, data, notify);
  id = g_source_attach (source, NULL);
  g_source_unref (source);
  return id;
}

guint
g_idle_add (GSourceFunc func,
            gpointer    data)
{
  return g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, func, data, NULL);
}

typedef struct
{
  GFunc func;
  gpointer user_data;
} PoolCall;

static void
pool_call_cb (gpointer data,
              gpointer user_data)
{
  PoolCall *self = user_data;

  acquire (data);
  self->func (data, self->user_data);
}

/* A pool of ours lives as long as the process. */
GThreadPool *
g_thread_pool_new (GFunc     func,
                   gpointer  user_data,
                   int       max_threads,
                   gboolean  exclusive,
                   GError  **error)
{
  PoolCall *self = g_new (PoolCall, 1);
  REAL (g_thread_pool_new);
  *self = (PoolCall) { func, user_data };
  return real (pool_call_cb, self, max_threads, exclusive, error);
}

gboolean
g_thread_pool_push (GThreadPool *pool,
                    gpointer     data,
                    GError     **error)
{
  REAL (g_thread_pool_push);
  release (data);
  return real (pool, data, error);
}
