#!/bin/sh
# Whether others can build with us: from an installed prefix and as a meson subproject.
# check-dependents.sh BUILD-FOLDER SOURCE-FOLDER
# SPDX-License-Identifier: LGPL-2.1-or-later
build=$1 source=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

# check NUMBER NAME COMMAND…
check () {
  number=$1 name=$2
  shift 2
  if "$@" > "$work/log" 2>&1; then
    echo "ok $number /build/dependents/$name"
  else
    echo "not ok $number /build/dependents/$name"
    tail -n 30 "$work/log" | sed 's/^/# /'
    failed=1
  fi
}

write_program () {
  mkdir -p "$1"
  cat > "$1/main.c" <<END
#include <coro-glib/coro-glib.h>

static gboolean
main_cb (gpointer user_data, GValue *result, GError **error)
{
  if (!coro_yield (error))
    return FALSE;
  g_print ("%s\n", CORO_VERSION_S);
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
END
}

install_it () {
  DESTDIR="$work/root" meson install -C "$build" --no-rebuild --quiet &&
  pc=$(find "$work/root" -name coro-glib-1.pc) && [ -n "$pc" ] && echo "$pc" > "$work/pc"
}

# pkg-config is told where the staging folder is.
compile_installed () {
  pc=$(cat "$work/pc")
  write_program "$work/plain"
  export PKG_CONFIG_PATH="${pc%/*}" PKG_CONFIG_SYSROOT_DIR="$work/root"
  flags=$(pkg-config --cflags --libs coro-glib-1) || return 1
  # What lies outside the staging folder is the system's.
  flags=$(echo "$flags" | sed "s|$work/root/usr/include/|/usr/include/|g; s|$work/root/usr/lib/|/usr/lib/|g")
  "${CC:-cc}" -Wall -Werror -std=gnu11 "$work/plain/main.c" -o "$work/plain/main" $flags || return 1
  lib=$(dirname "$(find "$work/root" -name 'libcoro-glib-1.so')")
  [ "$(LD_LIBRARY_PATH="$lib" "$work/plain/main")" = "$(pkg-config --modversion coro-glib-1)" ]
}

# Each has what it needs; a program may not include it alone.
headers_are_complete () {
  include=$(dirname "$(dirname "$(find "$work/root" -name coro-glib.h)")")
  find "$include" -name '*.h' | while read -r header; do
    echo "#include \"$header\"" | "${CC:-cc}" -fsyntax-only -Wall -Werror -std=gnu11 -DCORO_COMPILATION -x c - \
      -I"$include" $(pkg-config --cflags gio-unix-2.0) || exit 1
  done
}

header_is_cpp () {
  include=$(dirname "$(dirname "$(find "$work/root" -name coro-glib.h)")")
  echo '#include <coro-glib/coro-glib.h>' | "${CXX:-c++}" -fsyntax-only -x c++ - \
    -I"$include" $(pkg-config --cflags gio-unix-2.0)
}

as_subproject () {
  write_program "$work/parent"
  mkdir -p "$work/parent/subprojects"
  ln -s "$source" "$work/parent/subprojects/libcoro-glib"
  cat > "$work/parent/meson.build" <<END
project('parent', 'c', meson_version: '>= 1.0.0')
coro = dependency('coro-glib-1', fallback: ['libcoro-glib', 'coro_dep'],
  default_options: ['tests=false', 'examples=false', 'benchmarks=false', 'gtk=disabled', 'demo=disabled', 'introspection=disabled'])
executable('main', 'main.c', dependencies: coro)
END
  env -u PKG_CONFIG_PATH -u PKG_CONFIG_SYSROOT_DIR meson setup "$work/parent/build" "$work/parent" --wrap-mode=forcefallback &&
  ninja -C "$work/parent/build" main &&
  "$work/parent/build/main"
}

check 1 installs install_it
check 2 headers-are-complete headers_are_complete
check 3 compiles-with-pkg-config compile_installed
unset PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
if command -v "${CXX:-c++}" > /dev/null; then
  check 4 header-is-cpp header_is_cpp
else
  echo "ok 4 /build/dependents/header-is-cpp # SKIP no C++ compiler"
fi
check 5 is-a-subproject as_subproject
echo "1..5"
exit $failed
