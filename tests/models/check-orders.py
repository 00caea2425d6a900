#!/usr/bin/env python3
# libcoro-glib: async/await for GLib
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Has relacy execute functions of the library in every way that C11 allows: check-orders.py SOURCES CXX..."""

import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FUNCTIONS = [
    ('loop/coro-inbox.c', ['coro_inbox_push', 'coro_inbox_take_all']),
    ('loop/coro-inbox-private.h', ['coro_inbox_is_empty']),
    ('scheduler/coro-scheduler.c', ['coro_scheduler_post']),
    ('scheduler/coro-source.c', ['scheduler_has_work', 'scheduler_falls_asleep']),
]
# Each of these, weaker than it is, must be found.
WEAKENED = ['set-asleep', 'get-asleep', 'swap-head']


def extract(text, name):
    """The function, with the accesses that GLib makes atomic as calls that say what is accessed."""
    function = re.search(r'(?m)^(static )?(inline )?\w+( \*)?\n' + name + r' \(.*?^}\n', text, re.S).group(0)
    function = re.sub(r'g_atomic_\w+_get \(&self->(\w+)\)', r'self->\1.get ("get-\1")', function)
    function = re.sub(r'g_atomic_\w+_set \(&self->(\w+), ', r'self->\1.set ("set-\1", ', function)
    function = re.sub(r'g_atomic_\w+_compare_and_exchange \(&self->(\w+), ', r'self->\1.swap ("swap-\1", ', function)
    assert 'g_atomic' not in function
    return function


def main():
    sources, cxx = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, 'extracted.inc'), 'w') as extracted:
            for path, names in FUNCTIONS:
                text = open(os.path.join(sources, path)).read()
                extracted.writelines(extract(text, name) + '\n' for name in names)
        program = os.path.join(folder, 'orders')
        subprocess.run([*cxx, '-std=c++11', '-O1', '-w', '-I', folder, os.path.join(HERE, 'orders.cpp'), '-o', program],
                       check=True)

        print(f'1..{1 + len(WEAKENED)}')
        failed = False
        for i, weak in enumerate([None] + WEAKENED, 1):
            run = subprocess.run([program] + [weak] * bool(weak), stdout=subprocess.PIPE, text=True)
            found = re.search(r'USER ASSERT FAILED.*|DATA RACE.*|UNINITIALIZED.*', run.stdout)
            iterations = re.findall(r'iterations?: (\d+)', run.stdout)
            ok = found is not None if weak else run.returncode == 0
            failed |= not ok
            print(f'{"" if ok else "not "}ok {i} /orders/inbox/{weak or "as-they-are"} - {iterations[-1]} executions')
            if not ok:
                print('# ' + run.stdout.replace('\n', '\n# '))
    sys.exit(failed)


if __name__ == '__main__':
    main()
