/** What is a command and what is not, help, completion, and lines at random. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { UserError } from '../../../src/common/errors';
import { COMMANDS, completeConsole, runConsoleCommand } from '../../../src/dap/console/console';
import { check } from './check';
import { Scripted, scriptedContext } from './scripted';

const context = scriptedContext();
const SEED = 1;

describe('console: help', () =>
  check([
    [
      'help',
      'Values:',
      '  p[/FORMAT] EXPRESSION              the value of an expression',
      '  set PLACE = EXPRESSION             writes a register or memory',
      '  regs [GROUP|REGISTER|all]          registers, with their fields decoded',
      'Memory and code:',
      '  mem[/BYTES] ADDRESS [BYTES]        memory as bytes and characters',
      '  x[/COUNT SIZE FORMAT] ADDRESS      memory as numbers, strings or instructions',
      '  dis[/COUNT] [ADDRESS [COUNT]]      instructions, from the next one on if no address is given',
      '  sym NAME|ADDRESS                   the address of a symbol, or the symbol at an address',
      '  walk ADDRESS [read|write|execute]  every table entry from a linear address to physical memory',
      '  maps [linear|ept] [START]          what the page tables or the EPT map',
      'Virtualization:',
      '  ept ADDRESS [read|write|execute]   the EPT entries from a guest-physical address to physical memory',
      '  exit [NUMBER]                      the last VM exit in full, or another one of the log',
      '  exits [COUNT] [REASON...]          the last VM exits, and totals by reason',
      '  vmcs [GROUP|NAME|ENCODING]         fields of the VMCS',
      'Machine:',
      '  memmap [KIND]                      what guest-physical memory holds',
      '  info                               the machine, its mode and how far it has come',
      '  devices [NAME]                     the devices; one with all its registers',
      '  interrupts [SOURCE]                the way of each interrupt line to its vector',
      'Console:',
      '  help [COMMAND]                     this list, or more on a command',
      'Everything else is an expression: $rax + 8, *(u32*)$rsp, main, *(u16*)physical(0x1000).',
      'An address argument is an expression too, or physical:0x… or guestPhysical:0x….',
    ],
    [
      'help walk',
      'walk ADDRESS [read|write|execute]: every table entry from a linear address to physical memory',
      "Shows the entries of the guest's page tables and, indented before each of them, those of the EPT that",
      'lead to it; then what all of them allow, and where the address ends, or why the access fails.',
      '  walk $rip execute',
      '  walk main',
      '  walk guestPhysical:0xfee00000 write',
    ],
    [
      'help regs',
      'regs [GROUP|REGISTER|all]: registers, with their fields decoded',
      'Also: registers',
      'Without an argument the general registers and RFLAGS. Of fields those that are not 0 are shown;',
      'a single register shows all of them with their bits. "regs all" leaves the VMCS to "vmcs".',
      '  regs control',
      '  regs cr4',
      '  regs all',
    ],
    [
      'help hexdump',
      'mem[/BYTES] ADDRESS [BYTES]: memory as bytes and characters',
      'Also: hexdump',
      'Shows 128 bytes, or as many as asked for (at most 4096). An address is linear unless it says',
      'physical:0x… or guestPhysical:0x…, or is a pointer into one of them.',
      '  mem $rsp',
      '  mem $rsp 64',
      '  mem/256 guestPhysical:0x1000',
    ],
    ['help zork', '! There is no command "zork": "help" lists them.'],
  ]));

describe('console: what is no command', () => {
  for (const line of [
    '',
    '$rax',
    'main',
    'main + 1',
    'rax',
    '1 + 1',
    'foo',
    'xy',
    '*jiffies',
    'walk_on',
    'p2',
    '-',
    'rip + 1',
  ]) {
    it(`"${line}" is left to expressions`, async () => assert.equal(await runConsoleCommand(line, context), undefined));
  }
  const mistyped: readonly (readonly [string, string])[] = [
    ['wlak $rip', 'walk'],
    ['Walk $rip', 'walk'],
    ['dev', 'devices'],
    ['exist', 'exit'],
    ['interupts', 'interrupts'],
    ['memmpa', 'memmap'],
    ['hlep', 'help'],
    ['reg rax', 'regs'],
  ];
  for (const [line, command] of mistyped) {
    it(`"${line}" may mean ${command}`, () =>
      assert.rejects(runConsoleCommand(line, context), (error: Error) => {
        assert.ok(error instanceof UserError && error.code === 'console/unknown');
        assert.ok(error.message.includes(`did you mean "${command}"?`), error.message);
        return true;
      }));
  }
});

describe('console: commands', () => {
  it('each has a help of its own that fits the console', async () => {
    for (const { name } of COMMANDS) {
      const text = (await runConsoleCommand(`help ${name}`, context))!;
      assert.ok(
        text.split('\n').every((line) => line.length <= 110),
        text,
      );
    }
  });

  it('names and aliases are unique', () => {
    const names = COMMANDS.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);
    assert.equal(new Set(names).size, names.length);
  });

  it('the examples of help run', async () => {
    for (const { name, help } of COMMANDS) {
      const examples = help.filter((line) => line.startsWith('  ')).map((line) => line.trim().split(/ {2,}/)[0]!);
      for (const example of examples) {
        assert.ok(example.startsWith(name), example);
        try {
          assert.ok(await runConsoleCommand(example, context), example);
        } catch (error) {
          // The script lacks some of the symbols and places; each line is understood.
          assert.ok(
            error instanceof UserError && /There is no|cannot be read/.test(error.message),
            `${example}: ${error}`,
          );
        }
      }
    }
  });

  it('a list that is too long says so', async () => {
    const target = new Scripted();
    const { fields } = await target.vmcs(1);
    target.vmcs = () => Promise.resolve({ fields: Array.from({ length: 400 }, () => fields[0]!) });
    const text = await runConsoleCommand('vmcs', scriptedContext(target));
    assert.equal(text!.split('\n').length, 301);
    assert.match(text!, /\n… 101 more lines: ask for a group\.$/);
  });

  it('memory that takes less than was written says so', () => {
    const target = new Scripted();
    target.writeMemory = () => Promise.resolve(3);
    return assert.rejects(runConsoleCommand('set jiffies = 1', scriptedContext(target)), {
      message: 'Only 3 of 8 bytes were written: memory ends there.',
    });
  });

  it('before the first exit', async () => {
    const target = new Scripted();
    target.lastExit = () => Promise.resolve(undefined);
    target.exits = () => Promise.resolve({ exits: [], first: '0', total: '0', totals: {} });
    const none = scriptedContext(target);
    for (const line of ['exit', 'exit 3', 'exits']) {
      assert.equal(await runConsoleCommand(line, none), 'There has been no VM exit yet.');
    }
  });

  it('random lines give texts or UserErrors', async () => {
    const names = COMMANDS.map(({ name }) => name);
    const word = fc.oneof(
      fc.constantFrom(
        '$rax',
        'main',
        '1',
        '0x10',
        '-1',
        '=',
        '*',
        '(',
        'ept',
        'write',
        '/',
        '/4',
        '9999999999',
        '?',
        'all',
      ),
      fc.string({ maxLength: 6 }),
    );
    const line = fc.tuple(
      fc.constantFrom(...names, ''),
      fc.constantFrom('', '/', '/3i', '/-'),
      fc.array(word, { maxLength: 5 }),
    );
    await fc.assert(
      fc.asyncProperty(line, async ([name, option, words]) => {
        try {
          await runConsoleCommand(`${name}${option} ${words.join(' ')}`, scriptedContext());
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
        }
      }),
      { numRuns: 1000, seed: SEED },
    );
  });
});

describe('console: completion', () => {
  /** `|` is the caret; expected: where the labels go, and the labels. */
  const cases: readonly (readonly [string, string])[] = [
    ['wa|', '0+2 walk'],
    ['m|', '0+1 mem maps memmap main'],
    ['  exi|', '2+3 exit exits'],
    ['walk $r|', '5+2 $rax $rcx $rdx $rbx $rsp $rbp $rip $rflags'],
    ['walk main w|', '10+1 write write'],
    ['walk jif|', '5+3 jiffies'],
    ['x/4g jif|', '5+3 jiffies'],
    ['regs s|', '5+1 Segments SSE'],
    ['regs rip|', '5+3 rip'],
    ['regs $ri|', '5+3 $rip'],
    ['exits 10 e|', '9+1 EPT_VIOLATION'],
    ['vmcs guest r|', '5+7 Guest RIP Guest RSP'],
    ['devices u|', '8+1 uart0'],
    ['interrupts lap|', '11+3 LAPIC timer'],
    ['memmap d|', '7+1 device'],
    ['help se|', '5+2 set'],
    ['maps e|', '5+1 ept'],
    ['info |', ''],
    ['foo mai|', '4+3 main'],
    ['1 + mai|', '4+3 main'],
    ['p (u|x', '3+1 u8 u16 u32 u64 uint8_t uint16_t uint32_t uint64_t uintptr_t unsigned'],
  ];
  for (const [marked, expected] of cases) {
    it(marked, async () => {
      const found = await completeConsole(marked.replace('|', ''), marked.indexOf('|'), context);
      const [first] = found;
      const shown = first ? `${first.start}+${first.length} ${found.map(({ label }) => label).join(' ')}` : '';
      assert.equal(shown, expected);
    });
  }
});
