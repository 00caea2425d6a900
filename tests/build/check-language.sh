#!/bin/sh
# The subject of a sentence is a noun: the coroutine, the caller, the waiter.  Words that the
# glossary has retired stay retired.
# check-language.sh SOURCE-FOLDER
# SPDX-License-Identifier: LGPL-2.1-or-later
cd "$1" || exit 1

persons='who|whom|whoever|whomever|nobody|somebody|anybody|everybody|someone|anyone'
retired='poke[sd]?|errands?|lanes?|stepper|natively|(native|main) stack|hooks?|visits?|(coro_)?(disk|folders)_[a-z_]+'

number=0
failed=0

# report WHAT FOUND
report () {
  number=$((number + 1))
  if [ -z "$2" ]; then
    echo "ok $number - $1"
  else
    echo "$2" | sed 's/^/# /'
    echo "not ok $number - $1"
    failed=1
  fi
}

# search PATTERN FILE...: outside of strings, which programs and tests compare
search () {
  pattern=$1
  shift
  for file in "$@"; do
    case $file in
      */check-language.sh|docs/glossary.md) continue ;;
    esac
    sed "s/\"[^\"]*\"//g; s/'[^']*'//g" "$file" | grep -nwiE "$pattern" | sed "s|^|$file:|"
  done
}

echo 1..10
for folder in libcoro-glib libcoro-gtk introspection demo-app examples benchmarks tests docs; do
  files=$(find "$folder" -name '*.[chS]' -o -name '*.py' -o -name '*.js' -o -name '*.sh' -o -name '*.md' -o -name meson.build)
  report "$folder speaks of things, not of persons" "$(search "$persons" $files)"
done
report "the texts for readers speak of things, not of persons" "$(search "$persons" README.md CONTRIBUTING.md NEWS Makefile)"
report "words that the glossary has retired stay retired" \
  "$(search "$retired" $(find libcoro-glib libcoro-gtk docs -name '*.[chS]' -o -name '*.md'))"
exit $failed
