# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clicks through an example window and looks at what it prints and draws.

test-window.py --output DIR COMMAND… EXAMPLE
"""

import os
import struct
import subprocess
import sys

_, folder, *command = sys.argv[1:]
name = os.path.basename(command[-1])
pictures = [os.path.join(folder, f'{name}{suffix}.png') for suffix in ('-loading', '')]
results = []


def size_of_png(path):
    with open(path, 'rb') as file:
        header = file.read(24)
    return struct.unpack('>II', header[16:]) if header[:8] == b'\x89PNG\r\n\x1a\n' else None


if 'DISPLAY' not in os.environ and 'WAYLAND_DISPLAY' not in os.environ:
    print('1..0 # SKIP no display')
    sys.exit(0)

for path in pictures:
    if os.path.exists(path):
        os.unlink(path)
run = subprocess.run([*command, '--screenshot', pictures[1]], capture_output=True, text=True, timeout=100)

results.append(('exit status', run.returncode == 0))
results.append(('tour', run.stdout.split('\n') == ['cancelled', 'loaded', 'cancelled by closing', '']))
results.append(('no warnings', 'WARNING' not in run.stderr and 'CRITICAL' not in run.stderr and 'Traceback' not in run.stderr))
for path in pictures:
    size = size_of_png(path) if os.path.exists(path) else None
    results.append((os.path.basename(path), size is not None and min(size) >= 300 and os.path.getsize(path) > 4000))

print(f'1..{len(results)}')
for number, (what, passed) in enumerate(results, 1):
    print(f"{'ok' if passed else 'not ok'} {number} - {what}")
if not all(passed for what, passed in results):
    print(''.join(f'# {line}\n' for line in (run.stdout + run.stderr).splitlines()), end='')
    sys.exit(1)
