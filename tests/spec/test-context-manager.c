/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is entered and left: S270 to S278.
 */
#include "test-util.h"

/* --- a manager that tells ------------------------------------------------------------ */

#define TEST_TYPE_MANAGER (test_manager_get_type ())
G_DECLARE_FINAL_TYPE (TestManager, test_manager, TEST, MANAGER, GObject)

struct _TestManager
{
  GObject parent_instance;

  GTimeSpan wait;               /* µs, on entering and on leaving */
  gboolean fail_enter;
  gboolean fail_exit;
  gboolean suppress;
  GError *seen;                 /* (nullable) (owned): by exit */
};

static gboolean
test_manager_enter (CoroContextManager  *manager,
                    GValue              *value,
                    GError             **error)
{
  TestManager *self = TEST_MANAGER (manager);

  note ("enter");
  if (self->wait > 0 && !coro_sleep (self->wait, error))
    return FALSE;
  if (self->fail_enter)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no way in");
      return FALSE;
    }
  return coro_return_string (value, "v");
}

static gboolean
test_manager_exit (CoroContextManager  *manager,
                   const GError        *body_error,
                   gboolean            *suppress,
                   GError             **error)
{
  TestManager *self = TEST_MANAGER (manager);

  note (body_error == NULL ? "exit" : "exit-after-error");
  g_clear_error (&self->seen);
  self->seen = body_error != NULL ? g_error_copy (body_error) : NULL;
  if (self->wait > 0 && !coro_sleep (self->wait, error))
    return FALSE;
  note ("left");
  *suppress = self->suppress;
  if (self->fail_exit)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "no way out");
  return !self->fail_exit;
}

static void
test_manager_context_manager_init (CoroContextManagerInterface *iface)
{
  iface->enter = test_manager_enter;
  iface->exit = test_manager_exit;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestManager, test_manager, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CORO_TYPE_CONTEXT_MANAGER, test_manager_context_manager_init))

static void
test_manager_finalize (GObject *object)
{
  g_clear_error (&TEST_MANAGER (object)->seen);
  G_OBJECT_CLASS (test_manager_parent_class)->finalize (object);
}

static void
test_manager_class_init (TestManagerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_manager_finalize;
}

static void
test_manager_init (TestManager *self)
{
}

static TestManager *
manager_new (void)
{
  return g_object_new (TEST_TYPE_MANAGER, NULL);
}

/* --- bodies ------------------------------------------------------------------------- */

static gboolean
body_well (const GValue  *value,
           gpointer       user_data,
           GError       **error)
{
  g_assert_cmpstr (g_value_get_string (value), ==, "v");
  note ("body");
  return TRUE;
}

static gboolean
body_badly (const GValue  *value,
            gpointer       user_data,
            GError       **error)
{
  note ("body");
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "bad");
  return FALSE;
}

static gboolean
body_for_ever (const GValue  *value,
               gpointer       user_data,
               GError       **error)
{
  note ("body");
  return coro_sleep (1000 * SECOND, error);
}

/* --- tests -------------------------------------------------------------------------- */

static gboolean
test_in_order (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (TestManager) manager = manager_new ();

  g_assert_true (coro_with (manager, body_well, NULL, error));
  assert_trace ("enter body exit left");
  g_assert_null (manager->seen);
  return TRUE;
}

static gboolean
test_error_is_seen (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (TestManager) manager = manager_new ();
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_with (manager, body_badly, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_error (manager->seen, G_IO_ERROR, G_IO_ERROR_FAILED);
  assert_trace ("enter body exit-after-error left");
  return TRUE;
}

static gboolean
test_suppress (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (TestManager) manager = manager_new ();

  manager->suppress = TRUE;
  g_assert_true (coro_with (manager, body_badly, NULL, error));
  g_assert_no_error (*error);
  assert_trace ("enter body exit-after-error left");
  return TRUE;
}

static gboolean
with_for_ever_cb (gpointer   manager,
                  GValue    *result,
                  GError   **error)
{
  return coro_with (manager, body_for_ever, NULL, error);
}

static gboolean
test_cancelled (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (TestManager) manager = manager_new ();
  g_autoptr (CoroTask) task = NULL;
  gint64 start;

  manager->wait = 5 * MILLISECOND;
  task = coro_spawn_task (with_for_ever_cb, manager, NULL);
  g_assert_true (coro_sleep (20 * MILLISECOND, error));
  start = now ();
  coro_task_cancel (task);
  g_assert_true (coro_join (task, error));
  g_assert_cmpint (now () - start, ==, 5 * MILLISECOND);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  assert_cancelled (manager->seen);
  assert_trace ("enter body exit-after-error left");
  return TRUE;
}

/* A scope's cancellation fails every wait, not one: leaving has to be shielded from it. */
static gboolean
test_timed_out (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (TestManager) manager = manager_new ();
  g_autoptr (GError) local_error = NULL;
  gint64 start = now ();

  manager->wait = 5 * MILLISECOND;
  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (50 * MILLISECOND, &local_error);

    g_assert_false (coro_with (manager, body_for_ever, NULL, &local_error));
    assert_cancelled (local_error);
  }
  assert_timed_out (local_error);
  g_assert_cmpint (now () - start, ==, 55 * MILLISECOND);
  assert_trace ("enter body exit-after-error left");
  return TRUE;
}

static gboolean
tick_cb (gpointer   count,
         GValue    *result,
         GError   **error)
{
  while (coro_sleep (MILLISECOND, error))
    ++*(int *) count;
  return FALSE;
}

static gboolean
test_others_run (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (TestManager) manager = manager_new ();
  int ticks = 0;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  manager->wait = 5 * MILLISECOND;
  coro_task_group_spawn (nursery.group, tick_cb, &ticks, NULL);
  g_assert_true (coro_with (manager, body_well, NULL, error));
  g_assert_cmpint (ticks, >=, 8);
  assert_trace ("enter body exit left");
  return TRUE;
}

static gboolean
test_enter_fails (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (TestManager) manager = manager_new ();
  g_autoptr (GError) local_error = NULL;

  manager->fail_enter = TRUE;
  g_assert_false (coro_with (manager, body_well, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  assert_trace ("enter");
  return TRUE;
}

static gboolean
test_both_fail (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (TestManager) manager = manager_new ();
  g_autoptr (GError) local_error = NULL;

  manager->fail_exit = TRUE;
  g_assert_false (coro_with (manager, body_badly, NULL, &local_error));
  g_assert_cmpuint (coro_group_error_get_size (local_error), ==, 2);
  g_assert_true (coro_group_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_FAILED));
  g_assert_true (coro_group_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_BUSY));
  assert_trace ("enter body exit-after-error left");
  return TRUE;
}

/* The inner manager takes the error away: the outer one does not hear of it. */
static gboolean
test_stack_of_managers (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (TestManager) outer = manager_new ();
  g_autoptr (TestManager) inner = manager_new ();
  g_autoptr (GError) local_error = NULL;
  g_auto (CoroExitStack) stack = coro_exit_stack_enter (&local_error);
  g_auto (GValue) value = G_VALUE_INIT;

  inner->suppress = TRUE;
  g_assert_true (coro_exit_stack_push (&stack, outer, &value));
  g_assert_cmpstr (g_value_get_string (&value), ==, "v");
  g_assert_true (coro_exit_stack_push (&stack, inner, NULL));
  body_badly (&value, NULL, &local_error);
  g_assert_true (coro_exit_stack_close (&stack));
  g_assert_no_error (local_error);
  g_assert_error (inner->seen, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_null (outer->seen);
  assert_trace ("enter enter body exit-after-error left exit left");
  return TRUE;
}

static gboolean
left_early (TestManager  *manager,
            GError      **error)
{
  g_auto (CoroExitStack) stack = coro_exit_stack_enter (error);

  if (!coro_exit_stack_push (&stack, manager, NULL))
    return FALSE;
  return body_badly (NULL, NULL, error);
}

/* FALSE without an error would be worse than an error that was to be none. */
static gboolean
test_left_early_keeps_the_error (gpointer   user_data,
                                 GValue    *result,
                                 GError   **error)
{
  g_autoptr (TestManager) manager = manager_new ();
  g_autoptr (GError) local_error = NULL;

  manager->suppress = TRUE;
  g_assert_false (left_early (manager, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_FAILED);
  assert_trace ("enter body exit-after-error left");
  return TRUE;
}

typedef struct
{
  CoroLock *lock;
  int inside;
  gboolean fail;
} Section;

static gboolean
section_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Section *self = user_data;
  g_auto (CoroLocker) locker = coro_locker_enter (self->lock, error);
  gboolean fail = self->fail;

  if (!coro_locker_ok (&locker))
    return FALSE;
  self->fail = !fail;
  g_assert_cmpint (++self->inside, ==, 1);
  if (!coro_sleep (5 * MILLISECOND, error))
    return FALSE;
  self->inside--;
  return fail ? fail_cb (NULL, result, error) : TRUE;
}

static gboolean
test_lock (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_autoptr (CoroLock) lock = coro_lock_new ();
  Section section = { lock, 0, TRUE };
  g_autoptr (CoroTask) first = coro_spawn_task (section_cb, &section, NULL);
  g_autoptr (CoroTask) second = NULL;

  g_assert_true (coro_test_settle (error));
  second = coro_spawn_task (section_cb, &section, NULL);
  g_assert_false (coro_await (first, NULL, NULL));
  g_assert_true (coro_await (second, NULL, error));
  g_assert_false (coro_lock_is_locked (lock));
  return TRUE;
}

static gboolean
body_silently (const GValue  *value,
               gpointer       user_data,
               GError       **error)
{
  note ("body");
  return FALSE;
}

/* A failure that does not say why gets an error, which the manager sees as well. */
static gboolean
test_silent_failure (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (TestManager) manager = manager_new ();
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_with (manager, body_silently, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_NO_RESULT);
  g_assert_error (manager->seen, CORO_ERROR, CORO_ERROR_NO_RESULT);
  assert_trace ("enter body exit-after-error left");
  return TRUE;
}

/* The caller need not ask whether the manager takes the error away. */
static gboolean
test_exit_by_hand (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (TestManager) manager = manager_new ();
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) body_error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "bad");

  manager->suppress = TRUE;
  g_assert_true (coro_context_manager_enter (manager, &value, error));
  g_assert_true (coro_context_manager_exit (manager, body_error, NULL, error));
  g_assert_error (manager->seen, G_IO_ERROR, G_IO_ERROR_FAILED);
  assert_trace ("enter exit-after-error left");
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/spec/S270-S271-S274/enter-body-exit", test_in_order);
  coro_test_add_func ("/spec/S272/exit-sees-the-error", test_error_is_seen);
  coro_test_add_func ("/spec/S273/exit-takes-the-error-away", test_suppress);
  coro_test_add_func ("/spec/S275/cancelled-exit-may-wait", test_cancelled);
  coro_test_add_func ("/spec/S275/timed-out-exit-may-wait", test_timed_out);
  coro_test_add_func ("/spec/S276/others-run-meanwhile", test_others_run);
  coro_test_add_func ("/spec/S277/lock-is-released-on-failure", test_lock);
  coro_test_add_func ("/spec/S278/not-entered-not-left", test_enter_fails);
  coro_test_add_func ("/spec/S272/both-fail", test_both_fail);
  coro_test_add_func ("/spec/S270-S273/stack-of-managers", test_stack_of_managers);
  coro_test_add_func ("/spec/S273/left-early-keeps-the-error", test_left_early_keeps_the_error);
  coro_test_add_func ("/context-manager/silent-failure", test_silent_failure);
  coro_test_add_func ("/context-manager/exit-by-hand", test_exit_by_hand);

  return g_test_run ();
}
