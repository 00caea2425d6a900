// SPDX-License-Identifier: LGPL-2.1-or-later
// The override applies to the old module system, too: gjs test-legacy.js

imports.gi.versions.Coro = '1';
const {Coro, GLib} = imports.gi;

const loop = new GLib.MainLoop(null, false);
let value = null;

Coro.spawn(async () => {
    await Coro.sleep(1);
    return 'done';
}).then(result => {
    value = result;
}).finally(() => loop.quit());
loop.run();

const passed = value === 'done';
print('1..1');
print(`${passed ? 'ok' : 'not ok'} 1 - imports.gi.Coro has the override`);
imports.system.exit(passed ? 0 : 1);
