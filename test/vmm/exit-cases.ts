// Every basic exit reason that our processor gives, provoked by a tiny guest under our hypervisor, and what the SDM
// says that the exit's fields hold (Vol. 3C 28.2 and its tables; appendix C). A field that a case leaves out is 0;
// the instruction length is that of the marked line unless the case says otherwise.
import type { ExitCase } from './exit-case';
import { byControl, controlRegisters } from './exit-cases-controls';
import { always, events } from './exit-cases-events';
import { ept, io } from './exit-cases-memory';

export const EXIT_CASES: readonly ExitCase[] = [...events, ...always, ...byControl, ...controlRegisters, ...io, ...ept];
