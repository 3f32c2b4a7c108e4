/** Making a machine: a few questions, and a machine file at the end. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { Desk } from '../provider';
import { nameTaken } from './errors';
import type { OwnHost, Template } from './host';
import { MACHINE_FILE_SUFFIX, type MachineFile } from './machine-file';

const BAD_NAME = /[\\/:*?"<>|]|^\.|^\s|\s$/;
const LONGEST_NAME = 100;

/** Beginnings with a kernel of the user's own. */
const TEMPLATES: readonly Template[] = [
  {
    label: 'Linux kernel',
    description: 'a bzImage, with an initial RAM disk',
    async make(desk) {
      const kernel = await desk.chooseFile('Which bzImage?', {});
      if (kernel === undefined) return undefined;
      const initrd = await chooseInitrd(desk);
      return initrd && { kernel, ...(initrd.path && { initrd: initrd.path }), cmdline: 'console=ttyS0' };
    },
  },
  {
    label: 'ELF kernel',
    description: 'an ELF that boots by PVH or Multiboot',
    async make(desk) {
      const kernel = await desk.chooseFile('Which ELF file?', {});
      return kernel === undefined ? undefined : { kernel };
    },
  },
  {
    label: 'Flat image',
    description: 'bytes at an address, such as a boot sector',
    async make(desk) {
      const kernel = await desk.chooseFile('Which image?', {});
      if (kernel === undefined) return undefined;
      const flat = await desk.choose('How does it start?', [
        { label: 'Boot sector', description: 'at 0x7c00 in real mode', value: '0x7c00:real16' },
        { label: '32-bit code', description: 'at 0x100000 in protected mode', value: '0x100000:protected32' },
        { label: '64-bit code', description: 'at 0x100000 in 64-bit mode', value: '0x100000:long64' },
      ]);
      return flat === undefined ? undefined : { kernel, flat };
    },
  },
];

async function chooseInitrd(desk: Desk): Promise<{ readonly path?: string } | undefined> {
  const wanted = await desk.choose('An initial RAM disk?', [
    { label: 'Choose a file...', value: true },
    { label: 'None', description: 'the kernel has its own, or none is wanted', value: false },
  ]);
  if (wanted === undefined) return undefined;
  if (!wanted) return {};
  const path = await desk.chooseFile('Which initial RAM disk?', {});
  return path === undefined ? undefined : { path };
}

/** Asks, writes the machine file, and gives its path; undefined if the user gave up. */
export async function createMachine(host: OwnHost, desk: Desk): Promise<string | undefined> {
  const template = await desk.choose(
    'What shall the machine boot?',
    [...host.templates, ...TEMPLATES].map((value) => ({ label: value.label, description: value.description, value })),
  );
  if (!template) return undefined;
  const folders = [...host.workspaceFolders(), { label: 'My machines', path: host.store }];
  const folder =
    folders.length === 1
      ? host.store
      : await desk.choose(
          'Where shall its machine file lie?',
          folders.map(({ label, path }) => ({ label, description: path, value: path })),
        );
  if (folder === undefined) return undefined;
  const file = await template.make(desk, folder);
  if (!file) return undefined;
  const memory = await desk.choose('How much memory?', MEMORY);
  if (memory === undefined) return undefined;
  const suggestion = unusedName(folder, basename(file.kernel).replace(/\.[a-z0-9]+$/i, ''));
  const name = await askName(desk, 'What shall it be called?', folder, suggestion);
  if (name === undefined) return undefined;
  const path = join(folder, `${name}${MACHINE_FILE_SUFFIX}`);
  writeMachineFile(path, { ...file, memory });
  return path;
}

const MEMORY = ['256M', '64M', '512M', '1G', '2G', '3G'].map((value) => ({ label: value, value }));

/** Asks for the name of a machine that is not there yet. */
export function askName(desk: Desk, title: string, folder: string, value: string): Promise<string | undefined> {
  const check = (text: string): string | undefined => {
    if (text === '') return 'Give it a name.';
    if (text.length > LONGEST_NAME) return `At most ${LONGEST_NAME} characters.`;
    if (BAD_NAME.test(text)) return 'A name has none of \\ / : * ? " < > | and does not begin with a dot or a space.';
    if (existsSync(join(folder, `${text}${MACHINE_FILE_SUFFIX}`))) return 'There is a machine of this name already.';
    return undefined;
  };
  return desk.ask(title, { value, check });
}

/** `name`, or `name 2` and so on where it is taken. */
export function unusedName(folder: string, name: string): string {
  for (let count = 1; ; count++) {
    const candidate = count === 1 ? name : `${name} ${count}`;
    if (!existsSync(join(folder, `${candidate}${MACHINE_FILE_SUFFIX}`))) return candidate;
  }
}

/** Writes a new machine file. Paths below its folder become relative. Throws a UserError if it is there already. */
export function writeMachineFile(path: string, file: MachineFile): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const near = (name: string): string => {
    const from = relative(folder, name);
    return name.startsWith(`${folder}/`) || name.startsWith(`${folder}\\`) ? from : name;
  };
  const { kernel, initrd, ...rest } = file;
  const content: MachineFile = { kernel: near(kernel), ...(initrd !== undefined && { initrd: near(initrd) }), ...rest };
  try {
    writeFileSync(path, `${JSON.stringify(content, undefined, 2)}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw nameTaken(path);
    throw error;
  }
}
