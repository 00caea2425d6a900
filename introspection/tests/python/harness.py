# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests have in common: TAP from unittest, and a main loop without waiting."""

import gc
import inspect
import sys
import unittest

import gi

gi.require_version('Coro', '1')
gi.require_version('CoroFixture', '1')

from gi.repository import Coro, CoroFixture, GLib  # noqa: E402


class TapResult(unittest.TestResult):
    n = 0

    def _line(self, ok, test, comment=''):
        TapResult.n += 1
        name = test.id().removeprefix('__main__.')
        print(f"{'ok' if ok else 'not ok'} {self.n} - {name}{comment}", flush=True)

    def _diagnose(self, text):
        print(''.join(f'# {line}\n' for line in text.splitlines()), end='', flush=True)

    def addSuccess(self, test):
        self._line(True, test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line(True, test, f' # SKIP {reason}')

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._line(False, test)
        self._diagnose(self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        self._line(False, test)
        self._diagnose(self._exc_info_to_string(err, test))


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules['__main__'])
    print(f'1..{suite.countTestCases()}', flush=True)
    result = TapResult()
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() else 1)


def use_virtual_time():
    """Sleeps of the running main context take no time from here on."""
    Coro.test_clock_start(Coro.Scheduler.get_running(), True)


class TestCase(unittest.TestCase):
    """Tests are coroutines below Coro.run(), in virtual time."""

    def _callTestMethod(self, method):
        async def body():
            use_virtual_time()
            await method()
        if inspect.iscoroutinefunction(method):
            Coro.run(body())
        else:
            method()


async def raises(test, exception, awaitable):
    """The exception that awaiting raises, which must be of a certain type."""
    try:
        value = await awaitable
    except exception as caught:
        return caught
    test.fail(f'{value!r} came, and no {exception.__name__}')


class Alive:
    """Counts GObjects of ours by weak references."""

    def __init__(self):
        self.n = 0

    def add(self, thing):
        self.n += 1
        thing.weak_ref(self._gone)
        return thing

    def _gone(self, *args):
        self.n -= 1


def collect():
    for _ in range(3):
        gc.collect()


def iterate(context=None, n=20):
    context = context or GLib.MainContext.default()
    for _ in range(n):
        context.iteration(False)


__all__ = ['Alive', 'Coro', 'CoroFixture', 'GLib', 'TestCase', 'collect', 'iterate', 'main', 'raises', 'unittest',
           'use_virtual_time']
