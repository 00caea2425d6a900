/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "coro-fixture.h"

/**
 * CoroFixtureEmitter:
 *
 * Emits a signal from a coroutine.
 */
struct _CoroFixtureEmitter
{
  GObject parent_instance;
};

enum
{
  SIGNAL_PING,
  N_SIGNALS
};

static guint signals[N_SIGNALS];
static int n_cleanups;
static int n_gone;

G_DEFINE_FINAL_TYPE (CoroFixtureEmitter, coro_fixture_emitter, G_TYPE_OBJECT)

GType
coro_fixture_kind_get_type (void)
{
  static gsize type;

  if (g_once_init_enter (&type))
    {
      static const GEnumValue values[] = {
        { CORO_FIXTURE_KIND_NONE, "CORO_FIXTURE_KIND_NONE", "none" },
        { CORO_FIXTURE_KIND_BOOLEAN, "CORO_FIXTURE_KIND_BOOLEAN", "boolean" },
        { CORO_FIXTURE_KIND_INT, "CORO_FIXTURE_KIND_INT", "int" },
        { CORO_FIXTURE_KIND_INT64, "CORO_FIXTURE_KIND_INT64", "int64" },
        { CORO_FIXTURE_KIND_DOUBLE, "CORO_FIXTURE_KIND_DOUBLE", "double" },
        { CORO_FIXTURE_KIND_STRING, "CORO_FIXTURE_KIND_STRING", "string" },
        { CORO_FIXTURE_KIND_OBJECT, "CORO_FIXTURE_KIND_OBJECT", "object" },
        { CORO_FIXTURE_KIND_BYTES, "CORO_FIXTURE_KIND_BYTES", "bytes" },
        { CORO_FIXTURE_KIND_VARIANT, "CORO_FIXTURE_KIND_VARIANT", "variant" },
        { CORO_FIXTURE_KIND_STRV, "CORO_FIXTURE_KIND_STRV", "strv" },
        { CORO_FIXTURE_KIND_ENUM, "CORO_FIXTURE_KIND_ENUM", "enum" },
        { 0, NULL, NULL },
      };

      g_once_init_leave (&type, g_enum_register_static ("CoroFixtureKind", values));
    }
  return type;
}

static void
coro_fixture_emitter_class_init (CoroFixtureEmitterClass *klass)
{
  /**
   * CoroFixtureEmitter::ping:
   * @self: the emitter
   * @count: how often it has been emitted before
   *
   * Emitted from a coroutine.
   */
  signals[SIGNAL_PING] = g_signal_new ("ping", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                       0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_INT);
}

static void
coro_fixture_emitter_init (CoroFixtureEmitter *self)
{
}

/**
 * coro_fixture_emitter_new:
 *
 * Returns: (transfer full): an emitter
 */
CoroFixtureEmitter *
coro_fixture_emitter_new (void)
{
  return g_object_new (CORO_FIXTURE_TYPE_EMITTER, NULL);
}

typedef struct
{
  CoroFixtureEmitter *emitter;
  gboolean on_thread_stack;
  int times;
  int count;
} Emission;

static void
emit_cb (gpointer user_data)
{
  Emission *self = user_data;

  g_signal_emit (self->emitter, signals[SIGNAL_PING], 0, self->count);
}

static gboolean
emission_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  Emission *self = user_data;

  for (self->count = 0; self->count < self->times; self->count++)
    {
      if (self->on_thread_stack)
        coro_call_on_thread_stack (emit_cb, self);
      else
        emit_cb (self);
      if (!coro_yield (error))
        return FALSE;
    }
  return coro_return_int (result, self->count);
}

static void
emission_free (gpointer data)
{
  Emission *self = data;

  g_object_unref (self->emitter);
  g_free (self);
}

static CoroTask *
spawn_emission (CoroFixtureEmitter *emitter,
                gboolean            on_thread_stack,
                int                 times)
{
  Emission *self = g_new0 (Emission, 1);

  self->emitter = g_object_ref (emitter);
  self->on_thread_stack = on_thread_stack;
  self->times = times;
  return coro_spawn_task (emission_cb, self, emission_free);
}

/**
 * coro_fixture_emitter_emit_on_fiber:
 * @self: an emitter
 * @times: how often
 *
 * Emits where C code that knows nothing of bindings does.
 *
 * Returns: (transfer full): a task
 */
CoroTask *
coro_fixture_emitter_emit_on_fiber (CoroFixtureEmitter *self,
                                    int                 times)
{
  return spawn_emission (self, FALSE, times);
}

/**
 * coro_fixture_emitter_emit_on_thread_stack:
 * @self: an emitter
 * @times: how often
 *
 * Emits where bindings can be at home.
 *
 * Returns: (transfer full): a task
 */
CoroTask *
coro_fixture_emitter_emit_on_thread_stack (CoroFixtureEmitter *self,
                                         int                 times)
{
  return spawn_emission (self, TRUE, times);
}

static gboolean
return_kind (CoroFixtureKind  kind,
             GValue          *result)
{
  static const char * const strv[] = { "one", "zwei", NULL };

  switch (kind)
    {
    case CORO_FIXTURE_KIND_NONE:
      return TRUE;
    case CORO_FIXTURE_KIND_BOOLEAN:
      return coro_return_boolean (result, TRUE);
    case CORO_FIXTURE_KIND_INT:
      return coro_return_int (result, -42);
    case CORO_FIXTURE_KIND_INT64:
      return coro_return_int64 (result, G_GINT64_CONSTANT (1) << 40);
    case CORO_FIXTURE_KIND_DOUBLE:
      return coro_return_double (result, 0.5);
    case CORO_FIXTURE_KIND_STRING:
      return coro_return_string (result, "grüezi");
    case CORO_FIXTURE_KIND_OBJECT:
      return coro_return_take_object (result, coro_fixture_emitter_new ());
    case CORO_FIXTURE_KIND_BYTES:
      return coro_return_take_boxed (result, G_TYPE_BYTES, g_bytes_new_take (g_strnfill (1 << 20, 'x'), 1 << 20));
    case CORO_FIXTURE_KIND_VARIANT:
      return coro_return_take_variant (result, g_variant_new_parsed ("{'a': <1>, 'b': <'x'>}"));
    case CORO_FIXTURE_KIND_STRV:
      return coro_return_take_boxed (result, G_TYPE_STRV, g_strdupv ((char **) strv));
    case CORO_FIXTURE_KIND_ENUM:
      g_value_init (result, CORO_FIXTURE_TYPE_KIND);
      g_value_set_enum (result, CORO_FIXTURE_KIND_ENUM);
      return TRUE;
    default:
      g_return_val_if_reached (FALSE);
    }
}

static gboolean
return_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  int packed = GPOINTER_TO_INT (user_data);

  if ((packed & 1) != 0 && !coro_sleep (G_TIME_SPAN_MILLISECOND, error))
    return FALSE;
  return return_kind ((CoroFixtureKind) (packed >> 1), result);
}

/**
 * coro_fixture_spawn_return:
 * @kind: what to return
 * @pending: whether to sleep before
 *
 * Returns: (transfer full): a task
 */
CoroTask *
coro_fixture_spawn_return (CoroFixtureKind kind,
                           gboolean        pending)
{
  return coro_spawn_task (return_cb, GINT_TO_POINTER (((int) kind << 1) | (pending ? 1 : 0)), NULL);
}

static gboolean
fail_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_propagate_error (error, g_error_copy (user_data));
  return FALSE;
}

/**
 * coro_fixture_spawn_fail:
 * @domain: an error domain
 * @code: a code of it
 *
 * Returns: (transfer full): a task that fails
 */
CoroTask *
coro_fixture_spawn_fail (GQuark domain,
                         int    code)
{
  return coro_spawn_task (fail_cb, g_error_new_literal (domain, code, "it failed in C"),
                          (GDestroyNotify) g_error_free);
}

static gboolean
cleanup_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  if (!coro_sleep (G_TIME_SPAN_HOUR, &local_error))
    {
      coro_sleep (*(GTimeSpan *) user_data, NULL);
      n_cleanups++;
    }
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/**
 * coro_fixture_spawn_cleanup:
 * @duration: how long to clean up, in µs
 *
 * Returns: (transfer full): a task that takes its time to be cancelled
 */
CoroTask *
coro_fixture_spawn_cleanup (GTimeSpan duration)
{
  return coro_spawn_task (cleanup_cb, g_memdup2 (&duration, sizeof duration), g_free);
}

/**
 * coro_fixture_get_n_cleanups:
 *
 * Returns: how many of those have cleaned up
 */
int
coro_fixture_get_n_cleanups (void)
{
  return n_cleanups;
}

static gboolean
stubborn_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  coro_sleep (G_TIME_SPAN_HOUR, &local_error);
  return coro_return_int (result, 7);
}

/**
 * coro_fixture_spawn_stubborn:
 *
 * Returns: (transfer full): a task that returns 7 when it is cancelled
 */
CoroTask *
coro_fixture_spawn_stubborn (void)
{
  return coro_spawn_task (stubborn_cb, NULL, NULL);
}

static gboolean
describe_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_autofree char *contents = NULL;

  if (!coro_await (user_data, &value, error))
    return FALSE;
  if (!G_IS_VALUE (&value))
    return coro_return_string (result, "nothing");

  contents = g_strdup_value_contents (&value);
  return coro_return_take_string (result, g_strdup_printf ("%s %s", G_VALUE_TYPE_NAME (&value),
                                                           G_VALUE_HOLDS_BOXED (&value) ? "boxed" : contents));
}

/**
 * coro_fixture_spawn_describe:
 * @future: a future
 *
 * Awaits, in C, a future that may come from another language.
 *
 * Returns: (transfer full): a task, for a text that says what the value was
 */
CoroTask *
coro_fixture_spawn_describe (CoroFuture *future)
{
  return coro_spawn_task (describe_cb, g_object_ref (future), g_object_unref);
}

/**
 * coro_fixture_wait:
 * @future: a future
 * @error: return location for an error
 *
 * What no library should offer to bindings: a function that suspends.
 *
 * Returns: %TRUE if the future has a value
 */
gboolean
coro_fixture_wait (CoroFuture  *future,
                   GError     **error)
{
  return coro_await (future, NULL, error);
}

/**
 * coro_fixture_sleep:
 * @duration: a time in µs
 * @error: return location for an error
 *
 * Another one.
 *
 * Returns: %TRUE when the time has passed
 */
gboolean
coro_fixture_sleep (GTimeSpan   duration,
                    GError    **error)
{
  return coro_sleep (duration, error);
}

typedef struct
{
  CoroFuture *future;
  int value;
} Resolution;

static gpointer
resolve_cb (gpointer data)
{
  Resolution *self = data;

  coro_future_resolve_int (self->future, self->value);
  g_object_unref (self->future);
  g_free (self);
  return NULL;
}

/**
 * coro_fixture_resolve_in_thread:
 * @future: a future
 * @value: its value
 *
 * Completes a future in another thread.
 */
void
coro_fixture_resolve_in_thread (CoroFuture *future,
                                int         value)
{
  Resolution *self = g_new0 (Resolution, 1);

  self->future = g_object_ref (future);
  self->value = value;
  g_thread_unref (g_thread_new ("resolve", resolve_cb, self));
}

static void
gone_cb (gpointer  data,
         GObject  *object)
{
  n_gone++;
}

/**
 * coro_fixture_count_when_gone:
 * @future: a future
 *
 * Counts the future when it is disposed of.
 */
void
coro_fixture_count_when_gone (CoroFuture *future)
{
  g_object_weak_ref (G_OBJECT (future), gone_cb, NULL);
}

/**
 * coro_fixture_get_n_gone:
 *
 * Returns: how many were
 */
int
coro_fixture_get_n_gone (void)
{
  return n_gone;
}
