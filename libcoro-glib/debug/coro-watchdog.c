/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "debug/coro-debug-private.h"

#include "base/coro-fork-private.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A thread that looks, a few times within the threshold, how long the watched schedulers
 * have been at their step.  For one that is blocked it has the blocked thread itself walk
 * its stack, in the handler of a signal: no other thread can, short of ptrace().  The handler
 * only notes addresses; names for them are looked up here.  All of this happens while the
 * thread is still blocked: a report that comes when it is over does not help with a
 * program that hangs. */

#define SIGNAL         (SIGRTMIN + 5)
#define MAX_INTERVAL   (250 * G_TIME_SPAN_MILLISECOND)
#define MIN_INTERVAL   (1 * G_TIME_SPAN_MILLISECOND)
/* How long a thread may take to handle the signal. */
#define SIGNAL_TIMEOUT 1        /* s */

typedef enum
{
  REQUEST_NONE,
  REQUEST_SENT,
  REQUEST_TAKEN                 /* the handler is at work */
} RequestState;

/* The one question that is open at a time. */
static struct
{
  int state;                    /* (atomic): RequestState */
  CoroDebug *debug;
  guint serial;
  sem_t answered;
  gboolean is_current;          /* it still is at that step */
  gpointer frames[CORO_BACKTRACE_MAX_FRAMES];
  guint n_frames;
  gboolean is_callback;
  gpointer callback;
  const char *site;
  char name[CORO_DEBUG_MAX_NAME];
} request;

CORO_FORK_LOCK (lock, CORO_FORK_SECOND)
static GCond changed;
static CoroDebug *watched;      /* guarded by lock */
static gboolean is_running;     /* the thread; guarded by lock */

/* --- in the blocked thread's signal handler ----------------------------------------- */

static void
signal_cb (int        signum,
           siginfo_t *info,
           void      *context)
{
  const CoroDebugStep *step;
  int saved_errno = errno;
  int expected = REQUEST_SENT;

  if (!__atomic_compare_exchange_n (&request.state, &expected, REQUEST_TAKEN, FALSE, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return;

  step = &request.debug->step;
  request.is_current = step->start != 0 && step->serial == request.serial;
  if (request.is_current)
    {
      request.n_frames = coro_backtrace_capture_interrupted (request.frames, CORO_BACKTRACE_MAX_FRAMES);
      request.is_callback = step->job == NULL;
      request.callback = request.debug->scheduler->callback;
      request.site = step->site;
      memcpy (request.name, step->name, sizeof request.name);
    }
  sem_post (&request.answered);
  errno = saved_errno;
}

/* --- in the watchdog's thread ------------------------------------------------------- */

static gboolean
wait_for_answer (void)
{
  struct timespec until;
  int result;
  int expected = REQUEST_SENT;

  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_sec += SIGNAL_TIMEOUT;
  do
    result = sem_timedwait (&request.answered, &until);
  while (result != 0 && errno == EINTR);

  if (result == 0)
    return TRUE;

  /* Too late for it, unless it is at work right now. */
  if (__atomic_compare_exchange_n (&request.state, &expected, REQUEST_NONE, FALSE, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return FALSE;
  while (sem_wait (&request.answered) != 0)
    ;
  return TRUE;
}

/* With `lock` held, so that the scheduler stays.  Returns what to say. */
static char *
inspect (CoroDebug *debug,
         guint      serial,
         gint64     duration)
{
  g_autoptr (GString) text = NULL;

  request.debug = debug;
  request.serial = serial;
  __atomic_store_n (&request.state, REQUEST_SENT, __ATOMIC_RELEASE);
  if (syscall (SYS_tgkill, getpid (), debug->thread_id, SIGNAL) != 0 || !wait_for_answer ())
    {
      __atomic_store_n (&request.state, REQUEST_NONE, __ATOMIC_RELEASE);
      return g_strdup_printf ("A coroutine or callback has blocked its thread for %.3f seconds, and the thread does not say where",
                              (double) duration / G_TIME_SPAN_SECOND);
    }
  __atomic_store_n (&request.state, REQUEST_NONE, __ATOMIC_RELEASE);

  if (!request.is_current)
    return NULL;                /* it went on in the nick of time */

  text = g_string_new (NULL);
  coro_debug_describe (text, request.is_callback, request.callback, request.name, request.site);
  g_string_append_printf (text, " has blocked its thread for %.3f seconds, here:\n",
                          (double) duration / G_TIME_SPAN_SECOND);
  coro_backtrace_append (text, request.frames, request.n_frames, "    ");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* With `lock` held. */
static char *
look_at (CoroDebug *debug)
{
  guint serial = (guint) g_atomic_int_get (&debug->step.serial);
  gint64 start = __atomic_load_n (&debug->step.start, __ATOMIC_ACQUIRE);
  gint64 duration = g_get_monotonic_time () - start;

  if (start == 0 || duration < __atomic_load_n (&debug->blocked, __ATOMIC_RELAXED) || debug->reported == serial)
    return NULL;

  debug->reported = serial;
  return inspect (debug, serial, duration);
}

/* With `lock` held. */
static gint64
get_interval (void)
{
  gint64 interval = MAX_INTERVAL;

  for (CoroDebug *debug = watched; debug != NULL; debug = debug->next_watched)
    interval = MIN (interval, __atomic_load_n (&debug->blocked, __ATOMIC_RELAXED) / 4);
  return MAX (interval, MIN_INTERVAL);
}

static gpointer
watchdog_main (gpointer data)
{
  g_mutex_lock (&lock);
  while (watched != NULL)
    {
      g_autoptr (GPtrArray) reports = g_ptr_array_new_with_free_func (g_free);

      for (CoroDebug *debug = watched; debug != NULL; debug = debug->next_watched)
        {
          char *report = look_at (debug);

          if (report != NULL)
            g_ptr_array_add (reports, report);
        }

      /* Handlers of log messages may do anything. */
      if (reports->len > 0)
        {
          g_mutex_unlock (&lock);
          for (guint i = 0; i < reports->len; i++)
            g_warning ("%s", (const char *) reports->pdata[i]);
          g_mutex_lock (&lock);
        }

      if (watched != NULL)
        g_cond_wait_until (&changed, &lock, g_get_monotonic_time () + get_interval ());
    }
  is_running = FALSE;
  g_mutex_unlock (&lock);
  return NULL;
}

/* --- in the scheduler's thread ------------------------------------------------------ */

static void
install (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      struct sigaction action = { .sa_sigaction = signal_cb, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };

      sem_init (&request.answered, 0, 0);
      /* Loads the unwinder, which would allocate. */
      coro_backtrace_capture (request.frames, CORO_BACKTRACE_MAX_FRAMES);
      sigemptyset (&action.sa_mask);
      sigaction (SIGNAL, &action, NULL);
      g_once_init_leave (&once, 1);
    }
}

/* Has the scheduler watched, or looks at its threshold again. */
void
coro_watchdog_add (CoroDebug *debug)
{
  install ();

  g_mutex_lock (&lock);
  if (!debug->watched)
    {
      debug->watched = TRUE;
      debug->next_watched = watched;
      watched = debug;
    }
  if (!is_running)
    {
      g_autoptr (GError) error = NULL;
      GThread *thread = g_thread_try_new ("coro-watchdog", watchdog_main, NULL, &error);

      is_running = thread != NULL;
      if (is_running)
        g_thread_unref (thread);
      else
        g_warning ("No thread looks for coroutines that block: %s", error->message);
    }
  g_cond_signal (&changed);
  g_mutex_unlock (&lock);
}

void
coro_watchdog_remove (CoroDebug *debug)
{
  g_mutex_lock (&lock);
  if (debug->watched)
    {
      CoroDebug **link = &watched;

      while (*link != debug)
        link = &(*link)->next_watched;
      *link = debug->next_watched;
      debug->watched = FALSE;
      g_cond_signal (&changed);
    }
  g_mutex_unlock (&lock);
}
