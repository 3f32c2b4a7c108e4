/** What Helm's releases are made of: their values, manifest and history. */
import { unfit } from '../errors';
import { decodeRelease, releaseSecrets, revisionOf, type HelmRelease, type Secret } from '../helm';
import type { ActionContext, KubernetesAction } from './action';

/** The actions on releases. */
export const helmActions: readonly KubernetesAction[] = [
  {
    id: 'helmValues',
    title: 'Show Values',
    icon: 'settings',
    group: 'show',
    on: ['release'],
    execute: (context) =>
      forEachRelease(context, async ([newest]) => {
        const { dump } = await import('js-yaml');
        if (newest) await context.desk.openDocument(`${newest.name} values.yaml`, 'yaml', dump(newest.config ?? {}));
      }),
  },
  {
    id: 'helmManifest',
    title: 'Show Manifest',
    icon: 'json',
    group: 'show',
    on: ['release'],
    execute: (context) =>
      forEachRelease(context, async ([newest]) => {
        if (newest) await context.desk.openDocument(`${newest.name} manifest.yaml`, 'yaml', newest.manifest);
      }),
  },
  {
    id: 'helmHistory',
    title: 'Show History',
    icon: 'history',
    group: 'show',
    on: ['release'],
    execute: (context) =>
      forEachRelease(context, async (revisions) => {
        const lines = revisions.map(historyLine);
        await context.desk.openDocument(`${revisions[0]?.name} history`, 'plaintext', `${lines.join('\n')}\n`);
      }),
  },
];

function historyLine({ version, info, chart }: HelmRelease): string {
  const { name, version: chartVersion } = chart.metadata;
  return `revision ${version}  ${info.status}  ${name}-${chartVersion}  ${info.last_deployed ?? ''}  ${info.description ?? ''}`;
}

async function forEachRelease(
  { cluster, places, signal }: ActionContext,
  show: (revisions: readonly HelmRelease[]) => Promise<void>,
): Promise<void> {
  for (const place of places) {
    if (place.at !== 'release') throw unfit('This row is no release.');
    const type = await cluster.type('/secrets', signal);
    const query = { labelSelector: `owner=helm,name=${place.release}` };
    const { items } = await cluster.list<Secret>(type, place.namespace, signal, query);
    const secrets = releaseSecrets(items).get(place.release) ?? [];
    if (secrets.length === 0) throw unfit(`There is no release ${place.release} any more.`);
    const sorted = [...secrets].sort((a, b) => revisionOf(b) - revisionOf(a));
    await show(await Promise.all(sorted.map(decodeRelease)));
  }
}
