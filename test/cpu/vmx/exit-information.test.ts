/** Exit qualifications, interruption information and access rights, encoded and decoded (SDM Vol. 3C 28.2). */
import assert from 'node:assert/strict';
import {
  accessRightsOfDescriptor,
  describeAccessRights,
  descriptorBitsOfAccessRights,
} from '../../../src/cpu/vmx/access-rights';
import type { BitLayout, BitPositions } from '../../../src/cpu/vmx/bit-layout';
import * as qualification from '../../../src/cpu/vmx/exit-qualification';
import * as information from '../../../src/cpu/vmx/instruction-information';
import { VM_INSTRUCTION_ERROR, VM_INSTRUCTION_ERROR_TEXTS } from '../../../src/cpu/vmx/instruction-errors';
import {
  decodeInterruption,
  describeInterruption,
  encodeInterruption,
} from '../../../src/cpu/vmx/interruption-information';

interface LayoutCase {
  readonly title: string;
  readonly layout: BitLayout<BitPositions>;
  readonly fields: Record<string, number>;
  readonly word: number;
}

const operand = information.memoryOperandFields({ scale: 8, addressSize: 64, segment: 3, index: 9, base: 12 });
const plain = information.memoryOperandFields({ scale: 1, addressSize: 32, segment: 2 });
const layout = (value: unknown): BitLayout<BitPositions> => value as BitLayout<BitPositions>;

const layouts: readonly LayoutCase[] = [
  { title: 'debug', layout: layout(qualification.debugQualification), fields: { b1: 1, bs: 1 }, word: 0x4002 },
  {
    title: 'task switch',
    layout: layout(qualification.taskSwitchQualification),
    fields: { selector: 0x28, source: 3 },
    word: 0xc000_0028,
  },
  {
    title: 'MOV to CR3 from R9',
    layout: layout(qualification.controlRegisterQualification),
    fields: { number: 3, register: 9 },
    word: 0x903,
  },
  {
    title: 'LMSW from memory',
    layout: layout(qualification.controlRegisterQualification),
    fields: { accessType: 3, lmswMemory: 1, lmswSource: 0xffff },
    word: 0xffff_0070,
  },
  {
    title: 'MOV from DR7',
    layout: layout(qualification.movDrQualification),
    fields: { number: 7, fromDr: 1, register: 2 },
    word: 0x217,
  },
  {
    title: 'REP INSD',
    layout: layout(qualification.ioQualification),
    fields: { sizeMinusOne: 3, in: 1, string: 1, rep: 1, port: 0x1f0 },
    word: 0x01f0_003b,
  },
  {
    title: 'EPT violation',
    layout: layout(qualification.eptViolationQualification),
    fields: { write: 1, readable: 1, executable: 1, linearAddressValid: 1, finalAccess: 1 },
    word: 0x1aa,
  },
  {
    title: 'OUTS',
    layout: layout(information.stringIoInformation),
    fields: { addressSize: 1, segment: 3 },
    word: 0x1_8080,
  },
  {
    title: 'INVEPT',
    layout: layout(information.invalidateInformation),
    fields: { ...operand, register2: 15 },
    word: 0xf625_8103,
  },
  {
    title: 'LIDT',
    layout: layout(information.descriptorTableInformation),
    fields: { ...plain, operandSize32: 1, identity: 3 },
    word: 0x3841_0880,
  },
  {
    title: 'STR to a register',
    layout: layout(information.taskRegisterInformation),
    fields: { register1: 8, isRegister: 1, identity: 1 },
    word: 0x1000_0440,
  },
  {
    title: 'RDRAND',
    layout: layout(information.randomInformation),
    fields: { register1: 7, operandSize: 2 },
    word: 0x1038,
  },
  { title: 'VMCLEAR', layout: layout(information.vmcsPointerInformation), fields: plain, word: 0x0841_0080 },
  {
    title: 'VMREAD',
    layout: layout(information.vmreadInformation),
    fields: { register1: 1, isRegister: 1, register2: 2 },
    word: 0x2000_0408,
  },
];

describe('Layouts of exit information', () => {
  for (const { title, layout: format, fields, word } of layouts) {
    it(title, () => {
      assert.equal(format.encode(fields).toString(16), word.toString(16));
      const expected = Object.fromEntries(Object.keys(format.positions).map((name) => [name, fields[name] ?? 0]));
      assert.deepEqual(format.decode(word), expected);
    });
  }

  it('refuse a value that does not fit', () => {
    assert.throws(() => qualification.movDrQualification.encode({ number: 8 }), /does not fit bits 2:0/);
  });
});

describe('Exit qualifications in words', () => {
  const cases: readonly [reason: number, value: bigint, interruption: number, text: string][] = [
    [0, 0xffff_8000_0000_1000n, 0x8000_0b0e, 'page fault at linear 0xffff800000001000'],
    [0, 0x4001n, 0x8000_0301, 'B0 BS'],
    [0, 0n, 0x8000_0306, ''],
    [9, 0x4000_0030n, 0, 'by IRET to TSS 0x30'],
    [10, 0n, 0, ''],
    [14, 0x7fff_0000n, 0, 'linear 0x7fff0000'],
    [19, 0xffff_ffff_ffff_fff0n, 0, 'displacement -0x10'],
    [25, 0x10n, 0, 'displacement 0x10'],
    [28, 0x903n, 0, 'MOV to CR3 from R9'],
    [28, 0x718n, 0, 'MOV from CR8 to RDI'],
    [28, 0x20n, 0, 'CLTS'],
    [28, 0xb_0030n, 0, 'LMSW 0xb from a register'],
    [29, 0x217n, 0, 'MOV from DR7 to RDX'],
    [29, 0x006n, 0, 'MOV to DR6 from RAX'],
    [30, 0x03f8_0000n, 0, 'OUT port 0x3f8 (DX), 1 byte'],
    [30, 0x01f0_003bn, 0, 'REP INS port 0x1f0 (DX), 4 bytes'],
    [30, 0x0070_0049n, 0, 'IN port 0x70 (immediate), 2 bytes'],
    [36, 1n, 0, 'monitor armed'],
    [48, 0x1aan, 0, 'write; the EPT entries allow read, execute'],
    [48, 0x081n, 0, 'read of a guest paging-structure entry; the EPT entries allow nothing'],
    [0x8000_0021, 4n, 0, 'invalid VMCS link pointer'],
    [0x8000_0021, 0n, 0, 'guest state invalid'],
    [0x8000_0022, 3n, 0, 'entry 3 of the MSR-load area'],
  ];
  for (const [reason, value, interruption, text] of cases) {
    it(`${reason & 0xff}: ${text || 'nothing'}`, () => {
      assert.equal(qualification.decodeQualification(reason, value, interruption).text, text);
    });
  }
});

describe('Interruption information', () => {
  const cases: readonly [word: number, text: string][] = [
    [encodeInterruption(14, 3, { hasErrorCode: true }), '#PF (hardware exception, error code)'],
    [encodeInterruption(3, 6), '#BP (software exception)'],
    [encodeInterruption(0x30, 0), 'external interrupt 0x30'],
    [encodeInterruption(0x80, 4), 'software interrupt 0x80'],
    [encodeInterruption(2, 2), 'NMI'],
    [0x30e, 'none'],
  ];
  for (const [word, text] of cases) it(text, () => assert.equal(describeInterruption(word), text));

  it('comes back as it went', () => {
    const word = encodeInterruption(13, 3, { hasErrorCode: true, nmiUnblocking: true });
    assert.equal(word, 0x8000_1b0d);
    assert.deepEqual(decodeInterruption(word), { vector: 13, type: 3, hasErrorCode: true, nmiUnblocking: true });
  });
});

describe('Access rights', () => {
  const cases: readonly [high: number, rights: number, text: string][] = [
    [0x00af_9b00, 0xa09b, 'code, readable, accessed; DPL 0; L; G'],
    [0x12cf_f734, 0xc0f7, 'data, writable, expand-down, accessed; DPL 3; D/B; G'],
    [0x0000_8b00, 0x008b, 'TSS (busy); DPL 0'],
    [0x0000_0200, 0x0002, 'LDT; DPL 0; not present'],
  ];
  for (const [high, rights, text] of cases) {
    it(text, () => {
      assert.equal(accessRightsOfDescriptor(high), rights);
      assert.equal(descriptorBitsOfAccessRights(rights), (high & 0x00f0_ff00) >>> 0);
      assert.equal(describeAccessRights(rights), text);
    });
  }

  it('unusable', () => assert.equal(describeAccessRights(0x1_0093), 'unusable'));
});

describe('VM-instruction errors', () => {
  it('all have a text', () => {
    for (const number of Object.values(VM_INSTRUCTION_ERROR))
      assert.ok(VM_INSTRUCTION_ERROR_TEXTS[number], `${number}`);
    assert.equal(
      VM_INSTRUCTION_ERROR_TEXTS[VM_INSTRUCTION_ERROR.UNSUPPORTED_COMPONENT],
      'VMREAD/VMWRITE from/to unsupported VMCS component',
    );
  });
});
