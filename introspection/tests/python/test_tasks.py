# SPDX-License-Identifier: LGPL-2.1-or-later
"""Coro.spawn(), Coro.run(), Coro.gather() and cancellation, without asyncio's loop."""

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import types
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

    async def test_context_variables_in_callbacks(self):
        variable = contextvars.ContextVar('variable', default='lost')
        variable.set('kept')
        seen = []
        Coro.call_soon(lambda: seen.append(variable.get()))
        Coro.call_later(0.001, lambda: seen.append(variable.get()))
        Coro.sleep(0.002).on_done(lambda future: seen.append(variable.get()))
        variable.set('changed')
        await Coro.sleep(1)
        self.assertEqual(seen, ['kept'] * 3)

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


class Shared(TestCase):
    """What several wait for is cancelled by the last of them only."""

    async def check_two(self, shared):
        a, b = Coro.spawn(wait_for(shared)), Coro.spawn(wait_for(shared))
        await Coro.sleep(1)
        a.cancel()
        await raises(self, asyncio.CancelledError, a)
        self.assertEqual(await b, 'value')

    async def test_future(self):
        shared = Coro.Future()
        Coro.call_later(10, shared.resolve, 'value')
        await self.check_two(shared)

    async def test_task(self):
        await self.check_two(Coro.spawn(give('value', 10)))

    async def test_a_callback_is_a_reason_to_go_on(self):
        log = []
        shared = Coro.sleep(10)
        shared.on_done(lambda future: log.append(future.result()))
        task = Coro.spawn(wait_for(shared))
        await Coro.sleep(1)
        task.cancel()
        await raises(self, asyncio.CancelledError, task)
        await Coro.sleep(20)
        self.assertEqual(log, [None])

    async def test_the_last_one_takes_it_along(self):
        shared = Coro.Future()
        tasks = [Coro.spawn(wait_for(shared)) for _ in range(2)]
        await Coro.sleep(1)
        for task in tasks:
            task.cancel()
            await raises(self, asyncio.CancelledError, task)
        self.assertTrue(shared.cancelled())

    async def test_done_and_cancelled_in_one_turn(self):
        for cancel_first in [False, True]:
            future = Coro.Future()
            task = Coro.spawn(wait_for(future))
            await Coro.sleep(1)
            if cancel_first:
                task.cancel()
            future.resolve(1)
            if not cancel_first:
                task.cancel()
            await raises(self, asyncio.CancelledError, task)

    async def test_a_cancel_that_comes_too_late_stays_pending(self):
        class Deaf(Coro.Future):
            def do_cancel(self):
                Coro.call_soon(self.resolve, 'done all the same')
                return True

        log = []

        async def body():
            log.append(await Deaf())
            await Coro.sleep(3600)

        task = Coro.spawn(body())
        await Coro.sleep(1)
        task.cancel()
        await raises(self, asyncio.CancelledError, task)
        self.assertEqual(log, ['done all the same'])

    async def test_cancel_says_why(self):
        task = Coro.spawn(wait_for(Coro.Future()))
        await Coro.sleep(1)

        async def reason():
            try:
                await Coro.sleep(3600)
            except asyncio.CancelledError as error:
                return str(error)

        task = Coro.spawn(reason())
        await Coro.sleep(1)
        task.cancel('the window is gone')
        self.assertEqual(await task, 'the window is gone')

    async def test_a_long_chain_of_tasks(self):
        task = Coro.spawn(forever())
        tasks = [task]
        for _ in range(20000):
            tasks.append(Coro.spawn(wait_for(tasks[-1])))
        await Coro.sleep(1)
        tasks[-1].cancel()
        await raises(self, asyncio.CancelledError, tasks[-1])
        self.assertTrue(tasks[0].cancelled())
        while tasks:                    # from this end, for each holds the next
            tasks.pop()

    async def test_tasks_that_wait_for_each_other(self):
        tasks = {}

        async def wait_for_other(name):
            return await tasks[name]

        tasks['a'] = Coro.spawn(wait_for_other('b'))
        tasks['b'] = Coro.spawn(wait_for_other('a'))
        error = await raises(self, RuntimeError, tasks['a'])
        self.assertIn('wait for itself', str(error))

    async def test_gathering_oneself(self):
        async def body():
            await Coro.gather(give(1), Coro.current_task())

        await raises(self, RuntimeError, Coro.spawn(body()))

    async def test_future_of_another_thread(self):
        """Its thread has it; the waiter is told in its own."""
        theirs, go = [], threading.Event()

        async def other():
            theirs.append(Coro.Future())
            go.set()
            return await theirs[0]

        thread = threading.Thread(target=Coro.run, args=(other(),))
        thread.start()
        go.wait()
        threads = []

        async def body():
            try:
                return await theirs[0]
            finally:
                threads.append(threading.get_ident())

        Coro.test_clock_stop(Coro.Scheduler.get_running())      # it would not wait for the thread
        cancelled, stays = Coro.spawn(body()), Coro.spawn(body())
        await Coro.sleep(0)
        cancelled.cancel()
        await raises(self, asyncio.CancelledError, cancelled)
        theirs[0].resolve(3)
        self.assertEqual(await stays, 3)
        thread.join()
        self.assertEqual(set(threads), {threading.get_ident()})


class Identity(TestCase):
    """Values and exceptions come through as they are."""

    async def test_of_values(self):
        value = {}
        for combine in [lambda task: task.shield(), lambda task: Coro.race(task), lambda task: Coro.race([task, forever()]),
                        lambda task: task.shield().shield()]:
            self.assertIs(await combine(Coro.spawn(give(value))), value)

    async def test_of_exceptions(self):
        for combine in [lambda task: task.shield(), lambda task: task.shield().shield(), lambda task: Coro.gather(task)]:
            exception = KeyError('x')
            with self.assertNoLogs('coro'):
                self.assertIs(await raises(self, KeyError, combine(Coro.spawn(fail(exception)))), exception)

    async def test_a_failure_read_again_and_again_keeps_no_frames(self):
        """Its traceback ends where it was raised first, and at the latest await."""
        class Thing:
            pass

        references, lengths = [], []

        async def read(failed):
            thing = Thing()
            references.append(weakref.ref(thing))
            try:
                await failed
            except KeyError as error:
                lengths.append(sum(1 for _ in iterate_traceback(error)))

        def iterate_traceback(error):
            trace = error.__traceback__
            while trace is not None:
                yield trace
                trace = trace.tb_next

        rejected = Coro.Future()
        rejected.reject(KeyError('x'))
        failed = Coro.spawn(fail(KeyError('x')))
        for future in [rejected, failed]:
            lengths.clear()
            for _ in range(20):
                await Coro.spawn(read(future))
            self.assertEqual(len(set(lengths)), 1, lengths)
        collect()
        self.assertLessEqual(sum(reference() is not None for reference in references), 2)


class Misuse(TestCase):
    """Nothing hangs, and nothing gives None in place of an error."""

    async def test_what_cannot_be_called(self):
        for call in [lambda: Coro.Future().on_done(None), lambda: Coro.call_soon(None), lambda: Coro.call_later(1, 5),
                     lambda: Coro.call_soon(give), lambda: Coro.Future().on_done(give)]:
            self.assertRaises(TypeError, call)

    async def test_what_cannot_be_combined(self):
        self.assertRaises(ValueError, Coro.race)
        self.assertRaises(ValueError, Coro.race, [])
        log = []

        async def body():
            log.append('body')

        coro = body()
        self.assertRaises(TypeError, Coro.gather, coro, None)
        await Coro.sleep(1)
        self.assertEqual(log, [])
        coro.close()

    async def test_a_list_will_do(self):
        self.assertEqual(await Coro.gather([give(1), give(2)]), [1, 2])
        self.assertEqual(await Coro.race(give(1), Coro.sleep(5)), 1)

    async def test_the_same_twice(self):
        coro = give(1)
        self.assertEqual(await Coro.gather(coro, coro), [1, 1])

    async def test_result_of_a_task_from_outside(self):
        task = Coro.spawn(give(1, 1))
        self.assertRaises(RuntimeError, task.resolve, 2)
        self.assertRaises(RuntimeError, task.reject, ValueError())
        self.assertEqual(await task, 1)

    async def test_awaiting_what_is_no_future(self):
        @types.coroutine
        def give_5():
            return (yield 5)

        async def body():
            await give_5()

        await raises(self, RuntimeError, Coro.spawn(body()))

    async def test_awaiting_what_breaks(self):
        """As PyGObject's awaitable did, which has no loop."""
        class Broken:
            _asyncio_future_blocking = True

            def get_loop(self):
                raise LookupError

            def __await__(self):
                yield self

        async def body():
            await Broken()

        await raises(self, LookupError, Coro.spawn(body()))

    async def test_awaiting_a_future_without_a_loop(self):
        """PyGObject's awaitable, as of 3.50."""
        class Awaitable:
            _asyncio_future_blocking = False
            n_cancels = 0

            def add_done_callback(self, func, *, context=None):
                self.func = func

            def cancel(self):
                self.n_cancels += 1
                Coro.call_soon(self.func, self)

            def exception(self):
                return GLib.Error('It was cancelled', 'g-io-error-quark', int(Gio.IOErrorEnum.CANCELLED))

            def __await__(self):
                self._asyncio_future_blocking = True
                yield self
                if self.n_cancels > 0:
                    raise self.exception()
                return 'done'

        awaitables = [Awaitable(), Awaitable()]
        tasks = [Coro.spawn(wait_for(awaitable)) for awaitable in awaitables]
        await Coro.sleep(1)
        awaitables[0].func(awaitables[0])
        self.assertEqual(await tasks[0], 'done')
        tasks[1].cancel()
        await raises(self, asyncio.CancelledError, tasks[1])
        self.assertEqual(awaitables[1].n_cancels, 1)

    async def test_asyncio_run_below_us(self):
        self.assertRaisesRegex(RuntimeError, 'main loop', asyncio.run, give(1))


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

    def test_in_a_handler_of_a_running_loop_is_refused(self):
        """It would wait for the loop that waits for the handler."""
        errors = []

        def idle(future):
            coro = wait_for(future)
            self.assertRaises(RuntimeError, Coro.run, coro)
            errors.append(1)
            future.resolve()
            return GLib.SOURCE_REMOVE

        async def body():
            future = Coro.Future()
            source = GLib.idle_source_new()
            source.set_callback(lambda *args: idle(future))
            source.attach(GLib.MainContext.ref_thread_default())
            await future

        Coro.run(body())
        loop = GLib.MainLoop()
        future = Coro.Future()
        future.on_done(lambda future: loop.quit())
        GLib.idle_add(idle, future)
        loop.run()
        self.assertEqual(errors, [1, 1])

    def test_leaves_no_descriptors(self):
        async def body():
            await Coro.call(Gio.File.new_for_path(__file__).load_contents_async)

        def count():
            collect()
            return len(os.listdir('/proc/self/fd'))

        Coro.run(body())
        before = count()
        for _ in range(20):
            Coro.run(body())
        self.assertLess(count() - before, 8)

    def test_spawn_closes_asynchronous_generators(self):
        log = []

        async def rows():
            try:
                yield 1
                yield 2
            finally:
                await Coro.sleep(0)
                log.append('closed')

        async def body():
            async for row in rows():
                break
            collect()
            await Coro.sleep(0.001)

        loop = GLib.MainLoop()
        Coro.spawn(body()).on_done(lambda task: loop.quit())
        loop.run()
        self.assertEqual(log, ['closed'])

    def run_program(self, text):
        return subprocess.run([sys.executable, '-c', textwrap.dedent(text)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60).stdout

    def test_what_is_unread_at_exit_is_reported(self):
        output = self.run_program("""
            import gi
            gi.require_version('Coro', '1')
            from gi.repository import Coro, GLib
            async def fails():
                raise ValueError('nobody reads me')
            kept = Coro.spawn(fails())
            context = GLib.MainContext.default()
            while not kept.is_done():
                context.iteration(True)
            """)
        self.assertIn('ValueError: nobody reads me', output)
        self.assertEqual(output.count('was never retrieved'), 1, output)
        self.assertNotIn('ImportError', output)
        self.assertNotIn('WARNING', output)

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

    async def test_call_that_was_not_made(self):
        """A function that has failed a precondition never calls back."""
        files = Gio.File.new_for_path('/').enumerate_children('standard::name', Gio.FileQueryInfoFlags.NONE, None)
        GLib.test_expect_message('GLib-GIO', GLib.LogLevelFlags.LEVEL_CRITICAL, '*num_files >= 0*')
        call = Coro.call(files.next_files_async, -1, 0)
        GLib.test_assert_expected_messages_internal('Coro', 'test_tasks.py', 0, '')
        error = await raises(self, GLib.Error, call)
        self.assertTrue(error.matches(Coro.error_quark(), Coro.Error.NO_RESULT))

    async def test_cancel_cancels_the_operation(self):
        process = Gio.Subprocess.new(['sleep', '3600'], Gio.SubprocessFlags.NONE)
        self.addCleanup(process.force_exit)
        task = Coro.spawn(wait_for(Coro.call(process.wait_async)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await raises(self, asyncio.CancelledError, task)

    async def test_nothing_begins_after_a_cancel(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'file')
            with open(path, 'w'):
                pass

            async def body():
                Coro.current_task().cancel()
                await Coro.call(Gio.File.new_for_path(path).delete_async, 0)

            await raises(self, asyncio.CancelledError, Coro.spawn(body()))
            self.assertTrue(os.path.exists(path))

    async def test_takes_asynchronous_functions_only(self):
        file = Gio.File.new_for_path(__file__)
        for function in [print, None, file.load_contents, file.get_path]:
            self.assertRaises(TypeError, Coro.call, function)

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

    async def test_memory_stays_flat(self):
        """PyGObject loses 80 to 500 bytes with every function that it makes a C function of."""
        async def round():
            await Coro.sleep(0)
            await Coro.spawn(wait_for(CoroFixture.spawn_return(2, True)))
            future = Coro.Future()
            Coro.call_soon(future.resolve, {})
            await future
            future = Coro.Future()
            Coro.sleep(0).on_done(lambda sleep: future.resolve(1))
            await future
            Coro.call_cancel(Coro.call_later(1, print))
            task = Coro.spawn(forever())
            await Coro.sleep(0)
            task.cancel()
            await raises(self, asyncio.CancelledError, task)
            await raises(self, ValueError, Coro.gather(fail(ValueError()), give(1)).shield())

        def resident():
            collect()
            with open('/proc/self/statm') as file:
                return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')

        for _ in range(1000):
            await round()
        before, blocks = resident(), sys.getallocatedblocks()
        for _ in range(7000):           # 100 000 awaits
            await round()
        self.assertLess(resident() - before, 2 << 20)
        self.assertLess(sys.getallocatedblocks() - blocks, 1000)

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
