// The sentence about a dead machine's process.
import assert from 'node:assert/strict';
import { describeDeath, type Exit } from '../../../src/targets/host/death';

const CRASH = `/x/main.js:10
    throw new TypeError('no such thing');
    ^

TypeError: no such thing
    at run (/x/main.js:10:11)

Node.js v20.20.2
`;
const OUT_OF_MEMORY = `
<--- Last few GCs --->
[1:0x1] 100 ms: Mark-Compact 7.6 (9.3) -> 7.6 (10.1) MB

<--- JS stacktrace --->

FATAL ERROR: Zone Allocation failed - process out of memory
 1: 0xb8ced1 node::OOMErrorHandler(char const*, v8::OOMDetails const&) [node]
----- Native stack trace -----
`;

describe('death of a machine process', () => {
  const cases: readonly [string, Exit | undefined, string, string][] = [
    ['a signal', { code: null, signal: 'SIGKILL' }, '', 'its process 5 was killed by SIGKILL.'],
    ['an exit code', { code: 70, signal: null }, '', 'its process 5 ended with exit code 70.'],
    ['unknown', undefined, '', 'its process 5 has ended.'],
    ['a warning before', undefined, 'Warning: x\n\n', 'its process 5 has ended: Warning: x'],
    ['a crash', { code: 1, signal: null }, CRASH, 'its process 5 ended with exit code 1: TypeError: no such thing'],
    [
      'out of memory',
      { code: null, signal: 'SIGTRAP' },
      OUT_OF_MEMORY,
      'its process 5 was killed by SIGTRAP, because its JavaScript engine ran out of memory: ' +
        'FATAL ERROR: Zone Allocation failed - process out of memory',
    ],
  ];
  for (const [name, exit, complaint, expected] of cases)
    it(name, () => assert.equal(describeDeath(5, exit, complaint), expected));
});
