#!/usr/bin/env python3
# The shortest coroutine: no asyncio loop, no threads.
# SPDX-License-Identifier: CC0-1.0
import gi

gi.require_version('Coro', '1')
from gi.repository import Coro  # noqa: E402


async def main():
    print('hello, ', end='', flush=True)
    await Coro.sleep(0.1)
    print('world')


Coro.run(main())
