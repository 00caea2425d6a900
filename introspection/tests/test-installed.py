# SPDX-License-Identifier: LGPL-2.1-or-later
"""Installs into a folder and says hello from there, in both languages."""

import argparse
import os
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser()
for option in ['meson', 'prefix', 'libdir', 'datadir', 'python-dir', 'gjs', 'examples']:
    parser.add_argument(f'--{option}')
args = parser.parse_args()
n_failed = 0


def report(number, name, result, expected=None):
    global n_failed
    passed = result.returncode == 0 and (expected is None or result.stdout.split() == expected)
    n_failed += not passed
    print(f"{'ok' if passed else 'not ok'} {number} - {name}", flush=True)
    if not passed:
        print(''.join(f'# {line}\n' for line in (result.stdout + result.stderr).splitlines()[-30:]), end='')


def run(command, env):
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=200)


print(f'1..{3 if args.gjs else 2}')
with tempfile.TemporaryDirectory() as root:
    def at(path):
        return os.path.join(root, os.path.join(args.prefix, path).lstrip('/'))

    env = {name: value for name, value in os.environ.items()
           if name not in ('PYTHONPATH', 'GJS_PATH', 'GI_TYPELIB_PATH', 'LD_LIBRARY_PATH', 'MESON_BUILD_ROOT')}
    result = run(['meson', 'install', '-C', args.meson, '--no-rebuild', '--destdir', root], env)
    report(1, 'install', result)

    env |= {
        'LD_LIBRARY_PATH': at(args.libdir),
        'GI_TYPELIB_PATH': at(os.path.join(args.libdir, 'girepository-1.0')),
        'PYTHONPATH': at(args.python_dir).removesuffix('/gi/overrides'),
        'PYTHONDONTWRITEBYTECODE': '1',
        'XDG_DATA_DIRS': at(args.datadir) + ':' + os.environ.get('XDG_DATA_DIRS', '/usr/local/share:/usr/share'),
    }
    report(2, 'hello.py', run([sys.executable, f'{args.examples}/python/examples/hello.py'], env), ['hello,', 'world'])
    if args.gjs:
        report(3, 'hello.js', run([args.gjs, '-m', f'{args.examples}/gjs/examples/hello.js'], env), ['hello,', 'world'])
sys.exit(1 if n_failed else 0)
