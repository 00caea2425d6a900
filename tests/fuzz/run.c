/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#define G_LOG_USE_STRUCTURED

#include "run.h"
#include "world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A program takes a few ms; even on a busy machine only a program that hangs takes so long. */
#define MAX_SECONDS 60

/* One random program. */
typedef struct
{
  World world;
  gboolean real_time;
  guint order;                  /* the seed of the scheduler's order; 0: none */
} Program;

static Program program;
static CoroScheduler *running_scheduler;

static void
unread_error_cb (const GError  *failure,
                 const char    *name,
                 const char    *site,
                 gpointer       user_data,
                 GError       **error)
{
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Program *self = user_data;
  World *world = &self->world;
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  running_scheduler = coro_scheduler_get_running ();
  coro_set_unhandled_func (context, unread_error_cb, NULL, NULL);
  if (!self->real_time)
    {
      coro_test_clock_start (running_scheduler, TRUE);
      coro_test_set_seed (self->order);
    }

  for (int i = 0; i < 6; i++)
    {
      g_autoptr (GError) failure = NULL;
      CoroTask *task = operations_spawn (world, NULL, 0);

      if (task != NULL)
        world_keep (world, CORO_FUTURE (task));
      {
        g_auto (CoroTimeout) limit = coro_timeout_enter (20000, &failure);
        operations_run (world, 0, 0, &failure);
      }
    }

  for (int i = 0; i < N_CALLS; i++)
    coro_call_cancel (world->calls[i]);
  return TRUE;
}

/* In a signal handler, of a process that is about to end. */
static void
alarm_cb (int signum)
{
  g_autofree char *graph = coro_format_call_graph (running_scheduler);

  fprintf (stderr, "%s: hangs\n%s\n", program.world.name, graph);
  abort ();
}

/* What the library says about programs like these; all else is a finding. */
static gboolean
is_expected (const char *message)
{
  static const char *const expected[] = {
    "never retrieved", "was never awaited", "failed to close", "dropped", "await each other",
  };

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    if (strstr (message, expected[i]) != NULL)
      return TRUE;
  return FALSE;
}

static GLogWriterOutput
log_cb (GLogLevelFlags   level,
        const GLogField *fields,
        gsize            n_fields,
        gpointer         user_data)
{
  const char *message = "";

  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      message = fields[i].value;

  if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) ||
      ((level & G_LOG_LEVEL_WARNING) && !is_expected (message)))
    {
      fprintf (stderr, "%s: %s\n", program.world.name != NULL ? program.world.name : "fuzz", message);
      abort ();
    }
  return G_LOG_WRITER_HANDLED;
}

void
fuzz_init (void)
{
  g_log_set_writer_func (log_cb, NULL, NULL);
  signal (SIGALRM, alarm_cb);
}

/* Runs one random program and checks that nothing is left of it.  Returns its number of
 * operations. */
guint64
fuzz_run (const char *name,
          Draw        draw,
          gboolean    real_time,
          guint       order)
{
  g_autoptr (GError) error = NULL;
  guint64 n_operations;

  alarm (MAX_SECONDS);
  program.real_time = real_time;
  program.order = order;
  world_init (&program.world, name, draw);
  if (!coro_run (main_cb, &program, NULL, &error))
    world_check (&program.world, coro_error_is_cancelled (error));
  running_scheduler = NULL;
  n_operations = program.world.n_operations;
  world_clear (&program.world);
  alarm (0);
  return n_operations;
}
