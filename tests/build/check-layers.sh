#!/bin/sh
# Includes go downwards: base <- fiber, loop <- scheduler <- future <- scope <- flow, sync <- thread <-
# io <- net, file <- worker; debug is called through the observer, and testing stands above all.
# check-layers.sh SOURCE-FOLDER
# SPDX-License-Identifier: LGPL-2.1-or-later
cd "$1/libcoro-glib" || exit 1

# What a folder may include, besides itself.
allowed () {
  case $1 in
    base)      echo "" ;;
    fiber)     echo "base" ;;
    loop)      echo "base" ;;
    scheduler) echo "base fiber loop" ;;
    future)    echo "base fiber loop scheduler" ;;
    scope)     echo "base fiber loop scheduler future" ;;
    flow)      echo "base fiber loop scheduler future scope" ;;
    sync)      echo "base fiber loop scheduler future scope" ;;
    thread)    echo "base fiber loop scheduler future scope flow sync" ;;
    io)        echo "base fiber loop scheduler future scope flow sync thread" ;;
    net)       echo "base fiber loop scheduler future scope flow sync thread io" ;;
    file)      echo "base fiber loop scheduler future scope flow sync thread io" ;;
    worker)    echo "base fiber loop scheduler future scope flow sync thread io net" ;;
    debug)     echo "base fiber loop scheduler future scope flow sync thread io net file worker" ;;
    testing)   echo "base fiber loop scheduler future scope flow sync thread io net file worker debug" ;;
    *)         echo "" ;;
  esac
}

number=0
failed=0
for folder in */; do
  folder=${folder%/}
  number=$((number + 1))
  bad=""
  for file in "$folder"/*.c "$folder"/*.h "$folder"/*.S; do
    [ -e "$file" ] || continue
    for included in $(sed -n 's/^ *# *include *"\(.*\)".*/\1/p' "$file" | sed 's|^\.\./||' | grep /); do
      target=${included%%/*}
      [ "$target" = "$folder" ] && continue
      case " $(allowed "$folder") " in
        *" $target "*) ;;
        *) bad="$bad $file->$included" ;;
      esac
    done
  done
  if [ -z "$bad" ]; then
    echo "ok $number /build/layers/$folder"
  else
    echo "not ok $number /build/layers/$folder"
    echo "#$bad"
    failed=1
  fi
done

# What lies below the main loop does without it.
number=$((number + 1))
if grep -n 'g_main_' base/*.[ch] fiber/*.[ch] | grep -v '^[^:]*:[0-9]*: *[/ ]\*' | sed 's/^/# /' | grep .; then
  echo "not ok $number /build/layers/fiber-knows-no-main-loop"
  failed=1
else
  echo "ok $number /spec/S367/fiber-knows-no-main-loop"
fi

# A lock that fork() does not know may be held for ever in a child.
number=$((number + 1))
if grep -nE 'static G(RecM|M)utex|static GRWLock|G_LOCK_DEFINE' */*.[ch] | grep -v '^base/coro-fork-private.h:' | sed 's/^/# /' | grep .; then
  echo "not ok $number /build/layers/fork-knows-all-locks"
  failed=1
else
  echo "ok $number /build/layers/fork-knows-all-locks"
fi

echo "1..$number"
exit $failed
