#!/bin/sh
# What the compiler knows of functions: one with the signature of a coroutine can be one, any
# other is refused.  check-types.sh SOURCE-FOLDER BUILD-FOLDER CC…
# SPDX-License-Identifier: LGPL-2.1-or-later
flags=$(pkg-config --cflags gio-2.0)
source=$1
build=$2
shift 2
number=0
failed=0

# Compiles stdin.  In English: the message is looked at.
compile () {
  {
    echo '#include <coro-glib/coro-glib.h>'
    cat
  } | LC_ALL=C "$@" $flags "-I$source/libcoro-glib" "-I$build/libcoro-glib" "-I$build/libcoro-glib/include" \
    -Werror=incompatible-pointer-types -fsyntax-only -x c - 2>&1
}

report () {
  number=$((number + 1))
  if [ "$1" -eq 0 ]; then
    echo "ok $number $2"
  else
    echo "not ok $number $2"
    echo "$output" | sed 's/^/# /'
    failed=1
  fi
}

output=$(compile "$@" <<END
static gboolean body (gpointer data, GValue *result, GError **error) { return TRUE; }
void try (void);
void try (void) { coro_spawn (body, NULL, NULL); }
END
)
report $? /spec/S010/takes-a-coroutine-function

# The same but for the signature.
refuses () {
  output=$(compile "$@" <<END
$code
void try (void);
void try (void) { coro_spawn (body, NULL, NULL); }
END
)
  # It has to fail, and for that reason alone.
  [ $? -ne 0 ] && [ "$(echo "$output" | grep -c 'error:')" -eq 1 ] &&
    echo "$output" | grep 'error:' | grep -q 'incompatible.*pointer type'
}

code='static gboolean body (gpointer data) { return TRUE; }'
refuses "$@"
report $? /spec/S010/refuses-a-source-function

code='static void body (gpointer data, GValue *result, GError **error) { }'
refuses "$@"
report $? /spec/S010/refuses-another-result

code='static gboolean body (gpointer data, int result, GError **error) { return TRUE; }'
refuses "$@"
report $? /spec/S010/refuses-another-argument

code='static GCallback body;'
refuses "$@"
report $? /spec/S010/refuses-a-plain-callback

echo "1..$number"
exit $failed
