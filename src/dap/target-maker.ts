/** Where a session's target comes from: the session knows neither processes nor engines. */
import type { MachineSettings, Pace } from '../targets/machine-settings';
import type { Target } from '../targets/target';

/** Starts and finds machines. Both reject with UserErrors for what the user has wrong. */
export interface TargetMaker {
  launch(settings: MachineSettings, pace: Pace): Promise<Target>;
  /** `machine` names a running one. */
  attach(machine: string): Promise<Target>;
}
