// libcoro-glib: async/await for GLib
// SPDX-License-Identifier: LGPL-2.1-or-later
/* exported _init */

// JavaScript's side of libcoro-glib: futures are thenables, so that `await future`,
// Promise.all() and Promise.race() take them, and Coro.spawn() makes an async function
// something that can be cancelled.
//
// JavaScript stays on the thread stack all the time: what suspends is the async function,
// never a C stack with JavaScript on it.  What an await and a cancel mean is decided in C,
// by CoroForeignTask.

const {Gio, GLib, GObject} = imports.gi;

var Coro;

let current = null;             // the Turn of the task whose code is running
let outside;                    // the task of code that belongs to none
const running = new Set();      // keeps tasks until they are done

// --- whose code runs -------------------------------------------------------------------

// How many async functions that end one after the other, each awaited by the next, hand
// on which task they belong to.  An asynchronous generator takes three steps for each value.
const MAX_UNWIND = 512;

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

function cancelledError() {
    return new Gio.IOErrorEnum({code: Gio.IOErrorEnum.CANCELLED, message: 'The task was cancelled'});
}

// Calls one of two functions when `future` is done, on behalf of `task`.
function subscribe(future, task, onValue, onError) {
    const settle = cancelled => {
        let value;
        try {
            if (cancelled)
                throw cancelledError();
            value = getResult(future);
        } catch (error) {
            onError(error);
            return;
        }
        onValue(value);
    };

    if (future.is_done()) {
        NOW.then(task === null ? settle : () => new Turn(task).run(() => settle(task.take_cancel())));
        return;
    }

    try {
        (task !== null && running.has(task) ? task : outside)._await(future, settle);
    } catch (error) {
        NOW.then(() => onError(error));         // a circle of tasks
    }
}

// Copies the JavaScript value or exception from the future that `future` has its outcome from.
function adopt(future) {
    const takers = [];

    for (let origin = future; origin !== null; origin = origin.take_origin()) {
        if (origin._kept !== null || origin._thrown !== null) {
            for (const taker of takers) {
                taker._kept = origin._kept;
                taker._thrown = origin._thrown;
            }
            return;
        }
        takers.push(origin);
    }
}

function getResult(future) {
    if (!future.is_done())
        throw new Coro.Error({code: Coro.Error.NO_RESULT, message: 'The future is not done'});

    const error = cGetError.call(future);       // also marks it as read
    const value = error === null && future._kept === null ? cGetValue.call(future) : null;
    if (value === null || typeof value === 'object')
        adopt(future);

    if (future._thrown !== null)
        throw future._thrown[0];
    if (error !== null)
        throw error;
    return future._kept !== null ? future._kept[0] : value;
}

const NOTHING = new GObject.Value();    // null would become a pointer

let cGetError, cGetValue, cResolve, cReject;

function initFuture() {
    const prototype = Coro.Future.prototype;

    cGetError = prototype.get_error;
    cGetValue = prototype.get_value;
    cResolve = prototype.resolve;
    cReject = prototype.reject;

    prototype._kept = null;     // [value], where C cannot hold it
    prototype._thrown = null;   // [what was thrown], where it is no GLib.Error

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
        outside._await(this, () => func(this));
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
            this._thrown = [error];
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
    // functions that it awaits as well, and what GIO does for it; and it trips
    // `cancellable`.  Any other promise goes through wait(): await task.wait (promise).
    AsyncTask = GObject.registerClass({
        GTypeName: 'CoroAsyncTask',
    }, class AsyncTask extends Coro.ForeignTask {
        _init() {
            super._init();
            this._waits = new Map();    // how to go on, by await
            this._cancellable = null;
        }

        // Cancelled with the task.
        get cancellable() {
            if (this._cancellable === null) {
                this._cancellable = new Gio.Cancellable();
                if (this.get_cancelling() > 0)
                    this._cancellable.cancel();
            }
            return this._cancellable;
        }

        // A future for any promise or value, that the task's cancel() reaches.
        wait(awaited) {
            return toFuture(awaited);
        }

        resolve() {
            throw new TypeError('The result of a task is that of its function');
        }

        reject() {
            throw new TypeError('The result of a task is that of its function');
        }

        vfunc_cancel() {
            if (this.is_done())
                return false;
            if (this._cancellable !== null)
                this._cancellable.cancel();
            return super.vfunc_cancel();
        }

        _await(future, resume) {
            this._waits.set(this.begin_await(future), resume);
        }

        vfunc_wake(wait, cancelled) {
            const resume = this._waits.get(wait);

            this._waits.delete(wait);
            if (this === outside)
                resume(cancelled);
            else
                new Turn(this).run(() => resume(cancelled));
        }

        _start(func) {
            running.add(this);
            this._await(null, cancelled => this._run(func, cancelled));
        }

        _run(func, cancelled) {
            if (cancelled) {
                this._end(() => this.end_cancelled());
                return;
            }

            let promise;
            try {
                promise = Promise.resolve(func(this));
            } catch (error) {
                promise = Promise.reject(error);
            }
            promise.then(value => this._succeed(value), error => this._fail(error));
        }

        _succeed(value) {
            if (this.take_cancel())
                this._end(() => this.end_cancelled());
            else
                this._end(() => Coro.Future.prototype.resolve.call(this, value));
        }

        _fail(error) {
            if (isCancelled(error))
                this._end(() => this.end_cancelled());
            else
                this._end(() => Coro.Future.prototype.reject.call(this, error));
        }

        _end(complete) {
            running.delete(this);
            complete();
        }
    });

    // For on_done(), and where the module or a handler awaits.
    outside = new AsyncTask();
}

// --- GIO -------------------------------------------------------------------------------

let Operation;

// A function of Gio._promisify() gives a task this future: cancelling the future trips the
// cancellable of the operation, and the future is done when the callback has come.
function initGio() {
    Operation = GObject.registerClass({
        GTypeName: 'CoroJSOperation',
    }, class Operation extends Coro.Future {
        _init(cancellable) {
            super._init();
            this._cancellable = cancellable;
        }

        _endCancelled() {
            super.vfunc_cancel();
        }

        vfunc_cancel() {
            if (this._cancellable === null)
                return super.vfunc_cancel();
            if (this.is_done())
                return false;
            this._cancellable.cancel();
            return true;
        }
    });

    const promisify = Gio._promisify;
    Gio._promisify = function (prototype, name, ...rest) {
        const plain = prototype[`_original_${name}`] ?? prototype[name];

        promisify.call(Gio, prototype, name, ...rest);
        if (!prototype[name]._isCoro)
            prototype[name] = makeAwaitable(prototype[name], plain);
    };
}

// The index of the cancellable among the arguments, by the names that GJS shows; -1: none.
function findCancellable(plain) {
    const names = /\(([^)]*)\)/.exec(`${plain}`);

    return names !== null ? names[1].split(',').map(name => name.trim()).indexOf('cancellable') : -1;
}

function makeAwaitable(promised, plain) {
    const index = findCancellable(plain);
    // A function in JavaScript may use the cancellable without a reference that C can see.
    const isNative = `${plain}`.includes('native symbol');
    const awaitable = function (...args) {
        const task = current !== null ? current.task : null;
        if (task === null || args.length >= plain.length)
            return promised.apply(this, args);

        let cancellable = null, outer = null, id = 0;
        if (index >= 0 && index < args.length) {
            cancellable = new Gio.Cancellable();
            outer = args[index] ?? null;
            args[index] = cancellable;
            // An operation that is cancelled before it begins must not be started.
            if (task.is_cancel_pending())
                cancellable.cancel();
            if (outer !== null)
                id = outer.connect(() => cancellable.cancel());
        }

        const operation = new Operation(cancellable);
        const end = complete => {
            if (id !== 0)
                outer.disconnect(id);
            complete();
        };
        promised.apply(this, args).then(value => end(() => operation.resolve(value)),
            error => end(() => isCancelled(error) ? operation._endCancelled() : operation.reject(error)));
        if (cancellable !== null && isNative)
            operation.watch_call(cancellable);
        return operation;
    };

    awaitable._isCoro = true;
    return awaitable;
}

// --- functions -------------------------------------------------------------------------

// Runs an async function, which gets its task as argument, from the next turn of the
// main loop on.  Returns the task; if its error is never read, it is logged.
function spawn(func) {
    if (typeof func !== 'function')
        throw new TypeError('Coro.spawn() takes a function');

    const task = new AsyncTask();
    task._start(func);
    return task;
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

// Takes several arguments or one array of them.
function toFutures(awaitables) {
    return (awaitables.length === 1 && Array.isArray(awaitables[0]) ? awaitables[0] : awaitables).map(toFuture);
}

function _init() {
    Coro = this;

    const cCallLater = Coro.call_later;
    const cSleep = Coro.sleep;
    const cGather = Coro.gather;
    const cRace = Coro.race;

    initFuture();
    initTask();
    initGio();

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
        const futures = toFutures(awaitables);

        return spawn(async () => {
            await cGather(futures);
            return futures.map(getResult);
        });
    };

    // A future for the first result.  The others are cancelled, and it is done when they have
    // stopped; if all fail, it fails with a Coro.GroupError.
    Coro.race = function (...awaitables) {
        const futures = toFutures(awaitables);

        if (futures.length === 0)
            throw new TypeError('Coro.race() needs something that can win');
        return cRace(futures);
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
