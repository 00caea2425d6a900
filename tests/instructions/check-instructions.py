#!/usr/bin/env python3
# Counts the instructions of what must stay fast and compares them with their bounds:
#     check-instructions.py VALGRIND PROGRAM BOUNDS [--update]
# A count does not depend on how busy the machine is, but on the compiler and on GLib: the
# bounds are for those of Debian 12.  Elsewhere the counts are only printed.
# SPDX-License-Identifier: LGPL-2.1-or-later
import re
import subprocess
import sys

FEW, MANY = 500, 2500
# More than a count differs from run to run, less than anything that one would notice.
SLACK = 1.02


def total(valgrind, program, case, n):
    process = subprocess.run(
        [valgrind, '--tool=callgrind', '--callgrind-out-file=/dev/null', program, case, str(n)],
        stderr=subprocess.PIPE, check=True, text=True)
    return int(re.search(r'Collected : (\d+)', process.stderr).group(1))


def count(valgrind, program, case):
    """Instructions for doing it once, without what is done once in a process."""
    few, many = (total(valgrind, program, case, n) for n in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def read_bounds(path):
    with open(path) as lines:
        return {name: float(value) for name, value in
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
        found = count(valgrind, program, name)
        bound = bounds.get(name, 0)
        ok = update or not binding or found <= bound * SLACK
        failed = failed or not ok
        print('%s %d %s takes %.1f instructions, bound %.1f' % ('ok' if ok else 'not ok', number, name, found, bound), flush=True)
        if ok and found < bound / SLACK / SLACK:
            print('# Better than its bound: lower it.')
        bounds[name] = found

    if update:
        with open(path) as lines:
            head = [line for line in lines if line.startswith('#')]
        with open(path, 'w') as lines:
            lines.writelines(head + ['%-16s %.1f\n' % (name, bounds[name]) for name in names])
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
