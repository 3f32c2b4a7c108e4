// package.json says of the extension what the code says: nothing is declared twice.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { LAUNCH_ATTRIBUTES, parseLaunch } from '../../src/dap/launch';
import { Arguments } from '../../src/dap/arguments';

interface Manifest {
  readonly main: string;
  readonly activationEvents: readonly string[];
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string }[]>>;
    readonly debuggers: readonly [
      {
        readonly type: string;
        readonly configurationAttributes: { readonly launch: unknown };
        readonly initialConfigurations: readonly Record<string, unknown>[];
        readonly configurationSnippets: readonly { readonly body: Record<string, unknown> }[];
      },
    ];
  };
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const [debuggerEntry] = manifest.contributes.debuggers;

describe('the manifest', () => {
  it("has the adapter's launch attributes", () => {
    const schema = JSON.parse(JSON.stringify({ required: ['kernel'], properties: LAUNCH_ATTRIBUTES })) as unknown;
    assert.deepEqual(debuggerEntry.configurationAttributes.launch, schema);
  });

  it('offers configurations that the adapter takes', () => {
    const bodies = [
      ...debuggerEntry.initialConfigurations,
      ...debuggerEntry.configurationSnippets.map(({ body }) => body),
    ];
    assert.ok(bodies.length > 0);
    for (const body of bodies) {
      assert.equal(body.type, debuggerEntry.type);
      parseLaunch(new Arguments(body));
    }
  });

  it('declares every command of the menus, and the extension registers every declared one', () => {
    const declared = manifest.contributes.commands.map(({ command }) => command);
    const used = Object.values(manifest.contributes.menus).flatMap((items) => items.map(({ command }) => command));
    assert.deepEqual(
      used.filter((command) => !declared.includes(command)),
      [],
    );
    const source = readFileSync('src/extension/extension.ts', 'utf8');
    const registered = [...source.matchAll(/registerCommand\('([^']+)'/g)].map((match) => match[1]);
    assert.deepEqual(registered.sort(), [...declared].sort());
  });
});
