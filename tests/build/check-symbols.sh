#!/bin/sh
# What the library exports: only coro_*, and nothing that the old libcoro does; every
# function of the public headers.  check-symbols.sh LIBRARY SOURCE-FOLDER NM
# SPDX-License-Identifier: LGPL-2.1-or-later
library=$1 source=$2 nm=${3:-nm}
failed=0

check () {
  if [ -z "$3" ]; then
    echo "ok $1 /build/symbols/$2"
  else
    echo "not ok $1 /build/symbols/$2"
    echo "$3" | sed 's/^/# /'
    failed=1
  fi
}

exported=$($nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | sed 's/@.*//' | grep -v '^_init$\|^_fini$' | sort -u)
check 1 only-our-prefix "$(echo "$exported" | grep -v '^coro_' | grep -v '^__\(asan\|odr_asan\|ubsan\)')"
check 2 none-of-the-old-libcoro "$(echo "$exported" | grep -x 'coro_create\|coro_destroy\|coro_transfer\|coro_stack_alloc\|coro_stack_free')"

declared=$(find "$source/libcoro-glib" -name '*.h' ! -name '*-private.h' -exec cat {} + |
  sed -n '/^CORO_AVAILABLE_IN_ALL/,/[(;]/p' | grep -o '\bcoro_[a-z0-9_]* *(' | tr -d ' (' | sort -u)
check 3 all-that-is-declared "$(for name in $declared; do echo "$exported" | grep -qx "$name" || echo "$name is missing"; done)"

# G_DECLARE_… adds the get_type functions, which are exported without being spelled out.
check 4 nothing-that-is-not "$(for name in $exported; do
  case $name in *_get_type|*_error_quark) continue ;; esac
  echo "$declared" | grep -qx "$name" || echo "$name is in no public header"
done)"

# -Bsymbolic-functions: our own calls take no way that another library could get into.
check 5 calls-itself-directly "$(command -v readelf >/dev/null && LC_ALL=C readelf -rW "$library" |
  sed -n 's/.*_JU\?MP_SLOT\? .* \(coro_[a-z0-9_]*\).*/\1/p')"
echo "1..5"
exit $failed
