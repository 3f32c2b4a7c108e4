/**
 * A flat binary: its bytes at an address, its first byte run in the mode that the user names. No boot information; the
 * stack is 4 KiB high in low memory (real mode: SS:SP; else RSP). Real mode gets CS:IP = 0:address below 64 KiB, and
 * the paragraph above.
 */
import { HIGH_RAM_START, LOW_RAM_END } from '../layout';
import { longMode, placeStack, protectedMode, realMode } from './entry-states';
import { flatBinary } from './errors';
import type { ImageReader } from './image-reader';
import type { InitialState } from './initial-state';
import { PAGE, type MemoryPlan } from './memory-plan';
import { refuseHandOff, type BootOptions, type FlatPlacement } from './options';

/** Loads the image at `options.flat.address`. UserErrors `boot/flat` when address or mode are missing or impossible. */
export function loadFlat(image: ImageReader, options: BootOptions, plan: MemoryPlan): InitialState {
  refuseHandOff('flat', options);
  const { flat } = options;
  if (!flat) throw flatBinary('needs a load address and a mode: give both');
  if (!Number.isInteger(flat.address) || flat.address < 0)
    throw flatBinary('needs a whole, non-negative load address: give one such as 0x7c00 or 0x100000');
  plan.write(flat.address, image.bytes, 'flat binary');
  const stackTop = placeStack(plan, PAGE, LOW_RAM_END);
  switch (flat.mode) {
    case 'real16':
      return enterRealMode(flat, stackTop);
    case 'protected32':
      return protectedMode(plan, flat.address, { rsp: BigInt(stackTop) });
    case 'long64':
      return longMode(plan, flat.address, { rsp: BigInt(stackTop) });
  }
}

function enterRealMode({ address }: FlatPlacement, stackTop: number): InitialState {
  if (address >= HIGH_RAM_START) throw flatBinary('starts in real mode: give it an address below 1M');
  const codeSelector = address < 0x10000 ? 0 : address >>> 4;
  const stack = { selector: (stackTop - PAGE) >>> 4, sp: PAGE };
  return realMode(codeSelector, address - codeSelector * 16, stack);
}
