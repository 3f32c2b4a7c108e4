# Steps through the program in gdb and tells, as one JSON text a line, what gdb knows at every stop: registers, memory,
# the frames, their variables down to the last number.
import json
import os
import sys
import gdb

sys.path.append(os.path.dirname(os.path.abspath(__file__)))
from told import told

STEPS = int(os.environ.get('STEPS', '400'))
STRIDE = int(os.environ.get('STRIDE', '3'))
STACK = 0x1000
gdb.execute('set pagination off')
gdb.execute('set confirm off')


def registers(frame):
    wide = frame.architecture().name() == 'i386:x86-64'
    names = 'rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip' if wide else 'eax ebx ecx edx esi edi ebp esp eip'
    values = {name: str(int(frame.read_register(name)) % (1 << (64 if wide else 32))) for name in names.split()}
    if wide:
        for number in range(8):
            halves = frame.read_register('xmm%d' % number)['v2_int64']
            values['xmm%d' % number] = str(int(halves[0]) % (1 << 64) | int(halves[1]) % (1 << 64) << 64)
    return values


def tell(inferior, regions):
    frame = gdb.newest_frame()
    stop = {'registers': registers(frame), 'frames': [], 'memory': []}
    sp = int(stop['registers'].get('rsp') or stop['registers']['esp'])
    for start, length in regions + [(sp - 256, STACK)]:
        while length > 0:
            try:
                stop['memory'].append([str(start), bytes(inferior.read_memory(start, length)).hex()])
                break
            except gdb.MemoryError:
                length -= 256
    while frame and frame.name():
        stop['frames'].append(told(frame))
        frame = frame.older()
    print('STOP ' + json.dumps(stop))


gdb.execute('break ' + os.environ.get('START', 'run'))
gdb.execute('run', to_string=True)
inferior = gdb.selected_inferior()
regions = []
for line in gdb.execute('maintenance info sections', to_string=True).splitlines():
    words = line.replace('->', ' ').split()
    if any(name in words for name in ('.data', '.bss', '.rodata', '.data.rel.ro')):
        numbers = [word for word in words if word.startswith('0x')]
        regions.append((int(numbers[0], 16), int(numbers[1], 16) - int(numbers[0], 16)))
slide = int(gdb.parse_and_eval('(unsigned long)&_start'))
print('BEGIN ' + json.dumps({'start': str(slide)}))
for step in range(STEPS):
    tell(inferior, regions)
    gdb.execute('stepi %d' % STRIDE, to_string=True)
    if gdb.newest_frame().name() == '_start':
        break
gdb.execute('kill')
