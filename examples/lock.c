/* A lock: what a coroutine has seen before a wait is still true after it.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

typedef struct
{
  CoroLock *lock;               /* guards the balance */
  int balance;
} Account;

static gboolean
withdraw (Account  *self,
          int       amount,
          GError  **error)
{
  g_auto (CoroLocker) locker = coro_locker_enter (self->lock, error);     /* released on every path */

  if (!coro_locker_ok (&locker))
    return FALSE;                               /* cancelled while it waited for its turn */
  if (self->balance < amount)
    {
      g_print ("%d: refused, there are %d\n", amount, self->balance);
      return TRUE;
    }
  if (!coro_sleep (100 * G_TIME_SPAN_MILLISECOND, error))   /* the bank is asked; without the lock others run here */
    return FALSE;
  self->balance -= amount;
  g_print ("%d: paid, %d are left\n", amount, self->balance);
  return TRUE;
}

/* withdraw_spawn() takes a group and the same arguments. */
CORO_DEFINE_SPAWN (BOOLEAN, G_TYPE_BOOLEAN, withdraw, CORO_ARG_VALUE (Account *, account), CORO_ARG_VALUE (int, amount))

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroLock) lock = coro_lock_new ();
  Account account = { lock, 100 };
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  withdraw_spawn (nursery.group, &account, 70);
  withdraw_spawn (nursery.group, &account, 50);         /* saw 100 too, if it were not for the lock */
  withdraw_spawn (nursery.group, &account, 30);
  return coro_nursery_join (&nursery);
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
