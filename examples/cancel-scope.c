/* A block that another coroutine stops: what comes after it goes on with what there is.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

typedef struct
{
  CoroCancelScope *scope;       /* (nullable): of the search, while it is under way */
  int n_found;
} Search;

static gboolean
look_everywhere (Search  *self,
                 GError **error)
{
  for (int i = 0; i < 10; i++)
    {
      if (!coro_sleep (100 * G_TIME_SPAN_MILLISECOND, error))
        return FALSE;
      g_print ("Found %d\n", ++self->n_found);
    }
  return TRUE;
}

static gboolean
search (Search  *self,
        GError **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (G_MAXINT64, error);         /* no limit of time */
  gboolean ok;

  self->scope = &scope;
  ok = look_everywhere (self, error);
  self->scope = NULL;
  if (coro_cancel_scope_catch (&scope))         /* FALSE for any other error, and if all of this is cancelled */
    {
      g_print ("Stopped\n");
      return TRUE;
    }
  return ok;
}

/* As a button does. */
static gboolean
stop_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Search *self = user_data;

  if (!coro_sleep (350 * G_TIME_SPAN_MILLISECOND, error))
    return FALSE;
  if (self->scope != NULL)
    coro_cancel_scope_cancel (self->scope, "The search was stopped");
  return TRUE;
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Search self = { NULL, 0 };
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, stop_cb, &self, NULL);
  if (!search (&self, error) ||
      !coro_sleep (100 * G_TIME_SPAN_MILLISECOND, error))       /* it can wait again */
    return FALSE;
  g_print ("Showing %d results\n", self.n_found);
  return coro_nursery_join (&nursery);
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
