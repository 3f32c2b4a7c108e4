// Linux in a QEMU and in a libvirt domain, debugged from the tree in a window as its user has it: from real mode at reset
// to a system call in long mode, with its stack, steps, registers and 1,000 walks, and let go again. What the window
// shows is held against what the engine's own monitor says.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from 'mocha';
import type { Locator } from 'playwright-core';
import { eventually } from '../support/engines/desk';
import { mappedStarts, walkEach } from './address-page';
import { type EngineVm, inLibvirt, inQemu, NAME } from './engine-vms';
import { CONSOLE } from './screen';
import { Workbench } from './workbench-screen';

/** What the guest's shell comes to again and again. */
const FUNCTION = 'hrtimer_nanosleep';
const ADDRESSES = 1000;
const PAGE = 4096n;
const BOOT_MS = 180_000;
/** How long one try to attach may take. */
const ATTACH_MS = 15_000;
const VIEWS = ['Variables', 'Watch', 'Call Stack', 'Breakpoints'] as const;
type View = (typeof VIEWS)[number];
/** Scopes of the Variables view, each with one of its rows. */
const SCOPES = [
  ['General', /^RAX/],
  ['Flags', /^RFLAGS/],
  ['Segments', /^CS/],
  ['Control', /^CR0/],
] as const;
const COMPARED = 'RAX RBX RCX RDX RSI RDI RBP RSP RIP RFLAGS ES CS SS DS FS GS CR0 CR2 CR3 CR4 EFER'.split(' ');

const ENGINES: Readonly<Record<string, (context: Context) => Promise<EngineVm>>> = {
  QEMU: inQemu,
  libvirt: inLibvirt,
};

/** Registers in the text of `info registers`, by the names that the Variables view has. */
function monitorRegisters(text: string): ReadonlyMap<string, bigint> {
  const values = new Map<string, bigint>();
  for (const [, name = '', digits] of text.matchAll(/\b([A-Z][A-Z0-9]{1,3}) *=([0-9a-f]+)/g)) {
    const long = /^E(..|FL)$/.test(name) ? `R${name.slice(1)}` : name;
    values.set(long === 'RFL' ? 'RFLAGS' : long, BigInt(`0x${digits}`));
  }
  return values;
}

/** Addresses all over what is mapped: its ranges' first bytes, bytes in the pages behind those, and bytes below them. */
function spread(starts: readonly bigint[]): readonly string[] {
  const wanted = new Set<string>();
  for (let round = 0n; wanted.size < ADDRESSES; round++)
    for (const start of starts) {
      const address = BigInt.asUintN(64, round === 1n ? start - 1n : start + (round * PAGE * 0x31n) / 16n);
      if (wanted.size < ADDRESSES) wanted.add(`0x${address.toString(16)}`);
    }
  return [...wanted];
}

for (const [engine, start] of Object.entries(ENGINES))
  describe(`Linux in ${engine}, debugged from the tree in a window`, function () {
    this.timeout(400_000);
    const usual = process.env.LIBVIRT_DEFAULT_URI;
    let vm: EngineVm;
    let bench: Workbench;

    before(async function () {
      vm = await start(this);
      Object.assign(process.env, vm.env);
      bench = await Workbench.open(this, (folder) => mkdirSync(join(folder, 'here')));
    });
    beforeEach(function () {
      bench.screen.before(this);
    });
    afterEach(function () {
      return bench.screen.after(this);
    });
    after(async () => {
      await bench?.close();
      if (usual === undefined) delete process.env.LIBVIRT_DEFAULT_URI;
      else process.env.LIBVIRT_DEFAULT_URI = usual;
      await vm?.end();
    });

    const picture = (name: string): Promise<void> => bench.screen.picture(`${engine.toLowerCase()}-${name}`);
    const row = (state: string): RegExp => new RegExp(`^${NAME}.*${state}`);
    const header = (view: View): Locator => bench.window.locator('.pane-header').filter({ hasText: view });
    const frame = (name: string): Locator => bench.screen.viewRow('call-stack', new RegExp(`^${name}`));
    /** Gives these views of the session all the room. */
    const show = async (...views: readonly View[]): Promise<void> => {
      for (const view of VIEWS) {
        const wanted = bench.window.locator(views.includes(view) ? '.expanded' : ':not(.expanded)');
        await bench.screen.until(header(view).and(wanted), () => header(view).click());
      }
    };
    /** Attaches by the button in the VM's row, until the VM is seen to stop: a row that is drawn anew takes no click. */
    const attach = async (state: string): Promise<void> => {
      const { paused } = bench.screen;
      const icon = bench.tree(row(state)).getByLabel('Attach Debugger', { exact: true });
      await bench.screen.until(paused, async () => {
        await bench.tree(row(state)).hover();
        await icon.click();
        await paused.waitFor({ state: 'visible', timeout: ATTACH_MS }).catch(() => {});
      });
    };
    /** What the Variables view has of a scope. */
    const registers = async (scope: string, one: RegExp): Promise<readonly (readonly [string, bigint])[]> => {
      const { screen } = bench;
      await screen.unfold(scope, one);
      const rows = await bench.window.locator('.debug-variables .monaco-list-row').allInnerTexts();
      await screen.viewRow('variables', new RegExp(`^${scope}$`)).click();
      await screen.gone(screen.viewRow('variables', one));
      return rows.flatMap((text) => {
        const [, name, digits] = /^\s*([\w ]+?)\s*[:=]\s*(0x[0-9a-f]+)/.exec(text) ?? [];
        return name && digits ? [[name, BigInt(digits)] as const] : [];
      });
    };
    /** All registers shown are those that the monitor tells. Gives them. */
    const agreedRegisters = async (): Promise<ReadonlyMap<string, bigint>> => {
      const told = monitorRegisters((await vm.monitor(['info registers']))[0]!);
      await show('Variables');
      // Those of the stop before are shown until the new ones are there.
      await bench.screen.unfold('General', new RegExp(`^RIP.*0x0*${told.get('RIP')!.toString(16)}\\b`));
      const shown = new Map<string, bigint>();
      for (const [scope, one] of SCOPES)
        for (const [name, value] of await registers(scope, one)) shown.set(name, value);
      for (const name of COMPARED) assert.equal(shown.get(name), told.get(name), name);
      return shown;
    };

    it('is found in the tree, at reset', async () => {
      await bench.showTree();
      for (const [index, one] of vm.rows.entries()) await bench.unfold(one, vm.rows[index + 1] ?? row(vm.atReset));
      await picture('tree');
    });

    it('stops in real mode, with the registers that the monitor tells', async () => {
      const { screen } = bench;
      await attach(vm.atReset);
      await screen.stopped(/^Paused/, 'real mode');
      await screen.widen();
      await picture('real-mode');
      const values = await agreedRegisters();
      assert.deepEqual([values.get('CS'), values.get('CS base'), values.get('RIP')], [0xf000n, 0xffff0000n, 0xfff0n]);
    });

    it('is offered what its stub can do', async () => {
      const toolbar = bench.window.locator('.debug-toolbar');
      await toolbar.getByLabel(/^Show Address/).waitFor();
      for (const lacking of [/^Step to VM Exit/, /^Show Devices/])
        assert.equal(await toolbar.getByLabel(lacking).count(), 0);
    });

    it('steps into the firmware by an instruction', async () => {
      await show('Call Stack');
      await bench.window.locator('.disassembly-view').getByText('0xf000:0xe05b').click();
      await bench.window.keyboard.press('F11');
      await bench.screen.sees(frame('0xfe05b'));
      const values = await agreedRegisters();
      assert.deepEqual([values.get('CS'), values.get('CS base'), values.get('RIP')], [0xf000n, 0xf0000n, 0xe05bn]);
    });

    it('stops at a function of the kernel, which is found while it boots', async () => {
      const { screen } = bench;
      await show('Breakpoints');
      // Of the events that our own machines can stop at, there is one here.
      await screen.sees(screen.viewRow('breakpoints', 'Kernel panic or oops'));
      assert.equal(await bench.window.locator('.debug-breakpoints .monaco-list-row').count(), 1);
      await screen.act('Breakpoints', 'Add Function Breakpoint');
      const input = bench.window.locator(
        '.debug-breakpoints .inputBoxContainer input, .debug-breakpoints .monaco-inputbox input',
      );
      await screen.sees(input);
      await input.fill(FUNCTION);
      await bench.window.keyboard.press('Enter');
      await screen.sees(screen.viewRow('breakpoints', FUNCTION));
      await show('Call Stack', 'Breakpoints');
      await screen.run('Debug: Continue');
      await screen.sees(screen.state(/^Paused on function breakpoint/), BOOT_MS);
      await screen.sees(frame(`${FUNCTION} \\(64-bit mode, ring 0\\)`));
      await screen.sees(bench.window.locator('.statusbar-item').filter({ hasText: /64-bit, ring 0 · paused/ }));
    });

    it('shows the stack from the system call on, and the registers that the monitor tells', async () => {
      const { screen } = bench;
      await show('Call Stack');
      for (const name of [FUNCTION, 'common_nsleep', 'do_syscall_64', 'entered the kernel by entry_SYSCALL_64'])
        await screen.sees(frame(name));
      await picture('linux');
      const values = await agreedRegisters();
      // Paging, and long mode is active.
      assert.equal(values.get('CR0')! >> 31n, 1n);
      assert.equal((values.get('EFER')! >> 10n) & 1n, 1n);
    });

    it('steps over an instruction', async () => {
      const before = await agreedRegisters();
      const rip = `0x${before.get('RIP')!.toString(16)}`;
      await show('Call Stack');
      await bench.window.locator('.disassembly-view .monaco-list-row').filter({ hasText: rip }).first().click();
      await bench.window.keyboard.press('F10');
      await bench.screen.sees(bench.screen.state(/^Paused on step/));
      await bench.screen.sees(frame(`${FUNCTION}\\+`));
      const after = await agreedRegisters();
      assert.ok(after.get('RIP')! > before.get('RIP')!);
    });

    it(`walks as the monitor does, at ${ADDRESSES} addresses`, async () => {
      const { screen } = bench;
      await bench.openPage('VMXray: Show Address Explorer', 'table.walk .entry');
      await picture('walk');
      const starts = await mappedStarts(bench.page());
      assert.ok(starts.length > 20);
      await picture('page-tables');
      const addresses = spread(starts);
      const walks = await walkEach(bench.page(), addresses);
      const told = await vm.monitor(addresses.map((address) => `gva2gpa ${address}`));
      let mapped = 0;
      for (const [index, { address, guestPhysical, fault }] of walks.entries()) {
        const wanted = /^gpa: (?:0x)?([0-9a-f]+)/.exec(told[index]!.trim())?.[1];
        // The monitor asks whether something is mapped there, not who may read it.
        if (fault !== undefined && !fault.includes('(P)')) assert.notEqual(wanted, undefined, address);
        else assert.equal(guestPhysical, wanted === undefined ? undefined : `0x${wanted}`, address);
        if (guestPhysical !== undefined) mapped++;
      }
      assert.ok(mapped > ADDRESSES / 3 && mapped < ADDRESSES, String(mapped));
      await screen.run('View: Close Editor');
    });

    it('runs on when the debugger leaves', async () => {
      const { screen } = bench;
      await screen.run('Debug: Disconnect');
      await screen.gone(screen.page.locator('.debug-toolbar'));
      assert.equal(await vm.state(), 'running');
      const before = vm.ticks();
      await eventually(() => vm.ticks() > before + 3, 'its guest goes on', 20);
      await bench.showTree();
      await screen.sees(bench.tree(row('running')));
    });

    it('is attached to while it runs, and stops at the breakpoint that was left', async () => {
      const { screen } = bench;
      await attach('running');
      // VS Code opens this view with its first session alone.
      await screen.until(header('Call Stack'), () => screen.run('View: Show Run and Debug'));
      await show('Call Stack', 'Breakpoints');
      await screen.sees(frame(''));
      await picture('attached-again');
      await screen.run('Debug: Continue');
      await screen.sees(screen.state(/^Paused on function breakpoint/));
      await screen.sees(frame(FUNCTION));
      assert.notEqual(await vm.state(), 'running');
      await screen.enter(CONSOLE, 'walk $rsp', screen.console(/guest-physical 0x/));
      await picture('console');
      await screen.run('Debug: Disconnect');
      await screen.gone(screen.page.locator('.debug-toolbar'));
      const before = vm.ticks();
      await eventually(() => vm.ticks() > before + 3, 'its guest goes on', 20);
      assert.equal(await vm.state(), 'running');
    });
  });
