/** Why a machine's process is gone, in one sentence: from how it ended and from what it complained of at the end. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { logPath } from './registry';

const TAIL_BYTES = 16 * 1024;
const MAX_LINE = 300;

/** How a process of ours ended; who is not its parent does not learn it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The reason for people, such as "its process 123 was killed by SIGKILL." */
export function describeDeath(pid: number, exit: Exit | undefined, complaint: string): string {
  const how = exit?.signal
    ? `was killed by ${exit.signal}`
    : typeof exit?.code === 'number'
      ? `ended with exit code ${exit.code}`
      : 'has ended';
  const memory = /out of memory/i.test(complaint) ? ', because its JavaScript engine ran out of memory' : '';
  const line = lastLine(complaint);
  return `its process ${pid} ${how}${memory}${line === undefined ? '.' : `: ${line}`}`;
}

/** The end of what a machine's process has written to standard error; empty if nothing is left of it. */
export function readComplaint(folder: string, id: string): string {
  let file: number | undefined;
  try {
    file = openSync(logPath(folder, id), 'r');
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    return tail.toString('utf8', 0, readSync(file, tail, 0, tail.length, size - tail.length));
  } catch {
    return '';
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** The line that says most: an error's, else the last one. Node ends a crash with its version and a list of frames. */
function lastLine(complaint: string): string | undefined {
  const lines = complaint
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(Node\.js v|at |-+ |\d+: 0x)/.test(line));
  const telling = lines.filter((line) => /^(\w*Error\b|FATAL|#\s*Fatal)/i.test(line)).at(-1);
  return (telling ?? lines.at(-1))?.slice(0, MAX_LINE);
}
