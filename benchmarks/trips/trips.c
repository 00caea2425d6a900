/* Makes one trip, from a call to the wake-up that it waits for, with callgrind counting: trips NAME.
 *
 * Each is made once before, so that what happens only the first time does not count.
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <coro-glib/coro-glib.h>

#include <sys/socket.h>
#include <unistd.h>

#include <valgrind/callgrind.h>

typedef gboolean (*Trip) (gboolean counted, GError **error);

static void
begin (gboolean counted)
{
  if (counted)
    CALLGRIND_START_INSTRUMENTATION;
}

static void
end (gboolean counted)
{
  if (counted)
    CALLGRIND_STOP_INSTRUMENTATION;
}

static gboolean
trip_sleep (gboolean   counted,
            GError   **error)
{
  gboolean ok;

  begin (counted);
  ok = coro_sleep (2000, error);
  end (counted);
  return ok;
}

static gpointer
complete_in_thread (gpointer future)
{
  g_usleep (20000);
  coro_future_resolve_int (future, 1);
  return NULL;
}

static gboolean
trip_future (gboolean   counted,
             GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  GThread *thread = g_thread_new ("completes", complete_in_thread, future);
  gboolean ok;

  begin (counted);
  ok = coro_await (future, NULL, error);
  end (counted);
  g_thread_join (thread);
  return ok;
}

static gboolean
yield_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  return coro_yield (error);
}

static gboolean
trip_spawn (gboolean   counted,
            GError   **error)
{
  CoroTask *task;
  gboolean ok;

  begin (counted);
  task = coro_spawn_task (yield_cb, NULL, NULL);
  ok = coro_await (task, NULL, error);
  g_object_unref (task);
  end (counted);
  return ok;
}

static gpointer
write_in_thread (gpointer fd)
{
  g_usleep (20000);
  g_assert_cmpint (write (GPOINTER_TO_INT (fd), "x", 1), ==, 1);
  return NULL;
}

static gboolean
trip_receive (gboolean   counted,
              GError   **error)
{
  g_autoptr (GSocket) socket = NULL;
  GThread *thread;
  char byte;
  int fds[2];
  gboolean ok;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  socket = g_socket_new_from_fd (fds[0], error);
  g_assert_nonnull (socket);
  thread = g_thread_new ("writes", write_in_thread, GINT_TO_POINTER (fds[1]));

  begin (counted);
  ok = coro_socket_receive (socket, &byte, 1, error) == 1;
  end (counted);
  g_thread_join (thread);
  close (fds[1]);
  return ok;
}

static const struct
{
  const char *name;
  Trip trip;
} trips[] = {
  { "sleep", trip_sleep },
  { "await-of-another-thread", trip_future },
  { "spawn-and-await", trip_spawn },
  { "socket-receive", trip_receive },
};

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (trips); i++)
    if (g_str_equal (trips[i].name, user_data))
      return trips[i].trip (FALSE, error) && trips[i].trip (TRUE, error);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "No such trip: %s", (char *) user_data);
  return FALSE;
}

int
main (int    argc,
      char **argv)
{
  if (argc == 2)
    return coro_run_main (main_cb, argv[1]);

  for (gsize i = 0; i < G_N_ELEMENTS (trips); i++)
    g_print ("%s\n", trips[i].name);
  return 0;
}
