/** What the actions do to domains and their snapshots. */
import { parseSize } from '../../targets/machine-settings';
import { UserError } from '../../common/errors';
import { memorySize } from '../amounts';
import type { ActionRun } from '../provider';
import { openStub } from '../qemu/debug';
import * as calls from './domain-calls';
import { domainFacts } from './domain-xml';
import type { LibvirtEngine } from './engine';
import { gone, LibvirtError } from './errors';
import { type DomainHandle, uuidText } from './handles';
import { untilIdle, withJob } from './jobs';
import { snapshotsOf } from './tree';
import { escapeXml } from './xml';

const LONGEST_NAME = 200;
/** virDomainCoreDumpFormat: an ELF core where only memory is dumped, and kdump with zlib. */
const DUMP_FORMATS = [
  { label: 'ELF core', description: 'what "Open Memory Dump" and gdb read', value: 0 },
  { label: 'kdump, zlib', description: 'compressed, for crash', value: 1 },
] as const;

/** Suspends, with the sentence that says what a debugger gets; opens the stub on the running domain. */
export async function attach(engine: LibvirtEngine, domain: DomainHandle, { desk, signal }: ActionRun): Promise<void> {
  const { kind } = engine.uri.transport;
  if (kind !== 'unix')
    throw new UserError('libvirt/remote-debug', 'A stub of a remote domain cannot be reached: attach where it runs.');
  const facts = domainFacts(await calls.xmlOf(engine, domain, calls.XML.active, { signal }));
  const monitor = (command: string): Promise<string> => calls.monitorCommand(engine, domain, command, { signal });
  const gdb = await openStub(domain.name, monitor);
  await desk.debug({
    type: 'vmxray',
    request: 'attach',
    name: domain.name,
    gdb,
    ...(facts.kernel && { kernel: facts.kernel }),
  });
}

/** Calls that need no more than the domain; what loses something asks first. */
export async function simple(
  engine: LibvirtEngine,
  call: calls.SimpleCall,
  domain: DomainHandle,
  run: ActionRun,
): Promise<void> {
  const question = QUESTIONS[call];
  if (question && !(await run.desk.confirm(`${question.verb} ${domain.name}?`, question.detail, question.verb))) return;
  const work = calls.callSimple(engine, call, domain);
  if (call === 'managedSave' || call === 'start') await withJob(engine, domain, WORDS[call], run, work);
  else await work;
}

const WORDS = { managedSave: 'Saving', start: 'Starting' } as const;

const QUESTIONS: Readonly<Partial<Record<calls.SimpleCall, { readonly verb: string; readonly detail: string }>>> = {
  reset: { verb: 'Reset', detail: 'What its guest has not written to disk is lost.' },
  destroy: { verb: 'Destroy', detail: 'It stops at once, as if the power were cut; its definition and disks stay.' },
  removeManagedSave: { verb: 'Drop', detail: 'The state that it was saved with is lost; it starts afresh.' },
};

export async function undefineDomain(engine: LibvirtEngine, domain: DomainHandle, run: ActionRun): Promise<void> {
  const detail = 'Its definition, managed save image and records of snapshots are removed. Its disks stay.';
  if (await run.desk.confirm(`Undefine ${domain.name}?`, detail, 'Undefine')) await calls.undefine(engine, domain, run);
}

export async function saveToFile(engine: LibvirtEngine, domain: DomainHandle, run: ActionRun): Promise<void> {
  const path = await run.desk.chooseFile(`Save ${domain.name} to`, { save: true });
  if (path !== undefined) await withJob(engine, domain, 'Saving', run, calls.save(engine, domain, path));
}

export async function restoreFile(engine: LibvirtEngine, { desk, progress }: ActionRun): Promise<void> {
  const path = await desk.chooseFile('Restore from which file?', {});
  if (path === undefined) return;
  progress('Restoring');
  await calls.restore(engine, path);
}

export async function dumpMemory(engine: LibvirtEngine, domain: DomainHandle, run: ActionRun): Promise<void> {
  const { desk } = run;
  const format = await desk.choose<number>('Dump memory in which format?', DUMP_FORMATS);
  if (format === undefined) return;
  const path = await desk.chooseFile('Write the memory dump to', { save: true });
  if (path === undefined) return;
  await withJob(engine, domain, 'Dumping', run, calls.coreDump(engine, domain, path, format, { live: false }));
  desk.tell(`The memory of ${domain.name} is in ${path}.`);
}

export async function runMonitorCommand(engine: LibvirtEngine, domain: DomainHandle, run: ActionRun): Promise<void> {
  const command = await run.desk.ask("Which command of QEMU's human monitor?", { placeholder: 'info qtree' });
  if (command === undefined || command.trim() === '') return;
  const text = await calls.monitorCommand(engine, domain, command, run);
  await run.desk.openDocument(`${domain.name}: ${command}`, 'plaintext', text.replaceAll('\r', ''));
}

export async function takeSnapshot(engine: LibvirtEngine, domain: DomainHandle, run: ActionRun): Promise<void> {
  const known = (await snapshotsOf(engine, domain, run)).map(({ name }) => name);
  const check = (text: string): string | undefined => {
    if (text.trim() === '' || text.length > LONGEST_NAME) return `Give it a name of 1 to ${LONGEST_NAME} characters.`;
    if (text.includes('/') || text.startsWith('.')) return 'A name holds no "/" and begins with no ".".';
    return known.includes(text) ? 'There is a snapshot of this name already.' : undefined;
  };
  const value = `snapshot-${known.length + 1}`;
  const name = await run.desk.ask('What shall the snapshot be called?', { value, check });
  if (name === undefined) return;
  const xml = `<domainsnapshot><name>${escapeXml(name)}</name></domainsnapshot>`;
  await withJob(engine, domain, 'Taking the snapshot', run, calls.takeSnapshot(engine, domain, xml));
}

/** Goes back to a snapshot, or deletes it. */
export async function actOnSnapshot(
  engine: LibvirtEngine,
  domain: DomainHandle,
  name: string,
  action: 'goBack' | 'deleteSnapshot',
  run: ActionRun,
): Promise<void> {
  const snapshot = { name, domain };
  if (!(await snapshotsOf(engine, domain, run)).some((one) => one.name === name)) throw gone();
  const [question, detail, verb] =
    action === 'goBack'
      ? [`Go back to "${name}"?`, 'What the domain has done since is lost, on its disks as well.', 'Go Back']
      : [`Delete the snapshot "${name}"?`, 'Snapshots that grew out of it stay.', 'Delete'];
  if (!(await run.desk.confirm(question, detail, verb))) return;
  run.progress(action === 'goBack' ? 'Going back' : 'Deleting');
  await (action === 'goBack' ? calls.revertTo(engine, snapshot) : calls.deleteSnapshot(engine, snapshot));
}

export async function toggleAutostart(engine: LibvirtEngine, domain: DomainHandle, { desk, signal }: ActionRun) {
  const isOn = !(await calls.isAutostarted(engine, domain, { signal }));
  await calls.setAutostart(engine, domain, isOn, { signal });
  desk.tell(isOn ? `${domain.name} starts with the host.` : `${domain.name} no longer starts with the host.`);
}

export async function setBalloon(engine: LibvirtEngine, domain: DomainHandle, { desk, signal }: ActionRun) {
  const { memory, maxMemory } = await calls.infoOf(engine, domain, { signal });
  const check = (text: string): string | undefined => {
    try {
      return parseSize(text) > maxMemory ? `It has at most ${memorySize(maxMemory)}.` : undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };
  const value = `${Math.round(memory / 2 ** 20)}M`;
  const size = await desk.ask('How much memory shall the guest keep?', { value, check });
  if (size !== undefined) await calls.setMemory(engine, domain, parseSize(size));
}

export async function pinVcpu(engine: LibvirtEngine, domain: DomainHandle, { desk, signal }: ActionRun) {
  const processors = await calls.hostProcessors(engine, { signal });
  const { vcpus } = await calls.infoOf(engine, domain, { signal });
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
  const vcpu = await desk.choose(
    'Pin which vCPU?',
    numbers(vcpus).map((value) => ({ label: `vCPU ${value}`, value })),
  );
  if (vcpu === undefined) return;
  const chosen = await desk.chooseSeveral(
    `On which processors may vCPU ${vcpu} run?`,
    numbers(processors).map((value) => ({ label: `Processor ${value}`, value })),
  );
  if (chosen === undefined || chosen.length === 0) return;
  await calls.pinVcpu(engine, domain, vcpu, chosen);
}

export async function setIoLimits(engine: LibvirtEngine, domain: DomainHandle, disk: string, { desk }: ActionRun) {
  const field = await desk.choose('Limit what?', [
    { label: 'Bytes a second', value: 'total_bytes_sec' },
    { label: 'Bytes read a second', value: 'read_bytes_sec' },
    { label: 'Bytes written a second', value: 'write_bytes_sec' },
    { label: 'Operations a second', value: 'total_iops_sec' },
  ]);
  if (field === undefined) return;
  const check = (text: string): string | undefined =>
    /^\d+[kmg]?$/i.test(text) ? undefined : 'Write a number, with K, M or G; 0 for no limit.';
  const text = await desk.ask('To how much? 0 for no limit.', { value: '0', check });
  if (text === undefined) return;
  const value = text === '0' ? 0 : parseSize(text);
  await calls.setIoLimits(engine, domain, disk, [{ field, type: 'ullong', value }]);
}

export async function migrate(engine: LibvirtEngine, domain: DomainHandle, run: ActionRun): Promise<void> {
  const uri = await run.desk.ask(`The libvirt URI that ${domain.name} shall migrate to`, {
    placeholder: 'qemu+ssh://host/system',
    check: (text) => (/^\w+(\+\w+)?:\/\/\S*$/.test(text) ? undefined : 'Write such as qemu+ssh://host/system.'),
  });
  if (uri === undefined) return;
  const go = (unsafe: boolean): Promise<void> =>
    withJob(engine, domain, 'Migrating', run, calls.migrateTo(engine, domain, uri, { unsafe }));
  try {
    await go(false);
  } catch (error) {
    if (!(error instanceof LibvirtError) || error.number !== calls.MIGRATE_UNSAFE) throw error;
    const detail = `${error.message} It is safe if both ends have the same disks at the same paths.`;
    if (await run.desk.confirm(`Migrate ${domain.name} all the same?`, detail, 'Migrate')) await go(true);
  }
}

/** Full copies of all disks of a running domain, into a folder. */
export async function backUp(engine: LibvirtEngine, domain: DomainHandle, run: ActionRun): Promise<void> {
  const { desk, signal } = run;
  const folder = await desk.chooseFile(`Back up the disks of ${domain.name} into`, { folder: true });
  if (folder === undefined) return;
  const { disks } = domainFacts(await calls.xmlOf(engine, domain, calls.XML.active, { signal }));
  const stamp = new Date().toISOString().replace(/[:.]/g, '-');
  const entries = disks.map(({ target, device, isReadOnly, source }) => {
    const name = escapeXml(target);
    if (device !== 'disk' || isReadOnly || source === '') return `<disk name='${name}' backup='no'/>`;
    const file = escapeXml(`${folder}/${uuidText(domain.uuid)}-${target}-${stamp}.qcow2`);
    return `<disk name='${name}' backup='yes' type='file'><target file='${file}'/><driver type='qcow2'/></disk>`;
  });
  const xml = `<domainbackup mode='push'><disks>${entries.join('')}</disks></domainbackup>`;
  await calls.beginBackup(engine, domain, xml);
  const done = untilIdle(engine, domain, () => signal.aborted);
  await withJob(engine, domain, 'Backing up', run, done);
  desk.tell(`The disks of ${domain.name} are backed up in ${folder}.`);
}
