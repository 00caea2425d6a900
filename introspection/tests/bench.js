// SPDX-License-Identifier: LGPL-2.1-or-later
// µs per operation, seen from JavaScript: gjs -m bench.js
import Coro from 'gi://Coro?version=1';
import Fixture from 'gi://CoroFixture?version=1';
import GLib from 'gi://GLib';

const N = 20000;

async function measure(name, step) {
    for (let i = 0; i < N / 10; i++)
        await step();
    const start = GLib.get_monotonic_time();
    for (let i = 0; i < N; i++)
        await step();
    print(`${name}\t${((GLib.get_monotonic_time() - start) / N).toFixed(2)}\tµs`);
}

const done = new Coro.Future();
done.resolve(5);
await done;

await measure('empty-promise', () => Promise.resolve());
await measure('await-done', () => done);
await measure('make-and-await-done', () => Coro.Future.new_for_value(5));
await measure('await-pending', () => Coro.sleep(0));
await measure('spawn-await', () => Coro.spawn(async () => {}));
await Coro.spawn(async () => {
    await measure('task.await-pending', () => Coro.sleep(0));
});
await measure('c-task', () => Fixture.spawn_return(Fixture.Kind.INT, false));
