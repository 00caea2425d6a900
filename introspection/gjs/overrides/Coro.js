// libcoro-glib: async/await for GLib
// SPDX-License-Identifier: LGPL-2.1-or-later
/* exported _init */

// JavaScript's side of libcoro-glib: futures are thenables, so that `await future`,
// Promise.all() and Promise.race() take them, and Coro.spawn() makes an async function
// something that can be cancelled.
//
// JavaScript stays on the main stack all the time: what suspends is the async function,
// never a C stack with JavaScript on it.

const {Gio, GLib, GObject} = imports.gi;

var Coro;

let current = null;             // the Turn of the task whose code is running
const running = new Set();      // keeps tasks until they are done
const awaited = new Set();      // keeps futures, and with them their callbacks, until they are done

// --- whose code runs -------------------------------------------------------------------

// How many async functions that end one after the other, each awaited by the next, hand
// on which task they belong to.
const MAX_UNWIND = 8;

const NOW = Promise.resolve();
const entering = [];
const leaving = [];

// What a task does from being woken to its next await.
//
// The queue of promise jobs is first in, first out.  A mark that is added before a job
// runs, and one that is added after, come to stand around what the job has added.  So the
// first round of marks encloses the async function that was woken; the second the one
// that awaits it, should it end; and so on.
class Turn {
    constructor(task) {
        this.task = task;
        this.rounds = MAX_UNWIND;
        this.awaits = false;    // the task has reached its next await
    }

    // Runs `func` now and what comes of it as the task's code.
    run(func) {
        const outer = current;

        addMark(entering, enter, this);
        current = this;
        try {
            return func();
        } finally {
            current = outer;
            addMark(leaving, leave, this);
        }
    }

    get goesOn() {
        return this.rounds > 0 && !this.awaits && running.has(this.task);
    }
}

function addMark(queue, job, turn) {
    queue.push(turn);
    NOW.then(job);
}

function enter() {
    const turn = entering.shift();

    if (!turn.goesOn)
        return;
    turn.rounds--;
    current = turn;
    addMark(entering, enter, turn);
}

function leave() {
    const turn = leaving.shift();

    current = null;
    if (turn.goesOn)
        addMark(leaving, leave, turn);
}

// --- futures ---------------------------------------------------------------------------

function isCancelled(error) {
    return error instanceof GLib.Error && error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
}

function toGError(error) {
    if (error instanceof GLib.Error)
        return error;
    return new GLib.Error(GLib.quark_from_string('coro-js-error-quark'), 0, `${error}`);
}

// Calls a function when `future` is done.  C drops callbacks with the last reference to a
// future, and GJS drops them with its wrapper: here, who has a callback wants the outcome.
function onDone(future, callback) {
    awaited.add(future);
    cOnDone.call(future, () => {
        awaited.delete(future);
        const func = callback;
        callback = null;        // the closure may live on until the next collection
        func();
    });
}

// Calls one of two functions when `future` is done, on behalf of `task`.
function subscribe(future, task, onValue, onError) {
    const settle = () => {
        let value;
        try {
            value = getResult(future);
        } catch (error) {
            onError(error);
            return;
        }
        onValue(value);
    };

    if (future.is_done()) {
        NOW.then(task === null ? settle : () => new Turn(task).run(settle));
        return;
    }

    if (task !== null)
        task._beginAwait(future);
    onDone(future, task === null ? settle : () => {
        task._endAwait(future);
        new Turn(task).run(settle);
    });
}

function getResult(future) {
    if (future._kept !== null)
        return future._kept[0];

    const error = cGetError.call(future);       // says that somebody has read it, too
    if (error !== null)
        throw future._thrown !== null ? future._thrown : error;
    if (!future.is_done())
        throw new Coro.Error({code: Coro.Error.NO_RESULT, message: 'The future is not done'});
    return cGetValue.call(future);
}

const NOTHING = new GObject.Value();    // null would become a pointer

let cOnDone, cGetError, cGetValue, cResolve, cReject;

function initFuture() {
    const prototype = Coro.Future.prototype;

    cOnDone = prototype.on_done;
    cGetError = prototype.get_error;
    cGetValue = prototype.get_value;
    cResolve = prototype.resolve;
    cReject = prototype.reject;

    prototype._kept = null;     // [value], where C cannot hold it
    prototype._thrown = null;   // what was thrown, where it is no GLib.Error

    // `await` reads `then` at once and calls it later: only the former happens while we
    // know which task awaits.
    Object.defineProperty(prototype, 'then', {
        configurable: true,
        get() {
            const task = current !== null ? current.task : null;

            if (current !== null)
                current.awaits = true;
            return (onValue, onError) => new Promise((resolve, reject) => {
                subscribe(this, task,
                    typeof onValue === 'function' ? value => callHandler(onValue, value, resolve, reject) : resolve,
                    typeof onError === 'function' ? error => callHandler(onError, error, resolve, reject) : reject);
            });
        },
    });

    // Calls a function, with the future, when it is done.
    prototype.on_done = function (func) {
        if (typeof func !== 'function')
            throw new TypeError('on_done() takes a function');
        onDone(this, () => func(this));
    };

    prototype.catch = function (onError) {
        return this.then(undefined, onError);
    };

    prototype.finally = function (onDone) {
        return this.then(
            value => Promise.resolve(onDone()).then(() => value),
            error => Promise.resolve(onDone()).then(() => {
                throw error;
            }));
    };

    // Completes the future with any value.
    prototype.resolve = function (value = null) {
        if (this.is_done())
            return false;
        const [cValue, keep] = toValue(value);
        if (keep)
            this._kept = [value];
        return cResolve.call(this, cValue);
    };

    // Completes the future with what `throw` takes.
    prototype.reject = function (error) {
        if (this.is_done())
            return false;
        if (!(error instanceof GLib.Error))
            this._thrown = error;
        return cReject.call(this, toGError(error));
    };

    // The value of a future that is done; throws its error if it has one instead.
    prototype.result = function () {
        return getResult(this);
    };
}

function callHandler(handler, argument, resolve, reject) {
    try {
        resolve(handler(argument));
    } catch (error) {
        reject(error);
    }
}

// A JSObject would be held by C, where no garbage collector sees a circle.
function isBoxed(gtype) {
    return gtype !== undefined && gtype.name !== 'JSObject' && GObject.type_is_a(gtype, GObject.TYPE_BOXED);
}

// What C gets to see of a value, and whether the value itself has to be kept.
function toValue(value) {
    switch (typeof value) {
    case 'number':
    case 'boolean':
        return [value, false];
    case 'string':
        return value.includes('\0') ? [NOTHING, true] : [value, false];
    case 'object':
        if (value === null)
            return [NOTHING, false];
        if (value instanceof GObject.Object)
            return [value, false];
        if (value instanceof GLib.Variant || isBoxed(value.constructor?.$gtype))
            return [value, true];
    }
    return [NOTHING, value !== undefined];
}

// --- tasks -----------------------------------------------------------------------------

let AsyncTask;

function initTask() {
    // An async function that runs, and the future of its result.
    //
    // cancel() reaches what the function awaits if that is a Coro.Future, in async
    // functions that it awaits as well, and trips `cancellable`, for calls of GIO.  Any
    // other promise goes through wait(): await task.wait (promise).
    AsyncTask = GObject.registerClass({
        GTypeName: 'CoroAsyncTask',
    }, class AsyncTask extends Coro.Future {
        _init() {
            super._init();
            this._awaits = new Set();
            this._mustCancel = false;
            this._nCancelling = 0;
            this._cancellable = null;
        }

        // Cancelled with the task.
        get cancellable() {
            if (this._cancellable === null) {
                this._cancellable = new Gio.Cancellable();
                if (this._nCancelling > 0)
                    this._cancellable.cancel();
            }
            return this._cancellable;
        }

        // Whether somebody has asked for an end: for loops that never await.
        get_cancelling() {
            return this._nCancelling;
        }

        // A future for any promise or value, that the task's cancel() reaches.
        wait(awaited) {
            if (awaited instanceof Coro.Future)
                return awaited;

            const future = new Coro.Future();
            Promise.resolve(awaited).then(value => future.resolve(value), error => future.reject(error));
            return future;
        }

        vfunc_cancel() {
            if (this.is_done())
                return false;

            let reached = false;
            this._nCancelling++;
            if (this._cancellable !== null)
                this._cancellable.cancel();
            for (const future of [...this._awaits])
                reached = future.cancel() || reached;
            if (!reached)
                this._mustCancel = true;
            return true;
        }

        _start(func) {
            running.add(this);
            onDone(Coro.Future.new_for_value(NOTHING), () => this._run(func));
        }

        _run(func) {
            if (this._mustCancel) {
                this._end(() => super.vfunc_cancel());
                return;
            }

            let promise;
            try {
                promise = new Turn(this).run(() => Promise.resolve(func(this)));
            } catch (error) {
                promise = Promise.reject(error);
            }
            promise.then(value => this._succeed(value), error => this._fail(error));
        }

        _succeed(value) {
            if (this._mustCancel)
                this._end(() => super.vfunc_cancel());
            else
                this._end(() => this.resolve(value));
        }

        _fail(error) {
            if (isCancelled(error))
                this._end(() => super.vfunc_cancel());
            else
                this._end(() => this.reject(error));
        }

        _end(complete) {
            running.delete(this);
            this._awaits.clear();
            complete();
        }

        _beginAwait(future) {
            if (this.is_done())
                return;         // left over from it
            this._awaits.add(future);
            if (this._mustCancel && future.cancel())
                this._mustCancel = false;
        }

        _endAwait(future) {
            this._awaits.delete(future);
        }
    });
}

// Runs an async function, which gets its task as argument, from the next turn of the
// main loop on.  Returns the task; an error of it that nobody reads is logged.
function spawn(func) {
    if (typeof func !== 'function')
        throw new TypeError('Coro.spawn() takes a function');

    const task = new AsyncTask();
    task._start(func);
    return task;
}

// What was thrown where C has `error`.
function findThrown(futures, error) {
    const thrown = futures.filter(future => future._thrown !== null).find(future => {
        const other = cGetError.call(future);
        return other.domain === error.domain && other.code === error.code && other.message === error.message;
    });
    return thrown !== undefined ? thrown._thrown : error;
}

// Cancels all tasks and waits for them, though not for ever.
function cancelTasks(milliseconds) {
    const context = GLib.MainContext.default();
    const deadline = GLib.get_monotonic_time() + milliseconds * 1000;

    while (running.size > 0 && GLib.get_monotonic_time() < deadline) {
        for (const task of [...running]) {
            if (task.get_cancelling() === 0)
                task.cancel();
        }
        context.iteration(false);
    }
}

function toFuture(awaitable) {
    if (awaitable instanceof Coro.Future)
        return awaitable;

    const future = new Coro.Future();
    Promise.resolve(awaitable).then(value => future.resolve(value), error => future.reject(error));
    return future;
}

function _init() {
    Coro = this;

    const cCallLater = Coro.call_later;
    const cSleep = Coro.sleep;
    const cGather = Coro.gather;

    initFuture();
    initTask();

    Coro.AsyncTask = AsyncTask;
    Coro.spawn = spawn;

    // A future that is done when so many milliseconds have passed.
    Coro.sleep = function (milliseconds) {
        if (typeof milliseconds !== 'number' || Number.isNaN(milliseconds))
            throw new TypeError('Coro.sleep() takes a number of milliseconds');
        return cSleep(Math.min(Math.max(Math.round(milliseconds * 1000), 0), Number.MAX_SAFE_INTEGER));
    };

    // Calls a function when so many milliseconds have passed; Coro.call_cancel() calls it off.
    Coro.call_later = function (milliseconds, callback) {
        if (typeof milliseconds !== 'number' || Number.isNaN(milliseconds))
            throw new TypeError('Coro.call_later() takes a number of milliseconds');
        return cCallLater(Math.min(Math.max(Math.round(milliseconds * 1000), 0), Number.MAX_SAFE_INTEGER), callback);
    };

    // A future for an array of the results.  The first error is that of the whole, while
    // the others go on; cancelling it cancels all of them.
    Coro.gather = function (...awaitables) {
        const futures = awaitables.map(toFuture);

        return spawn(async () => {
            try {
                await cGather(futures);
            } catch (error) {
                throw findThrown(futures, error);
            }
            return futures.map(getResult);
        });
    };

    // Ends coroutines with the application: on ::shutdown they are cancelled and waited
    // for, JavaScript's and then C's.  They have 5 s to clean up.
    const cApplicationAttach = Coro.application_attach;
    Coro.application_attach = function (application) {
        application.connect('shutdown', () => cancelTasks(5000));
        cApplicationAttach(application);
    };

    // A future that is done when the process gets a signal.
    Coro.unix_signal = signum => Coro.unix_signal_future(signum);
}
