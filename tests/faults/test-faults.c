/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every system call fails, each at its first time, its second, and so on, with each of the errors
 * that it may fail with.  What must hold then: no crash, no hang, no descriptor that stays open, and
 * of each operation an error or the right result.
 *
 * A case is what is done and what fails in it; each time happens in a process of its own.  Only the
 * first times are tried, unless with -m thorough.  CORO_FAULT=12:3 in the environment, the number of
 * an error and which time, tries one, and "12:3+" all from there on; what is said is seen then:
 * -p /faults/net/mmap.
 */
#include "fault.h"
#include "test-util.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Longer than anything takes on a machine that others use: only what hangs takes it. */
#define HANG 60
#define RESIDUE_SIZE 8192

typedef struct
{
  FaultLog log;
  char residue[RESIDUE_SIZE];   /* the descriptors that are open in the end, a line each */
} Shared;

static Shared *shared;
static const FaultKind *failing;
static char *folder;
static int messages;            /* what the processes say: a file without a name */

/* --- what is done ----------------------------------------------------------------- */

/* From here to loud() nothing fails: what came of it is looked at. */
static void
quiet (void)
{
  g_atomic_int_set (&shared->log.quiet, 1);
}

static void
loud (void)
{
  g_atomic_int_set (&shared->log.quiet, 0);
}

static void G_GNUC_PRINTF (1, 2) G_GNUC_NORETURN
lie (const char *format,
     ...)
{
  va_list arguments;

  quiet ();
  va_start (arguments, format);
  vdprintf (2, format, arguments);
  va_end (arguments);
  abort ();
}

/* An operation has failed, as it may; of a wait that is over only when its time is, something was lost. */
static void
let_fail (GError **error)
{
  if (*error == NULL)
    return;
  if (g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) || g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    lie ("It hangs: %s\n", (*error)->message);
  if (g_getenv ("CORO_FAULT") != NULL)
    dprintf (2, "# %s\n", (*error)->message);
  g_clear_error (error);
}

#define TIME_LIMIT(error) g_auto (CoroTimeout) _limit G_GNUC_UNUSED = coro_timeout_enter (HANG / 2 * SECOND, error)

static GFile *
get_file (const char *name)
{
  return g_file_new_build_filename (folder, name, NULL);
}

static char big[300000];

/* The file has these `size` bytes, or with `or_old` what was there before. */
static void
check_file (const char *name,
            gsize       size,
            gboolean    or_old)
{
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  gsize length;

  quiet ();
  path = g_build_filename (folder, name, NULL);
  if (!g_file_get_contents (path, &text, &length, NULL))
    lie ("“%s” is gone\n", name);
  if (!(length == size && memcmp (text, big, size) == 0) && !(or_old && length == 3 && memcmp (text, "old", 3) == 0))
    lie ("“%s” has %zu bytes in place of %zu\n", name, length, size);
  loud ();
}

static gboolean
use_open_file (GFile   *file,
               GError **error)
{
  CoroLocalFileFlags flags = CORO_LOCAL_FILE_READ | CORO_LOCAL_FILE_WRITE | CORO_LOCAL_FILE_CREATE | CORO_LOCAL_FILE_TRUNCATE;
  g_autoptr (CoroLocalFile) local = coro_local_file_open (file, flags, 0600, error);
  g_autofree char *buffer = g_malloc (sizeof big + 1);
  gsize n = 0;

  if (local == NULL || !coro_local_file_write_all (local, big, sizeof big, 0, NULL, error))
    return FALSE;
  if (!coro_local_file_read_all (local, buffer, sizeof big + 1, 0, &n, error))
    return FALSE;
  if (n != sizeof big || memcmp (buffer, big, n) != 0)
    lie ("%zu bytes were read, or others\n", n);
  return coro_local_file_truncate (local, 10, error) && coro_local_file_sync (local, FALSE, error) &&
         coro_local_file_close (local, error);
}

static gboolean
files_cb (gpointer   user_data,
          GValue    *result,
          GError   **main_error)
{
  g_autoptr (GFile) file = get_file ("file");
  g_autoptr (GFile) link = get_file ("link");
  g_autoptr (GFile) copy = get_file ("copy");
  g_autoptr (GFile) open_file = get_file ("open");
  g_autoptr (GBytes) bytes = g_bytes_new_static (big, sizeof big);
  g_autoptr (GBytes) loaded = NULL;
  g_autoptr (GError) error = NULL;
  gboolean saved;
  TIME_LIMIT (main_error);

  saved = coro_file_save_bytes (file, bytes, CORO_FILE_SAVE_DURABLE, &error);
  let_fail (&error);
  check_file ("file", sizeof big, !saved);
  loaded = coro_file_load_bytes (file, NULL, &error);
  if (loaded != NULL && saved && !g_bytes_equal (loaded, bytes))
    lie ("Other bytes were loaded\n");
  let_fail (&error);

  if (coro_file_copy_to (file, copy, G_FILE_COPY_OVERWRITE, NULL, NULL, &error) && saved)
    check_file ("copy", sizeof big, FALSE);
  let_fail (&error);
  if (coro_file_save_bytes (link, bytes, CORO_FILE_SAVE_NONE, &error))
    check_file ("target", sizeof big, FALSE);
  let_fail (&error);
  if (use_open_file (open_file, &error))
    check_file ("open", 10, FALSE);
  let_fail (&error);
  return TRUE;
}

static gboolean
echo_cb (GSocket   *socket,
         gpointer   user_data,
         GError   **error)
{
  char buffer[5000];
  gssize n;

  while ((n = coro_socket_receive (socket, buffer, sizeof buffer, error)) > 0)
    if (!coro_socket_send_all (socket, buffer, (gsize) n, NULL, error))
      return FALSE;
  return n == 0;
}

static gboolean
serve_cb (gpointer   listener,
          GValue    *result,
          GError   **error)
{
  return coro_socket_serve (listener, echo_cb, NULL, error);
}

static gboolean
converse (GSocket         *socket,
          GSocketAddress  *address,
          GError         **error)
{
  char buffer[20000];
  gsize n = 0;
  gboolean ok = coro_socket_connect (socket, address, error) &&
                coro_socket_send_all (socket, big, sizeof buffer, NULL, error) &&
                coro_socket_receive_all (socket, buffer, sizeof buffer, &n, error);

  if (ok && n == sizeof buffer && memcmp (big, buffer, n) != 0)
    lie ("Other bytes were received\n");
  return ok;
}

typedef struct
{
  GSocketFamily family;
  GSocketAddress *address;      /* (unowned) */
} Client;

static gboolean
client_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Client *client = user_data;
  g_autoptr (GSocket) socket = g_socket_new (client->family, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
  gboolean ok = socket != NULL && converse (socket, client->address, error);

  return socket != NULL && coro_socket_close (socket, ok ? error : NULL) && ok;
}

/* A server, and a client that it may lose, but not forget.  If the server fails, the client is called off. */
static void
serve_one (GSocketAddress  *address,
           GError         **error)
{
  g_autoptr (GSocket) listener = coro_socket_listen (address, error);
  g_autoptr (GSocketAddress) at = listener != NULL ? g_socket_get_local_address (listener, error) : NULL;
  g_autoptr (CoroTask) server = NULL;
  g_autoptr (CoroTask) client = NULL;
  CoroFuture *first;
  Client data;

  if (at == NULL)
    return;
  data = (Client) { g_socket_address_get_family (at), at };
  server = coro_spawn_task (serve_cb, listener, NULL);
  client = coro_spawn_task (client_cb, &data, NULL);
  first = coro_select (error, server, client, NULL);
  if (first != NULL && coro_future_get_error (first) != NULL)
    *error = g_error_copy (coro_future_get_error (first));
  coro_task_cancel (client);
  coro_task_cancel (server);
  coro_join (client, NULL);
  coro_join (server, NULL);
  coro_socket_close (listener, NULL);
}

/* To itself: no message is lost on the way, but it may be for lack of room. */
static gboolean
use_datagrams (GError **error)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_DEFAULT, error);
  g_autoptr (GSocketAddress) at = NULL;
  char buffer[100];
  gssize n;

  if (socket == NULL || !g_socket_bind (socket, any, FALSE, error))
    return FALSE;
  at = g_socket_get_local_address (socket, error);
  if (at == NULL || coro_socket_send_to (socket, at, big, 50, error) < 0)
    return FALSE;
  n = coro_socket_receive_from (socket, NULL, buffer, sizeof buffer, error);
  if (n >= 0 && (n != 50 || memcmp (buffer, big, 50) != 0))
    lie ("A message of %zd bytes was received\n", n);
  return n >= 0 && coro_socket_close (socket, error);
}

/* More than a socket has room for, out of a file. */
static gboolean
send_file_cb (gpointer   socket,
              GValue    *result,
              GError   **error)
{
  g_autofree char *path = g_build_filename (folder, "big", NULL);
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  goffset offset = 0;
  gsize n = 0;
  gboolean ok = FALSE;

  if (fd < 0)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "There is no file to send");
  else
    ok = coro_socket_send_file (socket, fd, &offset, G_MAXSIZE, &n, error);
  if (ok && n != sizeof big)
    lie ("%zu bytes of a file were sent\n", n);
  if (fd >= 0)
    coro_fd_close (fd, NULL);
  coro_socket_close (socket, NULL);
  return ok;
}

static gboolean
use_socket_pair (GError **error)
{
  g_autofree char *buffer = g_malloc (sizeof big + 1);
  g_autoptr (GSocket) a = NULL;
  g_autoptr (GSocket) b = NULL;
  g_autoptr (CoroTask) sender = NULL;
  gsize n = 0;
  gboolean ok;
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    return TRUE;
  a = g_socket_new_from_fd (fds[0], error);
  b = a != NULL ? g_socket_new_from_fd (fds[1], error) : NULL;
  if (a == NULL)
    coro_fd_close (fds[0], NULL);
  if (b == NULL)
    coro_fd_close (fds[1], NULL);
  if (b == NULL)
    return FALSE;

  sender = coro_spawn_task (send_file_cb, a, NULL);
  ok = coro_socket_receive_all (b, buffer, sizeof big, &n, error);
  coro_socket_close (b, NULL);
  ok = coro_await (sender, NULL, ok ? error : NULL) && ok;
  if (ok && (n != sizeof big || memcmp (buffer, big, n) != 0))
    lie ("%zu bytes were received, or others\n", n);
  return ok;
}

static gboolean
net_cb (gpointer   user_data,
        GValue    *result,
        GError   **main_error)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autofree char *path = g_build_filename (folder, "socket", NULL);
  g_autoptr (GSocketAddress) local = g_unix_socket_address_new (path);
  g_autoptr (GError) error = NULL;
  TIME_LIMIT (main_error);

  serve_one (any, &error);
  let_fail (&error);
  serve_one (local, &error);
  let_fail (&error);
  use_datagrams (&error);
  let_fail (&error);
  use_socket_pair (&error);
  let_fail (&error);
  return TRUE;
}

static gpointer
thread_cb (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  return data;
}

static gboolean
sleep_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  return coro_sleep (500, error);
}

static gboolean
use_pipe (GError **error)
{
  int fds[2];
  char buffer[10];
  gboolean ok;

  if (pipe2 (fds, O_CLOEXEC | O_NONBLOCK) != 0)
    return TRUE;

  /* Nothing is there, and then something. */
  if (coro_fd_wait (fds[0], G_IO_IN, 1000, error) != 0)
    lie ("An empty pipe has something\n");
  ok = *error == NULL || g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  if (ok)
    g_clear_error (error);
  ok = ok && coro_fd_write_all (fds[1], "hello", 5, NULL, error);
  if (ok)
    {
      gssize n = coro_fd_read (fds[0], buffer, sizeof buffer, error);

      ok = n >= 0;
      if (ok && (n != 5 || memcmp (buffer, "hello", 5) != 0))
        lie ("%zd bytes came through the pipe\n", n);
    }
  coro_fd_close (fds[0], NULL);
  coro_fd_close (fds[1], NULL);
  return ok;
}

static gboolean
use_workers (GError **error)
{
  g_autoptr (CoroWorkerPool) pool = coro_worker_pool_new (2);
  g_autoptr (CoroTask) task = pool != NULL ? coro_worker_pool_spawn_task (pool, sleep_cb, NULL, NULL) : NULL;

  if (task == NULL)
    return TRUE;
  if (coro_await (task, NULL, error))
    return coro_worker_pool_shut_down (pool, error);
  coro_worker_pool_shut_down (pool, NULL);
  return FALSE;
}

static gboolean
use_executor (GError **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (2, CORO_EXECUTOR_NONE);
  gpointer answer = coro_executor_run (executor, thread_cb, big, NULL, error);

  if (answer != NULL && answer != big)
    lie ("Another answer came from the thread\n");
  return coro_executor_shut_down (executor, answer != NULL ? error : NULL) && answer != NULL;
}

static gboolean
use_gio (GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GFile) file = get_file ("file");
  g_autoptr (GFileInfo) info = NULL;

  info = g_file_query_info_finish (file, CORO_CALL (&op, g_file_query_info_async, file, "standard::size",
                                                    G_FILE_QUERY_INFO_NONE, G_PRIORITY_DEFAULT), error);
  if (info != NULL && g_file_info_get_size (info) != 3)
    lie ("GIO says another size\n");
  return info != NULL;
}

static gboolean
waits_cb (gpointer   user_data,
          GValue    *result,
          GError   **main_error)
{
  g_autoptr (GError) error = NULL;
  TIME_LIMIT (main_error);

  use_pipe (&error);
  let_fail (&error);
  for (int i = 0; i < 3; i++)
    {
      coro_sleep (300, &error);
      let_fail (&error);
    }
  if (coro_run_in_thread (thread_cb, big, NULL, &error) != NULL && error != NULL)
    lie ("Both an error and a result\n");
  let_fail (&error);
  use_executor (&error);
  let_fail (&error);
  use_workers (&error);
  let_fail (&error);
  /* GLib forgets an operation for which it cannot have a thread. */
  if (!g_str_has_prefix (failing->name, "clone"))
    use_gio (&error);
  let_fail (&error);
  return TRUE;
}

/* More than stay in a cache of stacks, at the same time, twice. */
static gboolean
stacks_cb (gpointer   user_data,
           GValue    *result,
           GError   **main_error)
{
  TIME_LIMIT (main_error);

  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
      g_autoptr (GError) error = NULL;

      for (int k = 0; k < 300; k++)
        g_ptr_array_add (tasks, coro_spawn_task (sleep_cb, NULL, NULL));
      for (guint k = 0; k < tasks->len; k++)
        {
          coro_await (g_ptr_array_index (tasks, k), NULL, &error);
          let_fail (&error);
        }
    }
  return TRUE;
}

static gpointer
wait_for_child (gpointer       child,
                GCancellable  *cancellable,
                GError       **error)
{
  int status;

  if (waitpid (GPOINTER_TO_INT (child), &status, 0) < 0 || !WIFEXITED (status) || WEXITSTATUS (status) != 0)
    lie ("The child has ended with %x\n", status);
  return child;
}

static gboolean
fork_cb (gpointer   user_data,
         GValue    *result,
         GError   **main_error)
{
  g_autoptr (GFile) file = get_file ("file");
  g_autoptr (GBytes) bytes = coro_file_load_bytes (file, NULL, NULL);
  g_autoptr (GError) error = NULL;
  pid_t child;
  TIME_LIMIT (main_error);

  child = fork ();
  if (child == 0)
    {
      alarm (HANG);
      coro_sleep (300, &error);
      let_fail (&error);
      g_clear_pointer (&bytes, g_bytes_unref);
      bytes = coro_file_load_bytes (file, NULL, &error);
      let_fail (&error);
      use_pipe (&error);
      let_fail (&error);
      _exit (0);
    }

  if (child > 0 && coro_run_in_thread (wait_for_child, GINT_TO_POINTER (child), NULL, &error) == NULL)
    wait_for_child (GINT_TO_POINTER (child), NULL, NULL);
  let_fail (&error);
  coro_sleep (300, &error);
  let_fail (&error);
  return TRUE;
}

typedef struct
{
  const char *name;
  CoroFunc func;
  const char *backend;          /* of files */
} Deed;

static const Deed deeds[] = {
  { "files-cached", files_cb, "" },
  { "files-uring", files_cb, "uncached" },
  { "files-pool", files_cb, "pool,uncached" },
  { "net", net_cb, "" },
  { "waits", waits_cb, "" },
  { "stacks", stacks_cb, "" },
  { "fork", fork_cb, "uncached" },
};

/* --- one time --------------------------------------------------------------------- */

typedef struct
{
  const Deed *deed;
  const FaultKind *kind;
} Case;

/* NULL: what is big. */
static void
put_file (const char *name,
          const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, text != NULL ? text : big, text != NULL ? -1 : (gssize) sizeof big, NULL));
}

static void
clear_folder (void)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_unlink (path);
    }
}

static void
set_stage (void)
{
  g_autofree char *link_path = g_build_filename (folder, "link", NULL);

  clear_folder ();
  put_file ("file", "old");
  put_file ("big", NULL);
  put_file ("copy", "old");
  put_file ("target", "old");
  g_assert_cmpint (symlink ("target", link_path), ==, 0);
}

/* The descriptors that are open, each as what it is. */
static void
list_descriptors (char *out)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *text = NULL;
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/fd", name, NULL);
      g_autofree char *target = g_file_read_link (path, NULL);
      char *number = target != NULL ? strstr (target, ":[") : NULL;

      /* "socket:[1234]" */
      if (number != NULL && g_ascii_isdigit (number[2]))
        *number = '\0';
      if (target != NULL && !g_str_has_prefix (target, "/proc/"))
        g_ptr_array_add (lines, g_steal_pointer (&target));
    }
  g_ptr_array_sort (lines, compare_words);
  g_ptr_array_add (lines, NULL);
  text = g_strjoinv ("\n", (char **) lines->pdata);
  g_strlcpy (out, text, RESIDUE_SIZE);
}

static guint
count_lines (char      **lines,
             const char *line)
{
  guint n = 0;

  for (guint i = 0; lines[i] != NULL; i++)
    n += strcmp (lines[i], line) == 0;
  return n;
}

/* What is open now and is not when nothing fails: (nullable).  GLib takes a pipe where there is no eventfd. */
static char *
find_left_open (void)
{
  char now_open[RESIDUE_SIZE];
  g_auto (GStrv) lines = NULL;
  g_auto (GStrv) allowed = g_strsplit (shared->residue, "\n", -1);

  list_descriptors (now_open);
  lines = g_strsplit (now_open, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (count_lines (lines, lines[i]) > count_lines (allowed, lines[i]) && strcmp (lines[i], "pipe") != 0)
      return g_strdup (lines[i]);
  return NULL;
}

/* A thread that has just ended may still be closing what was its own. */
static void
check_descriptors (void)
{
  g_autofree char *left = find_left_open ();

  for (int i = 0; left != NULL && i < 2000; i++)
    {
      g_usleep (1000);
      g_free (left);
      left = find_left_open ();
    }
  if (left != NULL)
    lie ("Left open: %s, and not in\n%s\n", left, shared->residue);
}

static void G_GNUC_NORETURN
run_in_child (const Case *self,
              int         error_number,
              int         at,
              gboolean    on)
{
  g_autoptr (GError) error = NULL;

  failing = self->kind;
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  alarm (HANG);
  signal (SIGPIPE, SIG_IGN);
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);     /* GLib warns of some */
  if (g_getenv ("CORO_FAULT") == NULL)
    {
      dup2 (messages, 1);
      dup2 (messages, 2);
    }
  g_setenv ("CORO_TEST_UNCOUNTED", "1", TRUE);  /* for what it forks */
  if (!fault_arm (self->kind, error_number, at, on, &shared->log))
    _exit (77);
  if (!coro_run (self->deed->func, NULL, NULL, &error))
    let_fail (&error);
  quiet ();
  if (at == 0)
    list_descriptors (shared->residue);
  else
    check_descriptors ();
  g_unsetenv ("CORO_TEST_UNCOUNTED");
  _exit (0);
}

/* GLib ends the process where it cannot have a thread or a pipe of its own, or memory. */
static gboolean
is_ended_by_glib (int         status,
                  const char *said)
{
  return WIFSIGNALED (status) && (WTERMSIG (status) == SIGABRT || WTERMSIG (status) == SIGTRAP) &&
         (strstr (said, "GLib-ERROR") != NULL || strstr (said, "GLib-FATAL-ERROR") != NULL || strstr (said, "GLib-GIO-ERROR") != NULL ||
          strstr (said, "GThread-ERROR") != NULL);
}

typedef struct
{
  guint n_runs;
  guint n_ended;                /* by GLib */
} Tally;

static Tally total;

/* FALSE: there are no filters of this kind here. */
static gboolean
run_once (const Case *self,
          int         error_number,
          int         at,
          gboolean    on,
          Tally      *tally)
{
  g_autofree char *said = g_malloc0 (RESIDUE_SIZE);
  int status;
  pid_t child;

  set_stage ();
  shared->log = (FaultLog) { 0, };
  g_assert_cmpint (ftruncate (messages, 0), ==, 0);
  lseek (messages, 0, SEEK_SET);
  fflush (stdout);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    run_in_child (self, error_number, at, on);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);

  tally->n_runs++;
  if (WIFEXITED (status) && WEXITSTATUS (status) == 77)
    return FALSE;
  (void) !pread (messages, said, RESIDUE_SIZE - 1, 0);
  if (is_ended_by_glib (status, said))
    {
      tally->n_ended++;
      return TRUE;
    }
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return TRUE;

  g_test_message ("%s", said);
  g_test_message ("%s: %s %s of %d%s: %s", self->deed->name, self->kind->name, g_strerror (error_number), at, on ? " on" : "",
                  !WIFSIGNALED (status) ? "it has failed" : WTERMSIG (status) == SIGALRM ? "it hangs" : strsignal (WTERMSIG (status)));
  g_test_fail ();
  return TRUE;
}

/* Beyond so many times the same code makes the call. */
static int
get_step (int at)
{
  return at < 40 ? 1 : at / 8;
}

static gboolean
run_named (const Case *self,
           const char *fault)
{
  int error_number, at;
  gboolean on = g_str_has_suffix (fault, "+");
  Tally tally = { 0, };

  if (sscanf (fault, "%d:%d", &error_number, &at) != 2)
    return FALSE;
  run_once (self, 0, 0, FALSE, &tally);
  run_once (self, error_number, at, on, &tally);
  return TRUE;
}

/* What may fail so for ever.  A server without descriptors goes on trying. */
static gboolean
may_last (const FaultKind *kind,
          int              error_number)
{
  return error_number == ENOSYS || error_number == EPERM || error_number == EOPNOTSUPP ||
         (error_number == EMFILE && strcmp (kind->name, "accept4") != 0);
}

static void
test_case (gconstpointer data)
{
  const Case *self = data;
  const char *fault = g_getenv ("CORO_FAULT");
  gboolean thorough = g_test_thorough ();
  Tally tally = { 0, };
  int n_calls;

  g_setenv ("CORO_FILE_BACKEND", self->deed->backend, TRUE);
  if (fault != NULL)
    {
      g_assert_true (run_named (self, fault));
      return;
    }
  if (!run_once (self, 0, 0, FALSE, &tally))
    {
      g_test_skip ("system calls cannot be answered for here");
      return;
    }

  n_calls = shared->log.n_calls;
  for (guint i = 0; self->kind->errors[i] != 0; i++)
    {
      int stop = thorough ? n_calls : MIN (n_calls, i == 0 ? 2 : 1);

      for (int at = 1; at <= stop; at += get_step (at))
        run_once (self, self->kind->errors[i], at, FALSE, &tally);
      if (thorough && n_calls > 0 && may_last (self->kind, self->kind->errors[i]))
        run_once (self, self->kind->errors[i], 1, TRUE, &tally);
    }
  g_test_message ("%d calls, %u runs, %u ended by GLib", n_calls, tally.n_runs, tally.n_ended);
  total.n_runs += tally.n_runs;
  total.n_ended += tally.n_ended;
}

int
main (int    argc,
      char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  g_test_set_nonfatal_assertions ();
  g_test_summary ("Whatever system call fails, and whenever: no crash, no hang, no leak, and no lie");
  /* In memory, where there is such a folder: to wait for a disk takes longer than all else. */
  folder = g_mkdtemp (g_strdup ("/dev/shm/coro-test-XXXXXX"));
  if (folder == NULL)
    folder = g_dir_make_tmp ("coro-test-XXXXXX", NULL);
  shared = mmap (NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  messages = memfd_create ("messages", MFD_CLOEXEC);
  for (gsize i = 0; i < sizeof big; i++)
    big[i] = (char) (i ^ (i >> 8));

  for (guint i = 0; i < G_N_ELEMENTS (deeds); i++)
    for (guint k = 0; k < fault_n_kinds; k++)
      {
        g_autofree char *name = g_strdup_printf ("/faults/%s/%s", deeds[i].name, fault_kinds[k].name);
        Case *self = g_new (Case, 1);

        *self = (Case) { &deeds[i], &fault_kinds[k] };
        g_test_add_data_func_full (name, self, test_case, g_free);
      }

  result = g_test_run ();
  g_test_message ("%u runs, %u ended by GLib", total.n_runs, total.n_ended);
  clear_folder ();
  g_rmdir (folder);
  g_free (folder);
  return result;
}
