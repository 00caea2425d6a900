// Clicks through window.js and saves pictures of it, for the tests.
// SPDX-License-Identifier: CC0-1.0
import Coro from 'gi://Coro?version=1';
import Gio from 'gi://Gio';
import Gtk from 'gi://Gtk?version=4.0';
import System from 'system';

const LARGE = 1 << 20;  // bytes: at 256 in 20 ms that is longer than anything here takes

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
    const small = window.file;
    const [large, stream] = Gio.File.new_tmp('coro-tour-XXXXXX');
    stream.truncate(LARGE, null);
    window.file = large;
    window.load_button.emit('clicked');
    await until(() => window.label.label.includes(' of '));
    check(window.spinner.spinning);
    await save(window, path.replace(/(\.[^.]*)$/, '-loading$1'));

    window.cancel_button.emit('clicked');
    await until(() => window.task.is_done());
    check(window.task.get_state() === Coro.FutureState.CANCELLED);
    check(window.label.label === 'Loading was cancelled');
    print('cancelled');
    check(!window.spinner.spinning);

    window.file = small;
    window.load_button.emit('clicked');
    await window.task;
    check(window.label.label.endsWith('bytes are loaded'));
    print('loaded');
    await save(window, path);

    window.file = large;
    window.load_button.emit('clicked');
    await until(() => window.label.label.includes(' of '));
    const {task, application} = window;
    application.hold();
    window.close();
    await until(() => task.is_done());
    check(task.get_state() === Coro.FutureState.CANCELLED);
    large.delete(null);
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

// Takes the picture right after a paint: from the next change to the next paint there is none.
async function save(window, path) {
    await until(() => window.get_mapped());
    const clock = window.get_frame_clock();
    let saved = false;
    const handler = clock.connect('after-paint', () => {
        if (!saved && window.get_width() > 0)
            saved = saveNow(window, path);
        if (!saved)
            window.queue_draw();
    });
    window.queue_draw();
    await until(() => saved);
    clock.disconnect(handler);
}

function saveNow(window, path) {
    const snapshot = new Gtk.Snapshot();
    new Gtk.WidgetPaintable({widget: window}).snapshot(snapshot, window.get_width(), window.get_height());
    const node = snapshot.to_node();
    return node !== null && window.get_renderer().render_texture(node, null).save_to_png(path);
}
