// SPDX-License-Identifier: LGPL-2.1-or-later
// C code that suspends, reached from a JavaScript callback, fails and does not crash.

import Coro from 'gi://Coro?version=1';
import Fixture from 'gi://CoroFixture?version=1';
import {equal, main, ok, same, test, throws} from './tap.js';

function recurse(depth) {
    return depth > 0 ? recurse(depth - 1) + 1 : 0;
}

function suspend() {
    return [throws(() => Fixture.sleep(1000)), throws(() => Fixture.wait(new Coro.Future()))];
}

test('on the thread stack handlers work, and cannot suspend', async () => {
    const emitter = new Fixture.Emitter();
    const errors = [];
    emitter.connect('ping', () => {
        errors.push(...suspend());
        equal(recurse(1000), 1000);
    });
    equal(await emitter.emit_on_thread_stack(3), 3);
    equal(errors.length, 6);
    ok(errors.every(error => error.matches(Coro.Error, Coro.Error.NOT_IN_COROUTINE)));
});

test('in an async function', async () => {
    await Coro.spawn(async () => {
        await Coro.sleep(1);
        ok(suspend().every(error => error.matches(Coro.Error, Coro.Error.NOT_IN_COROUTINE)));
    });
});

test('on a fiber the handler does not start, and life goes on', async () => {
    const emitter = new Fixture.Emitter();
    const log = [];
    emitter.connect('ping', () => log.push('never'));
    equal(await emitter.emit_on_fiber(3), 3);
    same(log, []);
    equal(await emitter.emit_on_thread_stack(1), 1);
    same(log, ['never']);
});

test('interleaved emissions', async () => {
    const emitter = new Fixture.Emitter();
    let n = 0;
    emitter.connect('ping', (self, count) => {
        suspend();
        n += recurse(100 + count) > 0 ? 1 : 0;
    });
    const tasks = Array.from({length: 5}, () => emitter.emit_on_thread_stack(50));
    same(await Coro.gather(...tasks), [50, 50, 50, 50, 50]);
    equal(n, 250);
});

test('a handler may spawn and resolve', async () => {
    const emitter = new Fixture.Emitter();
    const log = [];
    const future = new Coro.Future();
    emitter.connect('ping', (self, count) => {
        Coro.spawn(async () => {
            await Coro.sleep(1);
            log.push(count);
        });
        future.resolve(count);
    });
    await emitter.emit_on_thread_stack(3);
    await Coro.sleep(2);
    same(log, [0, 1, 2]);
    equal(await future, 0);
});

test('done futures need not suspend', () => {
    ok(Fixture.wait(Coro.Future.new_for_value(1)));
});

await main();
