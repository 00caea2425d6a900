# SPDX-License-Identifier: LGPL-2.1-or-later
"""Values and errors cross the border between C and Python."""

import asyncio
import gc
import math
import sys

from gi.repository import Gio
from harness import *

Kind = CoroFixture.Kind


class FromC(TestCase):
    """Results of C coroutines, once of one that was done and once of one that was not."""

    async def both(self, kind):
        done = CoroFixture.spawn_return(kind, False)
        await done
        return [await done, await CoroFixture.spawn_return(kind, True)]

    async def check(self, kind, value):
        for result in await self.both(kind):
            self.assertEqual(result, value)
            self.assertIs(type(result), type(value))

    async def test_none(self):
        await self.check(Kind.NONE, None)

    async def test_boolean(self):
        await self.check(Kind.BOOLEAN, True)

    async def test_int(self):
        await self.check(Kind.INT, -42)

    async def test_int64(self):
        await self.check(Kind.INT64, 2 ** 40)

    async def test_double(self):
        await self.check(Kind.DOUBLE, 0.5)

    async def test_string(self):
        await self.check(Kind.STRING, 'grüezi')

    async def test_strv(self):
        await self.check(Kind.STRV, ['one', 'zwei'])

    async def test_enum(self):
        await self.check(Kind.ENUM, Kind.ENUM)

    async def test_object(self):
        for result in await self.both(Kind.OBJECT):
            self.assertIsInstance(result, CoroFixture.Emitter)

    async def test_variant(self):
        for result in await self.both(Kind.VARIANT):
            self.assertEqual(result.unpack(), {'a': 1, 'b': 'x'})

    async def test_boxed_outlives_its_future(self):
        for result in await self.both(Kind.BYTES):
            collect()
            self.assertIsInstance(result, GLib.Bytes)
            self.assertEqual(result.get_size(), 1 << 20)
            self.assertEqual(result.get_data()[-1:], b'x')

    async def test_boxed_of_get_value_outlives_its_future(self):
        future = Coro.Future()
        future.resolve(GLib.Bytes.new(b'x' * (1 << 20)))
        value = future.get_value()
        del future
        collect()
        self.assertEqual(value.get_data()[-1:], b'x')

    async def test_state_of_a_task_is_that_of_the_future(self):
        task = CoroFixture.spawn_return(Kind.INT, True)
        self.assertEqual(task.get_state(), Coro.FutureState.PENDING)
        self.assertEqual(task.get_coroutine_state(), Coro.CoroutineState.CREATED)
        await task
        self.assertEqual(task.get_state(), Coro.FutureState.RESOLVED)
        self.assertEqual(task.get_coroutine_state(), Coro.CoroutineState.CLOSED)

    async def test_enumerations_can_be_printed(self):
        for enumeration in [Coro.FutureState, Coro.Error, Coro.GatherFlags, Coro.TaskGroupFlags]:
            self.assertEqual(enumeration.__gtype__.name, 'Coro' + enumeration.__name__)
            self.assertTrue(repr(enumeration(1)))
        task = Coro.spawn(self.both(Kind.INT))
        self.assertIn('waiting', repr(task))
        await task
        self.assertIn('resolved', repr(task))

    async def test_awaiting_consumes_nothing(self):
        task = CoroFixture.spawn_return(Kind.INT, True)
        self.assertEqual([await task, await task, task.result()], [-42] * 3)


class FromPython(TestCase):
    """Values that Python puts into a future."""

    async def test_every_value_keeps_its_identity(self):
        class Thing:
            pass

        for value in [None, True, {}, [], (1,), set(), b'bytes', Thing(), Thing, CoroFixture.Emitter,
                      lambda: 0, NotImplemented, ..., CoroFixture.Emitter(), 3 + 4j]:
            future = Coro.Future()
            self.assertTrue(future.resolve(value))
            self.assertIs(await future, value)

    async def test_every_number_and_text_comes_back(self):
        for value in [0, -1, 2 ** 31 - 1, 2 ** 31, -2 ** 31, -2 ** 31 - 1, 2 ** 63 - 1, 2 ** 63, -2 ** 63,
                      2 ** 200, 0.1, float('inf'), '', 'ä', 'a\0b', '\udc80', '😀']:
            future = Coro.Future()
            future.resolve(value)
            result = await future
            self.assertEqual(result, value)
            self.assertIs(type(result), type(value))

    async def test_subclasses_of_numbers_keep_their_type(self):
        class Number(int):
            pass

        future = Coro.Future()
        future.resolve(Number(5))
        self.assertIs(type(await future), Number)

    async def test_c_sees_basic_types(self):
        for value, text in [(None, 'nothing'), (5, 'gint 5'), (2 ** 40, 'gint64 1099511627776'), (True, 'gboolean TRUE'),
                            (0.5, 'gdouble 0.500000'), ('x', 'gchararray "x"'), ({}, 'PyObject boxed'),
                            (2 ** 80, 'PyObject boxed'), (GLib.Bytes.new(b'x'), 'GBytes boxed')]:
            future = Coro.Future()
            task = CoroFixture.spawn_describe(future)
            future.resolve(value)
            self.assertEqual(await task, text)

    async def test_only_the_first_result_counts(self):
        future = Coro.Future()
        self.assertTrue(future.resolve(1))
        self.assertFalse(future.resolve(2))
        self.assertFalse(future.reject(ValueError()))
        self.assertFalse(future.cancel())
        self.assertEqual(await future, 1)

    async def test_a_thread_completes_a_future(self):
        future = Coro.Future()
        CoroFixture.resolve_in_thread(future, 9)
        self.assertEqual(await future, 9)


class Errors(TestCase):
    async def test_gerror_from_c(self):
        error = await raises(self, GLib.Error, CoroFixture.spawn_fail(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND))
        self.assertTrue(error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND))
        self.assertEqual(error.message, 'it failed in C')

    async def test_cancelled_from_c_is_cancelled_error(self):
        task = CoroFixture.spawn_fail(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)
        await raises(self, asyncio.CancelledError, task)
        self.assertTrue(task.cancelled())

    async def test_timed_out_from_c_is_timeout_error(self):
        task = CoroFixture.spawn_fail(Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT)
        error = await raises(self, TimeoutError, task)
        self.assertIsInstance(error, GLib.Error)
        self.assertTrue(error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT))
        self.assertEqual(error.message, 'it failed in C')

    async def test_python_gets_its_own_exception_back(self):
        for exception in [ValueError('x'), GLib.Error('x', 'g-io-error-quark', 1), ExceptionGroup('x', [ValueError()])]:
            future = Coro.Future()
            future.reject(exception)
            self.assertIs(await raises(self, type(exception), future), exception)
            self.assertIs(future.exception(), exception)

    async def test_c_sees_a_gerror(self):
        future = Coro.Future()
        task = CoroFixture.spawn_describe(future)
        future.reject(ValueError('from Python'))
        error = await raises(self, GLib.Error, task)
        self.assertEqual(error.domain, 'coro-python-error-quark')
        self.assertEqual(error.message, 'ValueError: from Python')

    async def test_c_sees_a_timeout(self):
        future = Coro.Future()
        task = CoroFixture.spawn_describe(future)
        future.reject(TimeoutError)
        await raises(self, TimeoutError, task)

    async def test_result_and_exception_of_a_pending_future(self):
        future = Coro.Future()
        self.assertRaises(asyncio.InvalidStateError, future.result)
        self.assertRaises(asyncio.InvalidStateError, future.exception)
        self.assertFalse(future.done())
        future.resolve()
        self.assertIsNone(future.result())
        self.assertIsNone(future.exception())
        self.assertTrue(future.done())

    async def test_reject_takes_only_exceptions(self):
        self.assertRaises(TypeError, Coro.Future().reject, 5)

    async def test_rejecting_with_cancelled_error_cancels(self):
        future = Coro.Future()
        future.reject(asyncio.CancelledError())
        self.assertTrue(future.cancelled())

    async def test_an_exception_in_a_callback_reaches_c(self):
        seen = []
        handler = GLib.log_set_handler('Coro', GLib.LogLevelFlags.LEVEL_WARNING,
                                       lambda domain, level, message, data: seen.append(message), None)
        self.addCleanup(GLib.log_remove_handler, 'Coro', handler)
        future = Coro.Future()
        future.on_done(lambda future: [][1])
        future.on_done(lambda future, *args: seen.append(args), 1, 'two')
        future.resolve()
        await Coro.sleep(0.001)
        self.assertEqual(len(seen), 2)
        self.assertIn('IndexError', seen[0])
        self.assertIn('test_values.py', seen[0])
        self.assertEqual(seen[1], (1, 'two'))

    async def test_calls_come_in_order_unless_they_are_called_off(self):
        seen = []
        Coro.call_later(0.02, seen.append, 'later')
        never = Coro.call_later(0.01, seen.append, 'never')
        Coro.call_soon(seen.append, 'soon')
        Coro.call_soon(lambda: seen.append('no arguments'))
        gc.collect()
        self.assertTrue(Coro.call_cancel(never))
        self.assertFalse(Coro.call_cancel(never))
        self.assertEqual(seen, [])
        await Coro.sleep(0.1)
        self.assertEqual(seen, ['soon', 'no arguments', 'later'])
        self.assertRaises(ValueError, Coro.call_later, math.nan, seen.append)

    async def test_an_exception_in_a_call_does_not_stop_the_next(self):
        seen, reported = [], []
        hook, sys.excepthook = sys.excepthook, lambda kind, error, trace: reported.append(kind)
        self.addCleanup(setattr, sys, 'excepthook', hook)
        Coro.call_soon(lambda: [][1])
        Coro.call_soon(seen.append, 'next')
        await Coro.sleep(0.001)
        self.assertEqual(seen, ['next'])
        self.assertEqual(reported, [IndexError])


if __name__ == '__main__':
    main()
