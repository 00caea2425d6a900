#!/bin/sh
# Every public header, and every macro, compiles as C++17, without a warning.
# check-cxx.sh SOURCE-FOLDER BUILD-FOLDER HEADERS… -- COMPILER…
# SPDX-License-Identifier: LGPL-2.1-or-later
source=$1 build=$2
shift 2
includes=
while [ "$1" != -- ]; do
  includes="$includes#include \"${1#"$source/libcoro-glib/"}\"
"
  shift
done
shift

number=0
failed=0

# Compiles stdin with $1 and says how that went.
check () {
  # The warnings of GLib's headers are not ours; and to clang a guard is an unused variable.
  output=$({ echo '#include <coro-glib/coro-glib.h>'; cat; } |
    "$1" -std=c++17 -Wall -Wextra -Werror -Wno-unused-variable -fsyntax-only -x c++ $(pkg-config --cflags gio-2.0 | sed 's/-I/-isystem /g') \
      -I"$source/libcoro-glib" -I"$build/libcoro-glib" -I"$build/libcoro-glib/include" - 2>&1)
  status=$?
  number=$((number + 1))
  if [ $status -eq 0 ]; then
    echo "ok $number $2"
  else
    echo "not ok $number $2"
    echo "$output" | sed 's/^/# /'
    failed=1
  fi
}

for compiler; do
  name=$(basename "$compiler")

  check "$compiler" "/build/cxx/$name/headers" <<END
$includes
END

  number=$((number + 1))
  if echo '#include "future/coro-future.h"' |
    "$compiler" -fsyntax-only -x c++ $(pkg-config --cflags gio-2.0) -I"$source/libcoro-glib" -I"$build/libcoro-glib" - 2>&1 |
    grep -q 'error.*Include <coro-glib/coro-glib.h>'; then
    echo "ok $number /build/cxx/$name/no-part-alone"
  else
    echo "not ok $number /build/cxx/$name/no-part-alone"
    failed=1
  fi

  check "$compiler" "/build/cxx/$name/spawn" <<'END'
static gboolean body (gpointer, GValue *result, GError **) { return coro_return_int (result, 42); }
void use (CoroTaskGroup *group, CoroWorkerPool *pool);
void
use (CoroTaskGroup *group, CoroWorkerPool *pool)
{
  coro_spawn (body, nullptr, nullptr);
  coro_spawn_eager (body, nullptr, nullptr);
  coro_task_group_spawn (group, body, nullptr, nullptr);
  coro_worker_pool_spawn (pool, body, nullptr, nullptr);
  g_autoptr (CoroTask) task = coro_spawn_task (body, nullptr, nullptr);
  g_autoptr (CoroTask) eager = coro_spawn_task_eager (body, nullptr, nullptr);
  g_autoptr (CoroTask) member = coro_task_group_spawn_task (group, body, nullptr, nullptr);
  g_autoptr (CoroTask) worker = coro_worker_pool_spawn_task (pool, body, nullptr, nullptr);
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (body, nullptr, nullptr);
}
END

  check "$compiler" "/build/cxx/$name/typed-spawn" <<'END'
struct Point { int x, y; };
static gboolean copies (int number, Point point, const char *text, GFile *file, GBytes *bytes, double d, GError **)
{
  return number + point.x > 0 && text != nullptr && file != nullptr && bytes != nullptr && d > 0;
}
static int counts (int number, GError **) { return number; }
static char *names (const char *name, GError **) { return g_strdup (name); }
static GFile *opens (const char *path, GError **) { return g_file_new_for_path (path); }
static GBytes *keeps (GBytes *bytes, GError **) { return g_bytes_ref (bytes); }
CORO_DEFINE_SPAWN (BOOLEAN, G_TYPE_BOOLEAN, copies, CORO_ARG_VALUE (int, number), CORO_ARG_VALUE (Point, point),
                   CORO_ARG_STRING (text), CORO_ARG_OBJECT (GFile, file),
                   CORO_ARG_BOXED (GBytes, bytes, g_bytes_ref, g_bytes_unref), CORO_ARG_VALUE (double, d))
CORO_DEFINE_SPAWN (INT, G_TYPE_INT, counts, CORO_ARG_VALUE (int, number))
CORO_DEFINE_SPAWN (STRING, G_TYPE_STRING, names, CORO_ARG_STRING (name))
CORO_DEFINE_SPAWN (OBJECT, G_TYPE_FILE, opens, CORO_ARG_STRING (path))
CORO_DEFINE_SPAWN (BOXED, G_TYPE_BYTES, keeps, CORO_ARG_BOXED (GBytes, bytes, g_bytes_ref, g_bytes_unref))
END

  check "$compiler" "/build/cxx/$name/guards" <<'END'
static gboolean element (int *, gpointer, GError **) { return TRUE; }
static gboolean produce (CoroGenerator *, gpointer, GError **) { return TRUE; }
gboolean use (GFile *file, CoroLock *lock, GError **error);
gboolean
use (GFile *file, CoroLock *lock, GError **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
  g_auto (CoroTimeout) timeout = coro_timeout_enter (G_TIME_SPAN_SECOND, error);
  g_auto (CoroShield) shield = coro_shield_enter (0);
  g_auto (CoroLocker) locker = coro_locker_enter (lock, error);
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, produce, nullptr, nullptr);
  int array[] = { 1, 2, 3 };

  if (!CORO_EACH (array, 2, element, nullptr, error))
    return FALSE;
  return g_file_delete_finish (file, CORO_CALL (&op, g_file_delete_async, file, G_PRIORITY_DEFAULT), error);
}
END
done

echo "1..$number"
exit $failed
