/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-study-programs.h"

#include <glib/gi18n.h>
#include <string.h>

/* What the Study page runs, a small program a topic.  The page shows this very file, from
 * one heading to the next, so that what is read is what runs.  What the programs say is not
 * translated: it stands in the source beside it. */

#define MS G_TIME_SPAN_MILLISECOND

static void G_GNUC_PRINTF (2, 3)
say (DemoStudyOutput *out, const char *format, ...)
{
  g_autofree char *line = NULL;
  va_list args;

  va_start (args, format);
  line = g_strdup_vprintf (format, args);
  va_end (args);
  out->print (line, out->data);
}

/* --- await --- */

static gboolean
answer_cb (gpointer future)
{
  coro_future_resolve_int (future, 42);
  return G_SOURCE_REMOVE;
}

static gboolean
await_cb (gpointer out, GValue *result, GError **error)
{
  g_autoptr (CoroFuture) answer = coro_future_new ();
  g_auto (GValue) value = G_VALUE_INIT;

  g_timeout_add_full (G_PRIORITY_DEFAULT, 600, answer_cb,
                      g_object_ref (answer), g_object_unref);
  say (out, "waiting for the answer");
  if (!coro_await (answer, &value, error))
    return FALSE;
  say (out, "the answer is %d", g_value_get_int (&value));
  return TRUE;
}

/* --- enter --- */

static gboolean
close_file_cb (gpointer out, GError **error)
{
  say (out, "closing the file");
  return coro_sleep (200 * MS, error);     /* waits, even when cancelled */
}

static gboolean
disconnect_cb (gpointer out, GError **error)
{
  say (out, "closing the connection");
  return coro_sleep (200 * MS, error);
}

static gboolean
enter_cb (gpointer out, GValue *result, GError **error)
{
  g_auto (CoroExitStack) stack = coro_exit_stack_enter (error);

  say (out, "opening the connection and the file");
  coro_exit_stack_defer (&stack, disconnect_cb, out);
  coro_exit_stack_defer (&stack, close_file_cb, out);
  if (!coro_sleep (400 * MS, error))
    return FALSE;                          /* they are closed here */
  say (out, "transferred");
  return coro_exit_stack_close (&stack);   /* and here */
}

/* --- iterate --- */

static gboolean
produce_cb (gpointer queue, GValue *result, GError **error)
{
  for (int i = 1; i <= 4; i++)
    if (!coro_sleep (150 * MS, error) ||
        !coro_queue_put (queue, g_strdup_printf ("item %d", i), error))
      return FALSE;
  coro_queue_close (queue);
  return TRUE;
}

static gboolean
iterate_cb (gpointer out, GValue *result, GError **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (2, g_free);
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, produce_cb, queue, NULL);
  while (TRUE)
    {
      g_autofree char *item = NULL;

      if (!coro_queue_take (queue, (gpointer *) &item, error))
        return FALSE;
      if (item == NULL)
        break;                             /* the end is no error */
      say (out, "got %s", item);
    }
  say (out, "that was all");
  return coro_nursery_join (&nursery);
}

/* --- generate --- */

static gboolean
squares_cb (CoroGenerator *self, gpointer user_data, GError **error)
{
  for (int i = 1; i <= 5; i++)
    if (!coro_sleep (120 * MS, error) ||
        !coro_generator_produce_int (self, i * i, error))
      return FALSE;
  return TRUE;
}

static gboolean
generate_cb (gpointer out, GValue *result, GError **error)
{
  g_autoptr (CoroGenerator) squares =
    coro_generator_new (G_TYPE_INT, squares_cb, NULL, NULL);
  g_auto (CoroLoop) loop = coro_loop_enter (squares, error);
  g_auto (GValue) value = G_VALUE_INIT;

  while (coro_loop_next (&loop, &value))
    say (out, "%d", g_value_get_int (&value));
  return coro_loop_ok (&loop);
}

/* --- tasks --- */

static gboolean
cook (DemoStudyOutput *out, const char *what, GTimeSpan time, GError **error)
{
  say (out, "%s: begun", what);
  if (!coro_sleep (time, error))
    return FALSE;
  say (out, "%s: done", what);
  return TRUE;
}

static gboolean
tea_cb (gpointer out, GValue *result, GError **error)
{
  return cook (out, "tea", 300 * MS, error);
}

static gboolean
toast_cb (gpointer out, GValue *result, GError **error)
{
  return cook (out, "toast", 600 * MS, error);
}

static gboolean
tasks_cb (gpointer out, GValue *result, GError **error)
{
  g_autoptr (CoroTask) tea = NULL;
  g_autoptr (CoroTask) toast = NULL;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  tea = coro_task_group_spawn_task (nursery.group, tea_cb, out, NULL);
  toast = coro_task_group_spawn_task (nursery.group, toast_cb, out, NULL);
  if (!coro_await (toast, NULL, error) || !coro_await (tea, NULL, error))
    return FALSE;
  say (out, "breakfast, after 600 ms and not 900");
  return coro_nursery_join (&nursery);
}

/* --- cancel --- */

static gboolean
count_cb (gpointer out, GValue *result, GError **error)
{
  for (int i = 1; ; i++)
    {
      say (out, "%d", i);
      if (!coro_sleep (150 * MS, error))
        {
          say (out, "cancelled: cleaning up");
          return FALSE;
        }
    }
}

static gboolean
cancel_cb (gpointer out, GValue *result, GError **error)
{
  g_autoptr (CoroTask) task = NULL;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  task = coro_task_group_spawn_task (nursery.group, count_cb, out, NULL);
  if (!coro_sleep (500 * MS, error))
    return FALSE;
  coro_task_cancel (task);
  if (!coro_join (task, error))            /* waits until it has ended */
    return FALSE;
  say (out, "it has ended");
  return coro_nursery_join (&nursery);
}

/* --- group --- */

static gboolean
fail_cb (gpointer out, GValue *result, GError **error)
{
  if (!coro_sleep (400 * MS, error))
    return FALSE;
  say (out, "one of them fails");
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "out of tea");
  return FALSE;
}

static gboolean
group_cb (gpointer out, GValue *result, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  {
    g_auto (CoroNursery) nursery =
      coro_nursery_enter (CORO_TASK_GROUP_NONE, &local_error);

    coro_task_group_spawn (nursery.group, count_cb, out, NULL);
    coro_task_group_spawn (nursery.group, fail_cb, out, NULL);
    if (coro_nursery_join (&nursery))
      return TRUE;
  }
  if (!coro_group_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_FAILED))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  say (out, "nothing is left running: %s", local_error->message);
  return TRUE;
}

/* --- context --- */

static CoroContextVar *request;

static void
say_request (DemoStudyOutput *out, const char *what)
{
  say (out, "%s: %s", coro_context_var_get_string (request), what);
}

static gboolean
serve_cb (gpointer out, GValue *result, GError **error)
{
  say_request (out, "begun");              /* without having been given it */
  if (!coro_sleep (300 * MS, error))
    return FALSE;
  say_request (out, "answered");
  return TRUE;
}

static gboolean
context_cb (gpointer out, GValue *result, GError **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  if (request == NULL)
    request = coro_context_var_new ("request", G_TYPE_STRING, NULL);
  for (int i = 1; i <= 3; i++)
    {
      g_autofree char *name = g_strdup_printf ("request %d", i);
      g_auto (CoroContextToken) token = coro_context_var_set_string (request, name);

      coro_task_group_spawn (nursery.group, serve_cb, out, NULL);
    }
  return coro_nursery_join (&nursery);
}

/* --- block --- */

static gpointer
compute_in_thread (gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_usleep (700 * 1000);                   /* blocks its thread, and no other */
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  return GINT_TO_POINTER (42);
}

static gboolean
tick_cb (gpointer out, GValue *result, GError **error)
{
  while (coro_sleep (150 * MS, error))
    say (out, "meanwhile, the window lives");
  return FALSE;
}

static gboolean
block_cb (gpointer out, GValue *result, GError **error)
{
  g_autoptr (CoroTask) ticks = NULL;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
  gpointer answer;

  ticks = coro_task_group_spawn_task (nursery.group, tick_cb, out, NULL);
  say (out, "computing, in a thread");
  answer = coro_run_in_thread (compute_in_thread, NULL, NULL, error);
  if (answer == NULL)
    return FALSE;
  say (out, "computed %d", GPOINTER_TO_INT (answer));
  coro_task_cancel (ticks);
  return coro_nursery_join (&nursery);
}

/* --- end --- */

static const DemoStudyProgram programs[DEMO_STUDY_N_PROGRAMS] = {
  { "await", N_("Await"),
    N_("A future is a value to come. A coroutine that awaits it is parked, and goes on with the value in the next line."),
    await_cb },
  { "enter", N_("Enter and Leave"),
    N_("What was opened is closed on every way out of the block, the last one first, and closing may wait."),
    enter_cb },
  { "iterate", N_("One After the Other"),
    N_("A loop that waits for its next item. Here one coroutine produces and another consumes."),
    iterate_cb },
  { "generate", N_("Generators"),
    N_("A loop turned inside out: the function gives a value, and goes on when the next one is asked for."),
    generate_cb },
  { "tasks", N_("Tasks"),
    N_("Two at once take as long as the longer one."),
    tasks_cb },
  { "cancel", N_("Cancelling"),
    N_("The wait fails, the coroutine cleans up and returns: a message, not a kill."),
    cancel_cb },
  { "group", N_("Groups"),
    N_("The first failure cancels the others, and the block is left when all have ended."),
    group_cb },
  { "context", N_("Context Variables"),
    N_("A value that every coroutine has for itself, and that need not be passed along."),
    context_cb },
  { "block", N_("What Blocks"),
    N_("A call that blocks goes into a thread, and the coroutine waits for it like for anything else."),
    block_cb },
};

/* There are DEMO_STUDY_N_PROGRAMS of them. */
const DemoStudyProgram *
demo_study_get_programs (void)
{
  return programs;
}

/* What stands in @text, this file, below the heading of program @name. */
char *
demo_study_extract_source (const char *text, const char *name)
{
  g_autofree char *heading = g_strdup_printf ("/* --- %s --- */\n", name);
  const char *begin = strstr (text, heading);
  const char *end;

  g_return_val_if_fail (begin != NULL, NULL);

  begin += strlen (heading);
  end = strstr (begin, "/* --- ");
  g_return_val_if_fail (end != NULL, NULL);
  return g_strstrip (g_strndup (begin, end - begin));
}
