/** Where a session's target comes from: the session knows neither processes nor engines. */
import type { MachineSettings, Pace } from '../targets/machine-settings';
import type { Target } from '../targets/target';

/** What a session attaches to. */
export type AttachPlace =
  /** A running machine of ours, by name or process id. */
  | { readonly kind: 'machine'; readonly machine: string }
  /** Another engine's VM behind a gdb stub; `kernel` is the path of its guest's kernel, if known. */
  | {
      readonly kind: 'gdb';
      readonly gdb: string;
      readonly qmp?: string | undefined;
      readonly kernel?: string | undefined;
    }
  /** A memory dump, by its path. */
  | { readonly kind: 'dump'; readonly dump: string; readonly kernel?: string | undefined };

/** Starts and finds machines. Both reject with UserErrors for what the user has wrong. */
export interface TargetMaker {
  launch(settings: MachineSettings, pace: Pace): Promise<Target>;
  attach(place: AttachPlace): Promise<Target>;
}
