# libcoro-glib: async/await for GLib
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Python's side of libcoro-glib.

Futures and tasks are awaitable, below two drivers:

* Coro.spawn (coroutine) and Coro.run (coroutine) step Python coroutines straight from the
  GLib main loop.  They need no asyncio loop, in a GTK application as little as elsewhere.
* An asyncio task awaits them too, as long as its loop or other code iterates the main
  context of the future; the loop of gi.events does so itself.

Python stays on the thread stack all the time: what suspends is the Python coroutine, never
a C stack with Python on it.
"""

import asyncio
import atexit
import contextvars
import functools
import importlib
import inspect
import logging
import math
import signal
import socket
import sys
import threading
import traceback
import weakref
from collections.abc import Coroutine

from gi._gi import GBoxed
from gi.module import get_introspection_module
from gi.repository import Gio, GLib, GObject

Coro = get_introspection_module('Coro')

__all__ = []

_log = logging.getLogger('coro')
_CancelledError = asyncio.CancelledError
_get_running_loop = asyncio._get_running_loop
_FATAL = (KeyboardInterrupt, SystemExit)


class _State(threading.local):
    """What runs in this thread."""

    current = None              # the AsyncTask that is being stepped
    runner = None               # the innermost Coro.run()

    def __init__(self):
        self.home = _Home()     # of what runs outside Coro.run()


class _Home:
    """The tasks and generators that end with a Coro.run(), or with the application."""

    def __init__(self):
        self.tasks = set()      # keeps them
        self.generators = weakref.WeakSet()

    def close_generator(self, generator):
        AsyncTask(generator.aclose(), 'an asynchronous generator')

    def close_generators(self):
        for generator in list(self.generators):
            self.close_generator(generator)


_state = _State()


def _export(thing):
    __all__.append(thing.__name__)
    return thing


# --- errors ----------------------------------------------------------------------------

@_export
class TimedOut(GLib.Error, TimeoutError):
    """G_IO_ERROR_TIMED_OUT: `except TimeoutError` and `except GLib.Error` both catch it."""


_IO = 'g-io-error-quark'
_CANCELLED = int(Gio.IOErrorEnum.CANCELLED)
_TIMED_OUT = int(Gio.IOErrorEnum.TIMED_OUT)


def _from_gerror(error):
    if error.domain == _IO:
        if error.code == _CANCELLED:
            return _CancelledError(error.message)
        if error.code == _TIMED_OUT:
            return TimedOut(error.message, error.domain, error.code)
    return error


def _to_gerror(exception):
    """What C sees of a Python exception; Python gets the exception itself back."""
    if isinstance(exception, GLib.Error):
        return exception
    if isinstance(exception, _CancelledError):
        return GLib.Error(str(exception) or 'The task was cancelled', _IO, _CANCELLED)
    message = traceback.format_exception_only(type(exception), exception)[-1].strip()
    if isinstance(exception, TimeoutError):
        return GLib.Error(message, _IO, _TIMED_OUT)
    return GLib.Error(message, 'coro-python-error-quark', 0)


def _check_callback(func):
    if not callable(func):
        raise TypeError(f'{func!r} cannot be called')
    if inspect.iscoroutinefunction(func):
        raise TypeError(f'{func!r} would only make a coroutine; call Coro.spawn() in a function')


def _guard(func, *, context=None):
    """A function for C that loses no exception: all become GErrors, with the traceback."""
    @functools.wraps(func)
    def guarded(*args):
        try:
            return func(*args) if context is None else context.run(func, *args)
        except GLib.Error:
            raise
        except _FATAL as exception:
            _stop_runner(exception)
        except BaseException as exception:
            error = _to_gerror(exception)
            message = ''.join(traceback.format_exception(exception)).rstrip()
            raise GLib.Error(message, error.domain, error.code) from None
    return guarded


def _stop_runner(exception):
    """KeyboardInterrupt and SystemExit leave Coro.run(); without it they do what PyGObject
    makes of them."""
    if _state.runner is None:
        raise exception
    _state.runner.fatal = exception


# --- futures ---------------------------------------------------------------------------

_c_resolve = Coro.Future.resolve
_c_reject = Coro.Future.reject
_c_get_value = Coro.Future.get_value
_c_get_error = Coro.Future.get_error
_c_get_state = Coro.Future.get_state
_c_is_done = Coro.Future.is_done
_c_on_done = Coro.Future.on_done
_c_cancel = Coro.Future.cancel
_c_take_origin = Coro.Future.take_origin
_c_get_scheduler = Coro.Future.get_scheduler
_c_begin_await = Coro.ForeignTask.begin_await
_c_is_awaiting = Coro.ForeignTask.is_awaiting
_c_end_cancelled = Coro.ForeignTask.end_cancelled
_c_take_cancel = Coro.ForeignTask.take_cancel

# What PyGObject makes a GValue of its own type of.
_AS_THEY_ARE = (GObject.Object, GBoxed, GLib.Variant, GObject.GEnum, GObject.GFlags, GObject.Value)


def _to_value(value):
    """C sees the basic types as such, everything else as a Python object."""
    kind = type(value)
    if value is None or kind is bool or kind is float:
        return value
    if kind is int:
        if -0x80000000 <= value <= 0x7fffffff:
            return value
        if -(1 << 63) <= value < (1 << 63):
            return GObject.Value(GObject.TYPE_INT64, value)
    elif kind is str:
        if '\0' not in value and (value.isascii() or _is_utf8(value)):
            return value
    elif isinstance(value, _AS_THEY_ARE):
        return value
    return GObject.Value(GObject.TYPE_PYOBJECT, value)


def _is_utf8(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _future_resolve(self, value=None):
    """Completes the future with any Python value.  False if it was done already."""
    return _c_resolve(self, _to_value(value))


def _future_reject(self, exception):
    """Completes the future with an exception.  False if it was done already."""
    if isinstance(exception, type):
        exception = exception()
    if not isinstance(exception, BaseException):
        raise TypeError(f'{exception!r} is no exception')
    if _c_is_done(self):
        return False
    if isinstance(exception, _CancelledError):
        return Coro.Future.do_cancel(self)
    self._exception = exception
    self._traceback = exception.__traceback__
    if not _c_reject(self, _to_gerror(exception)):
        self._exception = self._traceback = None        # another thread was faster
        return False
    return True


def _future_error(self):
    """The exception of a future that is done without a value."""
    error = _c_get_error(self)          # also marks it as read
    if error is None:
        return None
    if self._exception is None:
        _adopt_exception(self)
    if self._exception is None:
        return _from_gerror(error)
    # Each raise has added traceback entries, which keep frames alive.
    return self._exception.with_traceback(self._traceback)


def _adopt_exception(future):
    """A gathering that has failed and a shield have the exception of another future."""
    takers = []
    while future is not None and future._exception is None:
        takers.append(future)
        future = _c_take_origin(future)
    if future is not None:
        for taker in takers:
            taker._exception, taker._traceback = future._exception, future._traceback


def _future_get_value(self):
    """The value of a future that has one, else None."""
    value = _c_get_value(self)
    # The wrapper would point into the future, and outlive it.  A copy made in C would not help: PyGObject and GJS
    # never free what is in a GValue that they have allocated for a function (100 KB lost for 100 KB of bytes).
    return GBoxed.copy(value) if isinstance(value, GBoxed) else value


def _future_result(self):
    """The value of a future that is done; raises its exception if it has one instead."""
    value = _future_get_value(self)
    if value is not None:
        return value

    exception = _future_error(self)
    if exception is None:
        if not _c_is_done(self):
            raise asyncio.InvalidStateError('The future is not done')
        return None
    try:
        raise exception
    finally:
        exception = self = None         # no circle through the traceback


def _future_exception(self):
    """The exception of a future that is done, None if it has a value."""
    if not _c_is_done(self):
        raise asyncio.InvalidStateError('The future is not done')
    exception = _future_error(self)
    if isinstance(exception, _CancelledError):
        raise exception
    return exception


def _future_cancelled(self):
    """Whether the future was cancelled."""
    return _c_get_state(self) == Coro.FutureState.CANCELLED


class _Callback(Coro.ForeignTask):
    """A function that is called when a future is done.

    PyGObject keeps 240 bytes of every function that it has made a C function of."""

    __gtype_name__ = 'CoroPythonCallback'
    __module__ = 'Coro'                 # PyGObject registers no type of gi.overrides

    def do_wake(self, wait, cancelled):
        func, self._func = self._func, None
        if func is not None:
            func()


def _future_on_done(self, func, *args):
    """Has func (future, *args) called once when the future is done, which it is kept for."""
    _check_callback(func)
    guarded = _guard(func, context=contextvars.copy_context())
    callback = _Callback()
    if _c_get_scheduler(callback) is _c_get_scheduler(self):
        callback._func = functools.partial(guarded, self, *args)
        _c_begin_await(callback, self)
    else:
        guarded.future = self           # C drops callbacks with the last reference to a future
        _c_on_done(self, guarded, *args)


class _Waiter(asyncio.Future):
    """A Coro future as an asyncio task sees it: the effect of a cancel is decided in C."""

    def __init__(self, future, loop):
        super().__init__(loop=loop)
        self._wait = _Callback()
        self._wait._func = self._done_cb
        _c_begin_await(self._wait, future)

    def _done_cb(self):
        try:
            self.get_loop().call_soon_threadsafe(self._wake)
        except RuntimeError:            # the loop was closed meanwhile
            pass

    def _wake(self):
        if not self.done():
            self.set_result(None)

    def cancel(self, msg=None):
        if self.done():
            return False
        _c_cancel(self._wait)
        # If no loop iterates the main context, the request arrives nowhere.
        if self._wait.get_cancelling() == 0 or not _c_is_awaiting(self._wait):
            self._wait._func = None
            super().cancel(msg)
        return True


class _AsyncioFuture(Coro.Future):
    """A future of asyncio or of PyGObject, as a Coro task sees it."""

    __gtype_name__ = 'CoroPythonAsyncioFuture'
    __module__ = 'Coro'

    def __init__(self, awaited):
        super().__init__()
        self._awaited = awaited
        self._asked = False             # to cancel it
        self.was_cancelled = False      # the operation behind it, by that
        awaited._asyncio_future_blocking = False
        awaited.add_done_callback(self._done_cb)

    def do_cancel(self):
        if _c_is_done(self) or self._awaited.cancel() is False:
            return False
        self._asked = True
        return True

    def _done_cb(self, awaited):
        # The coroutine takes the result from `awaited`; C only sees whether the request has arrived.
        if self._asked and _has_heard(awaited):
            self.was_cancelled = not isinstance(awaited, asyncio.Task)  # which says what has become of it
            Coro.Future.do_cancel(self)
        else:
            _c_resolve(self, None)


def _has_heard(awaited):
    """Whether a future of asyncio or PyGObject that was asked to cancel, and is done, has heard of it.

    The rule is that of C: a task has heard and ignored it if it has a value; any other value came too
    late for the request, and another error came by itself."""
    try:
        exception = awaited.exception()
    except _CancelledError:
        return True
    if exception is None:
        return isinstance(awaited, asyncio.Task)
    return isinstance(exception, GLib.Error) and isinstance(_from_gerror(exception), _CancelledError)


def _is_driven():
    """Whether Coro.spawn() steps the code that awaits, rather than asyncio."""
    task = _state.current
    loop = _get_running_loop()
    if loop is None:
        if task is None:
            raise RuntimeError('await needs Coro.run(), Coro.spawn() or a running asyncio loop')
        return True
    if task is not None and task._loop is not loop and not hasattr(loop, '_context'):
        raise RuntimeError('asyncio.run() inside of a coroutine keeps the main loop from running, '
                           'and so the future from being done')
    return task is not None and asyncio.current_task() is task._asyncio_task


def _future_await(self):
    if not _c_is_done(self):
        if _is_driven():
            yield self
        else:
            yield from _Waiter(self, _get_running_loop())
        if not _c_is_done(self):
            raise RuntimeError('The main context that the future belongs to has ended')
    try:
        return _future_result(self)
    finally:
        self = None                     # no circle through the traceback


_future_await.__name__ = '__await__'

Coro.Future._exception = None
Coro.Future._traceback = None
Coro.Future.__await__ = _future_await
Coro.Future.resolve = _future_resolve
Coro.Future.reject = _future_reject
Coro.Future.get_value = _future_get_value
Coro.Future.result = _future_result
Coro.Future.exception = _future_exception
Coro.Future.cancelled = _future_cancelled
Coro.Future.done = _c_is_done
Coro.Future.on_done = _future_on_done


# --- tasks -----------------------------------------------------------------------------

@_export
class AsyncTask(Coro.ForeignTask):
    """A Python coroutine that the main loop runs, and the future of its result.

    It starts on the next turn of the main loop and is kept alive until it is done.
    """

    __gtype_name__ = 'CoroAsyncTask'
    __module__ = 'Coro'

    def __init__(self, coro, name=None):
        super().__init__()
        if not isinstance(coro, Coroutine):
            raise TypeError(f'{coro!r} is no coroutine')
        self._coro = coro
        self._context = contextvars.copy_context()
        self._name = name
        self._cancel_args = ()
        self._misuse = None             # what the next step raises
        self._adopted = None            # the future that it waits for, if that is another library's
        self._loop = None               # the asyncio loop below which it is stepped
        self._asyncio_task = None       # what the current step has interrupted
        self._home = _state.home if _state.runner is None else _state.runner.home
        self._home.tasks.add(self)
        _c_begin_await(self, None)

    def __repr__(self):
        state = _c_get_state(self).value_nick if self._coro is None else 'waiting'
        return f'<Coro.AsyncTask {self.get_name()!r} {state}>'

    def get_name(self):
        if self._name is None:
            self._name = getattr(self._coro, '__qualname__', 'a coroutine')
        return self._name

    def cancel(self, msg=None):
        """Raises asyncio.CancelledError where the coroutine waits, or waits next.

        If no other code awaits the awaited future, it is cancelled too; a task may clean up first.
        False if it has ended."""
        self._cancel_args = () if msg is None else (msg,)
        return _c_cancel(self)

    def cancelling(self):
        """How many cancel() were not taken back."""
        return self.get_cancelling()

    def resolve(self, value=None):
        raise RuntimeError('The result of a task is that of its coroutine')

    def reject(self, exception):
        raise RuntimeError('The result of a task is that of its coroutine')

    def do_wake(self, wait, cancelled):
        """Runs the coroutine to its next await, on the thread stack."""
        state = _state
        outer = state.current
        state.current = self
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(self._home.generators.add, self._home.close_generator)
        self._loop = _get_running_loop()
        if self._loop is not None:
            self._asyncio_task = asyncio.current_task()
        exception, self._misuse = self._misuse, None
        adopted, self._adopted = self._adopted, None
        # An operation of PyGObject's would raise GLib.Error for the cancel request.
        if cancelled or (adopted is not None and adopted.was_cancelled):
            exception = _CancelledError(*self._cancel_args)
        try:
            if exception is None:
                waits_for = self._context.run(self._coro.send, None)
            else:
                waits_for = self._context.run(self._coro.throw, exception)
        except StopIteration as stop:
            if _c_take_cancel(self):
                self._end(_c_end_cancelled)
            else:
                self._end(_future_resolve, stop.value)
        except _CancelledError:
            self._end(_c_end_cancelled)
        except _FATAL as fatal:
            self._end(_future_reject, fatal)
            _c_get_error(self)
            _stop_runner(fatal)
        except BaseException as error:
            _unread.add(self)
            self._end(_future_reject, error.with_traceback(error.__traceback__.tb_next))
        else:
            self._wait(waits_for)
        finally:
            sys.set_asyncgen_hooks(*hooks)
            state.current = outer
            self = exception = adopted = None     # no circle through the traceback

    def _end(self, complete, *args):
        self.get_name()
        self._coro = self._context = self._asyncio_task = self._loop = None
        self._home.tasks.discard(self)
        complete(self, *args)

    def _wait(self, awaited):
        future = None                   # only gives way, as asyncio.sleep (0) does
        try:
            if isinstance(awaited, Coro.Future):
                future = awaited
            elif awaited is not None:
                future = self._adopted = self._adopt(awaited)
            _c_begin_await(self, future)
        except Exception as exception:
            self._misuse = RuntimeError(exception.message) if isinstance(exception, GLib.Error) else exception
            _c_begin_await(self, None)

    def _adopt(self, awaited):
        """A Coro future for a future of another library."""
        if getattr(awaited, '_asyncio_future_blocking', None):
            get_loop = getattr(awaited, 'get_loop', None)       # futures of PyGObject have no loop, and need none
            if get_loop is None or get_loop() is _get_running_loop():
                return _AsyncioFuture(awaited)
        if hasattr(awaited, '_asyncio_future_blocking'):
            raise RuntimeError(f'{awaited!r} needs a running asyncio loop, which Coro.spawn() and Coro.run() do without; '
                               'Coro.sleep() is there in place of asyncio.sleep()')
        raise RuntimeError(f'A coroutine below Coro.spawn() cannot await {awaited!r}')

    def __del__(self):
        if sys is None or sys.is_finalizing():
            return
        if self.__grefcount__ <= 1:
            self._report()
        elif self._exception is not None and not self.is_observed():
            # PyGObject since 3.58 calls this while C still uses the task: a shield is about to read it.
            call_soon(self._report)

    def _report(self):
        if self._exception is None or self.is_observed():
            return
        _c_get_error(self)              # now we say it, so that C needs not
        _log.error('The exception of %r was never retrieved', self, exc_info=self._exception)


_unread = weakref.WeakSet()             # tasks that have failed


@atexit.register
def _report_unread():
    """Reports exceptions that are still unread at the end of the program."""
    for task in list(_unread):
        task._report()


@_export
def current_task():
    """The AsyncTask that is running, or None."""
    return _state.current


@_export
def spawn(coro, *, name=None):
    """Runs a coroutine from the main loop, starting on its next turn.

    Returns the AsyncTask, which may be dropped: it runs on, and if its exception is never
    read, it is logged."""
    if not inspect.iscoroutine(coro):
        if inspect.iscoroutinefunction(coro):
            raise TypeError(f'Coro.spawn() takes what a call of {coro.__qualname__}() returns')
        raise TypeError(f'Coro.spawn() takes a coroutine, not {coro!r}')
    return AsyncTask(coro, name)


async def _await(awaitable):
    return await awaitable


def _to_future(awaitable):
    if isinstance(awaitable, Coro.Future):
        return awaitable
    if inspect.iscoroutine(awaitable):
        return AsyncTask(awaitable)
    return AsyncTask(_await(awaitable))


def _to_futures(awaitables):
    """Takes several arguments or one list of them."""
    if len(awaitables) == 1 and isinstance(awaitables[0], (list, tuple)):
        awaitables = awaitables[0]
    for awaitable in awaitables:
        if not inspect.isawaitable(awaitable):
            raise TypeError(f'{awaitable!r} cannot be awaited')
    futures = {}                        # a coroutine may stand there twice, and runs once
    return [futures.get(id(awaitable)) or futures.setdefault(id(awaitable), _to_future(awaitable))
            for awaitable in awaitables]


class _Call(Coro.Future):
    """A call of an x_async() and x_finish() pair.  Cancelling it trips the cancellable; it
    is done when the callback has come."""

    __gtype_name__ = 'CoroPythonCall'
    __module__ = 'Coro'

    def __init__(self, begin, args):
        super().__init__()
        self._begin = begin
        self._cancellable = Gio.Cancellable()
        _find_finish(begin)
        # An operation that is cancelled before it begins must not be started.
        if _state.current is not None and _state.current.is_cancel_pending():
            self._cancellable.cancel()
        begin(*args, self._cancellable, self._done_cb)
        # An implementation in Python has its reference to the wrapper, and C cannot see it.
        if sys.getrefcount(self._cancellable) <= 2:
            self.watch_call(self._cancellable)

    def do_cancel(self):
        if _c_is_done(self):
            return False
        self._cancellable.cancel()
        return True

    def _done_cb(self, source, result, *user_data):
        begin, self._begin = self._begin, None
        try:
            value = _find_finish(begin, source)(result)
        except GLib.Error as error:
            _future_reject(self, _from_gerror(error))
        except Exception as exception:
            _future_reject(self, exception)
        else:
            _future_resolve(self, value)


def _find_finish(begin, source=None):
    if not hasattr(begin, 'get_namespace'):
        raise TypeError(f'Coro.call() takes an asynchronous function of a C library, not {begin!r}')
    name = begin.__name__.removesuffix('_async') + '_finish'
    if source is None or not hasattr(source, name):
        source = importlib.import_module('gi.repository.' + begin.get_namespace())
        if begin.get_container() is not None:
            source = getattr(source, begin.get_container().get_name())
    finish = getattr(source, name, None)
    if finish is None:
        raise TypeError(f'Coro.call() takes an asynchronous function: {begin.__name__}() has no {name}()')
    return finish


@_export
def call(begin, *args):
    """A future for what an asynchronous method finishes with.

    contents = await Coro.call (file.load_contents_async)

    The arguments are those before the cancellable; cancelling the future cancels the
    operation, and waits for it."""
    return _Call(begin, args)


_c_gather = Coro.gather


async def _gather(futures):
    await _c_gather(futures)
    return [_future_result(future) for future in futures]


@_export
def gather(*awaitables):
    """A future for a list of the results.

    The first exception is that of the whole, while the others go on.  Cancelling it
    cancels all of them."""
    return AsyncTask(_gather(_to_futures(awaitables)), 'gather')


_c_race = Coro.race


@_export
def race(*awaitables):
    """A future for the first result.

    The others are cancelled, and it is done when they have stopped.  If all fail, it fails
    with a Coro.GroupError."""
    futures = _to_futures(awaitables)
    if not futures:
        raise ValueError('Coro.race() needs something that can win')
    return _c_race(futures)


_c_sleep = Coro.sleep


@_export
def sleep(seconds):
    """A future that is done when the time has passed: await Coro.sleep (0.5)."""
    if math.isnan(seconds):
        raise ValueError('Coro.sleep() takes a number of seconds')
    return _c_sleep(int(min(max(seconds * 1e6, 0), 1 << 62)))


_c_call_cancel = Coro.call_cancel
_calls = {}                             # calls that can be called off, by id


def _call_when(future, callback, args):
    _check_callback(callback)
    context = contextvars.copy_context()

    def call():
        if _calls.pop(number, None) is not None:
            try:
                context.run(callback, *args)
            except _FATAL as exception:
                _stop_runner(exception)
            except Exception:
                sys.excepthook(*sys.exc_info())

    task = _Callback()
    task._func = call
    number = _c_begin_await(task, future)
    _calls[number] = task, future
    return number


@_export
def call_soon(callback, *args):
    """Has callback (*args) called on the next turn of the main loop.  Coro.call_cancel() takes
    what is returned to call it off."""
    return _call_when(None, callback, args)


@_export
def call_later(seconds, callback, *args):
    """Has callback (*args) called when the time has passed.  Coro.call_cancel() takes what
    is returned to call it off."""
    return _call_when(sleep(seconds), callback, args)


@_export
def call_cancel(id):
    """Calls a call off.  False if it has begun, or was called off before."""
    call = _calls.pop(id, None)
    if call is None:
        return _c_call_cancel(id)
    task, future = call
    if future is not None:
        _c_cancel(future)
    return True


@_export
def unix_signal(signum):
    """A future that is done when the process gets a signal."""
    return Coro.unix_signal_future(signum)


def _guard_unhandled(function):
    @functools.wraps(function)
    def set_unhandled_func(self_or_context, func, *args):
        return function(self_or_context, func and _guard(func), *args)
    return set_unhandled_func


set_unhandled_func = _export(_guard_unhandled(Coro.set_unhandled_func))
Coro.TaskGroup.set_unhandled_func = _guard_unhandled(Coro.TaskGroup.set_unhandled_func)


# --- run -------------------------------------------------------------------------------

def _cancel_tasks(home, context, seconds=math.inf):
    """Cancels tasks and waits for them, and then closes generators that were not run to their end."""
    deadline = GLib.get_monotonic_time() + seconds * 1e6

    def wait():
        while home.tasks and GLib.get_monotonic_time() < deadline:
            context.iteration(seconds == math.inf)

    while home.tasks and GLib.get_monotonic_time() < deadline:
        for task in list(home.tasks):
            if not task.cancelling():
                task.cancel()
        context.iteration(seconds == math.inf)
    home.close_generators()
    wait()


def _drain(*args):
    """Python's own handler runs along with it."""
    args[-1].recv(64)
    return GLib.SOURCE_CONTINUE


class _Runner:
    """One Coro.run()."""

    def __init__(self, context):
        self.context = context if context is not None else GLib.MainContext.new()
        self.home = _Home()
        self.fatal = None               # what leaves run() as soon as possible
        self.main = None
        self.n_interrupts = 0

    def __enter__(self):
        self.context.push_thread_default()
        self.outer = _state.runner
        _state.runner = self
        self.scheduler = Coro.Scheduler.ref_for_context(self.context)
        self._watch_interrupts()
        return self

    def __exit__(self, *exc_info):
        try:
            self._shut_down()
        finally:
            self._unwatch_interrupts()
            _state.runner = self.outer
            self.context.pop_thread_default()

    def run(self, coro):
        self.main = AsyncTask(coro)
        while not _c_is_done(self.main) and self.fatal is None:
            self.context.iteration(True)
        if self.fatal is not None:
            raise self.fatal
        try:
            return _future_result(self.main)
        except _CancelledError:
            if self.n_interrupts > 0 and self.main.uncancel() == 0:
                raise KeyboardInterrupt from None
            raise

    def _shut_down(self):
        """Cancels what is left, in Python first, because it may wait for C."""
        _cancel_tasks(self.home, self.context)
        self.scheduler.shut_down()
        while self.context.iteration(False):
            pass

    def _watch_interrupts(self):
        """Control-C cancels the main coroutine, and a second one leaves at once.

        Python sees a signal when it runs again: the main loop must wake up for that."""
        self.wakeup = None
        if threading.current_thread() is not threading.main_thread():
            return
        self.wakeup = socket.socketpair()
        for end in self.wakeup:
            end.setblocking(False)
        self.old_wakeup_fd = signal.set_wakeup_fd(self.wakeup[1].fileno(), warn_on_full_buffer=False)
        # PyGObject keeps the callback of an asynchronous call until there is another one.
        self.source = GLib.unix_fd_source_new(self.wakeup[0].fileno(), GLib.IOCondition.IN)
        self.source.set_callback(_drain, self.wakeup[0])
        self.source.attach(self.context)
        self.owns_sigint = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self.owns_sigint:
            signal.signal(signal.SIGINT, self._on_interrupt)

    def _on_interrupt(self, signum, frame):
        self.n_interrupts += 1
        if self.n_interrupts == 1 and self.main is not None and self.main.cancel():
            return
        raise KeyboardInterrupt

    def _unwatch_interrupts(self):
        if self.wakeup is None:
            return
        if self.owns_sigint and signal.getsignal(signal.SIGINT) == self._on_interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.set_wakeup_fd(self.old_wakeup_fd)
        self.source.destroy()
        for end in self.wakeup:
            end.close()


@_export
def run(coro, *, context=None):
    """Runs a coroutine to its end and returns its result, as asyncio.run() does.

    It has a main context of its own, unless one is given.  Coroutines that are left at the
    end are cancelled and waited for."""
    if not inspect.iscoroutine(coro):
        raise TypeError(f'Coro.run() takes a coroutine, not {coro!r}')
    if (_state.runner is not None or _state.current is not None or _get_running_loop() is not None or
            Coro.Scheduler.get_running() is not None or GLib.main_depth() > 0):
        coro.close()
        raise RuntimeError('Coro.run() cannot be called from a running event loop')
    with _Runner(context) as runner:
        return runner.run(coro)


_c_application_attach = Coro.application_attach


@_export
def application_attach(application):
    """Ends coroutines with the application: on ::shutdown they are cancelled and waited
    for, Python's and then C's.  They have 5 s to clean up."""
    application.connect('shutdown', lambda application: _cancel_tasks(_state.home, GLib.MainContext.default(), 5))
    _c_application_attach(application)
