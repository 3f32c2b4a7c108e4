/**
 * The three states in which images are entered (real, protected flat, 64-bit identity-mapped), with the descriptor and
 * page tables that they need placed in guest memory.
 *
 * Sources: SDM Vol. 3A 3.4.5 (descriptors), 4.5 (4-level paging), 9.8.5 (IA-32e mode); SDM Vol. 3C 26.3.1 (what the
 * guest-state checks demand of TR and the access rights).
 */
import { PAGE, type MemoryPlan } from './memory-plan';
import {
  generalRegisters,
  RESET_STATE,
  type GeneralRegister,
  type InitialState,
  type SegmentState,
} from './initial-state';
import { Structure } from './structure';

/** Selector of the code segment: __BOOT_CS of the Linux boot protocol. */
export const CODE_SELECTOR = 0x10;
/** Selector of the data segments: __BOOT_DS of the Linux boot protocol. */
export const DATA_SELECTOR = 0x18;
const TSS_SELECTOR = 0x20;
const TSS_LIMIT = 0x67;

const CODE32 = 0xc09b;
const CODE64 = 0xa09b;
const DATA32 = 0xc093;
const BUSY_TSS = 0x8b;
const UNUSABLE = 0x10000;

const CR0_PE_ET = 0x11n;
const CR0_PG = 0x80000000n;
const CR4_PAE = 0x20n;
const EFER_LME_LMA = 0x500n;

const flat = (selector: number, access: number): SegmentState => ({ selector, base: 0n, limit: 0xffffffff, access });
const NO_LDT: SegmentState = { selector: 0, base: 0n, limit: 0, access: UNUSABLE };
const BOOT_TSS: SegmentState = { selector: TSS_SELECTOR, base: 0n, limit: TSS_LIMIT, access: BUSY_TSS };

type Values = Partial<Record<GeneralRegister, bigint>>;

function flatState(plan: MemoryPlan, code: number, entry: number, values: Values): InitialState {
  const gdt = buildGdt(code);
  const data = flat(DATA_SELECTOR, DATA32);
  return {
    ...RESET_STATE,
    registers: generalRegisters(values),
    rip: BigInt(entry),
    segments: { es: data, cs: flat(CODE_SELECTOR, code), ss: data, ds: data, fs: data, gs: data },
    ldtr: NO_LDT,
    tr: BOOT_TSS,
    gdtr: { base: BigInt(plan.writeLow(gdt, 8, 'descriptor table')), limit: gdt.length - 1 },
    idtr: { base: 0n, limit: 0 },
    cr0: CR0_PE_ET,
  };
}

/** Protected mode, paging off, flat 4 GiB segments, IF=0, at the guest-physical address `entry`. */
export function protectedMode(plan: MemoryPlan, entry: number, values: Values): InitialState {
  return flatState(plan, CODE32, entry, values);
}

/** 64-bit mode with the first 4 GiB mapped to themselves (writable, supervisor), IF=0, at `entry`. */
export function longMode(plan: MemoryPlan, entry: number, values: Values): InitialState {
  const cr3 = placeIdentityMap(plan);
  return {
    ...flatState(plan, CODE64, entry, values),
    cr0: CR0_PE_ET | CR0_PG,
    cr3: BigInt(cr3),
    cr4: CR4_PAE,
    efer: EFER_LME_LMA,
  };
}

/**
 * Real mode with CS:IP = `codeSelector`:`ip` and every data segment at 0. The vectors at 0-0x3ff are those of the
 * image or zero: there is no BIOS.
 */
export function realMode(codeSelector: number, ip: number, stack: { selector: number; sp: number }): InitialState {
  const segment = (selector: number): SegmentState => ({
    selector,
    base: BigInt(selector * 16),
    limit: 0xffff,
    access: 0x93,
  });
  const data = segment(0);
  return {
    ...RESET_STATE,
    registers: generalRegisters({ rsp: BigInt(stack.sp) }),
    rip: BigInt(ip),
    segments: { es: data, cs: segment(codeSelector), ss: segment(stack.selector), ds: data, fs: data, gs: data },
    idtr: { base: 0n, limit: 0x3ff },
    cr0: 0x10n,
  };
}

/** Places `length` bytes of stack high in low memory and gives the address above them, aligned to 16 bytes. */
export function placeStack(plan: MemoryPlan, length: number, limit: number): number {
  return plan.placeHigh(length, PAGE, 'stack', limit) + length;
}

function buildGdt(code: number): Uint8Array {
  const gdt = new Structure(TSS_SELECTOR + 16);
  writeDescriptor(gdt, CODE_SELECTOR, 0xffffffff, code);
  writeDescriptor(gdt, DATA_SELECTOR, 0xffffffff, DATA32);
  writeDescriptor(gdt, TSS_SELECTOR, TSS_LIMIT, BUSY_TSS);
  return gdt.bytes;
}

/** A descriptor with base 0; bits 12-15 of `access` (AVL, L, D/B, G) stand beside limit 19:16. */
function writeDescriptor(gdt: Structure, offset: number, limit: number, access: number): void {
  const stored = access & 0x8000 ? limit >>> 12 : limit;
  gdt
    .u16(offset, stored & 0xffff)
    .u8(offset + 5, access & 0xff)
    .u8(offset + 6, ((access >> 12) << 4) | ((stored >>> 16) & 0xf));
}

const PRESENT_WRITABLE = 0x3;
const LARGE_PAGE = 0x80;
const ENTRIES = 512;
const LARGE_PAGE_BYTES = 0x200000;

/** PML4, PDPT and four page directories of 2 MiB pages; gives the PML4's address. */
function placeIdentityMap(plan: MemoryPlan): number {
  const directories = 4;
  const tables = new Structure((2 + directories) * PAGE);
  const start = plan.placeLow(tables.bytes.length, PAGE, 'page tables');
  tables.u64(0, (start + PAGE) | PRESENT_WRITABLE);
  for (let i = 0; i < directories; i++) tables.u64(PAGE + i * 8, (start + (2 + i) * PAGE) | PRESENT_WRITABLE);
  for (let i = 0; i < directories * ENTRIES; i++)
    tables.u64(2 * PAGE + i * 8, i * LARGE_PAGE_BYTES + (PRESENT_WRITABLE | LARGE_PAGE));
  plan.fill(start, tables.bytes);
  return start;
}
