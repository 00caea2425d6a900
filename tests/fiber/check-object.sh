#!/bin/sh
# What the assembly of one architecture must say of itself, read from its object file.
#
#   check-object.sh READELF SOURCE PROPERTY|none CC...
set -u

readelf=$1
source=$2
property=$3
shift 3
object=$(mktemp --suffix=.o)
trap 'rm -f "$object"' EXIT
failed=0
n=0

check ()
{
  n=$((n + 1))
  if [ "$1" -eq 0 ]; then
    echo "ok $n $2"
  else
    echo "not ok $n $2"
    failed=1
  fi
}

"$@" -c "$source" -o "$object" || exit 1
notes=$("$readelf" -nW "$object")
symbols=$("$readelf" -sW "$object" | grep -E 'FUNC|NOTYPE' | grep 'GLOBAL')

if [ "$property" != none ]; then
  echo "$notes" | grep -q "$property"
  check $? "claims $property"
fi
echo "$notes" | grep -qE 'SHSTK|GCS'
check $((1 - $?)) "claims no shadow stack"
"$readelf" -SW "$object" | grep 'GNU-stack' | grep -vq ' X '
check $? "asks for no executable stack"
echo "$symbols" | grep -q 'coro_switch'
check $? "has its symbols"
echo "$symbols" | grep -v UND | grep -vq HIDDEN
check $((1 - $?)) "hides its symbols"
"$readelf" --debug-dump=frames "$object" | grep -qE 'DW_CFA_undefined'
check $? "ends the stack for an unwinder"

echo "1..$n"
exit $failed
