# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a program and compares what it prints: expect-output.py TEXT COMMAND…"""

import subprocess
import sys

expected, *command = sys.argv[1:]
result = subprocess.run(command, capture_output=True, text=True, timeout=60)
passed = result.returncode == 0 and result.stdout.strip() == expected and not result.stderr

print('1..1')
print('ok 1 - output' if passed else 'not ok 1 - output')
if not passed:
    for line in f'exit {result.returncode}\n{result.stdout}{result.stderr}'.splitlines():
        print(f'# {line}')
sys.exit(0 if passed else 1)
