// Fetches the whole lab, so that no test waits for a download; prints what each thing is, or why it is absent.
// A parent process is sent the reasons by name.
import { lab } from './lab';
import { isAbsent } from './missing';

const things: [string, () => Promise<unknown>][] = [
  ['kernel', lab.kernel],
  ['debugKernel', lab.debugKernel],
  ['kernel686', lab.kernel686],
  ['initrd', () => lab.initrd()],
  ['initrd686', () => lab.initrd(undefined, 'i386')],
  ['node24', lab.node24],
  ['qemu', lab.qemu],
  ['qemuImg', lab.qemuImg],
  ['libvirtd', lab.libvirtd],
  ['virsh', lab.virsh],
  ['bochs', lab.bochs],
  ['iasl', lab.iasl],
  ['gdb', lab.gdb],
  ['gcc', lab.gcc],
  ['podman', lab.podman],
  ['dockerd', lab.dockerd],
  ['docker', lab.docker],
  ['etcd', lab.etcd],
  ['kubectl', lab.kubectl],
  ['containerd', lab.containerd],
  ['kubernetes', lab.kubernetes],
  ['codeServer', lab.codeServer],
];

async function main(): Promise<void> {
  const absent: Record<string, string> = {};
  await Promise.all(
    things.map(async ([name, provide]) => {
      const thing = await provide();
      if (isAbsent(thing)) absent[name] = thing.missing;
      console.log(`lab: ${name}: ${isAbsent(thing) ? `absent, ${thing.missing}` : JSON.stringify(thing)}`);
    }),
  );
  process.send?.(absent);
}

main().catch((error: Error) => {
  console.error(`lab: ${error.message}`);
  process.exitCode = 1;
});
