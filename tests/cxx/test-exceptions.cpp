/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An exception that is being handled belongs to the coroutine, not to its thread.
 */
#include <coro-glib/coro-glib.h>

#include <exception>
#include <stdexcept>
#include <string>

static constexpr GTimeSpan MILLISECOND = G_TIME_SPAN_MILLISECOND;

struct Problem
{
  std::string owner;
};

/* Waits in its handler, gives up, and must get its own exception again. */
static void
catch_and_wait (const std::string &name,
                GTimeSpan          first,
                GTimeSpan          second)
{
  bool caught = false;

  try
    {
      try
        {
          throw Problem { name };
        }
      catch (Problem &)
        {
          coro_sleep (first, nullptr);
          g_assert_true (std::current_exception () != nullptr);
          coro_sleep (second, nullptr);
          throw;
        }
    }
  catch (Problem &problem)
    {
      caught = problem.owner == name;
    }
  g_assert_true (caught);
  g_assert_true (std::current_exception () == nullptr);
}

static gboolean
first_cb (gpointer, GValue *, GError **)
{
  catch_and_wait ("first", 10 * MILLISECOND, 20 * MILLISECOND);
  return TRUE;
}

static gboolean
second_cb (gpointer, GValue *, GError **)
{
  catch_and_wait ("second", 20 * MILLISECOND, 30 * MILLISECOND);
  return TRUE;
}

static gboolean
run_both (CoroFunc   one,
          CoroFunc   other,
          GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, one, nullptr, nullptr);
  coro_task_group_spawn (nursery.group, other, nullptr, nullptr);
  return coro_nursery_join (&nursery);
}

static gboolean
test_catch_and_wait (gpointer, GValue *, GError **error)
{
  gboolean ok = run_both (first_cb, second_cb, error);

  g_assert_cmpint (std::uncaught_exceptions (), ==, 0);
  g_assert_true (std::current_exception () == nullptr);
  return ok;
}

/* Many at a time, each with several handlers inside each other. */
static void
nest (int         depth,
      std::string name)
{
  try
    {
      throw Problem { name };
    }
  catch (Problem &problem)
    {
      coro_yield (nullptr);
      if (depth > 0)
        nest (depth - 1, name + "'");
      coro_yield (nullptr);
      g_assert_cmpstr (problem.owner.c_str (), ==, name.c_str ());
      try
        {
          throw;
        }
      catch (Problem &again)
        {
          g_assert_cmpstr (again.owner.c_str (), ==, name.c_str ());
        }
    }
}

static gboolean
nest_cb (gpointer number, GValue *, GError **)
{
  nest (GPOINTER_TO_INT (number) % 5, std::to_string (GPOINTER_TO_INT (number)));
  g_assert_true (std::current_exception () == nullptr);
  return TRUE;
}

static gboolean
test_many (gpointer, GValue *, GError **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < 50; i++)
    coro_task_group_spawn (nursery.group, nest_cb, GINT_TO_POINTER (i), nullptr);
  return coro_nursery_join (&nursery);
}

/* --- on its way ---------------------------------------------------------------------- */

struct Waits
{
  ~Waits ()
  {
    g_assert_cmpint (std::uncaught_exceptions (), ==, 1);
    coro_sleep (10 * MILLISECOND, nullptr);
    g_assert_cmpint (std::uncaught_exceptions (), ==, 1);
  }
};

static gboolean
unwind_cb (gpointer, GValue *, GError **)
{
  bool caught = false;

  try
    {
      Waits waits;

      throw std::runtime_error ("on its way");
    }
  catch (std::runtime_error &error)
    {
      caught = std::string (error.what ()) == "on its way";
    }
  g_assert_true (caught);
  return TRUE;
}

static gboolean
look_cb (gpointer, GValue *, GError **)
{
  for (int i = 0; i < 4; i++)
    {
      g_assert_cmpint (std::uncaught_exceptions (), ==, 0);
      coro_sleep (3 * MILLISECOND, nullptr);
    }
  return TRUE;
}

static gboolean
test_unwind_and_wait (gpointer, GValue *, GError **error)
{
  return run_both (unwind_cb, look_cb, error) && run_both (unwind_cb, unwind_cb, error);
}

/* --- code that runs on behalf of a handler ---------------------------------------------- */

static gboolean
produce_cb (CoroGenerator  *generator,
            gpointer,
            GError        **error)
{
  for (int i = 0; i < 3; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      g_assert_true (std::current_exception () == nullptr);
      try
        {
          throw Problem { "generator" };
        }
      catch (Problem &problem)
        {
          g_value_init (&value, G_TYPE_INT);
          g_value_set_int (&value, i);
          if (!coro_generator_produce (generator, &value, error))
            return FALSE;
          g_assert_cmpstr (problem.owner.c_str (), ==, "generator");
        }
    }
  return TRUE;
}

static gboolean
test_generator (gpointer, GValue *, GError **error)
{
  CoroGenerator *generator = coro_generator_new (G_TYPE_INT, produce_cb, nullptr, nullptr);

  for (int i = 0; i < 4; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      try
        {
          throw Problem { "consumer" };
        }
      catch (Problem &)
        {
          g_assert_true (coro_iterator_next (generator, &value, error));
          try
            {
              throw;
            }
          catch (Problem &problem)
            {
              g_assert_cmpstr (problem.owner.c_str (), ==, "consumer");
            }
        }
      g_assert_true (G_VALUE_HOLDS_INT (&value) == (i < 3));
    }
  g_object_unref (generator);
  return TRUE;
}

static gboolean
test_eager (gpointer, GValue *, GError **error)
{
  CoroTask *task;

  try
    {
      throw Problem { "spawner" };
    }
  catch (Problem &)
    {
      task = coro_spawn_task_eager (first_cb, nullptr, nullptr);
      coro_sleep (15 * MILLISECOND, nullptr);
      try
        {
          throw;
        }
      catch (Problem &problem)
        {
          g_assert_cmpstr (problem.owner.c_str (), ==, "spawner");
        }
    }

  gboolean ok = coro_await (task, nullptr, error);
  g_object_unref (task);
  return ok;
}

static void
quit_cb (CoroFuture *, gpointer loop, GError **)
{
  g_main_loop_quit (static_cast<GMainLoop *> (loop));
}

static gboolean
yield_cb (gpointer, GValue *, GError **error)
{
  return run_both (first_cb, second_cb, error);
}

/* Inside a nested main loop, and inside a main loop that an exception handler of the thread runs. */
static void
test_loop_in_a_handler (void)
{
  GMainLoop *loop = g_main_loop_new (nullptr, FALSE);
  CoroTask *task = coro_spawn_task (yield_cb, nullptr, nullptr);

  try
    {
      throw Problem { "loop" };
    }
  catch (Problem &)
    {
      coro_future_on_done (CORO_FUTURE (task), quit_cb, loop, nullptr);
      g_main_loop_run (loop);
      try
        {
          throw;
        }
      catch (Problem &problem)
        {
          g_assert_cmpstr (problem.owner.c_str (), ==, "loop");
        }
    }

  g_assert_true (std::current_exception () == nullptr);
  g_assert_true (coro_future_get_result (CORO_FUTURE (task), nullptr, nullptr));
  g_object_unref (task);
  g_main_loop_unref (loop);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, nullptr);

  coro_test_add_func ("/cxx/exceptions/catch-and-wait", test_catch_and_wait);
  coro_test_add_func ("/cxx/exceptions/many", test_many);
  coro_test_add_func ("/cxx/exceptions/unwind-and-wait", test_unwind_and_wait);
  coro_test_add_func ("/cxx/exceptions/generator", test_generator);
  coro_test_add_func ("/cxx/exceptions/eager", test_eager);
  g_test_add_func ("/cxx/exceptions/loop-in-a-handler", test_loop_in_a_handler);

  return g_test_run ();
}
