#!/usr/bin/env python3
# Runs programs of examples/ by the real clock, and checks what the texts promise.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# check-programs.py EXAMPLES SOURCE OBJECTS: the folder with the programs, the root of the
# source, the folder with the library's objects
import glob
import os
import re
import subprocess
import sys
import tempfile

EXAMPLES, SOURCE, OBJECTS = sys.argv[1:]
CASES = []


def case(path):
    def add(function):
        CASES.append((path, function))
        return function
    return add


def run(*args):
    done = subprocess.run([os.path.join(EXAMPLES, args[0]), *args[1:]], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    equal(done.stderr, '')
    equal(done.returncode, 0)
    return done.stdout


def read(*path):
    with open(os.path.join(SOURCE, *path)) as file:
        return file.read()


def equal(got, wanted):
    if got != wanted:
        raise AssertionError('got %r, wanted %r' % (got, wanted))


def none(found):
    if found:
        raise AssertionError(', '.join(map(str, found)))


# --- programs --------------------------------------------------------------------------

@case('/spec/S351/smallest-scheduler')
def scheduler():
    equal(run('scheduler'), 'a start\nb start\na end\nb end\n')
    code = read('examples', 'scheduler.c').split('*/', 1)[1]
    lines = [line for line in code.splitlines() if line.strip()]
    if len(lines) > 40:
        raise AssertionError('%d lines' % len(lines))


@case('/spec/S353/says-what-it-lacks')
def scheduler_lacks():
    comment = ' '.join(read('examples', 'scheduler.c').split('*/', 1)[0].split())
    none([word for word in ('input and output', 'timers', 'futures', 'cancellation', 'errors', 'state of tasks')
          if word not in comment.replace(' * ', ' ')])


@case('/examples/group')
def group():
    equal(run('group'), 'a dry run: it ticks\nthe pump broke: it ticked until then\n')


@case('/examples/device')
def device():
    equal(run('device'), 'event 7\nevent 8\nr-42: the session is closed\n')


@case('/examples/cleanup')
def cleanup():
    closing = 'closing the file\nclosing the connection\n'
    equal(run('cleanup'), 'transferred\n' + closing + closing + 'The operation took too long\n')


@case('/examples/folder')
def folder():
    with tempfile.TemporaryDirectory() as path:
        names = ['file %d' % i for i in range(200)]
        for name in names:
            open(os.path.join(path, name), 'w').close()
        equal(sorted(run('folder', path).splitlines()), sorted(names))
        equal(len(run('folder', path, '70').splitlines()), 70)


@case('/examples/dbus')
def dbus():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b'x' * 12345)
        file.flush()
        lines = run('dbus', 'file://' + file.name, 'file:///nowhere', 'file://' + file.name).splitlines()
    equal(lines[0::2], ['12345 bytes'] * 2)
    equal(lines[1].startswith('no: '), True)


# --- texts -----------------------------------------------------------------------------

def doc_comments():
    """(name, is skipped, text) of each public function."""
    for folder, _, files in os.walk(os.path.join(SOURCE, 'libcoro-glib')):
        for name in sorted(files):
            if name.endswith('.c'):
                text = read(folder, name)
                for match in re.finditer(r'/\*\*\n \* (coro_\w+):(.*)\n((?: \*.*\n)*?) \*/', text):
                    yield match.group(1), '(skip)' in match.group(2), match.group(3)


@case('/spec/S348/says-whether-it-suspends')
def says_whether_it_suspends():
    # In its own words, or those of the function that it is a short form of.
    silent = []
    for name, _, text in doc_comments():
        if not re.search(r'suspend|blocks|waits|Callable from|\[(func|method|ctor)@|`coro_\w+\(\)`', text):
            silent.append(name)
    none(silent)


@case('/spec/S293/what-suspends-is-not-for-bindings')
def what_suspends_is_skipped():
    none([name for name, skipped, text in doc_comments()
          if not skipped and re.search(r'Callable from a coroutine, which (it )?(may )?suspends?', ' '.join(text.replace(' * ', ' ').split()))])


@case('/spec/S367/lowest-layer-knows-no-main-loop')
def lowest_layer():
    paths = glob.glob(os.path.join(OBJECTS, 'fiber_*.o'))
    if not paths:
        raise AssertionError('no objects in ' + OBJECTS)
    found = []
    for path in paths:
        symbols = subprocess.run(['nm', '-u', path], stdout=subprocess.PIPE, text=True, check=True).stdout
        found += ['%s: %s' % (os.path.basename(path), symbol) for symbol in re.findall(r'\bg_(?:main|source)_\w+', symbols)]
    none(found)


# --- what programs do --------------------------------------------------------------------

def sources():
    """(path below the root, code without comments) of the programs that people read."""
    for folder, kinds in (('examples', ('.c',)), ('demo-app', ('.c',)), ('introspection', ('.py', '.js', '.vala'))):
        for path, _, files in sorted(os.walk(os.path.join(SOURCE, folder))):
            name = os.path.relpath(path, SOURCE)
            if 'tests' in name.split(os.sep) or folder == 'introspection' and not name.endswith(('examples', 'vala')):
                continue
            for file in sorted(files):
                if file.endswith(kinds):
                    code = read(name, file)
                    code = re.sub(r'/\*.*?\*/', '', code, flags=re.DOTALL)
                    yield os.path.join(name, file), re.sub(r'(?m)(//|#(?!\s*(?:define|include|if|endif|undef))).*$', '', code)


@case('/spec/S115/one-run-per-program')
def one_run():
    wrong, n_programs = [], 0
    # Those that are about runs.
    about_it = {'examples/runner.c'}
    for path, code in sources():
        runs = len(re.findall(r'\b(?:coro_run|coro_run_main|coro_runner_run|coro_application_run|Coro\.run)\s*\(', code))
        if runs > 1 and path not in about_it:
            wrong.append('%s: %d' % (path, runs))
        n_programs += runs > 0
    none(wrong)
    if n_programs < 20:
        raise AssertionError('only %d programs' % n_programs)


@case('/spec/S199/no-awaitable-of-its-own')
def no_awaitable():
    own = [path for path, code in sources() if re.search(r'CORO_TYPE_AWAITABLE|CoroAwaitableInterface|__await__|Coro\.Awaitable', code)]
    equal(own, ['examples/awaitable.c', 'examples/device.c'])       # which are about it


# --- the tutorial ----------------------------------------------------------------------

@case('/spec/S365/tutorial-has-its-topics')
def tutorial_topics():
    headings = '\n'.join(re.findall(r'^## .*$', read('docs', 'tutorial.md'), re.MULTILINE)).lower()
    none([topic for topic in ('await', 'enter and leave', 'one after the other', 'generators', 'tasks', 'cancel',
                              'groups', 'context variables', 'block') if topic not in headings])


def pieces_of(text):
    """(path of the program that it names last, code) of each piece of code in a text."""
    sides = {'Before': 'tests/examples/callbacks-before.c', 'After': 'tests/examples/callbacks-after.c'}
    path = None
    for match in re.finditer(r'`(examples/[\w-]+\.c)`|\*\*(Before|After)\*\*|```c\n(.*?)```', text, re.DOTALL):
        if match.group(3):
            yield path, match.group(3)
        else:
            path = match.group(1) or sides[match.group(2)]


def shows_programs(name, n_min):
    # Each piece of code in it is in the program that it names, and so compiles.
    pieces = list(pieces_of(read('docs', name)))
    if len(pieces) < n_min:
        raise AssertionError('%d pieces' % len(pieces))
    none(['%s: %s' % (path, code.splitlines()[1]) for path, code in pieces if code not in read(path)])


@case('/docs/tutorial-shows-the-programs')
def tutorial_code():
    shows_programs('tutorial.md', 9)


@case('/docs/callbacks-shows-the-programs')
def callbacks_code():
    shows_programs('callbacks.md', 14)
    # Each side has its other side.
    sides = re.findall(r'\*\*(Before|After)\*\*', read('docs', 'callbacks.md'))
    equal(sides, ['Before', 'After'] * 6)


@case('/docs/examples-index-has-each-once')
def examples_index():
    programs = sorted(os.path.basename(path) for path in glob.glob(os.path.join(SOURCE, 'examples', '*.c')))
    equal(sorted(re.findall(r'\[`([\w-]+\.c)`\]\(\1\)', read('examples', 'README.md'))), programs)
    equal(sorted(re.findall(r'[\w-]+\.c\b(?=`)', read('examples', 'README.md'))), programs)


@case('/docs/texts-name-programs-that-exist')
def names_exist():
    missing = []
    for path in ['README.md', 'CONTRIBUTING.md', 'examples/README.md', *glob.glob(os.path.join(SOURCE, 'docs', '*.md'))]:
        for name in re.findall(r'`((?:tests/)?examples/[\w-]+\.\w+)`', read(path)):
            if not os.path.exists(os.path.join(SOURCE, name)):
                missing.append('%s: %s' % (os.path.basename(path), name))
    none(missing)


def main():
    failed = False
    print('1..%d' % len(CASES))
    for number, (path, function) in enumerate(CASES, 1):
        try:
            function()
            print('ok %d %s' % (number, path))
        except Exception as error:
            failed = True
            print('not ok %d %s' % (number, path))
            for line in str(error).splitlines():
                print('# ' + line)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
