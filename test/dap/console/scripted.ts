// A target whose state is written down here, with a little program's symbols, for the texts of the console.
import { UserError } from '../../../src/common/errors';
import type { ConsoleContext } from '../../../src/dap/console/command';
import type { ValueContext } from '../../../src/dap/values/reader';
import { assignExpression, showExpression } from '../../../src/dap/values/show';
import { targetReader } from '../../../src/dap/values/target-reader';
import { createDecoder } from '../../../src/isa/decode';
import { INSTRUCTIONS } from '../../../src/isa/records';
import type { Access, AddressSpace } from '../../../src/protocol/address';
import type { ExitDescription, ExitsAnswer, ExitsQuery } from '../../../src/protocol/exit';
import type { MappingsAnswer, MappingsQuery } from '../../../src/protocol/mappings';
import type { VmcsAnswer } from '../../../src/protocol/vmcs';
import type { WalkAnswer } from '../../../src/protocol/walk';
import type { Expression, Value } from '../../../src/symbols/expression/ast';
import { evaluate } from '../../../src/symbols/expression/evaluate';
import type { ExpressionNames, NamedPlace } from '../../../src/symbols/expression/names';
import { parseExpression } from '../../../src/symbols/expression/parse';
import { isRegisterName, registerPlace } from '../../../src/targets/inspection/register-names';
import type { Register, Target } from '../../../src/targets/target';

export const MAIN = 0xffffffff81000000n;
const DATA = 0x1000n;

// push rbp; mov rbp,rsp; call +0x17 (stub); nop; jmp -2; ud2
const CODE = Buffer.from('554889e5e81700000090ebfe0f0b', 'hex');

const SYMBOLS: Readonly<Record<string, NamedPlace>> = {
  main: { address: MAIN },
  stub: { address: MAIN + 0x20n },
  jiffies: { address: DATA, size: 8 },
  write: { address: DATA + 8n, size: 4 },
};

function registers(): Register[] {
  const general = ['RAX', 'RCX', 'RDX', 'RBX', 'RSP', 'RBP'].map((name, at) => ({
    group: 'General',
    name,
    value: name === 'RSP' ? DATA + 0x20n : BigInt(at) * 0x11n,
    bits: 64,
  }));
  return [
    ...general,
    { group: 'General', name: 'RIP', value: MAIN + 4n, bits: 64 },
    {
      group: 'Flags',
      name: 'RFLAGS',
      value: 0x3046n,
      bits: 64,
      fields: [
        { name: 'CF', high: 0, low: 0, meaning: 'carry' },
        { name: 'PF', high: 2, low: 2, meaning: 'parity' },
        { name: 'ZF', high: 6, low: 6, meaning: 'zero' },
        { name: 'IOPL', high: 13, low: 12, values: { 3: 'ring 3' } },
      ],
    },
    { group: 'Segments', name: 'CS', value: 0x10n, bits: 16 },
    { group: 'Segments', name: 'CS base', value: 0n, bits: 64, readOnly: true },
    { group: 'SSE', name: 'XMM0', value: 1n << 100n, bits: 128 },
  ];
}

const EXIT: ExitDescription = {
  number: '41',
  reason: 48,
  name: 'EPT violation',
  qualification: '0x182',
  qualificationFields: { write: 1, access: 0x1a },
  qualificationText: 'data write, page not writable',
  rip: '0xffffffff81000004',
  instructionLength: 3,
  guestLinear: '0xfee00300',
  guestPhysical: '0xfee00300',
  instructions: '123456',
  ticks: '130000',
  action: 'carried out the instruction',
};

const CPUID: ExitDescription = {
  number: '40',
  reason: 10,
  name: 'CPUID',
  qualification: '0x0',
  qualificationFields: {},
  qualificationText: '',
  rip: '0x7c00',
  instructionLength: 2,
  instructions: '99',
  ticks: '99',
  action: 'carried out the instruction',
};

const VMCS: VmcsAnswer = {
  exit: '41',
  fields: [
    { name: 'Guest RIP', encoding: '0x681e', group: 'guest state', bits: 64, value: '0xffffffff81000004' },
    { name: 'Guest RSP', encoding: '0x681c', group: 'guest state', bits: 64, value: '0x1020' },
    { name: 'Host RIP', encoding: '0x6c16', group: 'host state', bits: 64, value: '0x0' },
    { name: 'Host RSP', encoding: '0x6c14', group: 'host state', bits: 64, value: '0x0' },
    {
      name: 'Pin-based VM-execution controls',
      encoding: '0x4000',
      group: 'control',
      bits: 32,
      value: '0x41',
      fields: [
        { name: 'external-interrupt exiting', high: 0, low: 0, value: '0x1' },
        { name: 'NMI exiting', high: 3, low: 3, value: '0x0', meaning: 'NMIs exit' },
        { name: 'activate VMX-preemption timer', high: 6, low: 6, value: '0x1' },
      ],
    },
  ],
};

const WALK: WalkAnswer = {
  levels: [
    {
      table: 'EPT PTE',
      space: 'physical',
      index: 1,
      entryAddress: '0x9008',
      entry: '0x5007',
      entryBytes: 8,
      pageBytes: 4096,
      bits: ['R', 'W', 'X'],
    },
    {
      table: 'PDE',
      space: 'physical',
      index: 8,
      entryAddress: '0x5040',
      guestEntryAddress: '0x1040',
      entry: '0x10000e1',
      entryBytes: 8,
      pageBytes: 2 ** 21,
      bits: ['P', 'A', 'D', 'PS'],
    },
  ],
  permission: { read: true, write: false, execute: true, user: false },
  guestPhysical: '0x1000004',
  physical: '0x2000004',
};

const DECODER = createDecoder(INSTRUCTIONS);

const refuse = (): Promise<never> => Promise.reject(new UserError('test', 'The script has no such thing.'));

/** What a command wrote, in words. */
export class Scripted implements Target {
  readonly written: string[] = [];
  /** Linear 0x1000 to 0x103f; physical memory is the same plus 1 each. */
  readonly data = Uint8Array.from({ length: 64 }, (_, at) =>
    at < 32 ? at : 'hello, world\0tail'.charCodeAt(at - 32) || 0,
  );
  asked: unknown;

  describe: Target['describe'] = () =>
    Promise.resolve({ name: 'tour.elf', kernel: '/k/tour.elf', memoryBytes: 2 ** 26, bare: false });
  state: Target['state'] = () => Promise.resolve({ running: false, instructions: 1000, ticks: 1, exits: 42 });
  threads: Target['threads'] = () => Promise.resolve([{ id: 1, name: 'vCPU 0' }]);
  onEvent(): void {}
  resume = refuse;
  pause = refuse;
  setBreakpoints = refuse;
  position: Target['position'] = () =>
    Promise.resolve({
      rip: MAIN + 4n,
      linear: MAIN + 4n,
      codeBits: 64,
      mode: '64-bit mode, ring 0',
      rsp: DATA,
      rbp: DATA,
      stackBase: 0n,
      instructions: 1000,
      ticks: 1,
    });
  registerGroups: Target['registerGroups'] = () => Promise.resolve([...new Set(registers().map(({ group }) => group))]);
  registers: Target['registers'] = (_thread, group) =>
    Promise.resolve(registers().filter((register) => register.group === group));
  writeRegister: Target['writeRegister'] = (_thread, group, name, value) => {
    this.written.push(`${group} ${name} 0x${value.toString(16)}`);
    return Promise.resolve(value);
  };
  evaluate(_thread: number, expression: Expression): Promise<Value> {
    return new Promise((resolve) => resolve(evaluate(expression, this.scope)));
  }
  readMemory: Target['readMemory'] = (_thread, space, address, length) =>
    Promise.resolve(this.read(space, address, length));
  writeMemory: Target['writeMemory'] = (_thread, space, address, bytes) => {
    this.written.push(`${space} 0x${address.toString(16)} ${Buffer.from(bytes).toString('hex')}`);
    const at = Number(address - DATA);
    const kept = bytes.slice(0, Math.max(0, this.data.length - at));
    this.data.set(kept, at);
    return Promise.resolve(kept.length);
  };
  walk(_thread: number, space: 'linear' | 'guestPhysical', address: bigint, access: Access): Promise<WalkAnswer> {
    this.asked = { space, address, access };
    if (access !== 'write') return Promise.resolve(WALK);
    const { levels, guestPhysical } = WALK;
    const fault = { kind: 'page fault', level: 1, bit: 'R/W', text: 'page fault: PDE, R/W' };
    return Promise.resolve({ levels, guestPhysical, fault });
  }
  mappings(_thread: number, query: MappingsQuery): Promise<MappingsAnswer> {
    this.asked = query;
    if (query.start === '0x9000') return Promise.resolve({ ranges: [] });
    if (query.start === '0xa000') return Promise.resolve({ ranges: [], note: 'Paging is off.' });
    const rights = { read: true, write: false, execute: true };
    if (query.space === 'guestPhysical') {
      const range = { start: '0x0', end: '0x4000000', target: '0x100000', pageBytes: 2 ** 21, ...rights } as const;
      return Promise.resolve({ ranges: [range], note: 'Pages come as the guest touches them.' });
    }
    const low = {
      start: '0x0',
      end: '0x1000',
      target: '0x7000',
      pageBytes: 4096,
      ...rights,
      user: true,
      global: false,
    };
    const high = { ...low, start: '0xffffffff81000000', end: '0xffffffff81200000', user: false, global: true };
    return Promise.resolve({ ranges: [low, high], next: '0xffffffff82000000' } as MappingsAnswer);
  }
  memoryMap: Target['memoryMap'] = () =>
    Promise.resolve({
      regions: [
        { start: '0x0', end: '0xa0000', kind: 'RAM', name: 'conventional' },
        { start: '0xfee00000', end: '0xfee01000', kind: 'device', name: 'Local APIC' },
      ],
    });
  lastExit: Target['lastExit'] = () => Promise.resolve(EXIT);
  exits(query: ExitsQuery): Promise<ExitsAnswer> {
    this.asked = query;
    const { start = 40, reasons = ['CPUID', 'EPT_VIOLATION'] } = query;
    const exits = [CPUID, EXIT].filter(
      ({ number, name }) => Number(number) >= start && reasons.includes(name.toUpperCase().replace(' ', '_')),
    );
    const totals = { HLT: '0', CPUID: '14', 'EPT violation': '28' };
    return Promise.resolve({ exits: exits.slice(0, query.count), first: '40', total: '42', totals });
  }
  vmcs: Target['vmcs'] = () => Promise.resolve(VMCS);
  devices: Target['devices'] = () =>
    Promise.resolve({
      devices: [
        {
          name: 'uart0',
          title: '16550A UART (PC16550D)',
          places: ['port 0x3f8-0x3ff', 'IRQ 4'],
          registers: [
            {
              name: 'LSR',
              bits: 8,
              value: '0x60',
              meaning: 'line status',
              fields: [
                { name: 'DR', high: 0, low: 0, value: '0x0', meaning: 'data ready' },
                { name: 'THRE', high: 5, low: 5, value: '0x1' },
                { name: 'trigger', high: 7, low: 6, value: '0x1' },
              ],
            },
            { name: 'SCR', bits: 8, value: '0x0', location: 'port +7' },
          ],
        },
        { name: 'pit', title: '8254 timer', places: ['port 0x40-0x43'], registers: [] },
      ],
    });
  interrupts: Target['interrupts'] = () => {
    const hop = { masked: false, pending: true, inService: false, trigger: 'edge' };
    return Promise.resolve({
      lines: [
        {
          source: 'IRQ 4 (UART)',
          asserted: true,
          hops: [
            { ...hop, controller: 'I/O APIC', input: 'INTIN4' },
            { ...hop, controller: 'LAPIC', input: '', pending: false, inService: true, trigger: '' },
          ],
          vector: 0x34,
        },
        {
          source: 'LAPIC timer',
          hops: [{ ...hop, controller: 'LAPIC', input: 'LVT timer', masked: true, pending: false }],
          blocked: 'masked in its LVT entry',
        },
      ],
    });
  };
  sendSerial = refuse;
  detach = refuse;
  dispose = refuse;

  private read(space: AddressSpace, address: bigint, length: number): Uint8Array {
    if (space === 'linear' && address >= MAIN) {
      const at = Number(address - MAIN);
      return Uint8Array.from(CODE.subarray(at, at + length));
    }
    const at = Number(address - DATA);
    if (at < 0) return new Uint8Array(0);
    return this.data.slice(at, at + length).map((byte) => (space === 'physical' ? byte + 1 : byte));
  }

  private readonly scope = {
    register: (name: string) => {
      const place = registerPlace(name);
      const found = registers().find((one) => one.name === place?.register);
      return found && place && { value: found.value >> BigInt(place.low), bits: place.bits };
    },
    variable: () => undefined,
    read: this.read.bind(this),
  };
}

/** The console's surroundings over a scripted target. */
export function scriptedContext(target: Target = new Scripted()): ConsoleContext {
  const names = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rip', 'rflags', 'cs'];
  const meanings: ExpressionNames = {
    symbol: (name) => (Object.hasOwn(SYMBOLS, name) ? SYMBOLS[name] : undefined),
    register: isRegisterName,
  };
  const parse = (text: string): Expression => parseExpression(text, meanings);
  const symbolAt = (linear: bigint): string | undefined => {
    const below = Object.entries(SYMBOLS).filter(([, { address }]) => linear >= address && linear < address + 0x20n);
    const [name, place] = below.at(-1) ?? [];
    if (!place) return undefined;
    return linear === place.address ? name : `${name}+0x${(linear - place.address).toString(16)}`;
  };
  const values: ValueContext = { reader: targetReader(target, 1, () => {}), names: meanings, symbolAt };
  return {
    target,
    thread: 1,
    decoder: DECODER,
    parse,
    evaluate: async (text) => target.evaluate(1, parse(text)),
    show: async (text, format) => (await showExpression(text, format, values)).value,
    set: async (place, value) => (await assignExpression(place, value, '', values)).value,
    names: {
      registers: names,
      symbol: (name) => (Object.hasOwn(SYMBOLS, name) ? SYMBOLS[name] : undefined),
      symbolAt,
      lineAt: (linear) => (linear >= MAIN && linear < MAIN + 14n ? `main.c:${linear < MAIN + 9n ? 3 : 4}` : undefined),
      symbols: (prefix, limit) =>
        Object.keys(SYMBOLS)
          .filter((name) => name.startsWith(prefix))
          .slice(0, limit),
    },
  };
}
