// Clicks through window.js and saves pictures of it, for the tests.
// SPDX-License-Identifier: CC0-1.0
import Coro from 'gi://Coro?version=1';
import Gtk from 'gi://Gtk?version=4.0';
import System from 'system';

// Cancels, loads, closes in the middle of loading.
export async function tour(window, path) {
    try {
        await runTour(window, path);
    } catch (error) {
        logError(error);
        System.exit(1);
    }
}

async function runTour(window, path) {
    await settle(window);
    window.load_button.emit('clicked');
    await until(() => window.label.label.includes(' of '));
    check(window.spinner.spinning);
    await settle(window);
    save(window, path.replace(/(\.[^.]*)$/, '-loading$1'));

    window.cancel_button.emit('clicked');
    await until(() => window.task.is_done());
    check(window.task.get_state() === Coro.FutureState.CANCELLED);
    check(window.label.label === 'Loading was cancelled');
    print('cancelled');
    check(!window.spinner.spinning);

    window.load_button.emit('clicked');
    await window.task;
    check(window.label.label.endsWith('bytes are loaded'));
    print('loaded');
    await settle(window);
    save(window, path);

    window.load_button.emit('clicked');
    await until(() => window.label.label.includes(' of '));
    const {task, application} = window;
    application.hold();
    window.close();
    await until(() => task.is_done());
    check(task.get_state() === Coro.FutureState.CANCELLED);
    print('cancelled by closing');
    application.release();
}

function check(condition) {
    if (!condition)
        throw new Error('not as it should be');
}

async function until(condition) {
    while (!condition())
        await Coro.sleep(5);
}

// Waits until the window is drawn.
async function settle(window) {
    let frames = 0;
    window.add_tick_callback(() => ++frames < 5);
    await until(() => frames >= 5);
}

function save(window, path) {
    const snapshot = new Gtk.Snapshot();
    new Gtk.WidgetPaintable({widget: window}).snapshot(snapshot, window.get_width(), window.get_height());
    window.get_renderer().render_texture(snapshot.to_node(), null).save_to_png(path);
}
