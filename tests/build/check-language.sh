#!/bin/sh
# The subject of a sentence is a noun: the coroutine, the caller, the waiter.  Words that the
# glossary has retired stay retired.
# check-language.sh SOURCE-FOLDER
# SPDX-License-Identifier: LGPL-2.1-or-later
cd "$1" || exit 1

persons='\b(who|whom|whoever|whomever|nobody|somebody|anybody|everybody|someone|anyone)\b'
# As words and as parts of names; GLib has a listen backlog.
retired='(^|[^a-z])(poke[sd]?|errands?|gates?|lanes?|backlog|stepper|natively|(native|main) stack|hooks?|visits?)([^a-z]|$)'
retired="$retired|(^|[^a-z])(disk|folders)_[a-z_]+|Coro(Disk|Folders|Errand|Lane|Backlog|Stepper|Hook|Moves)"
allowed='listen_backlog|\bBACKLOG\b'

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
    sed "s/\"[^\"]*\"//g; s/'[^']*'//g" "$file" | grep -niE "$pattern" | grep -vE "$allowed" | sed "s|^|$file:|"
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
