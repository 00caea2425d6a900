// SPDX-License-Identifier: LGPL-2.1-or-later
// A very small test harness: async functions one after the other, TAP on stdout.

import System from 'system';
import Coro from 'gi://Coro?version=1';

const tests = [];

export function test(name, func) {
    tests.push([name, func]);
}

function fail(message) {
    throw new Error(message);
}

export function equal(actual, expected) {
    if (!Object.is(actual, expected))
        fail(`${actual} is not ${expected}`);
}

export function same(actual, expected) {
    equal(JSON.stringify(actual), JSON.stringify(expected));
}

export function ok(value, message = 'not true') {
    if (!value)
        fail(message);
}

// What awaiting throws.
export async function raises(awaitable) {
    let value;
    try {
        value = await awaitable;
    } catch (error) {
        return error;
    }
    return fail(`${value} came, and no error`);
}

// What a function throws.
export function throws(func) {
    try {
        func();
    } catch (error) {
        return error;
    }
    return fail('nothing was thrown');
}

// Sleeps take no time, and several rounds make finalizers run.
export const scheduler = Coro.Scheduler.ref_for_context(null);

export async function collect() {
    for (let i = 0; i < 4; i++) {
        System.gc();
        await Coro.sleep(1);
    }
}

export async function main() {
    let failed = 0;

    Coro.test_clock_start(scheduler, true);
    print(`1..${tests.length}`);
    for (const [index, [name, func]] of tests.entries()) {
        try {
            await func();
            print(`ok ${index + 1} - ${name}`);
        } catch (error) {
            failed++;
            print(`not ok ${index + 1} - ${name}`);
            for (const line of `${error}\n${error.stack ?? ''}`.trim().split('\n'))
                print(`# ${line}`);
        }
    }
    if (failed > 0)
        System.exit(1);
}
