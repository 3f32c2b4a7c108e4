/** The mode of operation in words. Source: SDM Vol. 3A 2.2. */
import { MODE } from '../cpu/layout';
import { codeBits } from './own-machine/frame';

/** `64-bit mode, ring 0`, by the mode word. */
export function modeName(mode: number): string {
  const ring = `ring ${(mode >> MODE.cplShift) & 3}`;
  const bits = codeBits(mode);
  if ((mode & MODE.protected) === 0) return 'real mode';
  if (mode & MODE.virtual8086) return 'virtual-8086 mode';
  if (bits === 64) return `64-bit mode, ${ring}`;
  return `${mode & MODE.long ? 'compatibility' : 'protected'} mode, ${bits}-bit, ${ring}`;
}
