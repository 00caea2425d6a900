# SPDX-License-Identifier: LGPL-2.1-or-later
"""Coro.spawn(), Coro.run(), Coro.gather() and cancellation, without asyncio's loop."""

import asyncio
import contextvars
import os
import signal
import threading
import weakref

from gi.repository import Gio
from harness import *


async def give(value, seconds=0.0):
    await Coro.sleep(seconds)
    return value


async def fail(exception):
    raise exception


async def forever(log=None):
    try:
        await Coro.sleep(3600)
    except asyncio.CancelledError:
        if log is not None:
            log.append('cancelled')
        raise


class Spawn(TestCase):
    async def test_starts_on_the_next_turn(self):
        log = []

        async def body():
            log.append('body')

        task = Coro.spawn(body())
        log.append('spawned')
        await task
        self.assertEqual(log, ['spawned', 'body'])

    async def test_result(self):
        self.assertEqual(await Coro.spawn(give(5)), 5)

    async def test_exception_keeps_its_identity(self):
        exception = KeyError('x')
        task = Coro.spawn(fail(exception))
        self.assertIs(await raises(self, KeyError, task), exception)
        self.assertIs(task.exception(), exception)

    async def test_dropped_task_runs_on(self):
        log = []

        async def body():
            await Coro.sleep(1)
            collect()
            await Coro.sleep(1)
            log.append('done')

        Coro.spawn(body())
        collect()
        await Coro.sleep(3)
        self.assertEqual(log, ['done'])

    async def test_unread_exception_is_logged_once(self):
        with self.assertLogs('coro', 'ERROR') as logs:
            Coro.spawn(fail(ValueError('lost')), name='loser')
            await Coro.sleep(1)
            collect()
        self.assertEqual(len(logs.records), 1)
        self.assertIn('loser', logs.output[0])
        self.assertIn('ValueError: lost', logs.output[0])
        self.assertIn('in fail', logs.output[0])

    async def test_read_exception_is_not_logged(self):
        with self.assertNoLogs('coro'):
            for read in [lambda task: task.exception(), lambda task: task.get_error()]:
                task = Coro.spawn(fail(ValueError()))
                await Coro.sleep(1)
                read(task)
                del task
                collect()

    async def test_takes_coroutines_only(self):
        self.assertRaisesRegex(TypeError, 'what a call of give', Coro.spawn, give)
        self.assertRaises(TypeError, Coro.spawn, 5)

    async def test_context_variables_are_its_own(self):
        variable = contextvars.ContextVar('variable', default=0)
        variable.set(1)

        async def body():
            before = variable.get()
            variable.set(2)
            await Coro.sleep(1)
            return before, variable.get()

        self.assertEqual(await Coro.spawn(body()), (1, 2))
        self.assertEqual(variable.get(), 1)

    async def test_current_task(self):
        async def body():
            return Coro.current_task()

        task = Coro.spawn(body())
        self.assertIs(await task, task)

    async def test_awaiting_itself_fails(self):
        async def body():
            await Coro.current_task()

        await raises(self, RuntimeError, Coro.spawn(body()))

    async def test_asyncio_sleep_says_that_it_needs_a_loop(self):
        await raises(self, RuntimeError, Coro.spawn(asyncio.sleep(1)))

    async def test_future_of_a_loop_that_does_not_run_fails(self):
        loop = asyncio.new_event_loop()
        self.addCleanup(loop.close)

        async def body():
            await loop.create_future()

        error = await raises(self, RuntimeError, Coro.spawn(body()))
        self.assertIn('needs a running asyncio loop', str(error))

    async def test_asyncio_sleep_0_gives_way(self):
        log = []

        async def body(name):
            for _ in range(2):
                log.append(name)
                await asyncio.sleep(0)

        await Coro.gather(body('a'), body('b'))
        self.assertEqual(log, ['a', 'b', 'a', 'b'])

    def test_await_without_a_driver_says_so(self):
        coro = give(1)
        self.assertRaisesRegex(RuntimeError, 'Coro.run', coro.send, None)


class Sleep(TestCase):
    async def test_takes_seconds(self):
        scheduler = Coro.Scheduler.get_running()
        start = scheduler.get_time()
        await Coro.sleep(0.25)
        self.assertEqual(scheduler.get_time() - start, 250000)

    async def test_limits(self):
        await Coro.sleep(-1)
        self.assertRaises(ValueError, Coro.sleep, float('nan'))
        self.assertFalse(Coro.sleep(float('inf')).done())


class Cancel(TestCase):
    async def test_reaches_the_awaited_future(self):
        log = []
        future = Coro.Future()

        async def body():
            try:
                await future
            finally:
                log.append(future.cancelled())

        task = Coro.spawn(body())
        await Coro.sleep(1)
        self.assertTrue(task.cancel())
        await raises(self, asyncio.CancelledError, task)
        self.assertTrue(task.cancelled())
        self.assertEqual(log, [True])

    async def test_before_the_first_step_the_body_never_runs(self):
        log = []

        async def body():
            log.append('body')

        task = Coro.spawn(body())
        task.cancel()
        await raises(self, asyncio.CancelledError, task)
        self.assertEqual(log, [])

    async def test_after_the_end_does_nothing(self):
        task = Coro.spawn(give(1))
        await task
        self.assertFalse(task.cancel())
        self.assertEqual(task.result(), 1)

    async def test_waits_for_a_c_task_to_clean_up(self):
        before = CoroFixture.get_n_cleanups()
        task = Coro.spawn(wait_for(CoroFixture.spawn_cleanup(2000000)))
        await Coro.sleep(1)
        task.cancel()
        await Coro.sleep(1)
        self.assertFalse(task.done())
        await raises(self, asyncio.CancelledError, task)
        self.assertEqual(CoroFixture.get_n_cleanups(), before + 1)

    async def test_a_stubborn_c_task_has_its_way(self):
        task = Coro.spawn(wait_for(CoroFixture.spawn_stubborn()))
        await Coro.sleep(1)
        task.cancel()
        self.assertEqual(await task, 7)

    async def test_of_a_future_reaches_who_awaits_it(self):
        future = Coro.Future()
        task = Coro.spawn(wait_for(future))
        await Coro.sleep(1)
        future.cancel()
        await raises(self, asyncio.CancelledError, task)

    async def test_of_a_c_task_reaches_the_python_task_it_awaits(self):
        log = []
        outer = CoroFixture.spawn_describe(Coro.spawn(forever(log)))
        await Coro.sleep(1)
        outer.cancel()
        await raises(self, asyncio.CancelledError, outer)
        self.assertEqual(log, ['cancelled'])

    async def test_can_be_survived(self):
        async def body():
            try:
                await Coro.sleep(3600)
            except asyncio.CancelledError:
                Coro.current_task().uncancel()
            await Coro.sleep(1)
            return Coro.current_task().cancelling()

        task = Coro.spawn(body())
        await Coro.sleep(1)
        task.cancel()
        self.assertEqual(task.cancelling(), 1)
        self.assertEqual(await task, 0)

    async def test_while_running_strikes_at_the_next_await(self):
        log = []

        async def body():
            Coro.current_task().cancel()
            log.append('still here')
            await Coro.sleep(3600)

        await raises(self, asyncio.CancelledError, Coro.spawn(body()))
        self.assertEqual(log, ['still here'])

    async def test_while_running_decides_where_nothing_is_awaited(self):
        async def body():
            Coro.current_task().cancel()
            return 1

        await raises(self, asyncio.CancelledError, Coro.spawn(body()))

    async def test_nested_tasks(self):
        log = []

        async def outer():
            await Coro.spawn(forever(log))

        task = Coro.spawn(outer())
        await Coro.sleep(1)
        task.cancel()
        await raises(self, asyncio.CancelledError, task)
        self.assertEqual(log, ['cancelled'])

    async def test_from_another_thread(self):
        future = Coro.Future()          # virtual time would not wait for the thread
        task = Coro.spawn(wait_for(future))
        await Coro.sleep(1)
        thread = threading.Thread(target=task.cancel)
        thread.start()
        await raises(self, asyncio.CancelledError, task)
        thread.join()
        self.assertTrue(future.cancelled())


async def wait_for(task):
    return await task


class Gather(TestCase):
    async def test_results_in_order(self):
        self.assertEqual(await Coro.gather(give('slow', 2), give('fast', 1), CoroFixture.spawn_return(2, True)),
                         ['slow', 'fast', -42])

    async def test_nothing(self):
        self.assertEqual(await Coro.gather(), [])

    async def test_first_failure_is_the_whole_ones(self):
        slow = Coro.spawn(give(1, 5))
        await raises(self, KeyError, Coro.gather(slow, fail(KeyError())))
        self.assertFalse(slow.done())
        self.assertEqual(await slow, 1)

    async def test_cancel_cancels_all(self):
        log = []
        both = Coro.gather(forever(log), forever(log))
        await Coro.sleep(1)
        both.cancel()
        await raises(self, asyncio.CancelledError, both)
        self.assertEqual(log, ['cancelled', 'cancelled'])

    async def test_takes_any_awaitable(self):
        class Awaitable:
            def __await__(self):
                return (yield from Coro.sleep(1).__await__()) or 3

        self.assertEqual(await Coro.gather(Awaitable()), [3])
        self.assertRaises(TypeError, Coro.gather, 5)


class Run(unittest.TestCase):
    def test_result(self):
        self.assertEqual(Coro.run(give(5)), 5)

    def test_exception(self):
        self.assertRaises(KeyError, Coro.run, fail(KeyError()))

    def test_on_a_given_context(self):
        context = GLib.MainContext.new()

        async def body():
            return GLib.MainContext.get_thread_default()

        self.assertIsNotNone(Coro.run(body(), context=context))

    def test_takes_coroutines_only(self):
        self.assertRaises(TypeError, Coro.run, give)

    def test_nested_is_refused(self):
        async def body():
            Coro.run(give(1))

        self.assertRaisesRegex(RuntimeError, 'running event loop', Coro.run, body())

    def test_cancels_what_is_left(self):
        log = []

        async def body():
            Coro.spawn(forever(log))
            CoroFixture.spawn_cleanup(0)
            await Coro.sleep(0)

        before = CoroFixture.get_n_cleanups()
        Coro.run(body())
        self.assertEqual(log, ['cancelled'])
        self.assertEqual(CoroFixture.get_n_cleanups(), before + 1)

    def test_closes_asynchronous_generators(self):
        log = []

        async def generator():
            try:
                yield 1
            finally:
                await Coro.sleep(0)
                log.append('closed')

        async def body():
            self.kept = generator()
            await self.kept.__anext__()

        Coro.run(body())
        self.assertEqual(log, ['closed'])

    def test_system_exit_leaves(self):
        async def body():
            Coro.spawn(fail(SystemExit(3)))
            await Coro.sleep(3600)

        with self.assertRaises(SystemExit) as caught:
            Coro.run(body())
        self.assertEqual(caught.exception.code, 3)

    def test_keyboard_interrupt_leaves(self):
        async def body():
            await Coro.spawn(fail(KeyboardInterrupt()))

        self.assertRaises(KeyboardInterrupt, Coro.run, body())

    def test_system_exit_in_a_callback_leaves(self):
        def leave(future):
            raise SystemExit(4)

        async def body():
            Coro.sleep(0).on_done(leave)
            await Coro.sleep(3600)

        self.assertRaises(SystemExit, Coro.run, body())

    def test_control_c_cancels_the_main_coroutine(self):
        log = []

        async def body():
            Coro.sleep(0).on_done(lambda future: os.kill(os.getpid(), signal.SIGINT))
            await forever(log)

        self.assertRaises(KeyboardInterrupt, Coro.run, body())
        self.assertEqual(log, ['cancelled'])
        self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)

    def test_control_c_wakes_an_idle_loop(self):
        async def body():
            threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()
            await Coro.sleep(3600)

        self.assertRaises(KeyboardInterrupt, Coro.run, body())

    def test_in_a_thread(self):
        results = []
        thread = threading.Thread(target=lambda: results.append(Coro.run(give(5, 0.001))))
        thread.start()
        thread.join()
        self.assertEqual(results, [5])

    def test_a_main_loop_of_ones_own_does_as_well(self):
        loop = GLib.MainLoop()
        task = Coro.spawn(give(5, 0.001))
        task.on_done(lambda task: loop.quit())
        loop.run()
        self.assertEqual(task.result(), 5)


class Call(TestCase):
    """Coro.call() makes a future of a pair of GIO functions."""

    async def test_result(self):
        file = Gio.File.new_for_path(__file__)
        ok, contents, etag = await Coro.call(file.load_contents_async)
        self.assertIn(b'class Call', contents)

    async def test_error(self):
        file = Gio.File.new_for_path('/does/not/exist')
        error = await raises(self, GLib.Error, Coro.call(file.load_contents_async))
        self.assertTrue(error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND))

    async def test_cancel_cancels_the_operation(self):
        process = Gio.Subprocess.new(['sleep', '3600'], Gio.SubprocessFlags.NONE)
        self.addCleanup(process.force_exit)
        task = Coro.spawn(wait_for(Coro.call(process.wait_async)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await raises(self, asyncio.CancelledError, task)

    async def test_function_of_a_namespace(self):
        error = await raises(self, GLib.Error, Coro.call(Gio.DBusConnection.new_for_address, 'unix:path=/nowhere',
                                                         Gio.DBusConnectionFlags.NONE, None))
        self.assertEqual(error.domain, 'g-io-error-quark')


class Rest(TestCase):
    async def test_unix_signal(self):
        future = Coro.unix_signal(signal.SIGUSR1)
        await asyncio.sleep(0)
        Coro.test_clock_stop(Coro.Scheduler.get_running())      # virtual time does not wait for the kernel
        os.kill(os.getpid(), signal.SIGUSR1)
        self.assertEqual(await future, signal.SIGUSR1)

    def test_coroutines_end_with_an_application(self):
        log = []

        async def clean_up():
            try:
                await forever(log)
            finally:
                await Coro.sleep(0.001)
                log.append('cleaned up')

        application = Gio.Application(application_id='io.github.libcoro.Test', flags=Gio.ApplicationFlags.NON_UNIQUE)
        Coro.application_attach(application)
        application.connect('activate', lambda application: Coro.spawn(clean_up()))
        Coro.sleep(0.01).on_done(lambda future: application.quit())
        application.hold()
        application.run()
        self.assertEqual(log, ['cancelled', 'cleaned up'])


class Lifetime(TestCase):
    async def test_awaiting_leaves_nothing_behind(self):
        alive = Alive()

        async def round():
            await alive.add(Coro.sleep(0))
            await alive.add(CoroFixture.spawn_return(2, False))
            future = alive.add(Coro.Future())
            future.resolve({})
            await future
            await alive.add(Coro.spawn(give({})))
            await raises(self, ValueError, alive.add(Coro.spawn(fail(ValueError()))))
            task = alive.add(Coro.spawn(forever()))
            await Coro.sleep(0)
            task.cancel()
            await raises(self, asyncio.CancelledError, task)
            await alive.add(Coro.gather(give(1), give(2)))

        for _ in range(200):
            await round()
        await Coro.sleep(0)
        collect()
        self.assertEqual(alive.n, 0)

    async def test_callbacks_are_freed_after_the_call(self):
        class Thing:
            pass

        thing = Thing()
        reference = weakref.ref(thing)
        future = Coro.Future()
        future.on_done(lambda future, thing=thing: None)
        del thing
        future.resolve()
        await Coro.sleep(1)
        self.assertIsNone(reference())

    async def test_a_callback_keeps_its_future(self):
        log = []
        Coro.sleep(1).on_done(lambda future: log.append(future.result()))
        collect()
        await Coro.sleep(2)
        self.assertEqual(log, [None])

    async def test_a_finished_task_keeps_no_frames(self):
        class Thing:
            pass

        reference = None

        async def body():
            nonlocal reference
            thing = Thing()
            reference = weakref.ref(thing)
            await Coro.sleep(1)

        task = Coro.spawn(body())
        await task
        self.assertIsNone(reference())


class Priority(TestCase):
    async def test_of_a_task(self):
        task = CoroFixture.spawn_return(2, True)
        seen = []
        task.connect('notify::priority', lambda task, pspec: seen.append(task.props.priority))
        self.assertEqual(task.props.priority, Coro.Priority.DEFAULT)
        task.props.priority = Coro.Priority.HIGH
        self.assertEqual(task.get_priority(), Coro.Priority.HIGH)
        task.set_priority(Coro.Priority.LOW)
        self.assertEqual(task.props.priority, Coro.Priority.LOW)
        self.assertEqual(seen, [Coro.Priority.HIGH, Coro.Priority.LOW])
        self.assertEqual(await task, -42)
        task.props.priority = Coro.Priority.HIGH
        self.assertEqual(task.props.priority, Coro.Priority.LOW)

    async def test_outside_a_c_coroutine(self):
        self.assertEqual(Coro.get_priority(), Coro.Priority.DEFAULT)


if __name__ == '__main__':
    main()
