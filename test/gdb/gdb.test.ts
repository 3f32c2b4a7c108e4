// The real gdb at our machine, from the first instruction on, in every mode of the processor.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guest } from '../cli/vmxray';
import { lab, requireLab, type Program } from '../support/lab/lab';
import { openDoor, startGdb } from './program';

/** Complaints that mean that we do not understand one another. */
const TROUBLE =
  /packet reply is too|badly formatted|rejected|Remote failure|[Pp]rotocol error|Truncated|not compatible/;

describe('gdb', function () {
  this.timeout(300_000);
  let program: Program;
  let folder: string;
  before(async function () {
    program = requireLab(this, await lab.gdb());
    folder = mkdtempSync(join(tmpdir(), 'vmxray-gdb-'));
  });
  after(() => folder && rmSync(folder, { recursive: true }));

  /** What gdb says to commands, one after the other. */
  async function session(args: readonly string[], commands: readonly string[], file?: string): Promise<string> {
    const door = await openDoor('--stop', '--serial', 'none', ...args);
    const said = await startGdb(program.command, door, commands, file).ended();
    door.child.kill('SIGKILL');
    await door.ended();
    assert.doesNotMatch(said, TROUBLE);
    return said;
  }

  /** Each pattern occurs, one behind the other. */
  function inOrder(said: string, patterns: readonly RegExp[]): void {
    let rest = said;
    for (const pattern of patterns) {
      const found = pattern.exec(rest);
      assert.ok(found, `${String(pattern)} is missing in: ${rest}\n(all: ${said})`);
      rest = rest.slice(found.index + found[0].length);
    }
  }

  it('from reset through 32-bit code into 64-bit mode: one layout of the registers holds', async () => {
    const file = guest('tour');
    const said = await session(
      ['--kernel', file],
      [
        'info registers rip cr0 efer cs_base',
        'stepi',
        'info registers rip',
        'x/2xb $pc',
        'break *(start64 - 7)',
        'continue',
        'info registers cr0 efer cs',
        'break *start64',
        'continue',
        'info registers cs',
        'stepi',
        'break kmain',
        'continue',
        'backtrace',
        'next',
        'step',
        'finish',
        'p/x $mxcsr',
        'p $st0',
        'p $xmm0.v2_int64',
        'info threads',
        'set var $r12 = 0x123456789abcdef0',
        'p/x $r12',
        'p/x *(unsigned long *)0x106000 = 0x1122334455667788',
        'x/gx 0x106000',
        'x/x 0xffff800000000000',
        'maintenance packet Qqemu.PhyMemMode:1',
        'info mem',
      ],
      file,
    );
    inOrder(said, [
      /_start \(\) at common\/boot\.S:\d+/,
      /rip +0x100018 .*\ncr0 +0x11 +\[ PE ET \]\nefer +0x0 +\[ \]\ncs_base +0x0/,
      /rip +0x100019/,
      /0x100019 <_start\+1>:\s0xfc\s0xbc/,
      /Breakpoint 1, /,
      /cr0 +0x8\w+ +\[ PE .*PG \]\nefer +0x\w+ +\[ .*LMA.*\ncs +0x10/,
      /Breakpoint 2, /,
      /cs +0x8/,
      /Breakpoint 3, kmain \(info=\d+\) at tour\/main\.c:14/,
      /#0 +kmain \(info=\d+\)[^\n]*\n#1 +0x\w+ in _start \(\)/,
      /15\s+describe_processor/,
      /describe_processor \(\) at/,
      /kmain \(info=\d+\) at tour\/main\.c:1[56]/,
      /= 0x1f80\n\$2 = 0\n\$3 = \{\d+, \d+\}/,
      /Thread 1 \(vCPU 0, 64-bit mode, ring 0/,
      /0x123456789abcdef0/,
      /0x1122334455667788/,
      /0x106000.*:\s0x1122334455667788/,
      /Cannot access memory at address 0xffff800000000000/,
      /received: "OK"/,
    ]);
  });

  it('a 32-bit guest with its own symbols', async () => {
    const file = guest('protected32');
    const commands = ['break kmain', 'continue', 'backtrace', 'x/2i $pc', 'step', 'info registers eip cr0'];
    const said = await session(['--kernel', file], commands, file);
    inOrder(said, [
      /Breakpoint 1, kmain \(info=\d+\) at protected32\/main\.c/,
      /#1 +0x\w+ in _start/,
      /=> 0x\w+ <kmain/,
      /eip +0x10\w+ .*kmain/,
    ]);
  });

  it('real mode: 16-bit instructions, a code segment with a base, a watchpoint', async () => {
    const file = join(folder, 'real');
    // mov ax,0x1234; mov bx,0x2000; mov ds,bx; mov cx,5; loop: mov [0x10],cx; loop loop; jmp 0x700:0xc16; mov dx,0x55aa; hlt
    const code = 'b83412bb00208edbb90500890e1000e2faea160c0007baaa55f4';
    writeFileSync(file, Buffer.from(code, 'hex'));
    const flat = ['--kernel', file, '--flat', '0x7c00:real16'];
    const commands = [
      'stepi 3',
      'info registers ds ds_base',
      'watch *(short *)0x20010',
      'continue',
      'delete',
      'break *0x7c16',
      'continue',
      'info registers cs_base',
      'stepi',
      'p/x $VALUE',
      'monitor dis 0x7c11',
      'continue',
    ];
    const named = (dx: string): string[] => commands.map((one) => one.replace('VALUE', dx));
    const expected = [
      /ds +0x2000 .*\nds_base +0x20000/,
      /Old value = 0\nNew value = 5/,
      /cs_base +0x7000/,
      /0x55aa/,
      /jmp.*0x700:0xc16|ljmp|jmp/,
      /can never wake[^]*SIGSTOP/,
    ];
    inOrder(await session(flat, named('rdx')), expected);
    const said = await session([...flat, '--gdb-arch', 'i8086'], ['x/3i $pc', ...named('edx')]);
    inOrder(said, [/mov +\$0x1234,%ax\n.*mov +\$0x2000,%bx\n.*mov +%bx,%ds/, ...expected]);
  });

  it('interrupts a running guest, and lets it go', async () => {
    const file = join(folder, 'loop');
    // mov dx,0x3f8; mov al,'x'; out dx,al; jmp $
    writeFileSync(file, Buffer.from('baf803b078eeebfe', 'hex'));
    const door = await openDoor('--stop', '--kernel', file, '--flat', '0x7c00:real16');
    const gdb = startGdb(program.command, door, ['continue', 'info registers rip', 'monitor help', 'kill']);
    await once(door.child.stdout, 'data');
    gdb.child.kill('SIGINT');
    const said = await gdb.ended();
    inOrder(said, [/SIGINT/, /rip +0x7c06/, /walk ADDRESS/, /killed/]);
    assert.equal((await door.ended()).code, 0);
  });
});
