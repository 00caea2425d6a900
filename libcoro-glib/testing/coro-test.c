/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "testing/coro-test.h"

#include "scheduler/coro-scheduler.h"
#include "scope/coro-run.h"
#include "testing/coro-test-clock.h"
#include "testing/coro-test-seed-private.h"

typedef struct _CoroTestCase CoroTestCase;

struct _CoroTestCase
{
  CoroTestCase *previous;       /* (nullable) */
  CoroFunc func;
  gpointer user_data;           /* (owned): by destroy */
  GDestroyNotify destroy;       /* (nullable) */
};

/* GLib does not free the data of a case that it does not run: this is for leak checkers. */
static CoroTestCase *last_case;

static gboolean
test_main_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  CoroTestCase *self = user_data;

  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  return self->func (self->user_data, result, error);
}

static void
test_run_cb (gconstpointer data)
{
  g_auto (GValue) result = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  if (!coro_run (test_main_cb, (gpointer) data, &result, &error))
    coro_test_fail (error);
}

static void
test_free_cb (gpointer data)
{
  CoroTestCase *self = data;
  CoroTestCase **link = &last_case;

  while (*link != self)
    link = &(*link)->previous;
  *link = self->previous;
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_free (self);
}

/**
 * coro_test_add_func: (skip)
 * @path: the path of the test case
 * @func: the test
 *
 * Adds a test case that is a coroutine.
 *
 * It runs by [func@run], on a clock that jumps ([func@test_clock_start]), so
 * that it may sleep for hours, and in the order of a seed if there is one
 * ([func@test_set_seed]), which is part of the message when it fails. It fails if @func sets an error; coroutines
 * that @func leaves behind are cancelled and waited for.
 *
 * Callable from `main()`, after g_test_init(); never suspends.
 *
 * Since: 0.1
 */
void
coro_test_add_func (const char *path,
                    CoroFunc    func)
{
  coro_test_add_data_func (path, func, NULL, NULL);
}

/**
 * coro_test_add_data_func: (skip)
 * @path: the path of the test case
 * @func: the test
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * [func@test_add_func] with data.
 *
 * Callable from `main()`, after g_test_init(); never suspends.
 *
 * Since: 0.1
 */
void
coro_test_add_data_func (const char     *path,
                         CoroFunc        func,
                         gpointer        user_data,
                         GDestroyNotify  destroy)
{
  CoroTestCase *self;

  g_return_if_fail (path != NULL);
  g_return_if_fail (func != NULL);

  self = g_new0 (CoroTestCase, 1);
  self->previous = last_case;
  last_case = self;
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  g_test_add_data_func_full (path, self, test_run_cb, test_free_cb);
}
