/** What is shown of a namespace: the objects that a selector selects, workloads in groups by a label. */
import { labelsOf } from '../rows';
import { parseSelector } from '../selector';
import type { Choice } from '../../provider';
import { WORKLOAD_KEYS } from '../categories';
import { unfit } from '../errors';
import type { ActionContext, KubernetesAction } from './action';

/** The actions on what a namespace shows. */
export const viewActions: readonly KubernetesAction[] = [
  {
    id: 'selectLabels',
    title: 'Filter by Labels...',
    icon: 'filter',
    group: 'show',
    on: ['Namespace'],
    execute: async (context) => {
      const namespace = namespaceOf(context);
      const { selectorText } = context.view.of(namespace);
      const text = await context.desk.ask(`Label selector for ${namespace}`, {
        value: selectorText,
        placeholder: 'app=web,tier!=front; empty shows all',
        check: problemIn,
      });
      if (text !== undefined && problemIn(text) === undefined) context.view.select(namespace, text);
    },
  },
  {
    id: 'groupByLabel',
    title: 'Group Workloads by Label...',
    icon: 'group-by-ref-type',
    group: 'show',
    on: ['Namespace'],
    execute: async (context) => {
      const namespace = namespaceOf(context);
      const none: Choice<{ label: string | undefined }> = { label: 'No groups', value: { label: undefined } };
      const labels = (await labelsIn(context, namespace)).map((label) => ({ label, value: { label } }));
      const chosen = await context.desk.choose(`Group the workloads of ${namespace} by`, [none, ...labels]);
      if (chosen) context.view.groupBy(namespace, chosen.label);
    },
  },
];

function problemIn(text: string): string | undefined {
  try {
    parseSelector(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function namespaceOf({ places }: ActionContext): string {
  const [place] = places;
  if (place?.at !== 'namespace') throw unfit('This row is no namespace.');
  return place.namespace;
}

async function labelsIn({ objects, signal }: ActionContext, namespace: string): Promise<string[]> {
  const lists = await Promise.all(WORKLOAD_KEYS.map((key) => objects.listIfAllowed(key, namespace, signal)));
  return [...new Set(lists.flat().flatMap((object) => Object.keys(labelsOf(object))))].sort();
}
