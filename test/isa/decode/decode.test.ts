/** The decoder's own rules as tables: prefixes, REX, limits, what is undefined, features. Text by the disassembler. */
import assert from 'node:assert/strict';
import type { CodeBits } from '../../../src/isa/decoded';
import { createDecoder } from '../../../src/isa/decode';
import { assemble } from '../../../src/isa/assemble/assemble';
import { randomInstance, seededRandom, variants } from '../../../src/isa/assemble/enumerate';
import { disassemble } from '../../../src/isa/disassemble/disassemble';
import { INSTRUCTIONS } from '../../../src/isa/records/index';

const decoder = createDecoder(INSTRUCTIONS);

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

/** The text of the instruction, or the failure; `+n` where bytes are left over. */
function decodeText(hex: string, bits: CodeBits): string {
  const bytes = bytesOf(hex);
  const decoded = decoder.decode(bytes, 0, bytes.length, bits);
  if ('failure' in decoded) return decoded.failure;
  const rest = bytes.length - decoded.length;
  return disassemble(decoded, 0x1000n).text + (rest > 0 ? ` +${rest}` : '');
}

const CASES: readonly (readonly [string, CodeBits, string, string])[] = [
  ['01 d8', 64, 'add eax, ebx', 'operand size 32 by default'],
  ['66 01 d8', 64, 'add ax, bx', '66H'],
  ['48 01 d8', 64, 'add rax, rbx', 'REX.W'],
  ['66 48 01 d8', 64, 'add rax, rbx', 'REX.W over 66H'],
  ['48 66 01 d8', 64, 'add ax, bx', 'REX before a prefix is ignored'],
  ['48 41 01 d8', 64, 'add r8d, ebx', 'the last REX counts'],
  ['01 d8', 16, 'add ax, bx', '16-bit code'],
  ['66 01 d8', 16, 'add eax, ebx', '66H in 16-bit code'],
  ['48 90', 32, 'dec eax +1', 'no REX outside 64-bit mode'],
  ['00 e0', 64, 'add al, ah', 'AH without REX'],
  ['40 00 e0', 64, 'add al, spl', 'SPL with REX'],
  ['2e 64 8b 03', 64, 'mov eax, dword ptr fs:[rbx]', 'FS'],
  ['64 2e 8b 03', 64, 'mov eax, dword ptr fs:[rbx]', 'CS override ignored in 64-bit mode, FS stays'],
  ['64 2e 8b 03', 32, 'mov eax, dword ptr cs:[ebx]', 'the last segment override counts'],
  ['8b 45 00', 32, 'mov eax, dword ptr [ebp]', 'EBP needs a displacement'],
  ['8b 04 25 10 00 00 00', 64, 'mov eax, dword ptr [0x10]', 'SIB without base and index is absolute'],
  ['8b 05 10 00 00 00', 64, 'mov eax, dword ptr [rel 0x1016]', 'RIP-relative, from the next instruction'],
  ['41 8b 05 10 00 00 00', 64, 'mov eax, dword ptr [rel 0x1017]', 'RIP-relative, REX.B or not'],
  ['67 8b 05 f0 ff ff ff', 64, 'mov eax, dword ptr [rel 0xff7]', 'EIP-relative'],
  ['8b 05 10 00 00 00', 32, 'mov eax, dword ptr [0x10]', 'absolute in 32-bit code'],
  ['42 8b 04 20', 64, 'mov eax, dword ptr [rax+r12]', 'R12 can be an index'],
  ['8b 42 fe', 16, 'mov ax, word ptr [bp+si-0x2]', '16-bit addressing'],
  ['67 8b 44 8b 04', 16, 'mov ax, word ptr [ebx+ecx*4+0x4]', '32-bit addressing in 16-bit code'],
  ['a1 88 77 66 55 44 33 22 11', 64, 'mov eax, dword ptr [0x1122334455667788]', 'moffs of 64 bits'],
  ['67 a1 44 33 22 11', 64, 'mov eax, dword ptr [0x11223344]', 'moffs follows the address size'],
  ['48 b8 88 77 66 55 44 33 22 91', 64, 'mov rax, 0x9122334455667788', 'immediate of 64 bits'],
  ['90', 64, 'nop', 'NOP'],
  ['41 90', 64, 'xchg r8d, eax', 'with REX.B 90H is XCHG'],
  ['48 90', 64, 'nop', 'REX.W alone leaves it NOP'],
  ['f3 90', 64, 'pause', 'PAUSE'],
  ['f3 0f b8 c1', 64, 'popcnt eax, ecx', 'mandatory F3'],
  ['66 f3 0f b8 c1', 64, 'popcnt ax, cx', 'mandatory F3 with 66H'],
  ['0f b8 c1', 64, 'undefined', 'no such opcode without F3'],
  ['f2 f3 0f b8 c1', 64, 'popcnt eax, ecx', 'the last of F2 and F3 counts'],
  ['f3 f2 0f b8 c1', 64, 'undefined', 'the last of F2 and F3 counts'],
  ['66 f2 0f 38 f1 c1', 64, 'crc32 eax, cx', 'F2 before 66H'],
  ['0f 38 f0 03', 64, 'movbe eax, dword ptr [rbx]', 'the same opcode without F2'],
  ['0f c7 0b', 64, 'cmpxchg8b qword ptr [rbx]', 'without REX.W'],
  ['48 0f c7 0b', 64, 'cmpxchg16b xmmword ptr [rbx]', 'with REX.W'],
  ['50', 64, 'push rax', 'default 64'],
  ['66 50', 64, 'push ax', 'default 64 has no 32'],
  ['66 e8 10 00 00 00', 64, 'call 0x1016', 'Intel ignores 66H on near branches'],
  ['66 e8 10 00', 32, 'call 0x1014', 'and does not in 32-bit code'],
  ['e9 fb ef', 16, 'jmp 0xfffe', 'wraps at 16 bits'],
  ['9a 34 12 78 56', 16, 'call 0x5678:0x1234', 'far pointer'],
  ['9a 34 12 78 56 00 00', 64, 'undefined', 'no far pointers in 64-bit mode'],
  ['67 e3 10', 64, 'jecxz 0x1013', 'counts in the address size'],
  ['f3 a4', 64, 'rep movsb', 'REP'],
  ['f2 a6', 64, 'repne cmpsb', 'REPNE'],
  ['f3 48 a5', 64, 'rep movsq', 'REP with REX.W'],
  ['f0 01 03', 64, 'lock add dword ptr [rbx], eax', 'LOCK of memory'],
  ['f0 01 c3', 64, 'undefined', 'LOCK of a register'],
  ['f0 03 03', 64, 'undefined', 'LOCK of a memory source'],
  ['f0 39 03', 64, 'undefined', 'LOCK CMP'],
  ['f0 90', 64, 'undefined', 'LOCK NOP'],
  ['0f 20 c0', 64, 'mov rax, cr0', 'CR0'],
  ['44 0f 20 c0', 64, 'mov rax, cr8', 'CR8'],
  ['0f 20 08', 64, 'undefined', 'CR1; mod is ignored'],
  ['0f 20 18', 64, 'mov rax, cr3', 'mod is ignored'],
  ['44 0f 20 d8', 64, 'undefined', 'CR11'],
  ['44 0f 21 c0', 64, 'undefined', 'DR8'],
  ['8e c8', 64, 'undefined', 'MOV to CS'],
  ['8c c8', 64, 'mov eax, cs', 'MOV from CS'],
  ['8e f0', 64, 'undefined', 'segment register 6'],
  ['c5 f8 77', 64, 'undefined', 'VEX in 64-bit mode'],
  ['c5 f8 77', 32, 'undefined', 'VEX where LDS would take a register'],
  ['c5 03', 32, 'lds eax, fword ptr [ebx]', 'LDS'],
  ['62 03', 32, 'bound eax, [ebx]', 'BOUND'],
  ['62 f1 7c 48 28 c0', 64, 'undefined', 'EVEX'],
  ['8f c0', 64, 'pop rax', 'POP r/m'],
  ['8f c8', 64, 'undefined', 'XOP'],
  ['06', 64, 'undefined', 'PUSH ES in 64-bit mode'],
  ['82 c0 01', 64, 'undefined', '82H in 64-bit mode'],
  ['82 c0 01', 32, 'add al, 0x1', '82H is 80H in legacy modes'],
  ['0f 05', 32, 'undefined', 'SYSCALL outside 64-bit mode'],
  ['0f 01 f8', 64, 'swapgs', 'a whole ModRM byte'],
  ['0f 01 f8', 32, 'undefined', 'and only in 64-bit mode'],
  ['0f 0f c0 9e', 64, 'undefined', '3DNow!'],
];

describe('decoder', () => {
  for (const [hex, bits, expected, why] of CASES)
    it(`${bits}-bit ${hex}: ${expected} (${why})`, () => assert.equal(decodeText(hex, bits), expected));

  it('allows 15 bytes and no more', () => {
    const prefixed = (count: number): string => '2e'.repeat(count) + '01d8';
    assert.equal(decodeText(prefixed(13), 64), 'add eax, ebx');
    assert.equal(decodeText(prefixed(14), 64), 'too long');
    assert.equal(decodeText('66'.repeat(20), 64), 'too long');
    assert.equal(decodeText('66'.repeat(14), 64), 'truncated');
  });

  it('calls every beginning of an instruction truncated, and reads nothing past it', () => {
    const random = seededRandom(5);
    for (const variant of variants(INSTRUCTIONS)) {
      const { operands, encoding } = randomInstance(random, variant);
      const bytes = assemble(variant.form, operands, encoding);
      if (!bytes) continue;
      for (let end = 0; end < bytes.length; end++)
        assert.deepEqual(decoder.decode(bytes, 0, end, variant.bits), { failure: 'truncated', length: end });
      const whole = decoder.decode(bytes, 0, bytes.length, variant.bits);
      assert.ok(!('failure' in whole) && whole.length === bytes.length, Buffer.from(bytes).toString('hex'));
    }
  });

  it('starts where it is told to', () => {
    const decoded = decoder.decode(bytesOf('0f0f 01d8 90'), 2, 5, 64);
    assert.ok(!('failure' in decoded) && decoded.instruction.name === 'ADD' && decoded.length === 2);
  });

  it('leaves undefined what CPUID lacks', () => {
    const bare = createDecoder(INSTRUCTIONS, new Set(['CX16']));
    const name = (hex: string): string => {
      const bytes = bytesOf(hex);
      const decoded = bare.decode(bytes, 0, bytes.length, 64);
      return 'failure' in decoded ? decoded.failure : decoded.instruction.name;
    };
    assert.equal(name('f30fb8c1'), 'undefined'); // POPCNT
    assert.equal(name('480fc70b'), 'CMPXCHG16B');
    assert.equal(name('01d8'), 'ADD');
  });
});
