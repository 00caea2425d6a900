/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Few machines have a hardware shadow stack: the kernel's answer is forged.
 */
#include "config.h"

#include "base/coro-error.h"
#include "fiber/coro-fiber-private.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined (__x86_64__)
# define STATUS_CALL    SYS_arch_prctl
# define STATUS_REQUEST 0x5005
#else
# define STATUS_CALL    SYS_prctl
# define STATUS_REQUEST 74
#endif

static gboolean old_kernel;
static unsigned long status;

/* In place of the C library's. */
long
syscall (long number,
         ...)
{
  static long (*real) (long number, ...);
  long arguments[6];
  va_list list;

  va_start (list, number);
  for (guint i = 0; i < G_N_ELEMENTS (arguments); i++)
    arguments[i] = va_arg (list, long);
  va_end (list);

  if (number == STATUS_CALL && arguments[0] == STATUS_REQUEST)
    {
      if (old_kernel)
        {
          errno = EINVAL;
          return -1;
        }
      *(unsigned long *) arguments[1] = status;
      return 0;
    }

  if (real == NULL)
    real = dlsym (RTLD_NEXT, "syscall");
  return real (number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

static void
test_a_shadow_stack_is_refused (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  g_autoptr(GError) error = NULL;
  CoroStack *stack;

  status = 1;
  stack = coro_stack_pool_take (pool, CORO_STACK_SIZE_DEFAULT, &error);
  g_assert_null (stack);
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NO_STACK);
  g_assert_nonnull (strstr (error->message, "shadow stack"));
  coro_stack_pool_free (pool);
}

static void
test_without_one_all_is_well (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(GError) error = NULL;
      CoroStack *stack;

      status = 0;
      old_kernel = i == 1;
      stack = coro_stack_pool_take (pool, CORO_STACK_SIZE_DEFAULT, &error);
      g_assert_no_error (error);
      coro_stack_pool_give (pool, stack);
    }
  old_kernel = FALSE;
  coro_stack_pool_free (pool);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("Shadow stacks: refused with an error");

  g_test_add_func ("/shadow-stack/is-refused", test_a_shadow_stack_is_refused);
  g_test_add_func ("/shadow-stack/without-one-all-is-well", test_without_one_all_is_well);

  return g_test_run ();
}
