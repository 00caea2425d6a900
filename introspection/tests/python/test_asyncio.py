# SPDX-License-Identifier: LGPL-2.1-or-later
"""Futures and tasks below an asyncio loop in whose thread the main context is iterated."""

import asyncio

from gi.repository import Gio

from harness import *

try:
    from gi.events import GLibEventLoop
except ImportError:
    GLibEventLoop = None


async def iterate_forever():
    """What a loop that knows nothing of GLib needs."""
    context = GLib.MainContext.default()
    while True:
        while context.iteration(False):
            pass
        await asyncio.sleep(0.0005)


class Tests:
    async def test_pending_future(self):
        self.assertIsNone(await Coro.sleep(0.001))

    async def test_done_future(self):
        future = Coro.Future()
        future.resolve(value := {})
        self.assertIs(await future, value)

    async def test_result_of_a_c_task(self):
        self.assertEqual(await CoroFixture.spawn_return(CoroFixture.Kind.INT64, True), 2 ** 40)

    async def test_error_of_a_c_task(self):
        await raises(self, GLib.Error, CoroFixture.spawn_fail(Coro.error_quark(), Coro.Error.CLOSED))

    async def test_asyncio_gather(self):
        self.assertEqual(await asyncio.gather(Coro.sleep(0.001), CoroFixture.spawn_return(2, True)), [None, -42])

    async def test_coro_gather(self):
        self.assertEqual(await Coro.gather(Coro.sleep(0.001), self.give(3)), [None, 3])

    async def give(self, value):
        await asyncio.sleep(0.001)
        await Coro.sleep(0.001)
        return value

    async def test_spawned_task_may_await_asyncio(self):
        self.assertEqual(await Coro.spawn(self.give(5)), 5)

    async def test_spawned_task_is_cancelled_in_asyncio(self):
        task = Coro.spawn(asyncio.sleep(3600))
        await Coro.sleep(0.001)
        task.cancel()
        await raises(self, asyncio.CancelledError, task)

    async def cancel_and_clean_up(self, awaitable):
        """Has a coroutine that awaits it cancelled, and returns what its cleanup came to."""
        log = []

        async def body():
            try:
                log.append(await awaitable)
            except (asyncio.CancelledError, KeyError) as exception:
                log.append(type(exception))
            try:
                await Coro.sleep(0.001)
                log.append('cleaned up')
            except asyncio.CancelledError:
                log.append('cancelled again')

        task = Coro.spawn(body())
        await Coro.sleep(0.001)
        self.assertTrue(task.cancel())
        try:
            await task
        except asyncio.CancelledError:
            pass
        return log

    async def test_cancel_in_asyncio_comes_once(self):
        self.assertEqual(await self.cancel_and_clean_up(asyncio.sleep(3600)), [asyncio.CancelledError, 'cleaned up'])
        future = asyncio.get_running_loop().create_future()
        self.assertEqual(await self.cancel_and_clean_up(future), [asyncio.CancelledError, 'cleaned up'])

    async def test_an_asyncio_task_may_ignore_a_cancel(self):
        async def stubborn():
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                return 7

        task = asyncio.ensure_future(stubborn())
        self.assertEqual(await self.cancel_and_clean_up(task), [7, 'cleaned up'])

    async def test_cancel_that_an_asyncio_task_did_not_hear_stays(self):
        async def fail():
            try:
                await asyncio.sleep(3600)
            finally:
                raise KeyError

        task = asyncio.ensure_future(fail())
        self.assertEqual(await self.cancel_and_clean_up(task), [KeyError, 'cancelled again'])

    async def wait_for(self, awaitable):
        return await awaitable

    async def test_cancel_reaches_the_future(self):
        future = Coro.Future()
        task = asyncio.ensure_future(self.wait_for(future))
        await asyncio.sleep(0)
        task.cancel()
        await raises(self, asyncio.CancelledError, task)
        self.assertTrue(future.cancelled())

    async def test_cancel_leaves_what_others_wait_for(self):
        future = Coro.Future()
        a, b = [asyncio.ensure_future(self.wait_for(future)) for _ in range(2)]
        await asyncio.sleep(0)
        a.cancel()
        await raises(self, asyncio.CancelledError, a)
        future.resolve(5)
        self.assertEqual(await b, 5)

    async def test_cancel_waits_for_a_c_task(self):
        before = CoroFixture.get_n_cleanups()
        task = asyncio.ensure_future(self.wait_for(CoroFixture.spawn_cleanup(1000)))
        await Coro.sleep(0.001)
        task.cancel()
        await raises(self, asyncio.CancelledError, task)
        self.assertEqual(CoroFixture.get_n_cleanups(), before + 1)

    async def test_a_stubborn_c_task_has_its_way(self):
        task = asyncio.ensure_future(self.wait_for(CoroFixture.spawn_stubborn()))
        await Coro.sleep(0.001)
        task.cancel()
        self.assertEqual(await task, 7)

    async def test_cancel_of_the_future_reaches_the_task(self):
        future = Coro.Future()
        task = asyncio.ensure_future(self.wait_for(future))
        await asyncio.sleep(0)
        future.cancel()
        await raises(self, asyncio.CancelledError, task)

    async def test_asyncio_timeout(self):
        async def body():
            async with asyncio.timeout(0.001):
                await Coro.sleep(3600)

        await raises(self, TimeoutError, body())

    async def test_wait_for(self):
        await raises(self, TimeoutError, asyncio.wait_for(Coro.sleep(3600), 0.001))
        self.assertEqual(await asyncio.wait_for(CoroFixture.spawn_return(2, True), 10), -42)

    async def test_shield(self):
        future = Coro.Future()
        inner = asyncio.ensure_future(self.wait_for(future))
        await raises(self, TimeoutError, asyncio.wait_for(asyncio.shield(inner), 0.001))
        self.assertFalse(future.done())
        future.resolve(5)
        self.assertEqual(await inner, 5)

    async def test_run_is_refused(self):
        self.assertRaises(RuntimeError, Coro.run, self.give(1))

    async def test_nothing_is_left_behind(self):
        alive = Alive()
        for _ in range(100):
            await alive.add(Coro.sleep(0))
            await alive.add(CoroFixture.spawn_return(2, True))
        await Coro.sleep(0)
        collect()
        self.assertEqual(alive.n, 0)


class Selector(Tests, unittest.TestCase):
    """asyncio's own loop, with a task that iterates the context."""

    def _callTestMethod(self, method):
        async def body():
            pump = asyncio.ensure_future(iterate_forever())
            try:
                await method()
            finally:
                pump.cancel()

        asyncio.run(body())


class Alone(unittest.TestCase):
    """asyncio's own loop, while no loop iterates the main context."""

    def test_a_timeout_ends_the_wait(self):
        self.assertRaises(TimeoutError, asyncio.run, asyncio.wait_for(Coro.sleep(0.001), 0.001))


# PyGObject has a loop of its own since 3.50; before, there is nothing to test.
if GLibEventLoop is not None:
    class GLibEvents(Tests, unittest.TestCase):
        """PyGObject's loop."""

        def _callTestMethod(self, method):
            loop = GLibEventLoop(GLib.MainContext.default())
            try:
                loop.run_until_complete(method())
            finally:
                loop.close()

        async def wait_for(self, awaitable):
            return await awaitable

        def begin(self):
            """An awaitable of PyGObject's own, which ends when it is cancelled."""
            listener = Gio.SocketListener()
            listener.add_address(Gio.InetSocketAddress.new_from_string('127.0.0.1', 0), Gio.SocketType.STREAM,
                                 Gio.SocketProtocol.TCP, None)
            return listener.accept_async()

        async def test_spawned_task_awaits_an_operation_of_pygobject(self):
            operation = Gio.File.new_for_path('/').query_info_async('standard::type', 0, 0)
            self.assertFalse(isinstance(operation, Coro.Future))
            info = await Coro.spawn(self.wait_for(operation))
            self.assertEqual(info.get_file_type(), Gio.FileType.DIRECTORY)

        async def test_spawned_task_awaits_one_that_fails(self):
            operation = Gio.File.new_for_path('/nowhere/at/all').query_info_async('standard::type', 0, 0)
            await raises(self, GLib.Error, Coro.spawn(self.wait_for(operation)))

        async def test_spawned_task_awaits_one_and_is_cancelled(self):
            operation = self.begin()
            task = Coro.spawn(self.wait_for(operation))
            await Coro.sleep(0.001)
            self.assertFalse(operation.done())
            task.cancel()
            await raises(self, asyncio.CancelledError, task)
            self.assertTrue(operation.done())


if __name__ == '__main__':
    main()
