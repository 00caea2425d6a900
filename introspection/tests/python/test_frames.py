# SPDX-License-Identifier: LGPL-2.1-or-later
"""C code that suspends, reached from a Python callback, fails and does not crash."""

from harness import *


def recurse(depth):
    return depth and recurse(depth - 1) + 1


class Frames(TestCase):
    def setUp(self):
        self.errors = []
        self.emitter = CoroFixture.Emitter()

    def ping_cb(self, emitter, count):
        recurse(100)
        for suspend in [lambda: CoroFixture.sleep(1000), lambda: CoroFixture.wait(Coro.Future())]:
            try:
                suspend()
            except GLib.Error as error:
                self.errors.append(error)
        recurse(100)

    def check_errors(self, n, code):
        self.assertEqual(len(self.errors), n)
        for error in self.errors:
            self.assertTrue(error.matches(Coro.error_quark(), code), error)

    async def test_on_a_fiber(self):
        self.emitter.connect('ping', self.ping_cb)
        self.assertEqual(await self.emitter.emit_on_fiber(3), 3)
        self.check_errors(6, Coro.Error.FOREIGN_FRAME)
        self.assertIn('_gi', self.errors[0].message)

    async def test_on_the_thread_stack(self):
        self.emitter.connect('ping', self.ping_cb)
        self.assertEqual(await self.emitter.emit_on_thread_stack(3), 3)
        self.check_errors(6, Coro.Error.NOT_IN_COROUTINE)

    async def test_in_a_python_coroutine(self):
        self.ping_cb(self.emitter, 0)
        self.check_errors(2, Coro.Error.NOT_IN_COROUTINE)

    def test_outside_of_everything(self):
        self.ping_cb(self.emitter, 0)
        self.check_errors(2, Coro.Error.NOT_IN_COROUTINE)

    async def test_done_futures_need_not_suspend(self):
        results = []
        self.emitter.connect('ping', lambda emitter, count: results.append(
            CoroFixture.wait(Coro.Future.new_for_value(count))))
        await self.emitter.emit_on_fiber(2)
        self.assertEqual(results, [True, True])

    async def test_interleaved_fibers(self):
        """Callbacks that were parked would be resumed in another order than they began."""
        depths = []

        def ping_cb(emitter, count):
            self.ping_cb(emitter, count)
            depths.append(recurse(200 + count))

        self.emitter.connect('ping', ping_cb)
        tasks = [self.emitter.emit_on_fiber(50) for _ in range(5)]
        tasks += [self.emitter.emit_on_thread_stack(50) for _ in range(5)]
        self.assertEqual(await Coro.gather(*tasks), [50] * 10)
        self.assertEqual(len(depths), 500)
        self.assertEqual(len(self.errors), 1000)

    async def test_a_handler_may_spawn_and_resolve_on_a_fiber(self):
        log = []
        future = Coro.Future()

        async def body(count):
            await Coro.sleep(1)
            log.append(count)

        def ping_cb(emitter, count):
            Coro.spawn(body(count))
            future.resolve(count)

        self.emitter.connect('ping', ping_cb)
        await self.emitter.emit_on_fiber(3)
        await Coro.sleep(2)
        self.assertEqual(log, [0, 1, 2])
        self.assertEqual(future.result(), 0)


if __name__ == '__main__':
    main()
