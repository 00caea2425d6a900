// Futures in Vala: its own async functions wait for them.
// SPDX-License-Identifier: CC0-1.0

async void wait (Coro.Future future) throws Error {
    future.on_done (() => Idle.add (wait.callback));
    yield;

    unowned Error? error = future.get_error ();
    if (error != null)
        throw error.copy ();
}

async void hello () throws Error {
    print ("hello, ");
    yield wait (Coro.sleep_future (100 * TimeSpan.MILLISECOND));
    print ("world\n");
}

int main () {
    var loop = new MainLoop ();
    var status = 1;

    hello.begin ((source, result) => {
        try {
            hello.end (result);
            status = 0;
        } catch (Error error) {
            printerr ("%s\n", error.message);
        }
        loop.quit ();
    });
    loop.run ();
    return status;
}
