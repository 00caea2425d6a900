#!/usr/bin/env python3
# libcoro-glib: async/await for GLib
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks `coro bt` on a live process and on its core: test-gdb.py GDB SCRIPT PROGRAM"""

import os
import resource
import subprocess
import sys
import tempfile

gdb, script, program = [os.path.abspath(argument) for argument in sys.argv[1:]]


def run(*commands, target):
    arguments = [gdb, '-nx', '-batch', '-iex', 'set debuginfod enabled off', '-iex', 'set auto-load no']
    for command in commands:
        arguments += ['-ex', command]
    return subprocess.run(arguments + target, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, timeout=100).stdout


def allow_core():
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def check(number, name, output):
    lines = output.splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("* CoroTask 'deep one' suspended, spawned at deep_cb (")]
    stack = '\n'.join(lines[starts[0]:]) if starts else ''
    ok = (len(starts) == 1 and stack.count(' in wait_in_the_depth at ') == 4 and ' in deep_cb at ' in stack
          and "* CoroTask 'the main coroutine' running" in output and 'CoroScheduler 0x' in output)
    print('%s %d %s' % ('ok' if ok else 'not ok', number, name))
    if not ok:
        print('\n'.join('# ' + line for line in lines))
    return ok


def main():
    with tempfile.TemporaryDirectory() as folder:
        print('1..2')
        live = run('break stop_here', 'run', 'source ' + script, 'coro bt', 'kill', target=[program])
        if 'Breakpoint 1, ' in live:
            check(1, '/debug/gdb/live-process', live)
        else:
            print('ok 1 /debug/gdb/live-process # SKIP no process can be debugged here')

        # gdb's own gcore leaves out whole mappings with a guard page in them.
        subprocess.run([program, 'abort'], cwd=folder, preexec_fn=allow_core, stderr=subprocess.DEVNULL)
        cores = [name for name in os.listdir(folder) if name.startswith('core')]
        if cores:
            check(2, '/debug/gdb/core', run('source ' + script, 'coro bt',
                                            target=[program, os.path.join(folder, cores[0])]))
        else:
            print('ok 2 /debug/gdb/core # SKIP cores go elsewhere')


main()
