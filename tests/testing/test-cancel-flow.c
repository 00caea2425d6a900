/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Generators, loops and cleanups, cancelled at every await: whatever was entered is left.
 */
#include "test-util.h"

typedef struct
{
  int entered;                  /* and not left */
  int n_cleanups;
  CoroContextManager *manager;
} Fixture;

/* --- generators ------------------------------------------------------------------- */

/* Its cleanup waits, and is reached however the generator ends. */
static gboolean
numbers_cb (CoroGenerator  *generator,
          gpointer        user_data,
          GError        **error)
{
  Fixture *self = user_data;
  gboolean ok = TRUE;

  self->entered++;
  for (int i = 1; ok && i <= 3; i++)
    ok = coro_sleep (SECOND, error) && coro_generator_produce_int (generator, i, error);

  {
    g_auto (CoroShield) shield = coro_shield_enter (0);

    g_assert_true (coro_sleep (SECOND, NULL));
  }
  self->entered--;
  self->n_cleanups++;
  return ok;
}

static CoroGenerator *
generator_new (Fixture *self)
{
  CoroGenerator *generator = coro_generator_new (G_TYPE_INT, numbers_cb, self, NULL);

  coro_test_cancel_track (generator);
  return generator;
}

static gboolean
all_left_check (gpointer   fixture,
                GError   **error)
{
  Fixture *self = fixture;

  if (self->entered == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%d were entered and not left", self->entered);
  return FALSE;
}

static gboolean
next_body (gpointer   fixture,
           GError   **error)
{
  g_autoptr (CoroGenerator) generator = generator_new (fixture);
  g_auto (GValue) value = G_VALUE_INIT;
  g_auto (CoroLoop) loop = coro_loop_enter (generator, error);
  int sum = 0;

  while (coro_loop_next (&loop, &value))
    {
      sum += g_value_get_int (&value);
      if (!coro_yield (error))
        return FALSE;
    }
  g_assert_true (!coro_loop_ok (&loop) || sum == 6);
  return coro_loop_ok (&loop);
}

/* Left in the middle: closed at once, and the cleanup was waited for. */
static gboolean
break_body (gpointer   fixture,
            GError   **error)
{
  Fixture *self = fixture;
  gboolean ok;

  {
    g_autoptr (CoroGenerator) generator = generator_new (fixture);
    g_auto (GValue) value = G_VALUE_INIT;
    g_auto (CoroLoop) loop = coro_loop_enter (generator, error);

    coro_loop_next (&loop, &value);
    ok = coro_loop_ok (&loop);
  }
  g_assert_cmpint (self->entered, ==, 0);
  return ok && coro_sleep (SECOND, error);
}

/* Dropped in the middle: it closes itself, later. */
static gboolean
drop_body (gpointer   fixture,
           GError   **error)
{
  g_autoptr (CoroGenerator) generator = generator_new (fixture);
  g_auto (GValue) value = G_VALUE_INIT;

  return coro_iterator_next (generator, &value, error);
}

static gboolean
send_cb (CoroGenerator  *generator,
         gpointer        user_data,
         GError        **error)
{
  Fixture *self = user_data;
  gboolean ok = TRUE;
  int sum = 0;

  self->entered++;
  while (ok && sum < 6)
    {
      const GValue *sent;

      ok = coro_generator_produce_int (generator, sum, error) && coro_sleep (SECOND, error);
      sent = coro_generator_get_sent (generator);
      sum += sent != NULL ? g_value_get_int (sent) : 1;
    }
  self->entered--;
  return ok;
}

static gboolean
send_body (gpointer   fixture,
           GError   **error)
{
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, send_cb, fixture, NULL);
  g_auto (GValue) sent = G_VALUE_INIT;
  gboolean ok;

  coro_test_cancel_track (generator);
  g_value_init (&sent, G_TYPE_INT);
  g_value_set_int (&sent, 3);
  {
    g_auto (GValue) first = G_VALUE_INIT;
    g_auto (GValue) second = G_VALUE_INIT;

    ok = coro_generator_send (generator, NULL, &first, error) &&
         coro_generator_send (generator, &sent, &second, error);
  }
  if (!coro_generator_close (generator, ok ? error : NULL))
    return FALSE;
  return ok;
}

static gboolean
outer_cb (CoroGenerator  *generator,
          gpointer        user_data,
          GError        **error)
{
  Fixture *self = user_data;
  g_autoptr (CoroGenerator) inner = generator_new (self);
  gboolean ok;

  self->entered++;
  ok = coro_generator_delegate (generator, inner, error);
  self->entered--;
  return ok;
}

static gboolean
delegate_body (gpointer   fixture,
               GError   **error)
{
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, outer_cb, fixture, NULL);
  g_auto (GValue) value = G_VALUE_INIT;
  g_auto (CoroLoop) loop = coro_loop_enter (generator, error);

  coro_test_cancel_track (generator);
  while (coro_loop_next (&loop, &value))
    ;
  return coro_loop_ok (&loop);
}

/* --- context managers and exit stacks --------------------------------------------- */

#define TEST_TYPE_MANAGER (test_manager_get_type ())
G_DECLARE_FINAL_TYPE (TestManager, test_manager, TEST, MANAGER, GObject)

struct _TestManager
{
  GObject parent_instance;

  Fixture *fixture;
};

static gboolean
manager_enter (CoroContextManager  *manager,
               GValue              *value,
               GError             **error)
{
  if (!coro_sleep (SECOND, error))
    return FALSE;
  TEST_MANAGER (manager)->fixture->entered++;
  return TRUE;
}

static gboolean
manager_exit (CoroContextManager  *manager,
              const GError        *body_error,
              gboolean            *suppress,
              GError             **error)
{
  gboolean ok = coro_sleep (SECOND, error);

  TEST_MANAGER (manager)->fixture->entered--;
  TEST_MANAGER (manager)->fixture->n_cleanups++;
  return ok;
}

static void
manager_iface_init (CoroContextManagerInterface *iface)
{
  iface->enter = manager_enter;
  iface->exit = manager_exit;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestManager, test_manager, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CORO_TYPE_CONTEXT_MANAGER, manager_iface_init))

static void
test_manager_class_init (TestManagerClass *klass)
{
}

static void
test_manager_init (TestManager *self)
{
}

static gpointer
manager_new (Fixture *fixture)
{
  TestManager *self = g_object_new (TEST_TYPE_MANAGER, NULL);

  self->fixture = fixture;
  coro_test_cancel_track (self);
  return self;
}

static gboolean
with_cb (const GValue  *value,
         gpointer       fixture,
         GError       **error)
{
  g_assert_cmpint (((Fixture *) fixture)->entered, ==, 1);
  return coro_sleep (SECOND, error);
}

static gboolean
with_body (gpointer   fixture,
           GError   **error)
{
  g_autoptr (TestManager) manager = manager_new (fixture);

  return coro_with (manager, with_cb, fixture, error);
}

static gboolean
defer_cb (gpointer   fixture,
          GError   **error)
{
  gboolean ok = coro_sleep (SECOND, error);

  ((Fixture *) fixture)->entered--;
  return ok;
}

static gboolean
exit_stack_body (gpointer   fixture,
                 GError   **error)
{
  g_autoptr (TestManager) manager = manager_new (fixture);
  g_auto (CoroExitStack) stack = coro_exit_stack_enter (error);

  ((Fixture *) fixture)->entered++;
  coro_exit_stack_defer (&stack, defer_cb, fixture);
  if (!coro_exit_stack_push (&stack, manager, NULL) || !coro_sleep (SECOND, error))
    return FALSE;
  return coro_exit_stack_close (&stack);
}

#define ADD(name)                                                                                       \
  G_STMT_START                                                                                          \
    {                                                                                                   \
      static const CoroTestCancel name##_test = { sizeof (Fixture), NULL, name##_body, all_left_check, NULL, 0 }; \
      coro_test_add_cancel ("/cancel/flow/" #name, &name##_test);                                       \
    }                                                                                                   \
  G_STMT_END

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (next);
  ADD (break);
  ADD (drop);
  ADD (send);
  ADD (delegate);
  ADD (with);
  ADD (exit_stack);
  return g_test_run ();
}
