/**
 * KubeVirt's machines: what they say of their state, and what can be done to them in it. A VirtualMachine is what is
 * wanted; its VirtualMachineInstance, of the same name, is what runs, in a pod that holds QEMU.
 * Source: KubeVirt's API, kubevirt.io/v1.
 */
import type { ItemState } from '../provider';
import type { Condition, KubeObject } from './object';

/** A VirtualMachine or a VirtualMachineInstance, as far as it is read here. */
export type VirtualMachine = KubeObject<
  { readonly domain?: Domain; readonly template?: { readonly spec?: { readonly domain?: Domain } } },
  {
    /** Of a VirtualMachine: `Running`, `Stopped`, `ErrorUnschedulable`. */
    readonly printableStatus?: string;
    /** Of an instance: `Scheduling`, `Running`, `Succeeded`. */
    readonly phase?: string;
    readonly nodeName?: string;
    readonly conditions?: readonly Condition[];
  }
>;

interface Domain {
  readonly cpu?: { readonly cores?: number; readonly sockets?: number; readonly threads?: number };
  readonly memory?: { readonly guest?: string };
  readonly resources?: { readonly requests?: Readonly<Record<string, string>> };
}

/** Selects the pods that hold the QEMU of a machine. */
export const LAUNCHERS = 'kubevirt.io=virt-launcher';

/** How a machine is. */
export interface MachineHealth {
  readonly state: ItemState;
  /** KubeVirt's word. */
  readonly word: string;
  readonly why: string | undefined;
}

/** How a machine is, by KubeVirt's own word for it. */
export function machineHealth({ status = {} }: VirtualMachine): MachineHealth {
  const { printableStatus, phase, conditions = [] } = status;
  const holds = (type: string, is: string): Condition | undefined =>
    conditions.find((one) => one.type === type && one.status === is);
  const isPaused = holds('Paused', 'True') !== undefined;
  const word = printableStatus ?? (phase === 'Running' && isPaused ? 'Paused' : (phase ?? 'Unknown'));
  const state = stateOf(word);
  const problem = holds('Failure', 'True') ?? holds('Ready', 'False');
  const why = state === 'running' || state === 'stopped' || state === 'paused' ? undefined : problem?.message;
  return { state, word, why };
}

function stateOf(word: string): ItemState {
  switch (word) {
    case 'Running':
      return 'running';
    case 'Paused':
      return 'paused';
    case 'Stopped':
    case 'Succeeded':
      return 'stopped';
    case 'Failed':
    case 'CrashLoopBackOff':
    case 'DataVolumeError':
      return 'failed';
    case 'Unknown':
      return 'unknown';
    default:
      return /^Err/.test(word) ? 'failed' : 'changing';
  }
}

/** `2 CPUs · 1Gi · on node-7`. */
export function machineText({ spec = {}, status = {} }: VirtualMachine): string {
  const { cpu, memory, resources } = spec.template?.spec?.domain ?? spec.domain ?? {};
  const cpus = (cpu?.cores ?? 1) * (cpu?.sockets ?? 1) * (cpu?.threads ?? 1);
  const parts = [
    cpu && `${cpus} CPU${cpus === 1 ? '' : 's'}`,
    memory?.guest ?? resources?.requests?.memory,
    status.nodeName && `on ${status.nodeName}`,
  ];
  return parts.filter((part) => part !== undefined && part !== '').join(' · ');
}

/** Ids of the actions that make sense for the machine in its state. An instance alone cannot be started or stopped. */
export function machineActions(machine: VirtualMachine, isInstance: boolean): readonly string[] {
  const { state } = machineHealth(machine);
  const own = (...ids: readonly string[]): readonly string[] => (isInstance ? [] : ids);
  switch (state) {
    case 'running':
      return [...own('stop', 'restart'), 'pause', 'console', 'debug', 'migrate'];
    case 'paused':
      return [...own('stop', 'restart'), 'unpause', 'console', 'debug'];
    case 'changing':
      return own('stop');
    default:
      return own('start', ...(state === 'failed' ? ['stop'] : []));
  }
}
