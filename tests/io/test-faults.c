/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Peers that vanish, descriptors that run out, programs that are started: the coroutine that waits
 * gets an error, nothing hangs, and other connections are not affected.
 */
#include "socket-pair.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- bystanders ------------------------------------------------------------------- */

/* A connection that works, with a coroutine that waits on it, while others are in trouble. */
typedef struct
{
  Pair pair;
  CoroTask *task;               /* (owned) */
} Bystander;

static gboolean
echo_cb (gpointer   socket,
         GValue    *result,
         GError   **error)
{
  char buffer[16];
  gssize size;

  while ((size = coro_socket_receive (socket, buffer, sizeof buffer, error)) > 0)
    if (!coro_socket_send_all (socket, buffer, size, NULL, error))
      return FALSE;
  return size == 0;
}

static Bystander
bystander_new (gboolean tcp)
{
  Bystander self = { .pair = pair_new (tcp) };

  self.task = coro_spawn_task (echo_cb, self.pair.b, NULL);
  g_assert_true (coro_test_settle (NULL));
  return self;
}

static void
bystander_check (Bystander *self)
{
  g_autoptr (GError) error = NULL;

  for (int i = 0; i < 10; i++)
    {
      int got = -1;

      coro_socket_send_all (self->pair.a, &i, sizeof i, NULL, &error);
      g_assert_no_error (error);
      coro_socket_receive_all (self->pair.a, &got, sizeof got, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (got, ==, i);
    }
}

static void
bystander_clear (Bystander *self)
{
  g_autoptr (GError) error = NULL;

  bystander_check (self);
  g_assert_true (coro_socket_close (self->pair.a, NULL));
  g_assert_true (coro_await (self->task, NULL, &error));
  g_assert_no_error (error);
  g_clear_object (&self->task);
  pair_clear (&self->pair);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bystander, bystander_clear)

/* --- peers that vanish ------------------------------------------------------------ */

static gboolean
drop_all (int fd)
{
  struct sock_filter drop = BPF_STMT (BPF_RET | BPF_K, 0);
  struct sock_fprog program = { 1, &drop };

  return setsockopt (fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

/* Nothing that is sent to the socket arrives any more, and nothing says so: as if its machine had
 * lost its power. */
static void
vanish (GSocket *socket)
{
  g_assert_true (drop_all (g_socket_get_fd (socket)));
}

/* Some machines allow filters only to root. */
static gboolean
can_vanish (void)
{
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gboolean ok = drop_all (fd);

  g_assert_true (ok || errno == EPERM);
  close (fd);
  return ok;
}

static void
test_needs_filter (void)
{
  g_test_skip ("This user may not filter what a socket receives");
}

static void
add_with_filter (const char   *path,
                 CoroFunc      func)
{
  if (can_vanish ())
    coro_test_add_func (path, func);
  else
    g_test_add_func (path, test_needs_filter);
}

static void
set_option (GSocket *socket,
            int      level,
            int      option,
            int      value)
{
  g_assert_cmpint (setsockopt (g_socket_get_fd (socket), level, option, &value, sizeof value), ==, 0);
}

typedef struct
{
  GSocket *socket;
  gsize size;
  GError *error;                /* (nullable) (owned) */
  gboolean done;
} Call;

static gboolean
receive_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Call *self = user_data;
  char c;

  /* 0, the end, if the kernel has already given the error to another call: it reports it only
   * once. */
  g_assert_cmpint (coro_socket_receive (self->socket, &c, 1, &self->error), <=, 0);
  self->done = TRUE;
  return TRUE;
}

static gboolean
send_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Call *self = user_data;
  g_autofree char *data = g_malloc0 (self->size);

  g_assert_false (coro_socket_send_all (self->socket, data, self->size, NULL, &self->error));
  self->done = TRUE;
  return TRUE;
}

/* The peer does not acknowledge what was sent: the reader that waits for the answer fails, and so
 * does the writer that waits for room. */
static gboolean
unacknowledged_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_auto (Bystander) bystander = bystander_new (TRUE);
  g_auto (Pair) pair = pair_new (TRUE);
  Call reading = { .socket = pair.a };
  Call writing = { .socket = pair.a, .size = 16 * 1024 * 1024 };
  g_autoptr (CoroTask) reader = NULL;
  g_autoptr (CoroTask) writer = NULL;

  vanish (pair.b);
  reader = coro_spawn_task (receive_cb, &reading, NULL);
  writer = coro_spawn_task (send_cb, &writing, NULL);
  g_assert_true (coro_test_settle (error));
  g_assert_false (reading.done || writing.done);
  bystander_check (&bystander);

  set_option (pair.a, IPPROTO_TCP, TCP_USER_TIMEOUT, 50);
  if (!coro_await (reader, NULL, error) || !coro_await (writer, NULL, error))
    return FALSE;
  /* The first of the two to ask the kernel gets the error. */
  g_assert_true (g_error_matches (reading.error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ||
                 g_error_matches (writing.error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
  g_clear_error (&reading.error);
  g_clear_error (&writing.error);
  return TRUE;
}

/* Nothing was sent, so that only the keepalive probes of the kernel can find out that the peer has
 * vanished. */
static gboolean
keepalive_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  G_GNUC_UNUSED g_auto (Bystander) bystander = bystander_new (FALSE);
  g_auto (Pair) pair = pair_new (TRUE);
  Call call = { .socket = pair.a };
  g_autoptr (CoroTask) task = NULL;

  g_socket_set_keepalive (pair.a, TRUE);
  set_option (pair.a, IPPROTO_TCP, TCP_KEEPIDLE, 1);
  set_option (pair.a, IPPROTO_TCP, TCP_KEEPINTVL, 1);
  set_option (pair.a, IPPROTO_TCP, TCP_KEEPCNT, 1);
  vanish (pair.b);
  task = coro_spawn_task (receive_cb, &call, NULL);
  if (!coro_await (task, NULL, error))
    return FALSE;
  assert_timed_out (call.error);
  g_clear_error (&call.error);
  return TRUE;
}

/* Without anything of that, a timeout is the caller's. */
static gboolean
silent_peer_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  G_GNUC_UNUSED g_auto (Bystander) bystander = bystander_new (TRUE);
  g_auto (Pair) pair = pair_new (TRUE);
  g_autoptr (GError) local_error = NULL;
  gint64 start = now ();
  char c;

  vanish (pair.b);
  g_assert_cmpint (coro_socket_send (pair.a, "?", 1, error), ==, 1);
  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (30 * SECOND, &local_error);

    g_assert_cmpint (coro_socket_receive (pair.a, &c, 1, &local_error), ==, -1);
  }
  assert_timed_out (local_error);
  g_assert_cmpint (now () - start, ==, 30 * SECOND);
  return TRUE;
}

/* A host that answers nothing at all. */
static gboolean
silent_listener_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  G_GNUC_UNUSED g_auto (Bystander) bystander = bystander_new (TRUE);
  g_autoptr (GSocket) listener = listen_on_loopback ();
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (listener, NULL);
  g_autoptr (GSocket) socket = new_tcp ();
  g_autoptr (GError) local_error = NULL;

  vanish (listener);
  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (30 * SECOND, &local_error);

    g_assert_false (coro_socket_connect (socket, address, &local_error));
  }
  assert_timed_out (local_error);
  return TRUE;
}

/* --- connections that are refused ------------------------------------------------- */

typedef struct
{
  GSocketAddress *address;
  int n_refused;
} Refusal;

static gboolean
refused_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Refusal *self = user_data;
  g_autoptr (GSocket) socket = new_tcp ();
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_socket_connect (socket, self->address, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  self->n_refused++;
  return TRUE;
}

static gboolean
refused_at_once_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  enum { N_CONNECTS = 500 };
  G_GNUC_UNUSED g_auto (Bystander) bystander = bystander_new (TRUE);
  g_autoptr (GSocket) listener = listen_on_loopback ();
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (listener, NULL);
  Refusal refusal = { address, 0 };
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  g_assert_true (coro_socket_close (listener, error));
  for (int i = 0; i < N_CONNECTS; i++)
    coro_task_group_spawn (nursery.group, refused_cb, &refusal, NULL);
  if (!coro_nursery_join (&nursery))
    return FALSE;
  g_assert_cmpint (refusal.n_refused, ==, N_CONNECTS);
  return TRUE;
}

/* --- no descriptors left ---------------------------------------------------------- */

/* What needs a descriptor fails; what has one goes on, and so do timers. */
static gboolean
no_descriptors_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_auto (Bystander) bystander = bystander_new (TRUE);
  g_auto (Bystander) other = bystander_new (FALSE);
  g_autoptr (GFile) file = g_file_new_for_path ("/proc/self/status");
  g_autoptr (GSocket) listener = listen_on_loopback ();
  g_autoptr (GSocket) client = new_tcp ();
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (listener, NULL);
  GError *local_error = NULL;
  struct rlimit saved, limit;
  int lowest_free = dup (0);

  close (lowest_free);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &saved), ==, 0);
  limit = saved;
  limit.rlim_cur = (rlim_t) lowest_free;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);

  g_assert_null (coro_local_file_open (file, CORO_LOCAL_FILE_READ, 0, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
  g_clear_error (&local_error);
  g_assert_null (coro_file_load_bytes (file, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
  g_clear_error (&local_error);
  g_assert_true (coro_socket_connect (client, address, error));
  g_assert_null (coro_socket_accept (listener, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
  g_clear_error (&local_error);
  g_assert_null (g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &local_error, "true", NULL));
  g_assert_nonnull (local_error);
  g_clear_error (&local_error);
  bystander_check (&bystander);
  bystander_check (&other);
  g_assert_true (coro_sleep (SECOND, error));

  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &saved), ==, 0);
  {
    g_autoptr (GSocket) served = coro_socket_accept (listener, error);

    g_assert_nonnull (served);
  }
  return TRUE;
}

/* --- fork and exec ---------------------------------------------------------------- */

static char *given;             /* (owned): the descriptors that we were given ourselves */

/* The descriptors of the process, one a line. */
static void
list_descriptors (FILE *stream)
{
  DIR *folder = opendir ("/proc/self/fd");
  struct dirent *entry;

  while ((entry = readdir (folder)) != NULL)
    {
      int fd = atoi (entry->d_name);
      char target[256] = "";

      if (fd <= 2 || fd == dirfd (folder))
        continue;
      if (readlinkat (dirfd (folder), entry->d_name, target, sizeof target - 1) >= 0)
        fprintf (stream, "%d %s\n", fd, target);
    }
  closedir (folder);
  fflush (stream);
}

static void
note_given (void)
{
  char *text = NULL;
  gsize size;
  FILE *stream = open_memstream (&text, &size);

  list_descriptors (stream);
  fclose (stream);
  given = g_strdup (text);
  free (text);
}

static char *
read_to_end (int fd)
{
  GString *text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  char buffer[256];
  gssize size;

  while ((size = coro_fd_read (fd, buffer, sizeof buffer, &error)) > 0)
    g_string_append_len (text, buffer, size);
  g_assert_no_error (error);
  return g_string_free (text, FALSE);
}

static char *
list_by_exec (const char *program)
{
  int fds[2], status = -1;
  pid_t child;
  char *text;

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  child = fork ();
  if (child == 0)
    {
      dup2 (fds[1], 1);
      execl (program, program, "--list-descriptors", NULL);
      _exit (127);
    }
  close (fds[1]);
  g_assert_true (g_unix_set_fd_nonblocking (fds[0], TRUE, NULL));
  text = read_to_end (fds[0]);
  while (waitpid (child, &status, 0) < 0 && errno == EINTR)
    continue;
  g_assert_cmpint (status, ==, 0);
  close (fds[0]);
  return text;
}

static char *
list_by_gio (const char *program)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_INHERIT_FDS,
                                                      &error, program, "--list-descriptors", NULL);
  char *text = NULL;

  g_assert_no_error (error);
  g_subprocess_communicate_utf8_finish (process, CORO_CALL (&op, g_subprocess_communicate_utf8_async, process, NULL),
                                        &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

static gboolean
accept_cb (gpointer   listener,
           GValue    *result,
           GError   **error)
{
  g_autoptr (GSocket) socket = coro_socket_accept (listener, error);

  return socket != NULL;
}

static gboolean
answer_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  return coro_return_int (result, 42);
}

static gboolean
exec_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  char *(*list) (const char *program) = user_data;
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *inherited = NULL;
  g_auto (Bystander) bystander = bystander_new (TRUE);
  g_auto (Bystander) other = bystander_new (FALSE);
  g_autoptr (GSocket) listener = listen_on_loopback ();
  g_autoptr (GFile) file = g_file_new_for_path (program);
  g_autoptr (CoroLocalFile) open_file = coro_local_file_open (file, CORO_LOCAL_FILE_READ, 0, error);
  g_autoptr (CoroWorkerPool) pool = coro_worker_pool_new (1);
  g_autoptr (CoroTask) accepting = coro_spawn_task (accept_cb, listener, NULL);
  g_autoptr (CoroFuture) timer = coro_sleep_future (3600 * SECOND);
  g_autoptr (CoroTask) far = NULL;
  g_autoptr (GSocket) client = NULL;
  char magic[4];

  g_assert_nonnull (open_file);
  g_assert_true (coro_test_settle (error));
  inherited = list (program);
  g_assert_cmpstr (inherited, ==, given);

  /* In the parent process all goes on as before. */
  bystander_check (&bystander);
  bystander_check (&other);
  g_assert_false (coro_future_is_done (CORO_FUTURE (accepting)));
  client = connect_to (listener, error);
  g_assert_nonnull (client);
  g_assert_true (coro_await (accepting, NULL, error));
  g_assert_true (coro_local_file_read_all (open_file, magic, sizeof magic, 0, NULL, error));
  g_assert_cmpmem (magic, sizeof magic, "\177ELF", 4);
  far = coro_worker_pool_spawn_task (pool, answer_cb, NULL, NULL);
  g_assert_cmpint (coro_await_int (far, error), ==, 42);
  g_assert_true (coro_await (timer, NULL, error));
  return coro_local_file_close (open_file, error) && coro_worker_pool_shut_down (pool, error);
}

int
main (int    argc,
      char **argv)
{
  int status;

  if (argc == 2 && strcmp (argv[1], "--list-descriptors") == 0)
    {
      list_descriptors (stdout);
      return 0;
    }

  note_given ();
  g_test_init (&argc, &argv, NULL);

  add_with_filter ("/io/faults/unacknowledged", unacknowledged_cb);
  add_with_filter ("/io/faults/keepalive", keepalive_cb);
  add_with_filter ("/io/faults/silent-peer", silent_peer_cb);
  add_with_filter ("/io/faults/silent-listener", silent_listener_cb);
  coro_test_add_func ("/io/faults/refused-at-once", refused_at_once_cb);
  if (g_getenv ("CORO_TEST_VALGRIND") == NULL)  /* the limit and the program are valgrind's */
    {
      coro_test_add_func ("/io/faults/no-descriptors", no_descriptors_cb);
      coro_test_add_data_func ("/io/faults/exec", exec_cb, list_by_exec, NULL);
      coro_test_add_data_func ("/io/faults/exec-by-gio", exec_cb, list_by_gio, NULL);
    }

  status = g_test_run ();
  g_free (given);
  return status;
}
