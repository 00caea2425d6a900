# SPDX-License-Identifier: LGPL-2.1-or-later
"""What bindings can see: nothing that suspends, nothing that hides a GObject method,
no keyword.

check-gir.py GIR…
"""

import keyword
import sys
import xml.etree.ElementTree as ElementTree

from gi.repository import GObject

CORE = '{http://www.gtk.org/introspection/core/1.0}'
GLIB = '{http://www.gtk.org/introspection/glib/1.0}'
C = '{http://www.gtk.org/introspection/c/1.0}'

# Methods that every GObject has, in PyGObject, GJS or GObject itself.  Python is asked below.
TAKEN = {
    'bind_property', 'block_signal_handler', 'chain', 'connect', 'connect_after', 'connect_object', 'disconnect',
    'emit', 'find_property', 'freeze_notify', 'get_data', 'get_property', 'get_properties', 'getv', 'handler_block',
    'is_floating', 'notify', 'notify_by_pspec', 'ref', 'ref_sink', 'run_dispose', 'set', 'set_data', 'set_property',
    'set_properties', 'steal_data', 'stop_emission', 'thaw_notify', 'unref', 'watch_closure', 'weak_ref',
    'constructor', 'hasOwnProperty', 'isPrototypeOf', 'propertyIsEnumerable', 'toLocaleString', 'toString', 'valueOf',
}
# What cannot be written, or means something else, in JavaScript, which awaits what has a `then`.
JAVASCRIPT = set("""
    await break case catch class const continue debugger default delete do else enum export extends false finally for
    function if implements import in instanceof interface let new null package private protected public return static
    super switch this throw true try typeof var void while with yield then arguments eval
""".split())
VALA = set("""
    abstract as async base break case catch class const construct continue default delegate delete do dynamic else
    ensures enum errordomain extern false finally for foreach get if in inline interface internal is lock namespace new
    null out override owned params private protected public ref requires return sealed set signal sizeof static struct
    switch this throw throws true try typeof unlock unowned using value var virtual void volatile weak while with yield
""".split())
KEYWORDS = set(keyword.kwlist) | JAVASCRIPT | VALA
# A constructor of that name is what `new Foo()` and `Foo()` call.
CONSTRUCTORS = {'new'}
# A doc comment that says so.
SUSPENDS = ('which it suspends', 'which it may suspend', 'may suspend', 'which suspends')

CALLABLES = ('function', 'method', 'constructor', 'virtual-method')


def callables(node, path=''):
    for child in node:
        tag = child.tag.removeprefix(CORE)
        name = f"{path}{child.get('name')}"
        if tag in CALLABLES:
            yield tag, name, child
        elif tag in ('class', 'interface', 'record', 'enumeration'):
            yield from callables(child, f'{name}.')


def is_keyword(tag, name):
    return name in KEYWORDS and not (tag == 'constructor' and name in CONSTRUCTORS)


def called(name, node):
    """What a language calls it, without the type."""
    return node.get('shadows') or name.rpartition('.')[2]


def parameters(node):
    return [(parameter.get('name') or '...') for parameter in node.findall(f'{CORE}parameters/{CORE}parameter')]


def signature(node):
    """What a caller sees of a method: it must be the same for every type of the object."""
    returned = node.find(f'{CORE}return-value')
    return returned.find(f'{CORE}type').get('name'), parameters(node), node.get('throws')


def hiding(namespace):
    """Methods that mean something else than the method of the same name that a parent has."""
    types = {node.get('name'): node for node in namespace if node.tag in (f'{CORE}class', f'{CORE}interface')}
    for name, node in types.items():
        methods = {called(child.get('name'), child): child for child in node.findall(f'{CORE}method') if visible(child)}
        parent = types.get(node.get('parent'))
        while parent is not None:
            for child in parent.findall(f'{CORE}method'):
                other = methods.get(called(child.get('name'), child))
                if visible(child) and other is not None and signature(other) != signature(child):
                    yield f"{name}.{other.get('name')}"
            parent = types.get(parent.get('parent'))


def doc(node):
    element = node.find(f'{CORE}doc')
    return '' if element is None else ' '.join(element.text.split())


def visible(node):
    return node.get('introspectable') != '0' and node.get('shadowed-by') is None


def check(path):
    namespace = ElementTree.parse(path).getroot().find(f'{CORE}namespace')
    found = list(callables(namespace))
    shown = [item for item in found if visible(item[2])]
    names = {name for tag, name, node in shown}

    for tag, name, node in shown:
        if node.get('shadows'):
            print(f"# {tag} {name.rpartition('.')[0]}{node.get('shadows')} ({node.get(C + 'identifier')})")
        else:
            print(f"# {tag} {name} ({node.get(C + 'identifier')})")

    yield (f'{path}: something is visible', [] if shown or namespace.get('name') != 'Coro' else ['nothing'])
    yield (f'{path}: nothing that suspends is visible',
           [name for tag, name, node in shown if any(phrase in doc(node) for phrase in SUSPENDS)])
    yield (f'{path}: everything undocumented is invisible',
           [name for tag, name, node in shown if tag != 'virtual-method' and not name.endswith('_quark') and not doc(node)])
    yield (f'{path}: no method hides one of GObject',
           [name for tag, name, node in shown
            if tag == 'method' and called(name, node) in TAKEN | set(dir(GObject.Object))])
    yield (f'{path}: no method hides another one of a parent', list(hiding(namespace)))
    yield (f'{path}: no name is a keyword',
           [name for tag, name, node in shown if is_keyword(tag, called(name, node))])
    yield (f'{path}: no parameter is a keyword of Python, which can name it',
           [f'{name}({parameter})' for tag, name, node in shown for parameter in parameters(node)
            if keyword.iskeyword(parameter)])
    yield (f'{path}: every enumeration has a type',
           [node.get('name') for node in namespace
            if node.tag in (f'{CORE}enumeration', f'{CORE}bitfield') and node.get(GLIB + 'get-type') is None])
    yield (f'{path}: no type, constant or property is a keyword',
           [node.get('name') for node in namespace.iter()
            if node.tag.removeprefix(CORE) in ('class', 'interface', 'record', 'enumeration', 'bitfield', 'property',
                                              'constant', 'callback')
            and node.get('name') is not None and node.get('name') in KEYWORDS])
    yield (f'{path}: no virtual function but those of overrides is visible',
           [name for tag, name, node in shown
            if tag == 'virtual-method' and name not in ('Future.cancel', 'ForeignTask.wake')])
    if namespace.get('name') == 'Coro':
        suspending = {'await', 'await_int', 'join', 'yield', 'sleep', 'wait_for', 'selectv', 'run', 'run_main', 'each',
                      'run_in_thread', 'file_load_bytes', 'file_save_bytes', 'file_copy_to',
                      'LocalFile.read', 'LocalFile.write', 'LocalFile.sync', 'LocalFile.close', 'call_on_thread_stack', 'main_loop_run', 'spawn_at',
                      'spawn_task_at', 'Queue.put', 'Queue.take', 'TaskGroup.join', 'Lock.acquire', 'Event.wait',
                      'Generator.close', 'Iterator.next', 'Executor.run', 'Executor.shut_down', 'WorkerPool.shut_down'}
        known = {name for tag, name, node in found}
        yield (f'{path}: what suspends is known and invisible',
               sorted((suspending & names) | (suspending - known - {'Iterator.next'})))
        yield (f'{path}: sleep_future() is called sleep()',
               [] if any(node.get('shadows') == 'sleep' for tag, name, node in shown) else ['it is not'])


def main():
    results = [result for path in sys.argv[1:] for result in check(path)]
    print(f'1..{len(results)}')
    for number, (what, wrong) in enumerate(results, 1):
        print(f"{'not ok' if wrong else 'ok'} {number} - {what}")
        if wrong:
            print(f"# {', '.join(wrong)}")
    sys.exit(1 if any(wrong for what, wrong in results) else 0)


main()
