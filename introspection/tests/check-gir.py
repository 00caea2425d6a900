# SPDX-License-Identifier: LGPL-2.1-or-later
"""What bindings can see: nothing that suspends, nothing that hides a GObject method.

check-gir.py GIR…
"""

import sys
import xml.etree.ElementTree as ElementTree

CORE = '{http://www.gtk.org/introspection/core/1.0}'
C = '{http://www.gtk.org/introspection/c/1.0}'

# Methods that every GObject has, in GObject, PyGObject or GJS.
TAKEN = {
    'bind_property', 'block_signal_handler', 'chain', 'connect', 'connect_after', 'connect_object', 'disconnect',
    'emit', 'find_property', 'freeze_notify', 'get_data', 'get_property', 'get_properties', 'getv', 'handler_block',
    'is_floating', 'notify', 'notify_by_pspec', 'ref', 'ref_sink', 'run_dispose', 'set', 'set_data', 'set_property',
    'set_properties', 'steal_data', 'stop_emission', 'thaw_notify', 'unref', 'watch_closure', 'weak_ref',
}
# What means something else in one of the languages.  `raise` is taken in Python alone.
KEYWORDS = {'await', 'finally', 'import', 'then', 'throw', 'yield', 'catch', 'lock', 'signal'}
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
           [name for tag, name, node in shown if tag == 'method' and name.rpartition('.')[2] in TAKEN])
    yield (f'{path}: no name is a keyword',
           [name for tag, name, node in shown if name.rpartition('.')[2] in KEYWORDS])
    yield (f'{path}: no virtual function but cancel is visible',
           [name for tag, name, node in shown if tag == 'virtual-method' and name != 'Future.cancel'])
    if namespace.get('name') == 'Coro':
        suspending = {'await', 'await_int', 'join', 'yield', 'sleep', 'wait_for', 'selectv', 'run', 'run_main', 'each',
                      'run_in_thread', 'file_load_bytes', 'call_on_main_stack', 'main_loop_run', 'spawn_at',
                      'spawn_task_at', 'Queue.put', 'Queue.take', 'TaskGroup.join', 'Lock.acquire', 'Event.wait',
                      'Generator.close', 'Iterator.next'}
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
