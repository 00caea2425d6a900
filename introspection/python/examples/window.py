#!/usr/bin/env python3
# A window that loads a file piece by piece and stays smooth meanwhile.  Cancel stops it, and
# so does closing the window: window.py [FILE]
# SPDX-License-Identifier: CC0-1.0
import argparse
import asyncio
import sys

import gi

gi.require_version('Coro', '1')
gi.require_version('Gtk', '4.0')
from gi.repository import Coro, Gio, GLib, Gtk  # noqa: E402


class Window(Gtk.ApplicationWindow):
    def __init__(self, application, file):
        super().__init__(application=application, title=file.get_basename(), default_width=560, default_height=420)
        self.file = file
        self.task = None

        self.load_button = Gtk.Button(label='_Load', use_underline=True)
        self.load_button.connect('clicked', self.load_clicked_cb)
        self.cancel_button = Gtk.Button(label='_Cancel', use_underline=True, sensitive=False)
        self.cancel_button.connect('clicked', self.cancel_clicked_cb)
        self.spinner = Gtk.Spinner()
        header = Gtk.HeaderBar()
        header.pack_start(self.load_button)
        header.pack_start(self.cancel_button)
        header.pack_end(self.spinner)
        self.set_titlebar(header)

        self.label = Gtk.Label(label='Nothing is loaded yet', xalign=0,
                               margin_top=12, margin_bottom=12, margin_start=12, margin_end=12)
        self.text = Gtk.TextView(editable=False, cursor_visible=False, monospace=True, left_margin=12, right_margin=12)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        box.append(self.label)
        box.append(Gtk.ScrolledWindow(child=self.text, vexpand=True))
        self.set_child(box)
        self.connect('close-request', self.close_request_cb)

    def load_clicked_cb(self, button):
        self.task = Coro.spawn(self.load())

    def cancel_clicked_cb(self, button):
        self.task.cancel()

    def close_request_cb(self, window):
        if self.task is not None:
            self.task.cancel()
        return False

    async def load(self):
        self.load_button.set_sensitive(False)
        self.cancel_button.set_sensitive(True)
        self.spinner.start()
        try:
            contents = await self.read()
            self.text.get_buffer().set_text(contents.decode(errors='replace'))
            self.label.set_label(f'{len(contents)} bytes are loaded')
        except asyncio.CancelledError:
            self.label.set_label('Loading was cancelled')
            raise
        except GLib.Error as error:
            self.label.set_label(error.message)
        finally:
            self.spinner.stop()
            self.cancel_button.set_sensitive(False)
            self.load_button.set_sensitive(True)

    async def read(self):
        stream = await Coro.call(self.file.read_async, GLib.PRIORITY_DEFAULT)
        info = await Coro.call(stream.query_info_async, Gio.FILE_ATTRIBUTE_STANDARD_SIZE, GLib.PRIORITY_DEFAULT)
        contents = bytearray()
        while piece := (await Coro.call(stream.read_bytes_async, 256, GLib.PRIORITY_DEFAULT)).get_data():
            contents += piece
            self.label.set_label(f'{len(contents)} of {info.get_size()} bytes')
            await Coro.sleep(0.02)      # so that there is something to see
        return contents


def activate_cb(application, file, screenshot):
    window = Window(application, file)
    window.present()
    if screenshot is not None:
        import tour
        Coro.spawn(tour.tour(window, screenshot))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('file', nargs='?', default=__file__)
    parser.add_argument('--screenshot', metavar='PNG', help='click through the window, save a picture of it and quit')
    args = parser.parse_args()

    application = Gtk.Application(application_id='io.github.libcoro.PythonWindow',
                                  flags=Gio.ApplicationFlags.NON_UNIQUE)
    application.connect('activate', activate_cb, Gio.File.new_for_commandline_arg(args.file), args.screenshot)
    Coro.application_attach(application)        # what still runs at the end is cancelled and waited for
    return application.run()


if __name__ == '__main__':
    sys.exit(main())
