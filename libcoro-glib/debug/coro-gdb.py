# libcoro-glib: async/await for GLib
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command `coro bt`: what all coroutines of a process, or of a core, wait for.

gdb loads it together with the library where it is installed; else
`source coro-gdb.py`. It needs the library's debug information.
"""

import gdb
from gdb.unwinder import Unwinder, register_unwinder

STATES = ('free', 'created', 'running', 'suspended')
SUSPENDED = 3


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class ParkedUnwinder(Unwinder):
    """Pretends that the innermost frame was called by a parked coroutine.

    Registers of a core cannot be set, so that the way of other tools, to set them,
    to unwind and to put them back, does not work there.
    """

    def __init__(self):
        super().__init__('coro-parked')
        self.registers = None
        self.innermost = None

    def __call__(self, pending):
        if self.registers is None:
            return None

        sp, pc = pending.read_register('sp'), pending.read_register('pc')
        if self.innermost != (int(sp), int(pc)):
            return None

        info = pending.create_unwind_info(FrameId(sp, pc))
        for name, (value, kind) in self.registers.items():
            info.add_saved_register(name, gdb.Value(value).cast(kind))
        return info


unwinder = ParkedUnwinder()
register_unwinder(None, unwinder, replace=True)


# What swapcontext() saves, as indices of gregs.
GREGS = {
    'i386:x86-64': {'r12': 4, 'r13': 5, 'r14': 6, 'r15': 7, 'rbp': 10, 'rbx': 11, 'rsp': 15, 'rip': 16},
    'i386': {'edi': 4, 'esi': 5, 'ebp': 6, 'esp': 7, 'ebx': 8, 'eip': 14},
}


def uses_ucontext():
    symbol = gdb.lookup_global_symbol('coro_switch')
    return symbol is not None and symbol.symtab.filename.endswith('coro-switch-ucontext.c')


def ucontext_registers(sp, architecture):
    """The registers that the ucontext_t at sp has saved."""
    machine = gdb.Value(sp).cast(gdb.lookup_type('ucontext_t').pointer())['uc_mcontext']
    if architecture in GREGS:
        return {name: int(machine['gregs'][i]) for name, i in GREGS[architecture].items()}
    if architecture.startswith('aarch64'):
        registers = {'x%d' % i: int(machine['regs'][i]) for i in range(19, 31)}
        # It has no pc of its own: it goes on where swapcontext() was called.
        registers.update(pc=int(machine['regs'][30]), sp=int(machine['sp']))
        return registers
    return None


def parked_registers(sp):
    """What coro_switch() has left at sp; see coro-switch-private.h and the .S files."""
    word = gdb.lookup_type('unsigned long')
    at = gdb.Value(sp).cast(word.pointer())
    architecture = gdb.selected_inferior().architecture().name()

    if uses_ucontext():
        return ucontext_registers(sp, architecture)
    if architecture.startswith('i386:x86-64'):
        return {'rbx': int(at[0]), 'rbp': int(at[1]), 'rip': int(at[2]), 'rsp': sp + 24}
    if architecture.startswith('aarch64'):
        registers = {'x29': int(at[0]), 'x30': int(at[1]), 'pc': int(at[1]), 'sp': sp + 176}
        registers.update(('x%d' % (19 + i), int(at[2 + i])) for i in range(10))
        return registers
    return None


def parked_frames(sp, limit):
    """The lines of a backtrace of the stack that is parked at sp."""
    registers = parked_registers(sp)
    if registers is None:
        return ['(stacks of this architecture are not known)']

    newest = gdb.newest_frame()
    unwinder.innermost = (int(newest.read_register('sp')), int(newest.pc()))
    unwinder.registers = {name: (value, newest.read_register(name).type) for name, value in registers.items()}
    gdb.invalidate_cached_frames()
    lines = []
    try:
        frame = gdb.newest_frame().older()
        while frame is not None and len(lines) < limit:
            place = frame.find_sal()
            line = '#%-2d 0x%x in %s' % (len(lines), frame.pc(), frame.name() or '??')
            if place.symtab is not None:
                line += ' at %s:%d' % (place.symtab.filename, place.line)
            lines.append(line)
            frame = frame.older()
    except gdb.error as error:
        lines.append('(%s)' % error)
    finally:
        unwinder.registers = None
        gdb.invalidate_cached_frames()
    return lines


def schedulers():
    scheduler = gdb.parse_and_eval('coro_schedulers')
    while scheduler:
        yield scheduler
        scheduler = scheduler['next_registered']


def jobs(scheduler):
    block = scheduler['blocks']
    while block:
        first, last = block['jobs'].type.range()
        for i in range(first, last + 1):
            job = block['jobs'][i]
            if int(job['state']) != 0:
                yield job
        block = block['next']


def string_or(value, default):
    return value.string(errors='replace') if value else default


def job_name(job):
    if job['task']:
        name = job['task'].cast(gdb.lookup_type('CoroTask').pointer())['name']
        if name:
            return name.string(errors='replace')
    return string_or(job['site'], 'unnamed').split(' (')[0]


class CoroPrefix(gdb.Command):
    """Coroutines of libcoro-glib."""

    def __init__(self):
        super().__init__('coro', gdb.COMMAND_STACK, gdb.COMPLETE_NONE, True)


class CoroBacktrace(gdb.Command):
    """Shows all coroutines with their stacks: coro bt [MOST-FRAMES]"""

    def __init__(self):
        super().__init__('coro bt', gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        limit = int(argument) if argument else 64
        selected = gdb.selected_frame()
        try:
            for scheduler in schedulers():
                self.show(scheduler, limit)
        finally:
            if selected.is_valid():
                selected.select()

    def show(self, scheduler, limit):
        print('CoroScheduler 0x%x: %d coroutines' % (int(scheduler), int(scheduler['n_jobs'])))
        for job in jobs(scheduler):
            state = int(job['state'])
            print("* CoroTask '%s' %s, spawned at %s" % (job_name(job), STATES[state],
                                                         string_or(job['site'], 'an unknown place')))
            if state == SUSPENDED:
                for line in parked_frames(int(job['fiber']['sp']), limit):
                    print('    ' + line)


CoroPrefix()
CoroBacktrace()
