#!/usr/bin/env python3
"""How many functions and files of the library a reader crosses from a call to its wake-up.

Every source line that is executed on the way belongs to the function that holds it, inlined ones
too, and each function is counted once.
count-trips.py VALGRIND PROGRAM SOURCE-FOLDER [--list]
"""
# SPDX-License-Identifier: LGPL-2.1-or-later

import collections
import os
import re
import subprocess
import sys
import tempfile

DEFINITION = re.compile(r'^(?:static inline [\w *]+)?(\w+) \(')


def executed_lines(path):
    """Pairs of file and line, out of what callgrind writes."""
    names = {}
    current = None
    position = 0
    lines = collections.defaultdict(set)
    with open(path, encoding='utf-8') as out:
        for line in out:
            match = re.match(r'(fl|fi|fe|cfi|cfl)=(\(\d+\))(?: (.*))?$', line.rstrip())
            if match:
                if match[3]:
                    names[match[2]] = match[3]
                if match[1][0] == 'f':
                    current = names[match[2]]
                continue
            match = re.match(r'([+-]\d+|\*|\d+) ', line)
            if match:
                if match[1] == '*':
                    pass
                elif match[1][0] in '+-':
                    position += int(match[1])
                else:
                    position = int(match[1])
                lines[current].add(position)
    return lines


def functions_of(path):
    """By line: the function whose definition the line is in."""
    owners = {}
    name = None
    with open(path, encoding='utf-8') as source:
        previous = ''
        for number, line in enumerate(source, 1):
            match = DEFINITION.match(line)
            if match and re.match(r'^[A-Za-z_]', previous) and not line.rstrip().endswith(';'):
                name = match[1]
            if name is not None:
                owners[number] = name
            if line.startswith('}'):
                name = None
            previous = line
    return owners


def main():
    valgrind, program, source = sys.argv[1:4]
    source = os.path.realpath(source)
    print('%-26s %9s %6s' % ('trip', 'functions', 'files'))
    for trip in subprocess.check_output([program], text=True).split():
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, 'out')
            subprocess.check_call([valgrind, '--tool=callgrind', '--instr-atstart=no', '--dump-line=yes',
                                   '--compress-strings=yes', '--compress-pos=yes',
                                   '--callgrind-out-file=' + out, program, trip],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            lines = executed_lines(out)
        crossed = set()
        for path, numbers in lines.items():
            resolved = os.path.realpath(os.path.join(os.path.dirname(program), '..', '..', path or ''))
            if not resolved.startswith(source + os.sep):
                resolved = os.path.realpath(path or '')
            if not resolved.startswith(source + os.sep) or not os.path.exists(resolved):
                continue
            owners = functions_of(resolved)
            crossed |= {(resolved, owners[number]) for number in numbers if number in owners}
        files = {path for path, _ in crossed}
        print('%-26s %9d %6d' % (trip, len(crossed), len(files)))
        if '--list' in sys.argv:
            for path, name in sorted(crossed):
                print('  %s: %s' % (os.path.relpath(path, source), name))


main()
