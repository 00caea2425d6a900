#!/bin/sh
# The subject of a comment is a noun: the coroutine, the caller, the waiter.
# check-language.sh SOURCE-FOLDER
# SPDX-License-Identifier: LGPL-2.1-or-later
cd "$1" || exit 1

persons='who|whom|whoever|whomever|nobody|somebody|anybody|everybody'

echo 1..2
number=0
failed=0
for folder in libcoro-glib libcoro-gtk; do
  number=$((number + 1))
  found=$(for file in $(find "$folder" -name '*.[chS]'); do
    sed 's/"[^"]*"//g' "$file" | grep -nwiE "$persons" | sed "s|^|# $file:|"
  done)
  if [ -z "$found" ]; then
    echo "ok $number - comments of $folder speak of things, not of persons"
  else
    echo "$found"
    echo "not ok $number - comments of $folder speak of things, not of persons"
    failed=1
  fi
done
exit $failed
