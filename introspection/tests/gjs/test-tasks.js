// SPDX-License-Identifier: LGPL-2.1-or-later
// Promises, Coro.spawn(), Coro.gather() and cancellation.

import Coro from 'gi://Coro?version=1';
import Fixture from 'gi://CoroFixture?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import {collect, equal, main, ok, raises, same, scheduler, test, throws} from './tap.js';

const HOUR = 3600 * 1000;

function isCancelled(error) {
    return error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
}

async function give(value, milliseconds = 0) {
    await Coro.sleep(milliseconds);
    return value;
}

async function forever(log) {
    try {
        await Coro.sleep(HOUR);
    } catch (error) {
        log?.push('cancelled');
        throw error;
    }
}

async function checkCancelled(task) {
    ok(isCancelled(await raises(task)), 'another error');
    equal(task.get_state(), Coro.FutureState.CANCELLED);
}

// --- promises --------------------------------------------------------------------------

test('sleep takes milliseconds', async () => {
    const start = scheduler.get_time();
    await Coro.sleep(250);
    equal(scheduler.get_time() - start, 250000);
    await Coro.sleep(-1);
    ok(throws(() => Coro.sleep('x')) instanceof TypeError);
    ok(throws(() => Coro.sleep(NaN)) instanceof TypeError);
});

test('Promise.all', async () => {
    same(await Promise.all([Coro.sleep(1), Fixture.spawn_return(2, true), give(3)]), [null, -42, 3]);
});

test('Promise.race', async () => {
    equal(await Promise.race([Coro.sleep(1000), give(3)]), 3);
});

test('Promise.allSettled', async () => {
    const settled = await Promise.allSettled([give(1), Coro.spawn(() => Promise.reject(new RangeError()))]);
    same(settled.map(one => one.status), ['fulfilled', 'rejected']);
    ok(settled[1].reason instanceof RangeError);
});

test('then, catch and finally', async () => {
    const log = [];
    const future = new Coro.Future();
    const chain = future.then(value => value + 1).then(value => log.push(value));
    future.resolve(1);
    await chain;

    const failed = new Coro.Future();
    failed.reject(new RangeError('x'));
    equal(await failed.catch(error => error.message), 'x');
    ok(await raises(failed.finally(() => log.push('finally'))) instanceof RangeError);
    equal(await future.finally(() => log.push('again')), 1);
    equal(await future.then(), 1);
    ok(await raises(failed.then(() => 0)) instanceof RangeError);
    ok(await raises(future.then(() => {
        throw new EvalError();
    })) instanceof EvalError);
    same(log, [2, 'finally', 'again']);
});

test('an async function may return a future', async () => {
    equal(await (async () => Fixture.spawn_return(2, true))(), -42);
});

test('await of a future in order', async () => {
    const log = [];
    const future = new Coro.Future();
    const all = ['a', 'b', 'c'].map(async name => {
        await future;
        log.push(name);
    });
    future.resolve();
    await Promise.all(all);
    same(log, ['a', 'b', 'c']);
});

// --- spawn -----------------------------------------------------------------------------

test('spawn starts on the next turn', async () => {
    const log = [];
    const task = Coro.spawn(async () => log.push('body'));
    log.push('spawned');
    await task;
    same(log, ['spawned', 'body']);
    ok(task instanceof Coro.Future);
});

test('spawn gives the value', async () => {
    const value = {};
    equal(await Coro.spawn(async () => value), value);
    equal(await Coro.spawn(() => 5), 5);
});

test('spawn keeps the class of the error', async () => {
    const error = new (class Mine extends RangeError {})('x');
    equal(await raises(Coro.spawn(async () => {
        throw error;
    })), error);
    equal(await raises(Coro.spawn(() => {
        throw error;
    })), error);
});

test('spawn takes functions', () => {
    ok(throws(() => Coro.spawn(5)) instanceof TypeError);
});

test('a dropped task runs on', async () => {
    const log = [];
    Coro.spawn(async () => {
        await Coro.sleep(1);
        await collect();
        log.push('done');
    });
    await Coro.sleep(100);
    same(log, ['done']);
});

test('an error that is never read is logged once', async () => {
    GLib.test_expect_message('Coro', GLib.LogLevelFlags.LEVEL_WARNING, '*CoroAsyncTask*RangeError: lost*');
    (() => {
        Coro.spawn(async () => {
            throw new RangeError('lost');
        });
    })();
    await Coro.sleep(1);
    await collect();
    GLib.test_assert_expected_messages_internal('Coro', 'test-tasks.js', 0, '');
});

// --- cancel ----------------------------------------------------------------------------

test('cancel reaches what the function awaits', async () => {
    const log = [];
    const future = new Coro.Future();
    const task = Coro.spawn(async () => {
        try {
            await future;
        } finally {
            log.push('finally');
        }
    });
    await Coro.sleep(1);
    ok(task.cancel());
    await checkCancelled(task);
    same(log, ['finally']);
    equal(future.get_state(), Coro.FutureState.CANCELLED);
    ok(!task.cancel());
});

test('cancel before the first step: the function is never called', async () => {
    const log = [];
    const task = Coro.spawn(async () => log.push('body'));
    task.cancel();
    await checkCancelled(task);
    same(log, []);
});

test('cancel reaches into async functions that are awaited', async () => {
    const log = [];
    const task = Coro.spawn(async () => {
        await give(1);
        await (async () => {
            await give(2);
            await forever(log);
        })();
    });
    await Coro.sleep(10);
    task.cancel();
    await checkCancelled(task);
    same(log, ['cancelled']);
});

test('cancel reaches a function after others have returned', async () => {
    async function deep(n) {
        return n > 0 ? await deep(n - 1) : await give(0);
    }
    const log = [];
    const task = Coro.spawn(async () => {
        await deep(5);
        await forever(log);
    });
    await Coro.sleep(10);
    task.cancel();
    await checkCancelled(task);
    same(log, ['cancelled']);
});

test('cancel leaves other tasks alone', async () => {
    const log = [];
    const run = async name => {
        for (let i = 0; i < 3; i++) {
            await give(i);
            await Coro.sleep(1);
        }
        log.push(name);
    };
    const [a, b, c] = ['a', 'b', 'c'].map(name => Coro.spawn(() => run(name)));
    await Coro.sleep(2);
    b.cancel();
    await checkCancelled(b);
    await Promise.all([a, c]);
    same(log, ['a', 'c']);
});

test('cancel of all that a function awaits at once', async () => {
    const log = [];
    const task = Coro.spawn(() => Promise.all([forever(log), forever(log)]));
    await Coro.sleep(1);
    task.cancel();
    await checkCancelled(task);
    await Coro.sleep(1);
    same(log, ['cancelled', 'cancelled']);
});

test('wait() makes any promise cancellable', async () => {
    const task = Coro.spawn(async self => {
        await Promise.resolve();
        await self.wait(new Promise(() => {}));
    });
    await Coro.sleep(1);
    task.cancel();
    await checkCancelled(task);

    equal(await Coro.spawn(self => self.wait(Promise.resolve(5))), 5);
    ok(await raises(Coro.spawn(self => self.wait(Promise.reject(new RangeError())))) instanceof RangeError);
});

test('cancel trips the cancellable', async () => {
    let cancellable;
    const task = Coro.spawn(async self => {
        cancellable = self.cancellable;
        await forever();
    });
    await Coro.sleep(1);
    ok(!cancellable.is_cancelled());
    task.cancel();
    ok(cancellable.is_cancelled());
    await checkCancelled(task);
});

test('cancel can be survived', async () => {
    const task = Coro.spawn(async self => {
        await raises(Coro.sleep(HOUR));
        await Coro.sleep(1);
        return self.get_cancelling();
    });
    await Coro.sleep(1);
    task.cancel();
    equal(await task, 1);
});

test('cancel while running strikes at the next await', async () => {
    const log = [];
    const task = Coro.spawn(async self => {
        self.cancel();
        log.push('still here');
        await Coro.sleep(HOUR);
        log.push('not here');
    });
    await checkCancelled(task);
    same(log, ['still here']);
});

test('cancel while running decides where nothing is awaited', async () => {
    await checkCancelled(Coro.spawn(async self => self.cancel()));
});

test('cancel waits for a C task to clean up', async () => {
    const before = Fixture.get_n_cleanups();
    const task = Coro.spawn(async () => {
        await Fixture.spawn_cleanup(2000);
    });
    await Coro.sleep(1);
    task.cancel();
    await Coro.sleep(1);
    ok(!task.is_done());
    await checkCancelled(task);
    equal(Fixture.get_n_cleanups(), before + 1);
});

test('a stubborn C task has its way', async () => {
    const task = Coro.spawn(() => Fixture.spawn_stubborn());
    await Coro.sleep(1);
    task.cancel();
    equal(await task, 7);
});

test('cancel of a C task reaches the function it awaits', async () => {
    const log = [];
    const outer = Fixture.spawn_describe(Coro.spawn(() => forever(log)));
    await Coro.sleep(1);
    outer.cancel();
    ok(isCancelled(await raises(outer)));
    same(log, ['cancelled']);
});

test('cancel of a future reaches the task that awaits it', async () => {
    const future = new Coro.Future();
    const task = Coro.spawn(() => future);
    await Coro.sleep(1);
    future.cancel();
    await checkCancelled(task);
});

test('cancel of one waiter leaves the future to the others', async () => {
    const makeFuture = () => {
        const future = new Coro.Future();
        Coro.call_later(200, () => future.resolve('value'));
        return future;
    };
    for (const make of [makeFuture, () => Coro.spawn(() => give('value', 200))]) {
        const shared = make();
        const [a, b] = [0, 1].map(() => Coro.spawn(async () => await shared));
        await Coro.sleep(50);
        a.cancel();
        await checkCancelled(a);
        equal(await b, 'value');
    }
});

test('done and cancelled in one turn: no code runs after the await', async () => {
    const log = [];
    for (const cancelFirst of [false, true]) {
        const reply = new Coro.Future();
        const task = Coro.spawn(async () => {
            await reply;
            log.push('touched the window');
        });
        await Coro.sleep(1);
        if (cancelFirst)
            task.cancel();
        reply.resolve(1);
        if (!cancelFirst)
            task.cancel();
        await checkCancelled(task);
    }
    same(log, []);
});

test('an await of what is done hears of a cancel', async () => {
    const log = [];
    const done = new Coro.Future();
    done.resolve(1);
    await checkCancelled(Coro.spawn(async self => {
        self.cancel();
        await done;
        log.push('not here');
    }));
    same(log, []);
});

test('a lost race leaves the loser alone', async () => {
    const stop = new Coro.Future();
    const reader = Coro.spawn(async () => {
        for (let i = 0; i < 300; i++)
            await Promise.race([stop, Coro.sleep(0)]);
        await Coro.sleep(HOUR);
    });
    await Coro.sleep(1);
    reader.cancel();
    await checkCancelled(reader);
    ok(!stop.is_done(), 'it was cancelled');
    stop.resolve('stop');
    equal(await stop, 'stop');
});

Gio._promisify(Gio.File.prototype, 'query_info_async');
Gio._promisify(Gio.File.prototype, 'delete_async');
Gio._promisify(Gio.File.prototype, 'copy_async');
Gio._promisify(Gio.FileEnumerator.prototype, 'next_files_async');

async function* forEver(file, log) {
    try {
        for (;;) {
            await file.query_info_async('standard::*', Gio.FileQueryInfoFlags.NONE, 0, null);
            for (let i = 0; i < 50; i++)
                yield i;
            log.push('round');
        }
    } finally {
        await file.query_info_async('standard::*', Gio.FileQueryInfoFlags.NONE, 0, null);
        log.push('closed');
    }
}

test('cancel reaches what Gio._promisify() has made', async () => {
    const log = [];
    const task = Coro.spawn(async () => {
        for await (const item of forEver(Gio.File.new_for_path('/'), log))
            ok(item >= 0);
    });
    while (log.length < 3)
        await new Promise(resolve => GLib.idle_add(GLib.PRIORITY_DEFAULT, () => resolve() ?? false));
    task.cancel();
    await checkCancelled(task);
    equal(log.at(-1), 'closed');
});

test('what Gio._promisify() has made fails, and takes a cancellable, as before', async () => {
    const nowhere = Gio.File.new_for_path('/does/not/exist');
    const query = cancellable => nowhere.query_info_async('*', Gio.FileQueryInfoFlags.NONE, 0, cancellable);
    ok((await raises(query(null))).matches(Gio.IOErrorEnum, Gio.IOErrorEnum.NOT_FOUND));
    const error = await raises(Coro.spawn(() => query(null)));
    ok(error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.NOT_FOUND));

    const cancellable = new Gio.Cancellable();
    cancellable.cancel();
    await checkCancelled(Coro.spawn(() => query(cancellable)));
    ok((await raises(Coro.spawn(() => nowhere.copy_async(nowhere, Gio.FileCopyFlags.NONE, 0, null, null)))) instanceof GLib.Error);
});

test('a call that fails a precondition fails', async () => {
    const files = Gio.File.new_for_path('/').enumerate_children('standard::name', Gio.FileQueryInfoFlags.NONE, null);
    GLib.test_expect_message('GLib-GIO', GLib.LogLevelFlags.LEVEL_CRITICAL, '*num_files >= 0*');
    const error = await raises(Coro.spawn(() => files.next_files_async(-1, 0, null)));
    GLib.test_assert_expected_messages_internal('Coro', 'test-tasks.js', 0, '');
    ok(error.matches(Coro.Error, Coro.Error.NO_RESULT));
});

test('nothing begins after a cancel', async () => {
    const [file, stream] = Gio.File.new_tmp(null);
    stream.close(null);
    await checkCancelled(Coro.spawn(async self => {
        self.cancel();
        await file.delete_async(0, null);
    }));
    ok(file.query_exists(null), 'it is gone');
    file.delete(null);
});

test('tasks that wait for each other', async () => {
    const tasks = {};
    tasks.a = Coro.spawn(() => tasks.b);
    tasks.b = Coro.spawn(() => tasks.a);
    ok((await raises(tasks.a)).matches(Coro.Error, Coro.Error.PROTOCOL));
    const task = Coro.spawn(self => Coro.gather(self));
    ok((await raises(task)).matches(Coro.Error, Coro.Error.PROTOCOL));
});

test('the result of a task is that of its function', async () => {
    const task = Coro.spawn(() => give(1));
    ok(throws(() => task.resolve(2)) instanceof TypeError);
    ok(throws(() => task.reject(new Error())) instanceof TypeError);
    equal(await task, 1);
});

// --- gather ----------------------------------------------------------------------------

test('gather gives the results in order', async () => {
    same(await Coro.gather(give('slow', 2), give('fast', 1), Fixture.spawn_return(2, true), 5), ['slow', 'fast', -42, 5]);
    same(await Coro.gather(), []);
});

test('gather fails with the first error', async () => {
    const slow = Coro.spawn(() => give(1, 5));
    ok(await raises(Coro.gather(slow, Coro.spawn(async () => {
        throw new RangeError();
    }))) instanceof RangeError);
    ok(!slow.is_done());
    equal(await slow, 1);
});

test('cancelling gather cancels all', async () => {
    const log = [];
    const both = Coro.gather(Coro.spawn(() => forever(log)), Coro.spawn(() => forever(log)));
    await Coro.sleep(1);
    both.cancel();
    await checkCancelled(both);
    same(log, ['cancelled', 'cancelled']);
});

test('values and errors come through as they are', async () => {
    const value = {}, error = new RangeError('mine');
    const succeed = () => Coro.spawn(async () => value);
    const failing = () => Coro.spawn(async () => {
        throw error;
    });
    equal(await succeed().shield(), value);
    equal(await succeed().shield().shield(), value);
    equal(await Coro.race([succeed()]), value);
    equal(await Coro.race(succeed(), new Promise(() => {})), value);
    equal(await Coro.race([Promise.resolve(value)]), value);
    equal(await raises(failing().shield()), error);
    equal(await raises(failing().shield().shield()), error);
    equal(await raises(Coro.gather(failing())), error);
    same(await Coro.gather([give(1), give(2)]), [1, 2]);
    for (const odd of [undefined, null, 0, '']) {
        const future = new Coro.Future();
        future.reject(odd);
        let caught = 'nothing';
        try {
            await future.shield();
        } catch (thrown) {
            caught = thrown;
        }
        equal(caught, odd);
    }
    ok(throws(() => Coro.race()) instanceof TypeError);
    ok(throws(() => Coro.race([])) instanceof TypeError);
});

// --- lifetime --------------------------------------------------------------------------

test('callbacks and awaits keep their futures', async () => {
    const log = [];
    Coro.sleep(10).on_done(future => log.push(future.result()));
    Coro.sleep(20).then(value => log.push(value));
    (async () => log.push(await Coro.sleep(30)))();
    await Coro.sleep(1);
    await collect();
    await Coro.sleep(100);
    same(log, [null, null, null]);
});

test('calls come in order unless they are called off', async () => {
    const log = [];
    Coro.call_later(20, () => log.push('later'));
    const id = Coro.call_later(10, () => log.push('never'));
    Coro.call_soon(() => log.push('soon'));
    Coro.call_soon(() => Coro.spawn(async () => {
        await Coro.sleep(0);
        log.push('spawned');
    }));
    await collect();
    same(Coro.call_cancel(id), true);
    same(Coro.call_cancel(id), false);
    await Coro.sleep(100);
    same(log, ['soon', 'spawned', 'later']);
});

test('awaiting leaves nothing behind', async () => {
    let alive = 0;
    const count = future => {
        alive++;
        Fixture.count_when_gone(future);
        return future;
    };
    const before = Fixture.get_n_gone();

    await (async () => {
        for (let i = 0; i < 200; i++) {
            await count(Coro.sleep(0));
            await count(Fixture.spawn_return(2, false));
            const future = count(new Coro.Future());
            future.resolve({future});
            await future;
            await count(Coro.spawn(() => give({})));
            await raises(count(Coro.spawn(() => Promise.reject(new RangeError()))));
            const task = count(Coro.spawn(forever));
            await Coro.sleep(0);
            task.cancel();
            await raises(task);
        }
    })();
    await collect();
    await collect();
    const left = alive - (Fixture.get_n_gone() - before);
    print(`# ${left} of ${alive}`);
    ok(left <= 12, `${left} of ${alive} are left`);
});

test('memory stays flat', async () => {
    const resident = async () => {
        await collect();
        const [, data] = GLib.file_get_contents('/proc/self/statm');
        return Number(new TextDecoder().decode(data).split(' ')[1]) * 4096;
    };
    const rounds = async n => {
        for (let i = 0; i < n; i++) {
            await Coro.sleep(0);
            const future = new Coro.Future();
            future.on_done(() => {});
            future.resolve({});
            await future;
            const task = Coro.spawn(forever);
            await Coro.sleep(0);
            task.cancel();
            await raises(task);
            await Coro.spawn(() => Coro.sleep(0)).shield();
        }
    };

    // What leaks grows in every round; the heap of a single one goes up and down by megabytes.
    await rounds(1500);
    let more = Infinity;
    for (let i = 0; i < 3; i++) {
        const before = await resident();
        await rounds(1500);
        more = Math.min(more, await resident() - before);
    }
    print(`# ${more} bytes more`);
    ok(more < 2 << 20, `${more} bytes more`);
});

// --- priorities ------------------------------------------------------------------------

test('priority of a task', async () => {
    const task = Fixture.spawn_return(2, true);
    const seen = [];
    task.connect('notify::priority', () => seen.push(task.priority));
    equal(task.priority, Coro.Priority.DEFAULT);
    task.priority = Coro.Priority.HIGH;
    equal(task.get_priority(), Coro.Priority.HIGH);
    task.set_priority(Coro.Priority.LOW);
    same(seen, [Coro.Priority.HIGH, Coro.Priority.LOW]);
    equal(await task, -42);
    task.priority = Coro.Priority.HIGH;
    equal(task.priority, Coro.Priority.LOW);
});

await main();
