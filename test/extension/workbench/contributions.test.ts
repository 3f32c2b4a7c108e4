// package.json has a command and menu items for each action of each provider. `npm run test:update` writes them.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import {
  type CommandContribution,
  commandsOf,
  ITEM_COMMAND,
  type MenuContribution,
  menusOf,
} from '../../../src/extension/workbench/contributions';
import { ALL_ACTIONS } from './all-actions';

interface Manifest {
  readonly contributes: {
    commands: CommandContribution[];
    readonly menus: Record<string, MenuContribution[]>;
    readonly jsonValidation: readonly { readonly url: string }[];
    readonly walkthroughs: readonly {
      readonly steps: readonly { readonly description: string; readonly media: { readonly markdown: string } }[];
    }[];
    readonly viewsWelcome: readonly { readonly contents: string }[];
  };
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const { contributes } = manifest;
const isItem = ({ command }: { readonly command: string }): boolean => command.startsWith(ITEM_COMMAND);
const ROWS = 'view/item/context';

describe("the manifest's rows", () => {
  it('have the commands and menus of all actions', async () => {
    const commands = commandsOf(ALL_ACTIONS);
    const rows = menusOf(ALL_ACTIONS);
    // They need a row: the palette has none.
    const palette = commands.map(({ command }) => ({ command, when: 'false' }));
    if (process.env.VMXRAY_UPDATE) {
      const { menus } = contributes;
      contributes.commands = [...contributes.commands.filter((one) => !isItem(one)), ...commands];
      menus[ROWS] = [...menus[ROWS]!.filter((one) => !isItem(one)), ...rows];
      menus.commandPalette = [...menus.commandPalette!.filter((one) => !isItem(one)), ...palette] as MenuContribution[];
      writeFileSync('package.json', await format(JSON.stringify(manifest), { parser: 'json-stringify' }));
    }
    assert.deepEqual(contributes.commands.filter(isItem), commands);
    assert.deepEqual(contributes.menus[ROWS]!.filter(isItem), rows);
    assert.deepEqual(contributes.menus.commandPalette!.filter(isItem), palette);
  });

  it('put what is dangerous into a last group of its own', () => {
    const groups = menusOf([
      { id: 'a', title: 'A', icon: 'x', on: ['k'], group: 'inline', severalItems: true },
      { id: 'b', title: 'B', icon: 'x', on: ['k'], group: 'danger' },
      { id: 'a', title: 'Again', icon: 'y', on: ['k'], group: 'danger' },
    ]);
    assert.deepEqual(
      groups.map(({ command, group }) => `${command} ${group}`),
      ['vmxray.item.a inline@1', 'vmxray.item.a 1_state@1', 'vmxray.item.b 9_danger@2'],
    );
    assert.match(groups[2]!.when, /viewItem =~ \/;b;\/ && !listMultiSelection$/);
  });

  it('name files and commands that there are', () => {
    const { walkthroughs, jsonValidation, viewsWelcome, commands } = contributes;
    const steps = walkthroughs.flatMap((walkthrough) => walkthrough.steps);
    for (const path of [...steps.map(({ media }) => media.markdown), ...jsonValidation.map(({ url }) => url)])
      assert.ok(existsSync(path), path);
    const texts = [...steps.map(({ description }) => description), ...viewsWelcome.map(({ contents }) => contents)];
    const linked = texts.flatMap((text) => [...text.matchAll(/command:(vmxray\.[\w.]+)/g)].map((match) => match[1]!));
    assert.ok(linked.length > 0);
    for (const command of linked)
      assert.ok(
        commands.some((one) => one.command === command),
        command,
      );
  });
});
