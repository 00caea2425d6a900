# SPDX-License-Identifier: LGPL-2.1-or-later
"""µs per operation, seen from Python: bench.py"""

import asyncio
import time

import gi

gi.require_version('Coro', '1')
gi.require_version('CoroFixture', '1')
from gi.repository import Coro, CoroFixture, GLib  # noqa: E402

N = 20000


async def measure(name, step, n=N):
    for _ in range(n // 10):
        await step()
    start = time.perf_counter()
    for _ in range(n):
        await step()
    print(f'{name}\t{(time.perf_counter() - start) / n * 1e6:.2f}\tµs', flush=True)


async def nothing():
    pass


async def done_future():
    await DONE


async def sleep_0():
    await Coro.sleep(0)


async def new_done_future():
    await Coro.Future.new_for_value(None)


async def c_task():
    await CoroFixture.spawn_return(CoroFixture.Kind.INT, False)


async def spawn():
    await Coro.spawn(nothing())


async def give_way():
    await asyncio.sleep(0)


async def main():
    global DONE
    DONE = Coro.Future()
    DONE.resolve(5)
    await measure('empty-coroutine', nothing)
    await measure('await-done', done_future)
    await measure('make-and-await-done', new_done_future)
    await measure('give-way', give_way)
    await measure('await-pending', sleep_0)
    await measure('spawn-await', spawn)
    await measure('c-task', c_task)


async def asyncio_main():
    context = GLib.MainContext.default()

    async def pump():
        while True:
            while context.iteration(False):
                pass
            await asyncio.sleep(0)

    task = asyncio.ensure_future(pump())
    global DONE
    DONE = Coro.Future()
    DONE.resolve(5)
    await measure('asyncio.await-done', done_future)
    await measure('asyncio.await-pending', sleep_0)
    task.cancel()


if __name__ == '__main__':
    Coro.run(main())
    asyncio.run(asyncio_main())
