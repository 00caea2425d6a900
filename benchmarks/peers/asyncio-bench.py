#!/usr/bin/env python3
# The cases of coro-bench that asyncio can do, written as its users would:
#     asyncio-bench.py [--uvloop] [--list | --quick] [CASE…]
# SPDX-License-Identifier: LGPL-2.1-or-later
import asyncio
import os
import random
import resource
import socket
import statistics
import struct
import sys
import time

ROUND_TIME = 20_000_000     # ns
N_ROUNDS = 15


class Bench:
    def __init__(self, name, quick):
        self.name = name
        self.quick = quick

    def size(self, full, quick):
        return quick if self.quick else full

    def print(self, detail, value, unit):
        name = self.name if detail is None else '%s.%s' % (self.name, detail)
        digits = 3 if unit == 's' else 0 if unit == 'bytes' else 1
        print('%s\t%.*f\t%s' % (name, digits, value, unit), flush=True)

    async def median(self, func):
        """ns for doing it once: `func (n)` does it n times and returns the ns."""
        if self.quick:
            return await func(3) / 3
        n, elapsed = 1, await func(1)
        while elapsed < ROUND_TIME / 10:
            n *= 2
            elapsed = await func(n)
        n = max(1, int(n * ROUND_TIME / elapsed))
        return statistics.median([await func(n) / n for _ in range(N_ROUNDS)])


def memory():
    """Bytes resident and in page tables."""
    text = open('/proc/self/smaps_rollup').read() + open('/proc/self/status').read()
    return sum(int(text.split('\n%s:' % key)[1].split()[0]) * 1024 for key in ('Rss', 'VmPTE'))


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


now = time.monotonic_ns


# --- giving way ---------------------------------------------------------------------

async def yield_alone(n):
    start = now()
    for _ in range(n):
        await asyncio.sleep(0)
    return now() - start


async def yield_1(bench):
    bench.print(None, await bench.median(yield_alone), 'ns')


async def yield_1000(bench):
    async def crowd(n):
        others = [asyncio.create_task(yield_alone(n + 1)) for _ in range(999)]
        elapsed = await asyncio.create_task(yield_alone(n))
        await asyncio.gather(*others)
        return elapsed
    bench.print(None, await bench.median(crowd) / 1000, 'ns')


# --- spawning -----------------------------------------------------------------------

async def nothing():
    pass


async def spawn_join(bench):
    async def members(n):
        start = now()
        for _ in range(n):
            async with asyncio.TaskGroup() as group:
                for _ in range(1000):
                    group.create_task(nothing())
        return now() - start
    bench.print(None, await bench.median(members) / 1000, 'ns')


async def spawn_await(bench):
    async def handles(n):
        start = now()
        for _ in range(n):
            await asyncio.create_task(nothing())
        return now() - start
    bench.print(None, await bench.median(handles), 'ns')


# --- awaiting -----------------------------------------------------------------------

async def await_ready(bench):
    future = asyncio.get_running_loop().create_future()
    future.set_result(42)

    async def done(n):
        start = now()
        for _ in range(n):
            await future
        return now() - start
    bench.print(None, await bench.median(done), 'ns')


async def await_pending(bench):
    create_future = asyncio.get_running_loop().create_future

    async def play(n):
        futures = [create_future() for _ in range(200)]

        async def pong():
            for i in range(0, 200, 2):
                await futures[i]
                futures[i + 1].set_result(True)
        task = asyncio.create_task(pong())
        await asyncio.sleep(0)
        start = now()
        for i in range(0, 200, 2):
            futures[i].set_result(True)
            await futures[i + 1]
        elapsed = now() - start
        await task
        return elapsed

    async def games(n):
        return sum([await play(n) for _ in range(n)])
    bench.print(None, await bench.median(games) / 200, 'ns')


async def queue_pingpong(bench):
    async def play(n):
        there, back = asyncio.Queue(1), asyncio.Queue(1)

        async def pong():
            for _ in range(n):
                await there.get()
                await back.put(None)
        task = asyncio.create_task(pong())
        start = now()
        for _ in range(n):
            await there.put(None)
            await back.get()
        elapsed = now() - start
        await task
        return elapsed
    bench.print(None, await bench.median(play), 'ns')


# --- many ---------------------------------------------------------------------------

async def parked(bench, n):
    gate = asyncio.get_running_loop().create_future()

    async def park():
        await gate
    tasks = [asyncio.create_task(park()) for _ in range(100)]
    await asyncio.sleep(0)
    before = memory()
    tasks += [asyncio.create_task(park()) for _ in range(n)]
    await asyncio.sleep(0)
    bench.print(None, (memory() - before) / n, 'bytes')
    gate.set_result(True)
    await asyncio.gather(*tasks)


async def parked_bytes(bench):
    await parked(bench, bench.size(100_000, 1000))


async def sleep_many(bench, n):
    numbers = random.Random(1)
    before = cpu()
    await asyncio.gather(*[asyncio.create_task(asyncio.sleep(numbers.uniform(0, 1))) for _ in range(n)])
    bench.print(None, cpu() - before, 's')


async def sleep_100k(bench):
    await sleep_many(bench, bench.size(100_000, 1000))


async def sleep_1m(bench):
    await sleep_many(bench, bench.size(1_000_000, 1000))


async def timers_50k(bench):
    none = await bench.median(yield_alone)
    tasks = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(bench.size(50_000, 500))]
    await asyncio.sleep(0)
    bench.print(None, await bench.median(yield_alone) - none, 'ns')
    for task in tasks:
        task.cancel()


# --- echo ---------------------------------------------------------------------------

NET_RESULT = struct.Struct('4d')    # messages, ns, ns of the median, ns of the 99th of a hundred


async def echo(reader, writer):
    try:
        while data := await reader.read(1024):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def echo_round(start_server, n_connections, duration):
    """ns of time and of the processor for a message, while the client of ours measures."""
    listener = socket.create_server(('127.0.0.1', 0), backlog=4096)
    port = listener.getsockname()[1]
    server = await start_server(listener)
    client = await asyncio.create_subprocess_exec(
        os.environ['CORO_BENCH_NET_CLIENT'], '%d,%d,0,%d' % (port, n_connections, duration), stdout=asyncio.subprocess.PIPE)
    await client.stdout.readexactly(1)
    before = cpu()
    n_messages, wall, *_ = NET_RESULT.unpack(await client.stdout.readexactly(NET_RESULT.size))
    spent = cpu() - before
    await client.wait()
    server.close()
    return wall / n_messages, spent * 1e9 / n_messages


async def echo_many(bench, n_connections):
    if 'CORO_BENCH_NET_CLIENT' not in os.environ:
        print('%s: not measured: CORO_BENCH_NET_CLIENT names no program' % bench.name, file=sys.stderr)
        return
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {0})    # the client has the other one
    loop = asyncio.get_running_loop()
    n_connections = bench.size(n_connections, min(n_connections, 20))

    async def rounds(start_server):
        figures = [await echo_round(start_server, n_connections, bench.size(1000, 20)) for _ in range(bench.size(7, 1))]
        return [statistics.median(values) for values in zip(*figures)]

    wall, spent = await rounds(lambda listener: asyncio.start_server(echo, sock=listener, backlog=4096))
    bench.print(None, wall, 'ns')
    bench.print('cpu', spent, 'ns')
    # With a protocol's callbacks instead of a coroutine for each connection.
    wall, spent = await rounds(lambda listener: loop.create_server(Echo, sock=listener, backlog=4096))
    bench.print('protocol', wall, 'ns')


async def echo_1(bench):
    await echo_many(bench, 1)


async def echo_100(bench):
    await echo_many(bench, 100)


async def echo_1000(bench):
    await echo_many(bench, 1000)


async def echo_4000(bench):
    await echo_many(bench, 4000)


# --- the program --------------------------------------------------------------------

CASES = {func.__name__.replace('_', '-'): func for func in (
    yield_1, yield_1000, spawn_join, spawn_await, await_ready, await_pending, queue_pingpong,
    parked_bytes, sleep_100k, sleep_1m, timers_50k, echo_1, echo_100, echo_1000, echo_4000)}


def main():
    options = {word for word in sys.argv[1:] if word.startswith('--')}
    names = [word for word in sys.argv[1:] if word not in options]
    if '--list' in options:
        print('\n'.join(CASES))
        return 0
    if '--uvloop' in options:
        import uvloop
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    for name in names or CASES:
        if name not in CASES:
            print('No such case: %s' % name, file=sys.stderr)
            return 2
        child = os.fork()
        if child == 0:
            asyncio.run(CASES[name](Bench(name, '--quick' in options)))
            sys.stdout.flush()
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
