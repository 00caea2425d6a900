#!/usr/bin/env python3
# Runs the example programs and compares what they print, exactly.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# check-examples.py FOLDER: the one with the programs
import hashlib
import os
import signal
import socket
import subprocess
import sys
import tempfile

FOLDER = sys.argv[1]
CASES = []


def case(function):
    CASES.append(function)
    return function


def run(*args):
    done = subprocess.run([os.path.join(FOLDER, args[0]), *args[1:]], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def equal(got, wanted):
    if got != wanted:
        raise AssertionError('got %r, wanted %r' % (got, wanted))


@case
def hello():
    equal(run('hello'), (0, 'hello, world\n', ''))


@case
def download_files():
    with tempfile.TemporaryDirectory() as folder:
        urls = []
        for i in range(8):
            path = os.path.join(folder, 'file %d' % i)
            with open(path, 'wb') as file:
                file.write(b'x' * i * 100000)
            urls.append('file://' + path.replace(' ', '%20'))
        wanted = ''.join('%s %d\n' % (url, i * 100000) for i, url in enumerate(urls))
        equal(run('download', *urls), (0, wanted, ''))


@case
def download_nothing():
    equal(run('download'), (0, '', ''))


@case
def download_missing_file_is_one_clear_message():
    with tempfile.TemporaryDirectory() as folder:
        good = os.path.join(folder, 'good')
        with open(good, 'w') as file:
            file.write('good')
        missing = 'file://' + os.path.join(folder, 'missing')
        status, out, err = run('download', 'file://' + good, missing)
        equal(status, 1)
        equal(out, '')
        equal(err.count('\n'), 1)
        if not (err.startswith(missing + ': ') and 'No such file or directory' in err):
            raise AssertionError(err)


def by_number(lines):
    # Three consumers take in order; which of them speaks first is theirs where the machine is slow.
    return sorted(lines, key=lambda line: int(line.split()[1]))


@case
def queue_gives_every_job_once():
    status, out, err = run('queue', '7')
    equal((status, err), (0, ''))
    equal(by_number(out.splitlines()), ['job %d' % i for i in range(7)])


@case
def queue_interrupted_finishes_what_is_queued():
    program = subprocess.Popen([os.path.join(FOLDER, 'queue'), '100000'], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=dict(os.environ, G_MESSAGES_DEBUG=''))
    try:
        # Its consumers are at work once they have said something.
        first = program.stdout.readline()
        program.send_signal(signal.SIGINT)
        lines = (first + program.stdout.read()).splitlines()
        err = program.stderr.read()
        program.wait(timeout=60)
    finally:
        program.kill()
    equal((program.returncode, err), (0, ''))
    equal(by_number(lines), ['job %d' % i for i in range(len(lines))])
    # What had been taken and what was queued: no more than 3 consumers and 8 places at a time.
    if not 8 <= len(lines) < 1000:
        raise AssertionError('%d lines' % len(lines))


@case
def echo_serves_many_and_ends_when_interrupted():
    server = subprocess.Popen([os.path.join(FOLDER, 'echo-server')], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        port = server.stdout.readline().strip()
        texts = ['text %d %s' % (i, 'x' * i * 1000) for i in range(20)]
        status, out, err = run('echo-client', port, *texts)
        equal((status, sorted(out.splitlines()), err), (0, sorted(texts), ''))
        server.send_signal(signal.SIGINT)
        equal((server.wait(timeout=60), server.stdout.read()), (130, ''))
    finally:
        server.kill()
    status, out, err = run('echo-client', port, 'anybody?')
    equal((status, out), (1, ''))
    if 'refused' not in err:
        raise AssertionError(err)


@case
def hash_server_answers_many_on_all_workers():
    server = subprocess.Popen([os.path.join(FOLDER, 'hash-server')], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline())
        clients = [socket.create_connection(('127.0.0.1', port), timeout=60) for _ in range(20)]
        for turn in range(3):
            texts = [b'%d of %d' % (turn, i) for i in range(20)]
            for client, text in zip(clients, texts):
                client.sendall(text)
            for client, text in zip(clients, texts):
                equal(client.recv(64, socket.MSG_WAITALL).decode(), hashlib.sha256(text).hexdigest())
        server.send_signal(signal.SIGINT)
        equal([client.recv(1) for client in clients], [b''] * 20)
        equal((server.wait(timeout=60), server.stdout.read(), server.stderr.read()), (130, '', ''))
    finally:
        server.kill()


def main():
    failed = False
    print('1..%d' % len(CASES))
    for number, function in enumerate(CASES, 1):
        name = '/examples/' + function.__name__.replace('_', '-')
        try:
            function()
            print('ok %d %s' % (number, name), flush=True)
        except Exception as error:          # whatever it is, it is this case's
            failed = True
            print('not ok %d %s' % (number, name), flush=True)
            print('# %s: %s' % (type(error).__name__, str(error).replace('\n', '\n# ')), flush=True)
    return 1 if failed else 0


sys.exit(main())
