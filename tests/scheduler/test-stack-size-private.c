/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How large the stacks of coroutines are, and what makes them so.
 */
#include "lib/bodies.h"
#include "lib/process.h"

#include "scheduler/coro-scheduler-private.h"

#include <dlfcn.h>
#include <sys/resource.h>

#define KIB 1024
#define SMALL CORO_STACK_SIZE_DEFAULT
#define LARGE CORO_STACK_SIZE_LARGE
/* What is left of a size: it is rounded to pages, and colours take some off the top. */
#define SLACK ((gsize) 16 * KIB)

static const char *library;     /* a shared library with the name of GTK's and nothing in it */

/* The address range that the caller's stack has. */
static gsize
get_size (void)
{
  const CoroStack *stack = coro_job_get_running ()->fiber.stack;

  return coro_stack_get_size (stack) + coro_stack_get_guard_size (stack);
}

#define assert_size(found, expected)                                                      \
  G_STMT_START                                                                            \
    {                                                                                     \
      g_assert_cmpuint ((found), >, (gsize) (expected) - SLACK);                          \
      g_assert_cmpuint ((found), <, (gsize) (expected) + SLACK);                          \
    }                                                                                     \
  G_STMT_END

static gboolean
size_cb (gpointer   size,
         GValue    *result,
         GError   **error)
{
  *(gsize *) size = get_size ();
  return TRUE;
}

/* In a coroutine: the size that another one has. */
static gsize
spawn_and_get_size (CoroTaskGroup *group)
{
  gsize size = 0;
  g_autoptr (CoroTask) task = coro_task_group_spawn_task (group, size_cb, &size, NULL);

  coro_join (task, NULL);
  return size;
}

static gboolean
nursery_cb (gpointer   size,
            GValue    *result,
            GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, size_cb, size, NULL);
  return coro_nursery_join (&nursery);
}

/* The same for a member of a nursery in a member of `group`. */
static gsize
spawn_and_get_nursery_size (CoroTaskGroup *group)
{
  gsize size = 0;
  g_autoptr (CoroTask) task = coro_task_group_spawn_task (group, nursery_cb, &size, NULL);

  coro_join (task, NULL);
  return size;
}

static gboolean
test_by_default (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_assert_cmpuint (coro_scheduler_get_stack_size (coro_scheduler_current), ==, SMALL);
  assert_size (get_size (), SMALL);
  assert_size (spawn_and_get_size (NULL), SMALL);
  assert_size (spawn_and_get_nursery_size (NULL), SMALL);
  return TRUE;
}

static gboolean
test_chosen_for_a_group (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);

  coro_task_group_set_stack_size (group, 1024 * KIB);
  assert_size (spawn_and_get_size (group), 1024 * KIB);
  assert_size (spawn_and_get_nursery_size (group), 1024 * KIB);
  assert_size (spawn_and_get_size (NULL), SMALL);

  coro_scheduler_set_stack_size (coro_scheduler_current, 512 * KIB);
  assert_size (spawn_and_get_size (group), 1024 * KIB);
  coro_task_group_set_stack_size (group, 0);
  assert_size (spawn_and_get_size (group), 512 * KIB);
  assert_size (spawn_and_get_nursery_size (group), 512 * KIB);
  return coro_task_group_join (group, error);
}

static gboolean
produce_cb (CoroGenerator *generator,
            gpointer       size,
            GError       **error)
{
  *(gsize *) size = get_size ();
  return TRUE;
}

static gsize
get_generator_size (void)
{
  gsize size = 0;
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, produce_cb, &size, NULL);
  g_autoptr (GError) error = NULL;
  g_auto (GValue) value = G_VALUE_INIT;

  coro_iterator_next (generator, &value, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (G_VALUE_TYPE (&value), ==, 0);      /* its end */
  return size;
}

static gboolean
test_chosen_for_a_scheduler (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_current;

  assert_size (get_generator_size (), SMALL);
  coro_scheduler_set_stack_size (scheduler, 2048 * KIB);
  g_assert_cmpuint (coro_scheduler_get_stack_size (scheduler), ==, 2048 * KIB);
  assert_size (spawn_and_get_size (NULL), 2048 * KIB);
  assert_size (get_generator_size (), 2048 * KIB);
  coro_scheduler_set_stack_size (scheduler, 64 * 1024 * KIB);
  assert_size (spawn_and_get_size (NULL), 64 * 1024 * KIB);
  coro_scheduler_set_stack_size (scheduler, 0);
  assert_size (spawn_and_get_size (NULL), SMALL);
  return TRUE;
}

/* A ready job takes over the stack of a job that ends only if this stack has its size. */
static gboolean
test_no_stack_is_inherited_that_is_smaller (gpointer   user_data,
                                            GValue    *result,
                                            GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  gsize sizes[6] = { 0, };

  for (int i = 0; i < 6; i++)
    {
      coro_task_group_set_stack_size (group, i % 2 == 0 ? 0 : 1024 * KIB);
      if (i == 4)
        coro_scheduler_set_stack_size (coro_scheduler_current, 2048 * KIB);
      coro_task_group_spawn (group, size_cb, &sizes[i], NULL);
    }
  if (!coro_task_group_join (group, error))
    return FALSE;

  /* Which of the automatic ones it is, is decided when they start. */
  for (int i = 0; i < 6; i++)
    assert_size (sizes[i], i % 2 == 0 ? 2048 * KIB : 1024 * KIB);
  return TRUE;
}

static void
set_size_cb (gpointer scheduler)
{
  coro_scheduler_set_stack_size (scheduler, 1024 * KIB);
}

static gpointer
set_size_in_thread (gpointer scheduler)
{
  set_size_cb (scheduler);
  return NULL;
}

static gboolean
test_chosen_by_another_thread (gpointer   user_data,
                               GValue    *result,
                               GError   **error)
{
  g_thread_join (g_thread_new ("chooser", set_size_in_thread, coro_scheduler_current));
  if (!coro_sleep (1, error))
    return FALSE;
  assert_size (spawn_and_get_size (NULL), 1024 * KIB);
  return TRUE;
}

/* --- in a process of its own --------------------------------------------------------- */

static void
trap (const char *size)
{
  if (size != NULL)
    g_setenv ("CORO_STACK_SIZE", size, TRUE);
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_unsetenv ("CORO_STACK_SIZE");
}

static void
run (CoroFunc func)
{
  g_autoptr (GError) error = NULL;

  coro_run (func, NULL, NULL, &error);
  g_assert_no_error (error);
}

static gboolean
environment_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);

  assert_size (get_size (), 3000 * KIB);
  assert_size (get_generator_size (), 3000 * KIB);
  coro_task_group_set_stack_size (group, 1024 * KIB);
  assert_size (spawn_and_get_size (group), 1024 * KIB);
  return coro_task_group_join (group, error);
}

static void
test_environment (void)
{
  if (g_test_subprocess ())
    {
      run (environment_cb);
      return;
    }

  trap ("3000");
  g_test_trap_assert_passed ();
}

static void
test_environment_that_is_no_number (void)
{
  if (g_test_subprocess ())
    {
      g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "CORO_STACK_SIZE is “8M”, which is no number of KiB");
      run (nothing_cb);
      g_test_assert_expected_messages ();
      return;
    }

  trap ("8M");
  g_test_trap_assert_passed ();
}

/* As foreign code may: to 7 MiB of 8. */
__attribute__ ((noinline)) static int
recurse (int n)
{
  volatile char frame[1024];

  memset ((char *) frame, n, sizeof frame);
  return n > 0 ? recurse (n - 1) + frame[n % 1024] : 0;
}

static gboolean
gtk_comes_later_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  gpointer module;
  gsize size = 0;
  CoroTask *task;

  assert_size (get_size (), SMALL);
  /* It is to start, and its arguments have no stack yet. */
  task = coro_spawn_task (size_cb, &size, NULL);
  module = dlopen (library, RTLD_NOW | RTLD_LOCAL);
  g_assert_nonnull (module);
  g_usleep (1000);              /* the real one takes 100 times as long */
  coro_join (task, NULL);
  g_object_unref (task);
  assert_size (size, LARGE);

  assert_size (spawn_and_get_nursery_size (NULL), LARGE);
  assert_size (get_generator_size (), LARGE);
  g_assert_cmpuint (coro_scheduler_get_stack_size (coro_scheduler_current), ==, LARGE);
  dlclose (module);
  return TRUE;
}

static gboolean
deep_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  assert_size (get_size (), LARGE);
  recurse (GLIB_SIZEOF_VOID_P >= 8 ? 7000 : 500);
  return TRUE;
}

static void
test_with_gtk (void)
{
  if (g_test_subprocess ())
    {
      run (gtk_comes_later_cb);
      run (deep_cb);            /* another main context */
      return;
    }

  trap (NULL);
  g_test_trap_assert_passed ();
}

static void
activate_cb (GApplication *application,
             gpointer      user_data)
{
  gsize *size = user_data;

  coro_spawn (size_cb, size, NULL);
  coro_spawn (deep_cb, NULL, NULL);
}

static void
test_with_an_application (void)
{
  if (g_test_subprocess ())
    {
      g_autoptr (GApplication) application = g_application_new ("org.example.StackSize", G_APPLICATION_NON_UNIQUE);
      gsize size = 0;

      g_signal_connect (application, "activate", G_CALLBACK (activate_cb), &size);
      g_application_set_inactivity_timeout (application, 10);
      coro_application_attach (application);
      g_application_run (application, 0, NULL);
      assert_size (size, LARGE);
      return;
    }

  trap (NULL);
  g_test_trap_assert_passed ();
}

#if !defined (CORO_ASAN) && !defined (CORO_TSAN)
typedef struct
{
  CoroFuture *gate;             /* (owned) */
  guint n_large;
  guint n_small;
  guint n_refused;
} Crowd;

static gboolean
parked_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Crowd *crowd = user_data;

  if (get_size () > 2 * SMALL)
    crowd->n_large++;
  else
    crowd->n_small++;
  return coro_await (crowd->gate, NULL, error);
}

static void
refused_cb (const GError  *unhandled,
            const char    *name,
            const char    *site,
            gpointer       user_data,
            GError       **error)
{
  g_assert_error (unhandled, CORO_ERROR, CORO_ERROR_NO_STACK);
  ((Crowd *) user_data)->n_refused++;
}

static void
park_many (Crowd *crowd,
           gsize  stack_size)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR | CORO_TASK_GROUP_UNJOINED);
  g_autoptr (GError) error = NULL;

  *crowd = (Crowd) { coro_future_new (), };
  coro_task_group_set_stack_size (group, stack_size);
  coro_task_group_set_unhandled_func (group, refused_cb, crowd, NULL);
  for (int i = 0; i < 100; i++)
    coro_task_group_spawn (group, parked_cb, crowd, NULL);
  while (crowd->n_large + crowd->n_small + crowd->n_refused < 100)
    coro_yield (NULL);
  coro_future_resolve_boolean (crowd->gate, TRUE);
  coro_task_group_join (group, &error);
  g_assert_no_error (error);
  g_object_unref (crowd->gate);
}

static gboolean
few_addresses_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Crowd crowd;
  guint n_large;

  /* Without a chosen size, a small stack is better than none. */
  coro_scheduler_expect_application (coro_scheduler_current);
  park_many (&crowd, 0);
  g_test_message ("%u large, %u small", crowd.n_large, crowd.n_small);
  g_assert_cmpuint (crowd.n_large, >=, 5);
  g_assert_cmpuint (crowd.n_small, >=, 5);
  g_assert_cmpuint (crowd.n_refused, ==, 0);

  n_large = crowd.n_large;
  park_many (&crowd, LARGE);
  g_test_message ("%u large, %u refused", crowd.n_large, crowd.n_refused);
  g_assert_cmpuint (crowd.n_large, >=, n_large + 5);
  g_assert_cmpuint (crowd.n_small, ==, 0);
  g_assert_cmpuint (crowd.n_refused, >=, 5);
  return TRUE;
}
#endif

static void
test_few_addresses (void)
{
#if defined (CORO_ASAN) || defined (CORO_TSAN)
  g_test_skip ("Sanitizers need the address space");
#else
  if (g_test_subprocess ())
    {
      const struct rlimit limit = { get_address_space () + 60 * LARGE, RLIM_INFINITY };

      g_assert_cmpint (setrlimit (RLIMIT_AS, &limit), ==, 0);
      run (few_addresses_cb);
      return;
    }

  if (g_getenv ("CORO_TEST_VALGRIND") != NULL)
    {
      g_test_skip ("valgrind needs the address space");
      return;
    }
  trap (NULL);
  g_test_trap_assert_passed ();
#endif
}

#if !defined (CORO_ASAN) && !defined (CORO_TSAN)
static gboolean
count_start_cb (gpointer   n_started,
                GValue    *result,
                GError   **error)
{
  ++*(int *) n_started;
  return TRUE;
}

static void
assert_no_stack (CoroTask *task)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (coro_await (task, NULL, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NO_STACK);
}

/* Without room for another stack each that needs one fails with an error, and all goes on once
 * there is room again. */
static gboolean
test_no_room (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  const gsize size = 64 * 1024 * KIB;
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR | CORO_TASK_GROUP_UNJOINED);
  g_autoptr (CoroTask) later = NULL;
  g_autoptr (CoroTask) eager = NULL;
  g_autoptr (CoroGenerator) generator = NULL;
  g_autoptr (CoroCoroutine) coroutine = NULL;
  g_autoptr (GError) generator_error = NULL;
  g_autoptr (GError) coroutine_error = NULL;
  g_auto (GValue) value = G_VALUE_INIT;
  struct rlimit before, limit;
  gsize generator_size = 0;
  int n_started = 0;

  if (g_getenv ("CORO_TEST_VALGRIND") != NULL)
    {
      g_test_skip ("valgrind needs the address space");
      return TRUE;
    }

  g_assert_cmpint (getrlimit (RLIMIT_AS, &before), ==, 0);
  limit = before;
  limit.rlim_cur = get_address_space () + size / 2;
  generator = coro_generator_new (G_TYPE_INT, produce_cb, &generator_size, NULL);
  coroutine = coro_coroutine_new (count_start_cb, &n_started, NULL);
  coro_task_group_set_stack_size (group, size);
  coro_scheduler_set_stack_size (coro_scheduler_current, size);

  g_assert_cmpint (setrlimit (RLIMIT_AS, &limit), ==, 0);
  later = coro_task_group_spawn_task (group, count_start_cb, &n_started, NULL);
  assert_no_stack (later);
  eager = coro_spawn_task_eager_at (group, count_start_cb, &n_started, NULL, NULL);
  assert_no_stack (eager);
  g_assert_false (coro_iterator_next (generator, &value, &generator_error));
  g_assert_error (generator_error, CORO_ERROR, CORO_ERROR_NO_STACK);
  g_assert_false (coro_coroutine_resume (coroutine, NULL, NULL, &coroutine_error));
  g_assert_error (coroutine_error, CORO_ERROR, CORO_ERROR_NO_STACK);
  g_assert_cmpint (setrlimit (RLIMIT_AS, &before), ==, 0);

  g_assert_cmpint (n_started, ==, 0);
  g_assert_cmpuint (coro_task_group_get_n_members (group), ==, 0);
  g_assert_true (coro_iterator_next (generator, &value, error));
  assert_size (generator_size, size);
  g_assert_true (coro_coroutine_resume (coroutine, NULL, NULL, error));
  g_assert_cmpint (n_started, ==, 1);
  coro_scheduler_set_stack_size (coro_scheduler_current, 0);
  return TRUE;
}
#endif

static gboolean
generator_size_cb (gpointer   size,
                   GValue    *result,
                   GError   **error)
{
  *(gsize *) size = get_generator_size ();
  return TRUE;
}

/* The body of a generator has as much room as the coroutine that asks for its values. */
static gboolean
test_generator_of_a_member (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  gsize size = 0;

  coro_task_group_set_stack_size (group, 1024 * KIB);
  coro_task_group_spawn (group, generator_size_cb, &size, NULL);
  if (!coro_task_group_join (group, error))
    return FALSE;
  assert_size (size, 1024 * KIB);
  assert_size (get_generator_size (), SMALL);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  library = g_getenv ("CORO_TEST_GTK");

  coro_test_add_func ("/stack-size/by-default", test_by_default);
  coro_test_add_func ("/stack-size/chosen-for-a-group", test_chosen_for_a_group);
  coro_test_add_func ("/stack-size/chosen-for-a-scheduler", test_chosen_for_a_scheduler);
  coro_test_add_func ("/stack-size/generator-of-a-member", test_generator_of_a_member);
#if !defined (CORO_ASAN) && !defined (CORO_TSAN)
  coro_test_add_func ("/stack-size/no-room", test_no_room);
#endif
  coro_test_add_func ("/stack-size/chosen-by-another-thread", test_chosen_by_another_thread);
  coro_test_add_func ("/stack-size/no-stack-is-inherited-that-is-smaller", test_no_stack_is_inherited_that_is_smaller);
  g_test_add_func ("/stack-size/environment", test_environment);
  g_test_add_func ("/stack-size/environment-that-is-no-number", test_environment_that_is_no_number);
  g_test_add_func ("/stack-size/with-gtk", test_with_gtk);
  g_test_add_func ("/stack-size/with-an-application", test_with_an_application);
  g_test_add_func ("/stack-size/few-addresses", test_few_addresses);

  return g_test_run ();
}
