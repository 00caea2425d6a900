/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Very many coroutines, and too many.
 */
#include "lib/bodies.h"
#include "lib/process.h"

#include "fiber/coro-stack-private.h"
#include "scheduler/coro-scheduler-private.h"

typedef struct
{
  CoroFuture *gate;
  int n_parked;
  int n_passed;
  int n_refused;
  int n_other;
  int n_destroyed;
} Crowd;

static gboolean
parked_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Crowd *self = user_data;

  self->n_parked++;
  if (!coro_await (self->gate, NULL, error))
    return FALSE;
  self->n_passed++;
  return TRUE;
}

static void
destroyed_cb (gpointer user_data)
{
  ((Crowd *) user_data)->n_destroyed++;
}

static void
unhandled_cb (const GError  *unhandled,
              const char    *name,
              const char    *site,
              gpointer       user_data,
              GError       **error)
{
  Crowd *self = user_data;

  if (g_error_matches (unhandled, CORO_ERROR, CORO_ERROR_NO_STACK))
    self->n_refused++;
  else
    self->n_other++;
}

static int
how_many (void)
{
#if defined (__SANITIZE_THREAD__)
  return 4000;                  /* it manages about 8000 fibers */
#else
  return g_getenv ("CORO_TEST_VALGRIND") != NULL ? 1000 : is_slow () ? 50000 : 200000;
#endif
}

static gboolean
crowd_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Crowd *self = user_data;
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR | CORO_TASK_GROUP_UNJOINED);
  int n = how_many ();

  coro_task_group_set_unhandled_func (group, unhandled_cb, self, NULL);
  self->gate = coro_future_new ();
  for (int i = 0; i < n; i++)
    coro_task_group_spawn (group, parked_cb, self, destroyed_cb);

  while (self->n_parked + self->n_refused + self->n_other < n)
    if (!coro_yield (error))
      return FALSE;
  g_assert_cmpint (self->n_passed, ==, 0);
  coro_future_resolve (self->gate, NULL);
  if (!coro_task_group_join (group, error))
    return FALSE;
  g_test_message ("%d parked, %d without a stack", self->n_parked, self->n_refused);

  g_assert_cmpint (self->n_passed, ==, self->n_parked);
  g_assert_cmpint (self->n_parked + self->n_refused, ==, n);
  g_assert_cmpint (self->n_destroyed, ==, n);
  g_assert_cmpint (self->n_other, ==, 0);
  g_object_unref (self->gate);
  return TRUE;
}

/* Success or a GError each, and the rest goes on.  libdex aborts at 32 000. */
static void
test_crowd (void)
{
  g_autoptr (GError) error = NULL;
  Crowd self = { NULL, };

  g_assert_true (coro_run (crowd_cb, &self, NULL, &error));
  g_assert_no_error (error);
}

/* As on a kernel without MADV_GUARD_INSTALL, with room for so many guards. */
static void
test_limit (gconstpointer data)
{
  guint limit = GPOINTER_TO_UINT (data);
  g_autoptr (GError) error = NULL;
  Crowd self = { NULL, };

  coro_stack_pool_use_mprotect (limit);
  g_assert_true (coro_run (crowd_cb, &self, NULL, &error));
  g_assert_no_error (error);
  /* One is the main coroutine's. */
  g_assert_cmpint (self.n_parked, ==, MIN ((int) limit - 1, how_many ()));
}

static gboolean
refused_task_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroFuture) gate = coro_future_new ();
  g_autoptr (GError) local_error = NULL;
  Crowd self = { gate, 0, };
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR);
  g_autoptr (CoroTask) task = NULL;

  for (int i = 0; i < 9; i++)
    coro_task_group_spawn (group, parked_cb, &self, NULL);
  if (!coro_yield (error))
    return FALSE;
  g_assert_cmpint (self.n_parked, ==, 9);

  task = coro_spawn_task (parked_cb, &self, destroyed_cb);
  g_assert_false (coro_await (task, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_NO_STACK);
  g_assert_cmpint (self.n_destroyed, ==, 1);
  g_assert_cmpint (self.n_parked, ==, 9);

  coro_future_resolve (gate, NULL);
  if (!coro_task_group_join (group, error))
    return FALSE;

  g_object_unref (task);
  task = coro_spawn_task (parked_cb, &self, NULL);      /* there is room again */
  return coro_await (task, NULL, error);
}

static void
test_refused_task (void)
{
  g_autoptr (GError) error = NULL;

  coro_stack_pool_use_mprotect (10);
  g_assert_true (coro_run (refused_task_cb, NULL, NULL, &error));
  g_assert_no_error (error);
}

static gboolean
copied (CoroFuture  *gate,
        GError     **error)
{
  return coro_await (gate, NULL, error);
}

CORO_DEFINE_SPAWN (BOOLEAN, G_TYPE_BOOLEAN, copied, CORO_ARG_OBJECT (CoroFuture, gate))

/* Those that copy their arguments need the stack at the spawn. */
static gboolean
refused_copy_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroFuture) gate = coro_future_new ();
  g_autoptr (GError) local_error = NULL;
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR);

  coro_task_group_limit (group, 20);
  for (int i = 0; i < 12; i++)
    copied_spawn (group, gate);
  if (!coro_yield (error))
    return FALSE;
  coro_future_resolve (gate, NULL);
  g_assert_false (coro_task_group_join (group, &local_error));
  g_assert_cmpint (coro_group_error_get_size (local_error), ==, 3);
  g_assert_true (coro_group_error_matches (local_error, CORO_ERROR, CORO_ERROR_NO_STACK));
  g_assert_cmpint (G_OBJECT (gate)->ref_count, ==, 1);

  /* The group's count of those that run is right. */
  for (int i = 0; i < 5; i++)
    copied_spawn (group, gate);
  return coro_task_group_join (group, error);
}

static void
test_refused_copy (void)
{
  g_autoptr (GError) error = NULL;

  coro_stack_pool_use_mprotect (10);
  g_assert_true (coro_run (refused_copy_cb, NULL, NULL, &error));
  g_assert_no_error (error);
}

typedef struct
{
  CoroTaskGroup *group;
  CoroTask *task;               /* (nullable) (owned) */
  int n_freed;
} Refused;

/* As the data of a window may do. */
static void
cancel_all_cb (gpointer user_data)
{
  Refused *self = user_data;

  self->n_freed++;
  coro_task_group_cancel (self->group);
  coro_task_cancel (self->task);
}

static void
count_freed_cb (gpointer user_data)
{
  ((Refused *) user_data)->n_freed++;
}

/* The one that gets no stack is cancelled as it ends, while others stand in line. */
static gboolean
refused_is_cancelled_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (CoroFuture) gate = coro_future_new ();
  Crowd crowd = { gate, 0, };
  g_autoptr (CoroTaskGroup) parked = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR);
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR);
  Refused self = { group, };

  for (int i = 0; i < 9; i++)
    coro_task_group_spawn (parked, parked_cb, &crowd, NULL);
  g_assert_true (coro_yield (error));

  coro_task_group_limit (group, 1);
  self.task = coro_task_group_spawn_task (group, parked_cb, &self, cancel_all_cb);
  for (int i = 0; i < 2; i++)
    coro_task_group_spawn (group, parked_cb, &self, count_freed_cb);
  g_assert_true (coro_yield (error));
  coro_future_resolve (gate, NULL);
  g_assert_true (coro_task_group_join (parked, error));
  g_assert_false (coro_task_group_join (group, NULL));
  g_assert_cmpint (self.n_freed, ==, 3);
  g_assert_cmpint (coro_task_group_get_n_members (group), ==, 0);
  g_object_unref (self.task);
  return TRUE;
}

static void
test_refused_is_cancelled (void)
{
  g_autoptr (GError) error = NULL;

  coro_stack_pool_use_mprotect (10);
  g_assert_true (coro_run (refused_is_cancelled_cb, NULL, NULL, &error));
  g_assert_no_error (error);
}

/* --- what a tracer is told of them ---------------------------------------------------- */

static gboolean
late_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  return TRUE;
}

static void
trace_late_cb (const CoroTraceRecord *record,
               gpointer               user_data)
{
  static const char * const names[] = {
    "created", "started", "awaiting", "suspended", "resumed", "result",
    "returned", "failed", "cancelled", "finished", "freed",
  };

  if (g_str_has_prefix (record->site, "late_cb") || g_str_has_prefix (record->site, "copied"))
    note (names[record->event]);
}

static gboolean
refused_are_traced_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  g_autoptr (CoroFuture) gate = coro_future_new ();
  Crowd self = { gate, 0, };
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR);
  g_autoptr (CoroTask) task = NULL;

  for (int i = 0; i < 9; i++)
    coro_task_group_spawn (group, parked_cb, &self, NULL);
  g_assert_true (coro_yield (error));
  g_assert_cmpint (self.n_parked, ==, 9);

  coro_scheduler_set_tracer (scheduler, trace_late_cb, NULL, NULL);
  task = coro_spawn_task (late_cb, NULL, NULL);
  g_assert_false (coro_await (task, NULL, NULL));
  assert_trace ("created failed finished freed");

  copied_spawn (group, gate);
  assert_trace ("created failed finished freed");
  coro_scheduler_set_tracer (scheduler, NULL, NULL, NULL);

  coro_future_resolve (gate, NULL);
  g_assert_false (coro_task_group_join (group, NULL));
  return TRUE;
}

static void
test_refused_are_traced (void)
{
  g_autoptr (GError) error = NULL;

  coro_stack_pool_use_mprotect (10);
  g_assert_true (coro_run (refused_are_traced_cb, NULL, NULL, &error));
  g_assert_no_error (error);
}

/* Spawning a coroutine that gets no stack does not end the step of its spawner: the step is
 * reported as slow all the same. */
static gboolean
refused_ends_no_step_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  g_autoptr (CoroFuture) gate = coro_future_new ();
  Crowd self = { gate, 0, };
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR);
  g_autoptr (GMainContext) context = g_main_context_new ();
  gint64 end;

  for (int i = 0; i < 9; i++)
    coro_task_group_spawn (group, parked_cb, &self, NULL);
  g_assert_true (coro_yield (error));

  coro_scheduler_set_slow_threshold (scheduler, 20 * MILLISECOND);
  coro_scheduler_set_debug (scheduler, CORO_DEBUG_SLOW | CORO_DEBUG_CHECKS);
  g_assert_true (coro_yield (error));
  end = g_get_monotonic_time () + 20 * MILLISECOND;
  g_main_context_push_thread_default (context);
  copied_spawn (group, gate);                           /* not the coroutine that has pushed */
  g_main_context_pop_thread_default (context);
  while (g_get_monotonic_time () < end)
    ;
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "Executing * spawned at the main coroutine> took *");
  g_assert_true (coro_yield (error));
  g_assert_true (coro_yield (error));
  g_test_assert_expected_messages ();
  coro_scheduler_set_debug (scheduler, CORO_DEBUG_NONE);

  coro_future_resolve (gate, NULL);
  g_assert_false (coro_task_group_join (group, NULL));
  return TRUE;
}

static void
test_refused_ends_no_step (void)
{
  g_autoptr (GError) error = NULL;

  coro_stack_pool_use_mprotect (10);
  g_assert_true (coro_run (refused_ends_no_step_cb, NULL, NULL, &error));
  g_assert_no_error (error);
}

/* --- deep ---------------------------------------------------------------------------- */

#define N_DEEP 100
#define DEPTH (150 * 1024)

G_GNUC_NO_INLINE static gboolean
go_deep (CoroFuture  *gate,
         GError     **error)
{
  volatile char frame[DEPTH];

  for (gsize i = 0; i < sizeof frame; i += 1024)
    frame[i] = 1;
  return coro_await (gate, NULL, error) && frame[0] == 1;
}

static gboolean
deep_cb (gpointer   gate,
         GValue    *result,
         GError   **error)
{
  return go_deep (gate, error);
}

static gboolean
go_on_cb (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

/* Outside: what is given back bit by bit is, by a source that runs while nothing else does. */
static void
test_deep (void)
{
  g_autoptr (CoroFuture) gate = coro_future_new ();
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);
  gssize before, deep;
  guint id;

  if (is_slow ())
    {
      g_test_skip ("the checker keeps pages of its own for each");
      return;
    }

  settle (NULL);
  before = get_resident ();
  for (int i = 0; i < N_DEEP; i++)
    coro_spawn (deep_cb, gate, NULL);
  settle (NULL);
  deep = get_resident ();
  g_assert_cmpint (deep - before, >, (gssize) N_DEEP * DEPTH * 9 / 10);

  coro_future_resolve_int (gate, 1);
  settle (NULL);
  g_assert_cmpuint (coro_scheduler_count_coroutines (scheduler), ==, 0);
  id = g_timeout_add (10, go_on_cb, NULL);
  for (int i = 0; scheduler->trim_source != NULL && i < 1000; i++)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (id);
  /* But for the pages at the top, which the next ones will need. */
  g_assert_cmpint (get_resident () - before, <, (deep - before) / 3);
}

/* --- no growth ----------------------------------------------------------------------- */

static gboolean
cycle (int       n_cycles,
       gboolean  handle,
       GError  **error)
{
  for (int i = 0; i < n_cycles; i++)
    {
      g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

      for (int k = 0; k < 10; k++)
        if (handle)
          g_object_unref (coro_task_group_spawn_task (nursery.group, nothing_cb, NULL, NULL));
        else
          coro_task_group_spawn (nursery.group, nothing_cb, NULL, NULL);
      if (!coro_nursery_join (&nursery))
        return FALSE;
    }
  return TRUE;
}

/* A million coroutines, ten at a time, take what the first thousands took. */
static gboolean
no_growth_cb (gpointer   handle,
              GValue    *result,
              GError   **error)
{
  gssize before;

  if (is_slow ())
    {
      g_test_skip ("the checker's own memory grows");
      return TRUE;
    }

  if (!cycle (1000, handle != NULL, error))
    return FALSE;
  before = get_resident ();
  if (!cycle (100 * 1000, handle != NULL, error))
    return FALSE;
  g_assert_cmpint (get_resident () - before, <, 256 * 1024);    /* a quarter of a byte for each */
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/scheduler/many/deep-stacks-are-given-back", test_deep);
  coro_test_add_data_func ("/scheduler/many/a-million-leave-nothing", no_growth_cb, NULL, NULL);
  coro_test_add_data_func ("/scheduler/many/a-million-handles-leave-nothing", no_growth_cb, "", NULL);
  g_test_add_func ("/scheduler/many/parked", test_crowd);

  /* From here on as on an older kernel. */
  g_test_add_data_func ("/scheduler/many/beyond-the-guards", GUINT_TO_POINTER (500), test_limit);
  g_test_add_data_func ("/scheduler/many/few-guards", GUINT_TO_POINTER (3), test_limit);
  g_test_add_func ("/scheduler/many/refused-task", test_refused_task);
  g_test_add_func ("/scheduler/many/refused-copy", test_refused_copy);
  g_test_add_func ("/scheduler/many/refused-is-cancelled", test_refused_is_cancelled);
  g_test_add_func ("/scheduler/many/refused-are-traced", test_refused_are_traced);
  g_test_add_func ("/scheduler/many/refused-ends-no-step", test_refused_ends_no_step);

  return g_test_run ();
}
