/**
 * A kustomization built by the user's own program, kubectl or kustomize, and the objects in what it prints. No shell is
 * started, and kustomize's plugins stay off, as they are without a flag.
 * Source: kustomize's documentation, `kustomize build`; `kubectl kustomize`.
 */
import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import { badKustomization, noKustomize } from './errors';
import type { KubeObject } from './object';

// In the order of preference.
const PROGRAMS: readonly (readonly [string, string])[] = [
  ['kubectl', 'kustomize'],
  ['kustomize', 'build'],
];
const LONGEST_OUTPUT = 64 << 20;

/** The manifests of a folder with a kustomization file, as YAML. */
export async function buildKustomization(folder: string, signal: AbortSignal): Promise<string> {
  for (const [program, verb] of PROGRAMS) {
    const built = await run(program, [verb, folder], signal);
    if (built === 'absent') continue;
    if (built.problem !== undefined) throw badKustomization(basename(folder), built.problem);
    return built.text;
  }
  throw noKustomize();
}

type Built = { readonly text: string; readonly problem?: string | undefined } | 'absent';

function run(program: string, args: readonly string[], signal: AbortSignal): Promise<Built> {
  return new Promise((resolve, reject) => {
    const options = { signal, maxBuffer: LONGEST_OUTPUT, windowsHide: true };
    execFile(program, args, options, (error, text, complaint) => {
      if (signal.aborted) return reject(signal.reason as Error);
      if ((error as NodeJS.ErrnoException | null)?.code === 'ENOENT') return resolve('absent');
      resolve({ text, problem: error ? complaint.trim() || error.message : undefined });
    });
  });
}

// What others need to be there comes first.
const FIRST = ['Namespace', 'CustomResourceDefinition'];

/** The objects in a text of YAML documents, those first that others need. Rejects with a UserError for what is none. */
export async function objectsIn(text: string, folder: string): Promise<readonly KubeObject[]> {
  const { loadAll } = await import('js-yaml');
  let documents: unknown[];
  try {
    documents = loadAll(text).filter((one) => one !== null && one !== undefined);
  } catch (error) {
    throw badKustomization(basename(folder), (error as Error).message);
  }
  const objects = documents.map((one): KubeObject => {
    const { kind, apiVersion, metadata } = one as Partial<KubeObject>;
    if (typeof kind !== 'string' || typeof apiVersion !== 'string' || typeof metadata?.name !== 'string') {
      throw badKustomization(basename(folder), 'a document in it has no apiVersion, kind or name.');
    }
    return one as KubeObject;
  });
  const rank = ({ kind = '' }: KubeObject): number => (FIRST.includes(kind) ? FIRST.indexOf(kind) : FIRST.length);
  return objects.sort((a, b) => rank(a) - rank(b));
}
