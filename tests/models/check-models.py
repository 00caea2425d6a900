#!/usr/bin/env python3
# libcoro-glib: async/await for GLib
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Explores the models of the inbox and of futures with spin: check-models.py [--all] CC [ARGUMENT...]

A model must have no fault, and with each MUTATE_... spin must find the fault that was put in, by an
assertion: otherwise the model would prove nothing.  Without --all only small configurations of the
models are explored."""

import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

# What `make test` explores: each in a few seconds.
SMALL = [
    ('inbox', 'POSTERS=1 POSTS=3'),
    ('inbox', 'POSTERS=2 POSTS=1'),
    ('future', 'KIND=PLAIN WITHOUT_DEADLINE WITHOUT_ENDS'),
    ('future', 'KIND=TASK WITHOUT_DEADLINE WITHOUT_OTHER'),
    ('future', 'KIND=SUBCLASS WITHOUT_DEADLINE WITHOUT_ENDS'),
]

# What `make models` explores.
LARGE = [
    ('inbox', 'POSTERS=1 POSTS=3'),
    ('inbox', 'POSTERS=2 POSTS=2'),
    ('future', 'KIND=PLAIN'),
    ('future', 'KIND=TASK'),
    ('future', 'KIND=SUBCLASS'),
]

# Which configuration shows the fault soonest.
MUTATIONS = {
    'inbox': {
        'POSTERS=1 POSTS=2': [
            'ASLEEP_RELEASE', 'CLOSED_LAST', 'END_UNSEEN', 'LATE_TOGETHER', 'NOT_REVERSED', 'NO_REFERENCE',
            'NO_SECOND_LOOK', 'PUSH_RELAXED', 'PUSH_RELEASE', 'TAKE_TORN', 'WAKE_UNLOCKED',
        ],
    },
    'future': {
        'KIND=PLAIN WITHOUT_DEADLINE': [
            'ADD_LATE', 'DONE_UNREFERENCED', 'LEAVE_UNREFERENCED', 'SCHEDULER_FREED', 'STATE_RELAXED',
            'STATE_RELEASE', 'TOLD_LEAVES',
        ],
        'KIND=TASK WITHOUT_DEADLINE': ['LOSE_SILENT'],
        'KIND=SUBCLASS WITHOUT_DEADLINE': ['ASK_LINK', 'ASK_OUTSIDE', 'ASK_UNREFERENCED', 'REQUEST_LOST'],
        'KIND=PLAIN WAITERS=2 WITHOUT_DEADLINE WITHOUT_ENDS': ['NEXT_LATE'],
    },
}


def explore(model, defines, cc, large=False):
    """Returns whether the whole model was explored, the fault that was found, and how many states there were."""
    with tempfile.TemporaryDirectory() as folder:
        def run(*command):
            return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

        made = run('spin', '-a', *['-D' + define for define in defines.split()], os.path.join(HERE, model + '.pml'))
        if made.returncode == 0:
            made = run(*cc, '-O1' if large else '-O0', '-w', '-DSAFETY', *['-DCOLLAPSE'] * large, '-o', 'pan', 'pan.c')
        if made.returncode != 0:
            return False, made.stdout, 0

        output = run('./pan', '-m100000').stdout
        fault = re.search(r'pan:1: (.*)', output)
        complete = 'errors: 0' in output and 'Full statespace search' in output and 'max search depth' not in output
        states = re.search(r'(\d+) states, stored', output)
        if not complete and fault is None:
            return False, output, 0
        return complete and fault is None, fault.group(1) if fault else None, int(states.group(1)) if states else 0


def main():
    large = sys.argv[1] == '--all'
    cc = sys.argv[2:] if large else sys.argv[1:]
    jobs = [('/models/' + model, model, defines, None) for model, defines in (LARGE if large else SMALL)]
    for model, configurations in MUTATIONS.items():
        names = re.findall(r'\bMUTATE_([A-Z_]+)', open(os.path.join(HERE, model + '.pml')).read())
        listed = [name for mutations in configurations.values() for name in mutations]
        if set(names) != set(listed):
            sys.exit(f'{model}.pml has the faults {sorted(set(names))}, checked are {sorted(listed)}')
        for defines, mutations in configurations.items():
            jobs += [('/models/' + model, model, defines, name) for name in mutations]

    print(f'1..{len(jobs)}', flush=True)
    # A large exploration takes up to 1 GiB.
    with concurrent.futures.ThreadPoolExecutor(1 if large else 2) as pool:
        futures = [pool.submit(explore, model, defines + (' MUTATE_' + mutation if mutation else ''), cc,
                               large and mutation is None)
                   for _, model, defines, mutation in jobs]
        failed = False
        for i, ((path, model, defines, mutation), future) in enumerate(zip(jobs, futures), 1):
            ok, fault, n_states = future.result()
            name = f'{path}/{mutation.lower().replace("_", "-") if mutation else "explored"}'
            if mutation:
                ok = fault is not None and fault.startswith('assertion violated')
            failed |= not ok
            print(f'{"" if ok else "not "}ok {i} {name} - {defines}: {n_states} states', flush=True)
            if not ok:
                print('# ' + (fault or 'The fault is not found').replace('\n', '\n# '), flush=True)
    sys.exit(failed)


if __name__ == '__main__':
    main()
