#!/usr/bin/env -S gjs -m
// A window that loads a file piece by piece and stays smooth meanwhile.  Cancel stops it,
// and so does closing the window: window.js [--screenshot PNG] [FILE]
// SPDX-License-Identifier: CC0-1.0
import Coro from 'gi://Coro?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Gtk from 'gi://Gtk?version=4.0';
import System from 'system';
import {tour} from './tour.js';

Gio._promisify(Gio.File.prototype, 'read_async');
Gio._promisify(Gio.FileInputStream.prototype, 'query_info_async');
Gio._promisify(Gio.InputStream.prototype, 'read_bytes_async');

const Window = GObject.registerClass(class Window extends Gtk.ApplicationWindow {
    _init(application, file) {
        super._init({application, title: file.get_basename(), default_width: 560, default_height: 420});
        this.file = file;
        this.task = null;

        this.load_button = new Gtk.Button({label: '_Load', use_underline: true});
        this.load_button.connect('clicked', () => {
            this.task = Coro.spawn(task => this.load(task));
        });
        this.cancel_button = new Gtk.Button({label: '_Cancel', use_underline: true, sensitive: false});
        this.cancel_button.connect('clicked', () => this.task.cancel());
        this.spinner = new Gtk.Spinner();
        const header = new Gtk.HeaderBar();
        header.pack_start(this.load_button);
        header.pack_start(this.cancel_button);
        header.pack_end(this.spinner);
        this.set_titlebar(header);

        this.label = new Gtk.Label({
            label: 'Nothing is loaded yet', xalign: 0,
            margin_top: 12, margin_bottom: 12, margin_start: 12, margin_end: 12,
        });
        this.text = new Gtk.TextView({
            editable: false, cursor_visible: false, monospace: true, left_margin: 12, right_margin: 12,
        });
        const box = new Gtk.Box({orientation: Gtk.Orientation.VERTICAL});
        box.append(this.label);
        box.append(new Gtk.ScrolledWindow({child: this.text, vexpand: true}));
        this.set_child(box);
        this.connect('close-request', () => {
            this.task?.cancel();
            return false;
        });
    }

    async load(task) {
        this.load_button.sensitive = false;
        this.cancel_button.sensitive = true;
        this.spinner.start();
        try {
            const contents = await task.wait(this.read(task));
            this.text.buffer.set_text(new TextDecoder().decode(contents), -1);
            this.label.label = `${contents.length} bytes are loaded`;
        } catch (error) {
            const cancelled = error instanceof GLib.Error && error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
            this.label.label = cancelled ? 'Loading was cancelled' : error.message;
            if (cancelled)
                throw error;
        } finally {
            this.spinner.stop();
            this.cancel_button.sensitive = false;
            this.load_button.sensitive = true;
        }
    }

    async read(task) {
        const {cancellable} = task;
        const stream = await task.wait(this.file.read_async(GLib.PRIORITY_DEFAULT, cancellable));
        const info = await task.wait(stream.query_info_async(Gio.FILE_ATTRIBUTE_STANDARD_SIZE, GLib.PRIORITY_DEFAULT,
            cancellable));
        const contents = [];
        for (;;) {
            const piece = await task.wait(stream.read_bytes_async(256, GLib.PRIORITY_DEFAULT, cancellable));
            if (piece.get_size() === 0)
                return new Uint8Array(contents);
            contents.push(...piece.toArray());
            this.label.label = `${contents.length} of ${info.get_size()} bytes`;
            await Coro.sleep(20);       // so that there is something to see
        }
    }
});

const args = [...ARGV];
const screenshot = args[0] === '--screenshot' ? args.splice(0, 2)[1] : null;
const file = args.length > 0 ? Gio.File.new_for_commandline_arg(args[0]) : Gio.File.new_for_uri(import.meta.url);

const application = new Gtk.Application({
    application_id: 'io.github.libcoro.JavaScriptWindow',
    flags: Gio.ApplicationFlags.NON_UNIQUE,
});
application.connect('activate', () => {
    const window = new Window(application, file);
    window.present();
    if (screenshot !== null)
        tour(window, screenshot);
});
Coro.application_attach(application);   // what still runs at the end is cancelled and waited for
// Not below an `await` of the module: promises wait for a main loop that one of them runs.
System.exit(application.run(null));
