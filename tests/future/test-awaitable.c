/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Awaitables that pass on to others what is asked of them.
 */
#include "lib/bodies.h"

#define TEST_TYPE_PROXY (test_proxy_get_type ())
G_DECLARE_FINAL_TYPE (TestProxy, test_proxy, TEST, PROXY, GObject)

/* It is what it has been given. */
struct _TestProxy
{
  GObject parent_instance;

  CoroAwaitable *target;        /* (owned) */
  gboolean passes_on;           /* begin() asks the target; else it says PENDING by itself */
  CoroAbort aborted;            /* what the target has said */
};

static void test_proxy_awaitable_init (CoroAwaitableInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TestProxy, test_proxy, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CORO_TYPE_AWAITABLE, test_proxy_awaitable_init))

static CoroWaitState
proxy_begin (CoroAwaitable *awaitable,
             CoroWaiter    *waiter)
{
  TestProxy *self = TEST_PROXY (awaitable);

  if (!self->passes_on)
    return CORO_WAIT_PENDING;
  return CORO_AWAITABLE_GET_IFACE (self->target)->begin (self->target, waiter);
}

static CoroAbort
proxy_abort (CoroAwaitable *awaitable,
             CoroWaiter    *waiter)
{
  TestProxy *self = TEST_PROXY (awaitable);

  note ("abort");
  self->aborted = CORO_AWAITABLE_GET_IFACE (self->target)->abort (self->target, waiter);
  return self->aborted;
}

static gboolean
proxy_finish (CoroAwaitable  *awaitable,
              GValue         *result,
              GError        **error)
{
  TestProxy *self = TEST_PROXY (awaitable);

  return CORO_AWAITABLE_GET_IFACE (self->target)->finish (self->target, result, error);
}

static void
test_proxy_awaitable_init (CoroAwaitableInterface *iface)
{
  iface->begin = proxy_begin;
  iface->abort = proxy_abort;
  iface->finish = proxy_finish;
}

static void
test_proxy_finalize (GObject *object)
{
  g_clear_object (&TEST_PROXY (object)->target);

  G_OBJECT_CLASS (test_proxy_parent_class)->finalize (object);
}

static void
test_proxy_class_init (TestProxyClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_proxy_finalize;
}

static void
test_proxy_init (TestProxy *self)
{
  self->passes_on = TRUE;
  self->aborted = CORO_ABORT_LATER;
}

static TestProxy *
new_proxy (gpointer target)
{
  TestProxy *self = g_object_new (TEST_TYPE_PROXY, NULL);

  self->target = g_object_ref (CORO_AWAITABLE (target));
  return self;
}

/* --- what the target is ----------------------------------------------------------- */

static gboolean
seven_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  return coro_sleep (1 * SECOND, error) && coro_return_int (result, 7);
}

static gboolean
future_done_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (TestProxy) proxy = new_proxy (future);

  coro_future_resolve_int (future, 3);
  g_assert_cmpint (coro_await_int (proxy, error), ==, 3);
  g_assert_cmpint (coro_await_int (proxy, error), ==, 3);
  return TRUE;
}

static gboolean
future_pending_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (seven_cb, NULL, NULL);
  g_autoptr (TestProxy) proxy = new_proxy (task);

  g_assert_cmpint (coro_await_int (proxy, error), ==, 7);
  return TRUE;
}

static gboolean
future_cancelled_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (seven_cb, NULL, NULL);
  g_autoptr (TestProxy) proxy = new_proxy (task);
  g_autoptr (CoroTask) waiting = coro_spawn_task (await_cb, proxy, NULL);
  g_autoptr (GError) wait_error = NULL;

  if (!coro_test_settle (error))
    return FALSE;
  g_assert_true (coro_task_cancel (waiting));
  g_assert_false (coro_await (waiting, NULL, &wait_error));
  assert_cancelled (wait_error);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
future_own_task_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (TestProxy) proxy = new_proxy (coro_task_get_current ());
  g_autoptr (GError) wait_error = NULL;

  g_assert_false (coro_await (proxy, NULL, &wait_error));
  g_assert_error (wait_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  return TRUE;
}

/* One whose own wait is called off passes that on as well. */
static void
assert_abort_is_passed_on (gpointer target)
{
  g_autoptr (TestProxy) proxy = new_proxy (target);
  g_autoptr (CoroTask) waiting = NULL;
  g_autoptr (GError) error = NULL;

  proxy->passes_on = FALSE;
  waiting = coro_spawn_task (await_cb, proxy, NULL);
  g_assert_true (coro_test_settle (NULL));
  coro_task_cancel (waiting);
  g_assert_false (coro_await (waiting, NULL, &error));
  assert_cancelled (error);
  assert_trace ("abort");
  g_assert_cmpint (proxy->aborted, ==, CORO_ABORT_DONE);
}

static gboolean
future_abort_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  assert_abort_is_passed_on (future);
  g_assert_false (coro_future_is_done (future));
  return TRUE;
}

static gboolean
coroutine_abort_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (seven_cb, NULL, NULL);

  assert_abort_is_passed_on (coroutine);
  g_assert_cmpint (coro_coroutine_get_state (coroutine), ==, CORO_COROUTINE_CREATED);
  return coro_coroutine_close (coroutine, error);
}

/* The first one runs it, and is cancelled while the second has asked as well. */
static gboolean
coroutine_two_awaiters_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (seven_cb, NULL, NULL);
  g_autoptr (TestProxy) proxy = new_proxy (coroutine);
  g_autoptr (CoroTask) first = coro_spawn_task (await_cb, proxy, NULL);
  g_autoptr (CoroTask) second = NULL;
  g_autoptr (GError) first_error = NULL;
  g_autoptr (GError) second_error = NULL;

  g_assert_true (coro_test_settle (error));
  second = coro_spawn_task (await_cb, proxy, NULL);
  g_assert_false (coro_await (second, NULL, &second_error));
  g_assert_error (second_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  coro_task_cancel (first);
  g_assert_false (coro_await (first, NULL, &first_error));
  assert_cancelled (first_error);
  return TRUE;
}

static gpointer
resolve_in_thread (gpointer future)
{
  coro_future_resolve_int (future, 11);
  return NULL;
}

static gboolean
done_by_another_thread_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (TestProxy) proxy = new_proxy (future);
  GThread *thread = g_thread_new ("resolver", resolve_in_thread, future);

  g_assert_cmpint (coro_await_int (proxy, error), ==, 11);
  g_thread_join (thread);
  return TRUE;
}

/* --- called off later ----------------------------------------------------------------- */

#define TEST_TYPE_SLOW (test_lazy_get_type ())
G_DECLARE_FINAL_TYPE (TestLazy, test_lazy, TEST, LAZY, GObject)

/* Takes its time after an abort, as a device does. */
struct _TestLazy
{
  GObject parent_instance;

  gboolean heeds;               /* an abort; else it gives its value all the same */
  gboolean aborted;
};

static CoroWaitState
lazy_begin (CoroAwaitable *awaitable,
            CoroWaiter    *waiter)
{
  return CORO_WAIT_PENDING;
}

static gboolean
wake_later_cb (gpointer   waiter,
               GValue    *result,
               GError   **error)
{
  if (!coro_sleep (SECOND, error))
    return FALSE;
  coro_waiter_wake (waiter);
  return TRUE;
}

static CoroAbort
lazy_abort (CoroAwaitable *awaitable,
            CoroWaiter    *waiter)
{
  g_assert_false (TEST_LAZY (awaitable)->aborted);
  TEST_LAZY (awaitable)->aborted = TRUE;
  coro_spawn (wake_later_cb, waiter, NULL);
  return CORO_ABORT_LATER;
}

static gboolean
lazy_finish (CoroAwaitable  *awaitable,
             GValue         *result,
             GError        **error)
{
  if (!TEST_LAZY (awaitable)->heeds)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "called off");
  return FALSE;
}

static void
test_lazy_awaitable_init (CoroAwaitableInterface *iface)
{
  iface->begin = lazy_begin;
  iface->abort = lazy_abort;
  iface->finish = lazy_finish;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestLazy, test_lazy, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CORO_TYPE_AWAITABLE, test_lazy_awaitable_init))

static void
test_lazy_class_init (TestLazyClass *klass)
{
}

static void
test_lazy_init (TestLazy *self)
{
}

/* The request is delivered by whichever says CANCELLED first, and once. */
static gboolean
await_lazy_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  TestLazy *self = user_data;
  g_autoptr (GError) local_error = NULL;
  gboolean ok = coro_await (self, NULL, &local_error);

  g_assert_true (ok != self->heeds);
  if (!ok)
    assert_cancelled (local_error);
  g_clear_error (&local_error);
  g_assert_true (coro_sleep (SECOND, &local_error) == self->heeds);
  if (!self->heeds)
    assert_cancelled (local_error);
  return coro_sleep (SECOND, error);
}

static gboolean
lazy_abort_cb (gpointer   heeds,
               GValue    *result,
               GError   **error)
{
  g_autoptr (TestLazy) lazy = g_object_new (TEST_TYPE_SLOW, NULL);
  g_autoptr (CoroTask) task = coro_spawn_task (await_lazy_cb, lazy, NULL);

  lazy->heeds = heeds != NULL;
  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (task);
  return coro_await (task, NULL, error);
}

/* --- by hand ---------------------------------------------------------------------- */

static void
test_finish_outside (void)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (GError) error = NULL;
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_false (CORO_AWAITABLE_GET_IFACE (future)->finish (CORO_AWAITABLE (future), &value, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
}

/* --- taken back ------------------------------------------------------------------------ */

#define TEST_TYPE_SLOT (test_slot_get_type ())
G_DECLARE_FINAL_TYPE (TestSlot, test_slot, TEST, SLOT, GObject)

/* Has one item to give, and takes it back. */
struct _TestSlot
{
  GObject parent_instance;

  CoroWaiter *waiter;           /* (nullable) */
  gboolean full;
  guint n_undone;
};

static CoroWaitState
slot_begin (CoroAwaitable *awaitable,
            CoroWaiter    *waiter)
{
  TestSlot *self = TEST_SLOT (awaitable);

  if (self->full)
    {
      self->full = FALSE;
      return CORO_WAIT_READY;
    }
  self->waiter = waiter;
  return CORO_WAIT_PENDING;
}

static CoroAbort
slot_abort (CoroAwaitable *awaitable,
            CoroWaiter    *waiter)
{
  TEST_SLOT (awaitable)->waiter = NULL;
  return CORO_ABORT_DONE;
}

static void
slot_undo (CoroAwaitable *awaitable,
           CoroWaiter    *waiter)
{
  TEST_SLOT (awaitable)->full = TRUE;
  TEST_SLOT (awaitable)->n_undone++;
}

static gboolean
slot_finish (CoroAwaitable  *awaitable,
             GValue         *result,
             GError        **error)
{
  return coro_return_int (result, 5);
}

static void
test_slot_awaitable_init (CoroAwaitableInterface *iface)
{
  iface->begin = slot_begin;
  iface->abort = slot_abort;
  iface->undo = slot_undo;
  iface->finish = slot_finish;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestSlot, test_slot, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CORO_TYPE_AWAITABLE, test_slot_awaitable_init))

static void
test_slot_class_init (TestSlotClass *klass)
{
}

static void
test_slot_init (TestSlot *self)
{
}

/* Woken and cancelled in the same turn: the cancel wins, and the item is there for the next. */
static gboolean
undo_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (TestSlot) slot = g_object_new (TEST_TYPE_SLOT, NULL);
  g_autoptr (CoroTask) task = coro_spawn_task (await_cb, slot, NULL);
  g_autoptr (GError) wait_error = NULL;

  if (!coro_test_settle (error))
    return FALSE;
  coro_waiter_wake (g_steal_pointer (&slot->waiter));
  coro_task_cancel (task);
  g_assert_false (coro_await (task, NULL, &wait_error));
  assert_cancelled (wait_error);
  g_assert_cmpuint (slot->n_undone, ==, 1);
  g_assert_cmpint (coro_await_int (slot, error), ==, 5);
  g_assert_cmpuint (slot->n_undone, ==, 1);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/awaitable/future/done", future_done_cb);
  coro_test_add_func ("/awaitable/future/pending", future_pending_cb);
  coro_test_add_func ("/awaitable/future/cancel-reaches-it", future_cancelled_cb);
  coro_test_add_func ("/awaitable/future/own-task-is-an-error", future_own_task_cb);
  coro_test_add_func ("/awaitable/future/abort-leaves-it-alone", future_abort_cb);
  coro_test_add_func ("/awaitable/future/done-by-another-thread", done_by_another_thread_cb);
  coro_test_add_data_func ("/awaitable/called-off-later/heard-once", lazy_abort_cb, "heeds", NULL);
  coro_test_add_data_func ("/awaitable/called-off-later/value-all-the-same", lazy_abort_cb, NULL, NULL);
  g_test_add_func ("/awaitable/future/finish-outside-is-an-error", test_finish_outside);
  coro_test_add_func ("/awaitable/woken-and-cancelled-is-undone", undo_cb);
  coro_test_add_func ("/awaitable/coroutine/abort-leaves-it-alone", coroutine_abort_cb);
  coro_test_add_func ("/awaitable/coroutine/second-awaiter-is-an-error", coroutine_two_awaiters_cb);

  return g_test_run ();
}
