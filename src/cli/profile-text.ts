/** A profile (`engine/profile.ts`) as text for a terminal. */
import type { ProfiledPlace, ProfileReport } from '../engine/profile';

const LINES = 20;

const percent = (part: number, whole: number): string =>
  `${((100 * part) / Math.max(1, whole)).toFixed(1).padStart(5)}%`;

function places(list: readonly ProfiledPlace[], whole: number): string[] {
  return list.slice(0, LINES).map(({ linear, entries, instructions }) => {
    const each = (instructions / Math.max(1, entries)).toFixed(1);
    return `  ${percent(instructions, whole)}  0x${linear.toString(16).padStart(16, '0')}  ${entries} times, ${each} each`;
  });
}

/** Lines with the totals, the hottest regions and interpreted blocks, and the reasons for which regions were left. */
export function profileText(report: ProfileReport): string {
  const { compiled, interpreted, regionRuns, interpretedBlocks, tlbMisses, compile, leaves } = report;
  const all = compiled + interpreted;
  const each = (compiled / Math.max(1, regionRuns)).toFixed(1);
  return [
    `instructions  ${all}: ${percent(compiled, all).trim()} compiled, ${percent(interpreted, all).trim()} interpreted`,
    `regions       ${regionRuns} runs of ${each} instructions`,
    `interpreter   ${interpretedBlocks} blocks`,
    `TLB misses    ${tlbMisses}`,
    `compiled      ${compile.regions} regions of ${compile.instructions} instructions in ${compile.modules} modules, ` +
      `${compile.bytes} bytes, ${compile.milliseconds} ms; ${compile.dropped} dropped`,
    'hot regions, by where they were entered',
    ...places(report.regions, all),
    'hot interpreted blocks',
    ...places(report.blocks, all),
    'regions handed over to the interpreter at',
    ...Object.entries(leaves)
      .slice(0, LINES)
      .map(([instruction, count]) => `  ${String(count).padStart(10)}  ${instruction}`),
    '',
  ].join('\n');
}
