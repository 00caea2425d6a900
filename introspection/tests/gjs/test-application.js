// SPDX-License-Identifier: LGPL-2.1-or-later
// Coroutines end with the application.  Not below an `await`: promises would have to wait
// for the main loop that one of them runs.

import Coro from 'gi://Coro?version=1';
import Gio from 'gi://Gio';
import System from 'system';

const log = [];
const application = new Gio.Application({
    application_id: 'io.github.libcoro.Test',
    flags: Gio.ApplicationFlags.NON_UNIQUE,
});

Coro.application_attach(application);
application.connect('activate', () => {
    Coro.spawn(async () => {
        try {
            await Coro.sleep(3600 * 1000);
        } finally {
            await Coro.sleep(1);
            log.push('cleaned up');
        }
    });
});
application.hold();
Coro.sleep(10).on_done(() => application.quit());
application.run(null);

const passed = log.join() === 'cleaned up';
print('1..1');
print(`${passed ? 'ok' : 'not ok'} 1 - coroutines end with the application`);
System.exit(passed ? 0 : 1);
