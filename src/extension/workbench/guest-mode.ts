/** The guest's mode of operation and its counts, in few words. Knows nothing of VS Code. */

/**
 * The parts of the mode in one integer: CR0.PE, RFLAGS.VM, EFER.LMA, CS.L, CS.D, and the privilege level (SS.DPL).
 * SDM Vol. 3A 2.2, 5.5.
 */
export const MODE_EXPRESSION =
  '($cr0 & 1) | ((($rflags >> 17) & 1) << 1) | ((($efer >> 10) & 1) << 2) | ((($cs_rights >> 13) & 1) << 3) | ' +
  '((($cs_rights >> 14) & 1) << 4) | ((($ss_rights >> 5) & 3) << 5)';

/** The mode in a few words. */
export function modeText(parts: number): string {
  const has = (bit: number): boolean => ((parts >> bit) & 1) === 1;
  const ring = `ring ${(parts >> 5) & 3}`;
  if (!has(0)) return 'real mode';
  if (has(1)) return 'virtual-8086';
  if (has(2) && has(3)) return `64-bit, ${ring}`;
  return `${has(2) ? 'compatibility' : 'protected'} ${has(4) ? '32' : '16'}-bit, ${ring}`;
}

/** A count with a unit: `1.78 G`. */
export function countText(count: number): string {
  const units = ['', ' k', ' M', ' G', ' T'];
  const unit = count < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  return `${Number((count / 1000 ** unit).toPrecision(3))}${units[unit]}`;
}
