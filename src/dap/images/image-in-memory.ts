/**
 * The Linux kernel of a guest that nobody has named: found where 64-bit kernels map their own image, with the symbols, types
 * and unwind data that it carries for itself. Source: Linux Documentation/arch/x86/x86_64/mm.rst (the kernel text mapping).
 * NOT IMPLEMENTED: 32-bit kernels, source lines.
 */
import { openRunningKernel } from '../../symbols/kernel/running-kernel';
import type { ReadLinear } from '../../symbols/kernel/linear-memory';
import type { Target } from '../../targets/target';
import { Image } from './image';

const FIRST = 0xffff_ffff_8000_0000n;
const BEHIND = 0xffff_ffff_c000_0000n;
const RANGES = 10_000;
/** A kernel with its symbols is larger than this, bytes. */
const LEAST = 0x40_0000n;

/** The kernel, at the place where it lies; undefined if there is none, or none with kallsyms. */
export async function imageInMemory(target: Target, thread: number): Promise<Image | undefined> {
  const { ranges } = await target.mappings(thread, { space: 'linear', start: '0xffffffff80000000', count: RANGES });
  const mapped = ranges
    .map(({ start, end }) => ({ start: BigInt(start), end: BigInt(end) }))
    .filter(({ start, end }) => start >= FIRST && end <= BEHIND);
  if (mapped.reduce((sum, { start, end }) => sum + end - start, 0n) < LEAST) return undefined;
  const read: ReadLinear = (linear, length) => target.readMemory(thread, 'linear', linear, length);
  const kernel = await openRunningKernel(read, mapped);
  if (!kernel) return undefined;
  const { orc, types } = kernel;
  const image = new Image({
    name: 'vmlinux',
    path: '',
    symbols: kernel,
    orc: () => orc,
    btf: () => types,
    close: () => {},
  });
  image.slide = 0n;
  return image;
}
