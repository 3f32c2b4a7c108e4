/** Ids of a cluster's rows: a kind, then its parts between slashes, none of which can hold a slash. */

/** What an id names. */
export type Place =
  | { readonly at: 'folder'; readonly folder: 'namespaces' | 'cluster' }
  | { readonly at: 'namespace'; readonly namespace: string }
  | { readonly at: 'category'; readonly namespace: string; readonly category: string }
  /** Workloads of which the label that they are grouped by has this value; empty for those without it. */
  | { readonly at: 'group'; readonly namespace: string; readonly value: string }
  /** All objects of a kind; without a namespace those of a kind that has none. */
  | { readonly at: 'type'; readonly namespace: string | undefined; readonly key: string }
  | { readonly at: 'object'; readonly namespace: string | undefined; readonly key: string; readonly name: string }
  | { readonly at: 'container'; readonly namespace: string; readonly pod: string; readonly container: string }
  | { readonly at: 'endpoint'; readonly namespace: string; readonly service: string; readonly address: string }
  | { readonly at: 'release'; readonly namespace: string; readonly release: string };

// Names of objects may hold a colon, so parts are cut at slashes alone; `group/resource` is two of them.
const SEPARATOR = '/';

/** The id of a place. */
export function placeId(place: Place): string {
  const parts = (...texts: readonly (string | undefined)[]): string =>
    [place.at, ...texts.map((text) => text ?? '')].join(SEPARATOR);
  switch (place.at) {
    case 'folder':
      return parts(place.folder);
    case 'namespace':
      return parts(place.namespace);
    case 'category':
      return parts(place.namespace, place.category);
    case 'group':
      return parts(place.namespace, place.value);
    case 'type':
      return parts(place.namespace, place.key);
    case 'object':
      return parts(place.namespace, place.key, place.name);
    case 'container':
      return parts(place.namespace, place.pod, place.container);
    case 'endpoint':
      return parts(place.namespace, place.service, place.address);
    case 'release':
      return parts(place.namespace, place.release);
  }
}

/** The place of an id; undefined for what is none. */
export function parsePlace(id: string): Place | undefined {
  const [at, first = '', second = '', third = '', fourth = ''] = id.split(SEPARATOR);
  const namespace = first;
  switch (at) {
    case 'folder':
      return first === 'namespaces' || first === 'cluster' ? { at, folder: first } : undefined;
    case 'namespace':
      return { at, namespace };
    case 'category':
      return { at, namespace, category: second };
    case 'group':
      return { at, namespace, value: second };
    case 'type':
      return { at, namespace: namespace === '' ? undefined : namespace, key: `${second}/${third}` };
    case 'object':
      return { at, namespace: namespace === '' ? undefined : namespace, key: `${second}/${third}`, name: fourth };
    case 'container':
      return { at, namespace, pod: second, container: third };
    case 'endpoint':
      return { at, namespace, service: second, address: third };
    case 'release':
      return { at, namespace, release: second };
    default:
      return undefined;
  }
}
