/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Typed arguments, data that is freed, failures that remain unread.
 */
#include "test-util.h"

/* --- CORO_DEFINE_SPAWN ------------------------------------------------------------ */

typedef struct
{
  int x;
  double y;
} Point;

static GBytes *
all_kinds (int            number,
           const char    *text,
           GObject       *object,
           GBytes        *bytes,
           Point          point,
           CoroFuture    *gate,
           GError       **error)
{
  g_autofree char *joined = NULL;

  if (!coro_await (gate, NULL, error))
    return NULL;
  g_assert_true (G_IS_OBJECT (object));
  joined = g_strdup_printf ("%d %s %s %d %.2f", number, text, (const char *) g_bytes_get_data (bytes, NULL),
                            point.x, point.y);
  return g_bytes_new (joined, strlen (joined) + 1);
}

CORO_DEFINE_SPAWN (BOXED, G_TYPE_BYTES, all_kinds, CORO_ARG_VALUE (int, number), CORO_ARG_STRING (text),
                   CORO_ARG_OBJECT (GObject, object), CORO_ARG_BOXED (GBytes, bytes, g_bytes_ref, g_bytes_unref),
                   CORO_ARG_VALUE (Point, point), CORO_ARG_OBJECT (CoroFuture, gate))

static gboolean
not_null (const char  *text,
          GObject     *object,
          GError     **error)
{
  if (text != NULL && object != NULL)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "NULL");
  return FALSE;
}

CORO_DEFINE_SPAWN (BOOLEAN, G_TYPE_BOOLEAN, not_null, CORO_ARG_STRING (text), CORO_ARG_OBJECT (GObject, object))

static int
twice (int      number,
       GError **error)
{
  return number * 2;
}

CORO_DEFINE_SPAWN (INT, G_TYPE_INT, twice, CORO_ARG_VALUE (int, number))

static char *
greet (const char  *name,
       GError     **error)
{
  return g_strdup_printf ("hello, %s", name);
}

CORO_DEFINE_SPAWN (STRING, G_TYPE_STRING, greet, CORO_ARG_STRING (name))

static GFile *
child_of (GFile       *parent,
          const char  *name,
          GError     **error)
{
  return g_file_get_child (parent, name);
}

CORO_DEFINE_SPAWN (OBJECT, G_TYPE_FILE, child_of, CORO_ARG_OBJECT (GFile, parent), CORO_ARG_STRING (name))

static gboolean
all_kinds_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  char text[] = "text";
  GObject *object = g_object_new (G_TYPE_OBJECT, NULL);
  gpointer weak = object;
  GBytes *bytes = g_bytes_new_static ("bytes", 6);
  Point point = { 3, 0.25 };
  g_autoptr (CoroFuture) gate = coro_future_new ();
  g_autoptr (CoroTask) task = all_kinds_task (NULL, -7, text, object, bytes, point, gate);
  g_autoptr (GBytes) value = NULL;

  /* All of it outlives the caller's. */
  g_object_add_weak_pointer (object, &weak);
  memset (text, 'x', 4);
  g_object_unref (object);
  g_bytes_unref (bytes);
  point.x = 0;
  g_assert_nonnull (weak);
  if (!coro_yield (error))
    return FALSE;

  coro_future_resolve (gate, NULL);
  value = coro_await_boxed (task, G_TYPE_BYTES, error);
  g_assert_cmpstr (g_bytes_get_data (value, NULL), ==, "-7 text bytes 3 0.25");
  g_assert_null (weak);
  return TRUE;
}

static gboolean
result_kinds_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (GFile) root = g_file_new_for_path ("/");
  g_autoptr (CoroTask) flag = NULL;
  g_autoptr (CoroTask) number = twice_task (NULL, 21);
  g_autoptr (CoroTask) text = greet_task (NULL, "world");
  g_autoptr (CoroTask) object = child_of_task (NULL, root, "usr");
  g_autoptr (CoroTask) failing = not_null_task (NULL, NULL, NULL);
  g_autoptr (GError) local_error = NULL;
  g_autofree char *string = NULL;
  g_autoptr (GFile) file = NULL;

  flag = not_null_task (NULL, "text", G_OBJECT (root));
  g_assert_true (coro_await_boolean (flag, error));
  g_assert_cmpint (coro_await_int (number, error), ==, 42);
  string = coro_await_string (text, error);
  g_assert_cmpstr (string, ==, "hello, world");
  file = coro_await_object (object, error);
  g_assert_cmpstr (g_file_peek_path (file), ==, "/usr");
  g_assert_false (coro_await (failing, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_assert_true (g_str_has_prefix (coro_task_get_spawn_site (number), "twice ("));
  return *error == NULL;
}

static gboolean
never_started_frees_arguments_cb (gpointer   user_data,
                                  GValue    *result,
                                  GError   **error)
{
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (CoroTask) task = not_null_task (NULL, "text", object);

  g_assert_cmpint (object->ref_count, ==, 2);
  coro_task_cancel (task);
  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (object->ref_count, ==, 1);
  return TRUE;
}

static gboolean
finished_group_frees_arguments_cb (gpointer   user_data,
                                   GValue    *result,
                                   GError   **error)
{
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  if (!coro_nursery_join (&nursery))
    return FALSE;
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*joined*");
  not_null_spawn (nursery.group, "text", object);
  g_test_assert_expected_messages ();
  g_assert_cmpint (object->ref_count, ==, 1);
  return TRUE;
}

typedef struct
{
  CoroTaskGroup *group;
  CoroFuture *gate;
  GObject *object;
} FromThread;

static gpointer
spawn_thread (gpointer user_data)
{
  FromThread *self = user_data;

  for (int i = 0; i < 100; i++)
    {
      g_autofree char *text = g_strdup_printf ("%d", i);

      not_null_spawn (self->group, text, self->object);
    }
  return NULL;
}

static gboolean
copies_from_a_thread_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  FromThread self = { group, NULL, g_object_new (G_TYPE_OBJECT, NULL) };
  GThread *thread = g_thread_new ("spawner", spawn_thread, &self);

  g_thread_join (thread);
  if (!coro_yield (error) || !coro_task_group_join (group, error) || !coro_sleep (1, error))
    return FALSE;
  g_assert_cmpint (self.object->ref_count, ==, 1);
  g_object_unref (self.object);
  return TRUE;
}

/* --- unread failures -------------------------------------------------------------- */

typedef struct
{
  GString *said;
  gboolean fail;
} Handler;

static void
unhandled_cb (const GError  *unhandled,
              const char    *name,
              const char    *site,
              gpointer       user_data,
              GError       **error)
{
  Handler *self = user_data;

  g_string_append_printf (self->said, "%s:%s ", name, unhandled->message);
  g_assert_nonnull (strstr (site, "test-spawn.c"));
  if (self->fail)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "handler");
}

static void
handler_free (gpointer user_data)
{
  g_string_append (((Handler *) user_data)->said, "freed");
}

static gboolean
context_handler_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  Handler self = { g_string_new (NULL), FALSE };
  CoroTask *task;

  coro_set_unhandled_func (NULL, unhandled_cb, &self, handler_free);
  coro_spawn (fail_cb, "one", NULL);
  coro_spawn (forever_cb, NULL, NULL);          /* cancelled at the end: not a failure */
  if (!coro_yield (error))
    return FALSE;
  task = coro_spawn_task (fail_cb, "two", NULL);
  coro_task_set_name (task, "second");
  if (!coro_yield (error))
    return FALSE;
  g_object_unref (task);
  if (!coro_sleep (1, error))
    return FALSE;
  g_assert_cmpstr (self.said->str, ==, "fail_cb:one second:two ");

  coro_set_unhandled_func (NULL, NULL, NULL, NULL);
  g_assert_true (g_str_has_suffix (self.said->str, "freed"));
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*three*");
  coro_spawn (fail_cb, "three", NULL);
  if (!coro_sleep (1, error))
    return FALSE;
  g_test_assert_expected_messages ();
  g_string_free (self.said, TRUE);
  return TRUE;
}

static gboolean
group_handler_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Handler context_handler = { g_string_new (NULL), FALSE };
  Handler group_handler = { g_string_new (NULL), TRUE };
  CoroTaskGroup *group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR | CORO_TASK_GROUP_UNJOINED);
  CoroTaskGroup *without = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR | CORO_TASK_GROUP_UNJOINED);

  coro_set_unhandled_func (NULL, unhandled_cb, &context_handler, NULL);
  coro_task_group_set_unhandled_func (group, unhandled_cb, &group_handler, handler_free);
  coro_task_group_spawn (group, fail_cb, "mine", NULL);
  coro_task_group_spawn (without, fail_cb, "theirs", NULL);
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*handler*");
  if (!coro_sleep (1, error))
    return FALSE;
  g_test_assert_expected_messages ();
  g_object_unref (group);
  g_object_unref (without);
  g_assert_cmpstr (group_handler.said->str, ==, "fail_cb:mine freed");
  g_assert_cmpstr (context_handler.said->str, ==, "fail_cb:theirs ");
  coro_set_unhandled_func (NULL, NULL, NULL, NULL);
  g_string_free (context_handler.said, TRUE);
  g_string_free (group_handler.said, TRUE);
  return TRUE;
}

/* A supervisor that starts again what has failed. */
typedef struct
{
  CoroTaskGroup *group;
  int n_starts;
} Restart;

static gboolean
unstable_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  Restart *self = user_data;

  return ++self->n_starts == 5 || fail_cb (NULL, result, error);
}

static void
restart_cb (const GError  *unhandled,
            const char    *name,
            const char    *site,
            gpointer       user_data,
            GError       **error)
{
  Restart *self = user_data;

  coro_task_group_spawn (self->group, unstable_cb, self, NULL);
}

static gboolean
restarting_handler_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  CoroTaskGroup *group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR | CORO_TASK_GROUP_UNJOINED);
  gpointer weak = group;
  Restart self = { group, 0 };

  g_object_add_weak_pointer (G_OBJECT (group), &weak);
  coro_task_group_set_unhandled_func (group, restart_cb, &self, NULL);
  coro_task_group_spawn (group, unstable_cb, &self, NULL);
  if (!coro_sleep (1, error))
    return FALSE;
  g_assert_cmpint (self.n_starts, ==, 5);
  g_object_unref (group);
  g_assert_null (weak);
  return TRUE;
}

static gboolean
yield_once_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  return coro_yield (error);
}

static gboolean
fail_without_words_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  return fail_cb (NULL, result, error);
}

static gboolean
destroy_once_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  int ran = 0, failed = 0, cancelled = 0;
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR);
  g_autoptr (CoroTask) never = coro_task_group_spawn_task (group, forever_cb, &cancelled, count_cb);
  g_autoptr (GError) local_error = NULL;

  coro_task_cancel (never);
  coro_task_group_spawn (group, yield_once_cb, &ran, count_cb);
  coro_task_group_spawn (group, fail_without_words_cb, &failed, count_cb);
  g_assert_false (coro_task_group_join (group, &local_error));
  g_assert_cmpint (ran, ==, 1);
  g_assert_cmpint (failed, ==, 1);
  g_assert_cmpint (cancelled, ==, 1);
  return TRUE;
}

typedef struct
{
  int *n_cleared;
} Copied;

static void
copied_clear_cb (gpointer copied)
{
  ++*((Copied *) copied)->n_cleared;
}

static gboolean
never_cb (gpointer   copied,
          GValue    *result,
          GError   **error)
{
  g_assert_not_reached ();
}

/* Its arguments are on its stack already, and both are given back. */
static gboolean
copy_cancelled_before_start_cb (gpointer   user_data,
                                GValue    *result,
                                GError   **error)
{
  int n_cleared = 0;
  Copied copied = { &n_cleared };

  for (int i = 1; i <= 3; i++)
    {
      g_autoptr (CoroTask) task = coro_spawn_task_copy (NULL, never_cb, &copied, sizeof copied, copied_clear_cb, NULL);
      g_autoptr (GError) local_error = NULL;

      coro_task_cancel (task);
      g_assert_false (coro_await (task, NULL, &local_error));
      assert_cancelled (local_error);
      g_assert_cmpint (n_cleared, ==, i);
    }
  return TRUE;
}

/* Without a name and a place there is a word for it. */
static gboolean
nameless_failure_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*a coroutine*failed*lost*");
  coro_spawn_at (NULL, fail_cb, (gpointer) "lost", NULL, NULL);
  g_assert_true (coro_test_settle (error));
  g_test_assert_expected_messages ();
  return TRUE;
}

static gpointer
spawn_late_thread (gpointer user_data)
{
  FromThread *self = user_data;

  coro_task_group_spawn (self->group, never_cb, g_object_ref (self->object), g_object_unref);
  return coro_task_group_spawn_task (self->group, never_cb, g_object_ref (self->object), g_object_unref);
}

/* A thread that comes too late for a group is told so, and what it has passed is freed. */
static gboolean
too_late_from_a_thread_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroTaskGroup) group = NULL;
  g_autoptr (CoroTask) task = NULL;
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
  FromThread self = { NULL, NULL, object };

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

    self.group = group = g_object_ref (nursery.group);
    if (!coro_nursery_join (&nursery))
      return FALSE;
  }
  for (int i = 0; i < 2; i++)
    g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*joined*");
  task = g_thread_join (g_thread_new ("late", spawn_late_thread, &self));
  g_test_assert_expected_messages ();
  g_assert_false (coro_await (task, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_CLOSED);
  g_assert_cmpint (object->ref_count, ==, 1);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/spawn/typed/every-kind-of-argument", all_kinds_cb);
  coro_test_add_func ("/spawn/typed/every-kind-of-result", result_kinds_cb);
  coro_test_add_func ("/spawn/typed/never-started-frees", never_started_frees_arguments_cb);
  coro_test_add_func ("/spawn/typed/finished-group-frees", finished_group_frees_arguments_cb);
  coro_test_add_func ("/spawn/typed/from-a-thread", copies_from_a_thread_cb);
  coro_test_add_func ("/spawn/destroy-once", destroy_once_cb);
  coro_test_add_func ("/spec/S224/context-handler", context_handler_cb);
  coro_test_add_func ("/spawn/unhandled/group-handler", group_handler_cb);
  coro_test_add_func ("/spawn/unhandled/restarting-handler", restarting_handler_cb);
  coro_test_add_func ("/spawn/copy-cancelled-before-start", copy_cancelled_before_start_cb);
  coro_test_add_func ("/spawn/nameless-failure", nameless_failure_cb);
  coro_test_add_func ("/spawn/too-late-from-a-thread", too_late_from_a_thread_cb);

  return g_test_run ();
}
