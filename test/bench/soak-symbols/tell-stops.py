# Connects gdb to the guest at $DOOR and, for each line that it gets, tells the frames of the moment as one JSON text a line.
# Between them the guest runs without gdb's knowledge: what gdb remembers is thrown away each time.
import json
import os
import sys
import gdb

sys.path.append('test/symbols/dwarf/programs')
from told import told

MOST_FRAMES = int(os.environ['FRAMES'])
for setting in ('pagination off', 'confirm off', 'stack-cache off', 'code-cache off', 'width 0'):
    gdb.execute('set ' + setting)
gdb.execute('target remote ' + os.environ['DOOR'], to_string=True)
print('READY', flush=True)


def frames():
    found = []
    frame = gdb.newest_frame()
    while frame and len(found) < MOST_FRAMES:
        try:
            one = told(frame)
            one['debug'] = frame.function() is not None
            one['tail'] = frame.type() == gdb.TAILCALL_FRAME
            found.append(one)
            frame = frame.older()
        except gdb.error as error:
            return found, str(error)
    return found, None


for line in sys.stdin:
    gdb.execute('maintenance flush register-cache', to_string=True)
    gdb.execute('maintenance flush dcache', to_string=True)
    stack, error = frames()
    print('STOP ' + json.dumps({'frames': stack, 'error': error}), flush=True)
gdb.execute('disconnect', to_string=True)
