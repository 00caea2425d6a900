// SPDX-License-Identifier: LGPL-2.1-or-later
// Values and errors cross the border between C and JavaScript.

import Coro from 'gi://Coro?version=1';
import Fixture from 'gi://CoroFixture?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import {collect, equal, main, ok, raises, same, test, throws} from './tap.js';

const Kind = Fixture.Kind;

// Results of C coroutines, once of one that was done and once of one that was not.
async function both(kind) {
    const done = Fixture.spawn_return(kind, false);
    await done;
    return [await done, await Fixture.spawn_return(kind, true)];
}

function testKind(name, kind, check) {
    test(`from C: ${name}`, async () => {
        for (const value of await both(kind))
            check(value);
    });
}

testKind('none', Kind.NONE, value => equal(value, null));
testKind('boolean', Kind.BOOLEAN, value => equal(value, true));
testKind('int', Kind.INT, value => equal(value, -42));
testKind('int64', Kind.INT64, value => equal(value, 2 ** 40));
testKind('double', Kind.DOUBLE, value => equal(value, 0.5));
testKind('string', Kind.STRING, value => equal(value, 'grüezi'));
testKind('strv', Kind.STRV, value => same(value, ['one', 'zwei']));
testKind('enum', Kind.ENUM, value => equal(value, Kind.ENUM));
testKind('object', Kind.OBJECT, value => ok(value instanceof Fixture.Emitter));
testKind('variant', Kind.VARIANT, value => same(value.recursiveUnpack(), {a: 1, b: 'x'}));

test('from C: boxed outlives its future', async () => {
    for (const value of await both(Kind.BYTES)) {
        await collect();
        ok(value instanceof GLib.Bytes);
        equal(value.get_size(), 1 << 20);
        equal(value.toArray()[12345], 'x'.charCodeAt(0));
    }
});

test('state of a task is that of the future', async () => {
    const task = Fixture.spawn_return(Kind.INT, true);
    equal(task.get_state(), Coro.FutureState.PENDING);
    equal(task.get_coroutine_state(), Coro.CoroutineState.CREATED);
    await task;
    equal(task.get_state(), Coro.FutureState.RESOLVED);
    equal(task.get_coroutine_state(), Coro.CoroutineState.CLOSED);
});

test('awaiting consumes nothing', async () => {
    const task = Fixture.spawn_return(Kind.INT, true);
    same([await task, await task, task.result()], [-42, -42, -42]);
});

test('every value comes back as it was', async () => {
    const values = [null, undefined, true, 0, -0, 1, -1, 2 ** 31, 2 ** 40, 0.1, NaN, Infinity, 10n ** 30n, '', 'ä', 'a\0b',
        Symbol('s'), {}, [], [1, 'two'], new Map(), () => 0, class {}, new Date(), new Uint8Array(3), new Fixture.Emitter(),
        new GLib.Variant('s', 'x'), new GLib.Bytes('x')];

    for (const value of values) {
        const future = new Coro.Future();
        ok(future.resolve(value));
        const result = await future;
        if (typeof value === 'number')
            ok(result === value || (Number.isNaN(result) && Number.isNaN(value)), `${result} ${value}`);
        else if (value === undefined)
            equal(result, null);
        else
            equal(result, value);
    }
});

test('C sees basic types', async () => {
    for (const [value, text] of [[null, 'nothing'], [5, 'gint 5'], [0.5, 'gdouble 0.500000'], [true, 'gboolean TRUE'],
        ['x', 'gchararray "x"'], [{}, 'nothing'], [[1], 'nothing'], [new GLib.Bytes('x'), 'GBytes boxed']]) {
        const future = new Coro.Future();
        const task = Fixture.spawn_describe(future);
        future.resolve(value);
        equal(await task, text);
    }
});

test('only the first result counts', async () => {
    const future = new Coro.Future();
    const value = {};
    ok(future.resolve(value));
    ok(!future.resolve({}));
    ok(!future.reject(new Error()));
    ok(!future.cancel());
    equal(await future, value);
});

test('a thread completes a future', async () => {
    const future = new Coro.Future();
    Fixture.resolve_in_thread(future, 9);
    equal(await future, 9);
});

test('a GError from C', async () => {
    const error = await raises(Fixture.spawn_fail(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND));
    ok(error instanceof Gio.IOErrorEnum);
    ok(error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.NOT_FOUND));
    equal(error.message, 'it failed in C');
});

test('an error of ours from C', async () => {
    const error = await raises(Fixture.spawn_fail(Coro.error_quark(), Coro.Error.CLOSED));
    ok(error instanceof Coro.Error);
    ok(error.matches(Coro.Error, Coro.Error.CLOSED));
});

test('cancelled from C', async () => {
    const error = await raises(Fixture.spawn_fail(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED));
    ok(error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED));
});

test('JavaScript gets its own error back', async () => {
    for (const error of [new RangeError('x'), new (class Mine extends Error {})('y'), 'text', {}]) {
        const future = new Coro.Future();
        future.reject(error);
        equal(await raises(future), error);
        equal(throws(() => future.result()), error);
    }
});

test('a GLib.Error keeps its class', async () => {
    const future = new Coro.Future();
    future.reject(new Gio.IOErrorEnum({code: Gio.IOErrorEnum.EXISTS, message: 'there'}));
    const error = await raises(future);
    ok(error instanceof Gio.IOErrorEnum);
    equal(error.code, Gio.IOErrorEnum.EXISTS);
    equal(error.message, 'there');
});

test('C sees a GError', async () => {
    const future = new Coro.Future();
    const task = Fixture.spawn_describe(future);
    future.reject(new RangeError('from JavaScript'));
    const error = await raises(task);
    ok(error instanceof GLib.Error);
    equal(error.message, 'RangeError: from JavaScript');
    await raises(future);
});

test('the result of a pending future is an error', async () => {
    const future = new Coro.Future();
    ok(throws(() => future.result()).matches(Coro.Error, Coro.Error.NO_RESULT));
    future.resolve();
    equal(future.result(), null);
});

test('an error in a callback reaches C', async () => {
    const future = new Coro.Future();
    const log = [];
    future.on_done(() => {
        log.push('called');
        throw new RangeError('in a callback');
    });
    GLib.test_expect_message('Coro', GLib.LogLevelFlags.LEVEL_WARNING, '*A callback of a future failed*in a callback*');
    future.resolve();
    await Coro.sleep(1);
    GLib.test_assert_expected_messages_internal('Coro', 'test-values.js', 0, '');
    same(log, ['called']);
});

await main();
