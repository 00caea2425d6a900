# Clicks through window.py and saves pictures of it, for the tests.
# SPDX-License-Identifier: CC0-1.0
import ctypes
import ctypes.util
import os
import sys
import tempfile

from gi.repository import Coro, Gio, Gtk

LARGE = 1 << 20     # bytes: at 256 in 20 ms that is longer than anything here takes


async def tour(window, path):
    """Cancels, loads, closes in the middle of loading, and leaves with an exit status."""
    try:
        await run_tour(window, path)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)


async def run_tour(window, path):
    stem, extension = os.path.splitext(path)
    small = window.file
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(LARGE)
        window.file = Gio.File.new_for_path(file.name)
        await cancel_and_load(window, small, stem, extension)
        window.file = Gio.File.new_for_path(file.name)
        await close(window)


async def cancel_and_load(window, small, stem, extension):
    window.load_button.emit('clicked')
    await until(lambda: ' of ' in window.label.get_label())
    assert window.spinner.get_spinning()
    await save(window, f'{stem}-loading{extension}')

    window.cancel_button.emit('clicked')
    await until(lambda: window.task.done())
    assert window.task.cancelled()
    assert window.label.get_label() == 'Loading was cancelled'
    print('cancelled')
    assert not window.spinner.get_spinning()

    window.file = small
    window.load_button.emit('clicked')
    await window.task
    assert window.label.get_label().endswith('bytes are loaded')
    print('loaded')
    await save(window, f'{stem}{extension}')


async def close(window):
    window.load_button.emit('clicked')
    await until(lambda: ' of ' in window.label.get_label())
    task = window.task
    application = window.get_application()
    application.hold()
    window.close()
    await until(lambda: task.done())
    assert task.cancelled()
    print('cancelled by closing', flush=True)
    application.release()


async def until(condition):
    while not condition():
        await Coro.sleep(0.005)


async def save(window, path):
    """Takes the picture right after a paint: from the next change to the next paint there is none."""
    await until(window.get_mapped)
    clock = window.get_frame_clock()
    saved = []

    def after_paint_cb(clock):
        if not saved and window.get_width() > 0 and save_now(window, path):
            saved.append(path)
        elif not saved:
            window.queue_draw()

    handler = clock.connect('after-paint', after_paint_cb)
    window.queue_draw()
    await until(lambda: saved)
    clock.disconnect(handler)


def save_now(window, path):
    """PyGObject 3.42 can return no GskRenderNode, so that this is C by hand."""
    gtk = ctypes.CDLL(ctypes.util.find_library('gtk-4'))
    for name in ['gtk_snapshot_to_node', 'gsk_renderer_render_texture']:
        getattr(gtk, name).restype = ctypes.c_void_p
    snapshot = Gtk.Snapshot()
    Gtk.WidgetPaintable.new(window).snapshot(snapshot, window.get_width(), window.get_height())
    node = gtk.gtk_snapshot_to_node(ctypes.c_void_p(hash(snapshot)))
    if node is None:
        return False
    texture = gtk.gsk_renderer_render_texture(ctypes.c_void_p(hash(window.get_renderer())), ctypes.c_void_p(node), None)
    saved = gtk.gdk_texture_save_to_png(ctypes.c_void_p(texture), path.encode())
    gtk.gsk_render_node_unref(ctypes.c_void_p(node))
    gtk.g_object_unref(ctypes.c_void_p(texture))
    return bool(saved)
