/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a suspended coroutine keeps: where it was, its variables, its temporaries.
 */
#include "test-util.h"

#include <execinfo.h>

/* --- an awaitable that looks at the stack it is begun on ------------------------------ */

#define TEST_TYPE_PEEK (test_peek_get_type ())
G_DECLARE_FINAL_TYPE (TestPeek, test_peek, TEST, PEEK, GObject)

struct _TestPeek
{
  GObject parent_instance;
  gpointer frames[64];
  int n_frames;
};

static CoroWaitState
peek_begin (CoroAwaitable *awaitable,
            CoroWaiter    *waiter)
{
  TestPeek *self = TEST_PEEK (awaitable);

  self->n_frames = backtrace (self->frames, G_N_ELEMENTS (self->frames));
  return CORO_WAIT_READY;
}

static CoroAbort
peek_abort (CoroAwaitable *awaitable,
            CoroWaiter    *waiter)
{
  return CORO_ABORT_DONE;
}

static gboolean
peek_finish (CoroAwaitable  *awaitable,
             GValue         *result,
             GError        **error)
{
  return TRUE;
}

static void
peek_awaitable_init (CoroAwaitableInterface *iface)
{
  iface->begin = peek_begin;
  iface->abort = peek_abort;
  iface->finish = peek_finish;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestPeek, test_peek, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CORO_TYPE_AWAITABLE, peek_awaitable_init))

static void
test_peek_class_init (TestPeekClass *klass)
{
}

static void
test_peek_init (TestPeek *self)
{
}

/* Where in the function of the first label the stack was; NULL if it was not in it. */
static gpointer
peek_find (TestPeek *self,
           gpointer  first,
           gpointer  last)
{
  for (int i = 0; i < self->n_frames; i++)
    if (self->frames[i] >= first && self->frames[i] <= last)
      return self->frames[i];
  return NULL;
}

/* Called in between, so that addresses around it are known. */
static gpointer here (void) __attribute__ ((noinline));

static gpointer
here (void)
{
  __asm__ volatile ("" ::: "memory");    /* so that it is called each time */
  return __builtin_return_address (0);
}

static gboolean
test_position (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (TestPeek) first = g_object_new (TEST_TYPE_PEEK, NULL);
  g_autoptr (TestPeek) second = g_object_new (TEST_TYPE_PEEK, NULL);
  gpointer a, b, c;

  a = here ();
  g_assert_true (coro_await (first, NULL, error));
  b = here ();
  g_assert_true (coro_await (second, NULL, error));
  c = here ();

  g_assert_true (a < b && b < c);
  g_assert_nonnull (peek_find (first, a, b));
  g_assert_null (peek_find (first, b, c));
  g_assert_nonnull (peek_find (second, b, c));
  return TRUE;
}

/* Ordinary tools see an ordinary stack that has an end. */
static gboolean
test_backtrace (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (TestPeek) peek = g_object_new (TEST_TYPE_PEEK, NULL);

  g_assert_true (coro_await (peek, NULL, error));
  g_assert_cmpint (peek->n_frames, >, 3);
  g_assert_cmpint (peek->n_frames, <, (int) G_N_ELEMENTS (peek->frames));
  return TRUE;
}

/* --- variables ------------------------------------------------------------------------ */

typedef struct
{
  char text[100];
  int numbers[50];
  gpointer self;
} Locals;

static guint
checksum (const Locals *locals)
{
  guint sum = 5381;

  for (gsize i = 0; i < sizeof *locals; i++)
    sum = sum * 33 + ((const guchar *) locals)[i];
  return sum;
}

static gboolean
scribble_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  volatile char scratch[16 * 1024];

  for (gsize i = 0; i < sizeof scratch; i++)
    scratch[i] = (char) 0xaa;
  return coro_yield (error) && scratch[100] == (char) 0xaa;
}

static gboolean
test_locals (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  Locals locals;
  guint before;

  memset (&locals, 0, sizeof locals);
  g_strlcpy (locals.text, "what was here stays here", sizeof locals.text);
  for (int i = 0; i < 50; i++)
    locals.numbers[i] = i * i;
  locals.self = &locals;
  before = checksum (&locals);

  for (int i = 0; i < 10; i++)
    coro_spawn (scribble_cb, NULL, NULL);
  g_assert_true (coro_sleep (SECOND, error));
  g_assert_true (locals.self == &locals);
  g_assert_cmpuint (checksum (&locals), ==, before);
  return TRUE;
}

static gboolean
half_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  if (!coro_sleep (MILLISECOND, error))
    return FALSE;
  return coro_return_double (result, 0.5);
}

static gboolean
disturb_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  volatile double x = 1.0;

  for (int i = 0; i < 100; i++)
    {
      x = x * 1.1 + 3.0;
      if (!coro_yield (error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
test_temporaries (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  volatile double x = 2.0;
  g_autoptr (CoroCoroutine) half = coro_coroutine_new (half_cb, NULL, NULL);

  coro_spawn (disturb_cb, NULL, NULL);
  g_assert_cmpfloat (x * 1.5 + coro_await_double (half, error), ==, 3.5);
  return TRUE;
}

static gboolean
fail_and_free_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  GError *local = NULL;
  g_autofree char *text = g_strdup ("held over an await");

  g_set_error_literal (&local, G_IO_ERROR, G_IO_ERROR_FAILED, user_data);
  if (!coro_yield (error))
    return FALSE;
  g_assert_cmpstr (local->message, ==, user_data);
  g_assert_cmpstr (text, ==, "held over an await");
  g_propagate_error (error, local);
  return FALSE;
}

static gboolean
test_errors_are_local (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (CoroTask) a = coro_spawn_task (fail_and_free_cb, "a", NULL);
  g_autoptr (CoroTask) b = coro_spawn_task (fail_and_free_cb, "b", NULL);
  g_autoptr (GError) of_a = NULL;
  g_autoptr (GError) of_b = NULL;

  g_assert_false (coro_await (a, NULL, &of_a));
  g_assert_false (coro_await (b, NULL, &of_b));
  g_assert_cmpstr (of_a->message, ==, "a");
  g_assert_cmpstr (of_b->message, ==, "b");
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("A suspended coroutine is an ordinary C stack that waits");

  coro_test_add_func ("/spec/S207-S208/position", test_position);
  coro_test_add_func ("/spec/S215/backtrace", test_backtrace);
  coro_test_add_func ("/spec/S209/locals", test_locals);
  coro_test_add_func ("/spec/S210/temporaries", test_temporaries);
  coro_test_add_func ("/spec/S211/errors-are-local", test_errors_are_local);
  return g_test_run ();
}
