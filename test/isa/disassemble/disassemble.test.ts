/** The disassembler as a table of lines in both syntaxes, and its symbols and targets. */
import assert from 'node:assert/strict';
import type { CodeBits, Decoded } from '../../../src/isa/decoded';
import { createDecoder } from '../../../src/isa/decode';
import { disassemble } from '../../../src/isa/disassemble/disassemble';
import { INSTRUCTIONS } from '../../../src/isa/records/index';

const decoder = createDecoder(INSTRUCTIONS);
const RIP = 0xffff_ffff_8100_0000n;

function decode(hex: string, bits: CodeBits): Decoded {
  const bytes = Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  const decoded = decoder.decode(bytes, 0, bytes.length, bits);
  assert.ok(!('failure' in decoded), hex);
  return decoded;
}

const CASES: readonly (readonly [string, CodeBits, string, string])[] = [
  ['55', 64, 'push rbp', 'push %rbp'],
  ['48 89 e5', 64, 'mov rbp, rsp', 'mov %rsp, %rbp'],
  ['48 83 ec 20', 64, 'sub rsp, 0x20', 'sub $0x20, %rsp'],
  ['48 83 c0 ff', 64, 'add rax, 0xffffffffffffffff', 'add $0xffffffffffffffff, %rax'],
  ['80 3b ff', 64, 'cmp byte ptr [rbx], 0xff', 'cmpb $0xff, (%rbx)'],
  ['c7 45 fc 01 00 00 00', 64, 'mov dword ptr [rbp-0x4], 0x1', 'movl $0x1, -0x4(%rbp)'],
  ['65 48 8b 04 25 28 00 00 00', 64, 'mov rax, qword ptr gs:[0x28]', 'mov %gs:0x28, %rax'],
  ['8b 44 8b 10', 64, 'mov eax, dword ptr [rbx+rcx*4+0x10]', 'mov 0x10(%rbx,%rcx,4), %eax'],
  ['8b 04 4d 00 00 00 00', 64, 'mov eax, dword ptr [rcx*2]', 'mov (,%rcx,2), %eax'],
  ['8b 03', 16, 'mov ax, word ptr [bp+di]', 'mov (%bp,%di), %ax'],
  ['48 8d 05 f9 ff ff ff', 64, 'lea rax, [rel 0xffffffff81000000]', 'lea 0xffffffff81000000(%rip), %rax'],
  ['48 b8 08 07 06 05 04 03 02 01', 64, 'mov rax, 0x102030405060708', 'movabs $0x102030405060708, %rax'],
  ['0f b6 c1', 64, 'movzx eax, cl', 'movzbl %cl, %eax'],
  ['48 0f bf 03', 64, 'movsx rax, word ptr [rbx]', 'movswq (%rbx), %rax'],
  ['48 63 c1', 64, 'movsxd rax, ecx', 'movslq %ecx, %rax'],
  ['48 98', 64, 'cdqe', 'cltq'],
  ['99', 64, 'cdq', 'cltd'],
  ['74 fe', 64, 'je 0xffffffff81000000', 'je 0xffffffff81000000'],
  ['0f 94 03', 64, 'sete byte ptr [rbx]', 'sete (%rbx)'],
  ['0f 44 c3', 64, 'cmove eax, ebx', 'cmove %ebx, %eax'],
  ['e3 00', 64, 'jrcxz 0xffffffff81000002', 'jrcxz 0xffffffff81000002'],
  ['ff d0', 64, 'call rax', 'call *%rax'],
  ['ff 25 00 00 00 00', 64, 'jmp qword ptr [rel 0xffffffff81000006]', 'jmpq *0xffffffff81000006(%rip)'],
  ['ff 2b', 32, 'jmp far fword ptr [ebx]', 'ljmp *(%ebx)'],
  ['ea 78 56 34 12 10 00', 32, 'jmp 0x10:0x12345678', 'ljmp $0x10, $0x12345678'],
  ['cb', 32, 'retf', 'lret'],
  ['48 cf', 64, 'iretq', 'iretq'],
  ['9c', 64, 'pushfq', 'pushfq'],
  ['9c', 32, 'pushfd', 'pushf'],
  ['6a ff', 64, 'push 0xffffffffffffffff', 'pushq $0xffffffffffffffff'],
  ['c1 e0 05', 64, 'shl eax, 0x5', 'shl $0x5, %eax'],
  ['d3 2b', 64, 'shr dword ptr [rbx], cl', 'shrl %cl, (%rbx)'],
  ['d1 f8', 64, 'sar eax, 1', 'sar $1, %eax'],
  ['6b c3 08', 64, 'imul eax, ebx, 0x8', 'imul $0x8, %ebx, %eax'],
  ['f0 48 0f b1 0b', 64, 'lock cmpxchg qword ptr [rbx], rcx', 'lock cmpxchg %rcx, (%rbx)'],
  ['f0 48 0f c7 0b', 64, 'lock cmpxchg16b xmmword ptr [rbx]', 'lock cmpxchg16b (%rbx)'],
  ['f3 48 ab', 64, 'rep stosq', 'rep stosq'],
  ['f3 a7', 64, 'repe cmpsd', 'repe cmpsl'],
  ['f3 64 a4', 64, 'rep fs movsb', 'rep fs movsb'],
  ['ec', 64, 'in al, dx', 'in %dx, %al'],
  ['e7 70', 64, 'out 0x70, eax', 'out %eax, $0x70'],
  ['c8 10 00 01', 64, 'enter 0x10, 0x1', 'enter $0x10, $0x1'],
  ['0f 22 d8', 64, 'mov cr3, rax', 'mov %rax, %cr3'],
  ['0f 01 38', 64, 'invlpg [rax]', 'invlpg (%rax)'],
  ['0f 01 10', 64, 'lgdt [rax]', 'lgdt (%rax)'],
  ['8e d8', 64, 'mov ds, ax', 'mov %ax, %ds'],
  ['f2 0f 38 f0 c3', 64, 'crc32 eax, bl', 'crc32b %bl, %eax'],
  ['66 0f 38 81 0b', 64, 'invvpid rcx, xmmword ptr [rbx]', 'invvpid (%rbx), %rcx'],
];

describe('disassembler', () => {
  for (const [hex, bits, intel, att] of CASES)
    it(`${bits}-bit ${hex}`, () => {
      const decoded = decode(hex, bits);
      assert.equal(disassemble(decoded, RIP).text, intel);
      assert.equal(disassemble(decoded, RIP, { syntax: 'att' }).text, att);
    });

  it('names targets and data through the callback', () => {
    const symbol = (address: bigint): string | undefined => (address === RIP ? 'startup_64' : undefined);
    const jump = disassemble(decode('eb fe', 64), RIP, { symbol });
    assert.deepEqual([jump.text, jump.target], ['jmp 0xffffffff81000000 <startup_64>', RIP]);
    const load = disassemble(decode('48 8b 05 f9 ff ff ff', 64), RIP, { symbol });
    assert.deepEqual(
      [load.text, load.dataOffset, load.target],
      ['mov rax, qword ptr [rel 0xffffffff81000000] <startup_64>', RIP, undefined],
    );
    assert.equal(disassemble(decode('eb 00', 64), RIP, { symbol }).text, 'jmp 0xffffffff81000002');
  });

  it('cuts targets to the operand size', () => {
    assert.equal(disassemble(decode('e9 00 ff', 16), 0x10n).target, 0xff13n);
    assert.equal(disassemble(decode('e9 00 00 00 80', 32), 0x8000_0000n).target, 5n);
  });

  it('gives the parts of a line apart', () => {
    const { prefixes, mnemonic, operands } = disassemble(decode('f0 01 03', 64), RIP);
    assert.deepEqual([prefixes, mnemonic, operands], [['lock'], 'add', ['dword ptr [rbx]', 'eax']]);
  });
});
