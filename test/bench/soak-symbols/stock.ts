// The same kernel without any debug file, by what it carries for itself: its stacks against those that its vmlinux gives,
// the fields of the running task by BTF against those by DWARF.
import { Images } from '../../../src/dap/images/images';
import { unwind } from '../../../src/dap/stack';
import type { Machine } from '../../../src/machine/machine';
import type { Type } from '../../../src/symbols/types/type';
import type { Target } from '../../../src/targets/target';
import { leavesOf, type Leaves } from '../../symbols/dwarf/leaves';
import type { Findings } from './compare';

/** A stock kernel beside its vmlinux, at one machine. */
export class StockKernel {
  readonly images = new Images();
  readonly symbols: number;
  /** Frames that were compared. */
  frames = 0;
  /** Numbers in the fields of tasks that were compared. */
  fields = 0;

  constructor(
    private readonly target: Target,
    private readonly machine: Machine,
    private readonly whole: Images,
    kernel: string,
  ) {
    // Its debug file is not looked for.
    this.images.load({ kernel, debugFolders: [] });
    this.images.complete();
    this.symbols = this.images.all[0]?.symbols.symbols ?? 0;
  }

  /** Compares at a stop. */
  async compare(where: string, findings: Findings): Promise<void> {
    await this.images.place(this.target, 1);
    const [ours, theirs] = [await this.stack(this.images), await this.stack(this.whole)];
    this.frames += theirs.length;
    if (ours.join() !== theirs.join())
      findings.note('stock kernel: stack', `${where}: ${theirs.join()} is ${ours.join()}`);
    const [byBtf, byDwarf] = [this.task(this.images.kernel?.btf), this.task(this.whole.kernel?.symbols.types)];
    this.fields += Object.keys(byDwarf).length;
    for (const [path, value] of Object.entries(byDwarf)) {
      if (byBtf[path] !== value) findings.note('stock kernel: task', `${where}: ${path} ${value} is ${byBtf[path]}`);
    }
  }

  private async stack(images: Images): Promise<string[]> {
    const found: string[] = [];
    const position = await this.target.position(1);
    for await (const { ip, sp, isUser } of unwind(this.target, 1, images, position)) {
      found.push(`${ip.toString(16)} ${sp.toString(16)}${isUser ? ' user' : ''}`);
    }
    return found;
  }

  /** The numbers in the running task. */
  private task(types: { typeNamed(kind: 'struct', name: string): Type | undefined } | undefined): Leaves {
    const { whole, machine } = this;
    const type = types?.typeNamed('struct', 'task_struct');
    const [running, offsets] = ['current_task', '__per_cpu_offset'].map((name) => whole.named(name)[0]?.symbol.address);
    if (!type || running === undefined || offsets === undefined) return {};
    const word = (address: bigint): bigint => {
      const bytes = machine.readMemory('linear', BigInt.asUintN(64, address), 8);
      return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    };
    const value = word(word(offsets) + running);
    const address = { kind: 'constant', value, type: { bits: 64, signed: false } } as const;
    return leavesOf(
      type,
      { kind: 'memory', address },
      {
        register: () => undefined,
        variable: () => undefined,
        read: (space, from, length) => machine.readMemory(space, from, length),
      },
    );
  }
}
