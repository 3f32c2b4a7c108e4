// package.json says of the extension what the code says: nothing is declared twice. `npm run test:update` writes the
// attributes of launch and attach into it.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { Arguments } from '../../src/dap/arguments';
import { ITEM_COMMAND } from '../../src/extension/workbench/contributions';
import { ATTACH_ATTRIBUTES, LAUNCH_ATTRIBUTES, parseAttach, parseLaunch } from '../../src/dap/launch';

type Configuration = Readonly<Record<string, unknown>>;

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string; readonly alt?: string }[]>>;
    readonly languages: readonly { readonly id: string; readonly configuration: string }[];
    readonly grammars: readonly { readonly language: string; readonly scopeName: string; readonly path: string }[];
    readonly breakpoints: readonly { readonly language: string }[];
    readonly debuggers: readonly [
      {
        readonly type: string;
        readonly languages: readonly string[];
        readonly variables: Readonly<Record<string, string>>;
        configurationAttributes: unknown;
        readonly initialConfigurations: readonly Configuration[];
        readonly configurationSnippets: readonly { readonly body: Configuration }[];
      },
    ];
  };
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const { contributes } = manifest;
const [debuggerEntry] = contributes.debuggers;
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('the manifest', () => {
  it("has the adapter's attributes of launch and attach", async () => {
    const schema = json({
      launch: { required: ['kernel'], properties: LAUNCH_ATTRIBUTES },
      attach: { properties: ATTACH_ATTRIBUTES },
    });
    if (process.env.VMXRAY_UPDATE) {
      debuggerEntry.configurationAttributes = schema;
      writeFileSync('package.json', await format(JSON.stringify(manifest), { parser: 'json-stringify' }));
    }
    assert.deepEqual(debuggerEntry.configurationAttributes, schema);
  });

  it('offers configurations that the adapter takes', () => {
    const bodies = [
      ...debuggerEntry.initialConfigurations,
      ...debuggerEntry.configurationSnippets.map(({ body }) => body),
    ];
    assert.deepEqual([...new Set(bodies.map(({ request }) => request))].sort(), ['attach', 'launch']);
    for (const body of bodies) {
      assert.equal(body.type, debuggerEntry.type);
      if (body.request === 'launch') parseLaunch(new Arguments(body));
      else parseAttach(new Arguments(body));
    }
  });

  it('declares every command that it uses, and the extension registers every declared one', () => {
    const declared = contributes.commands.map(({ command }) => command);
    const inMenus = Object.values(contributes.menus).flatMap((items) =>
      items.flatMap(({ command, alt }) => (alt ? [command, alt] : [command])),
    );
    const used = [...inMenus, ...Object.values(debuggerEntry.variables)];
    assert.deepEqual(
      used.filter((command) => !declared.includes(command)),
      [],
    );
    const files = readdirSync('src/extension', { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    const source = files.map((name) => readFileSync(join('src/extension', name), 'utf8')).join('\n');
    const registered = [...source.matchAll(/registerCommand\('([^']+)'/g)].map((match) => match[1]);
    // Those of the tree's rows are registered from the providers' tables, which another test compares.
    const others = declared.filter((command) => !command.startsWith(ITEM_COMMAND));
    assert.deepEqual(registered.sort(), others.sort());
  });

  it('has the files of its languages, and breakpoints in each language that it debugs', () => {
    const languages = contributes.languages.map(({ id }) => id);
    for (const { configuration } of contributes.languages) assert.ok(existsSync(configuration), configuration);
    for (const { language, scopeName, path } of contributes.grammars) {
      assert.ok(languages.includes(language), language);
      assert.equal((JSON.parse(readFileSync(path, 'utf8')) as { scopeName: string }).scopeName, scopeName);
    }
    const breakable = contributes.breakpoints.map(({ language }) => language);
    for (const language of debuggerEntry.languages) assert.ok(breakable.includes(language), language);
  });
});
