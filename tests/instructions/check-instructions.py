#!/usr/bin/env python3
# Counts the instructions of what must stay fast and compares them with their bounds:
#     check-instructions.py VALGRIND PROGRAM BOUNDS [--update | --print-only]
# The instructions of the library itself depend on the compiler alone and have a narrow bound.
# Those of GLib and libc, which the library calls, differ by 2 to 3 percent between processors
# (libc picks its string functions by them), paths and environments: all together have a wide one.
# The bounds are for the compiler and the GLib of Debian 12.  Elsewhere the counts are only printed.
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import subprocess
import sys
import tempfile

FEW, MANY = 500, 2500
# More than a count differs from run to run: how often the clock is read depends on the speed of valgrind.
OWN_SLACK, ALL_SLACK = 1.05, 1.10


def read_profile(path):
    """(instructions of the library, of the whole process) in a file that callgrind has written."""
    names, here, own, total, inclusive = {}, '', 0, 0, False
    with open(path) as lines:
        for line in lines:
            key, equals, value = line.rstrip().partition('=')
            if equals and key in ('ob', 'cob'):
                number, _, name = value.partition(' ')
                if name:
                    names[number] = os.path.basename(name)
                if key == 'ob':
                    here = names[number]
            elif equals and key == 'calls':
                inclusive = True        # the next line is the cost of the callee, which has its own lines
            elif line[0] in '0123456789+-*':
                if not inclusive:
                    cost = int(line.split()[1])
                    total += cost
                    own += cost if here.startswith('libcoro-glib') else 0
                inclusive = False
    return own, total


def run(valgrind, program, case, n):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'profile')
        subprocess.run([valgrind, '--tool=callgrind', '--callgrind-out-file=' + path, program, case, str(n)],
                       stderr=subprocess.PIPE, check=True, env={})
        return read_profile(path)


def count(valgrind, program, case):
    """Instructions for doing it once, without what is done once in a process."""
    few, many = (run(valgrind, program, case, n) for n in (FEW, MANY))
    return [(m - f) / (MANY - FEW) for f, m in zip(few, many)]


def read_bounds(path):
    with open(path) as lines:
        return {name: [float(own), float(total)] for name, own, total in
                (line.split() for line in lines if line.strip() and not line.startswith('#'))}


def main():
    valgrind, program, path = sys.argv[1:4]
    update = '--update' in sys.argv
    binding = '--print-only' not in sys.argv
    bounds = read_bounds(path)
    names = subprocess.run([program], stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    failed = False

    print('1..%d' % len(names))
    for number, name in enumerate(names, 1):
        own, total = count(valgrind, program, name)
        own_bound, total_bound = bounds.get(name, [0, 0])
        ok = update or not binding or (own <= own_bound * OWN_SLACK and total <= total_bound * ALL_SLACK)
        failed = failed or not ok
        print('%s %d %s takes %.1f instructions, bound %.1f, and %.1f with what it calls, bound %.1f' %
              ('ok' if ok else 'not ok', number, name, own, own_bound, total, total_bound), flush=True)
        if ok and own < own_bound / OWN_SLACK:
            print('# Better than its bound: lower it.')
        bounds[name] = [own, total]

    if update:
        with open(path) as lines:
            head = [line for line in lines if line.startswith('#')]
        with open(path, 'w') as lines:
            lines.writelines(head + ['%-16s %8.1f %8.1f\n' % (name, *bounds[name]) for name in names])
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
