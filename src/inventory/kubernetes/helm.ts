/**
 * Helm's releases, out of the Secrets in which Helm keeps them: base64 of base64 of gzip of JSON.
 * Source: Helm 3's storage driver for Secrets (type helm.sh/release.v1).
 * NOT IMPLEMENTED: releases kept in ConfigMaps or in a database; installing, upgrading, rolling back.
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { UserError } from '../../common/errors';
import type { KubeObject } from './object';

/** One revision of a release. */
export interface HelmRelease {
  readonly name: string;
  readonly version: number;
  readonly namespace: string;
  readonly info: { readonly status: string; readonly last_deployed?: string; readonly description?: string };
  readonly chart: {
    readonly metadata: { readonly name: string; readonly version: string; readonly appVersion?: string };
  };
  /** The values that the user gave. */
  readonly config?: Readonly<Record<string, unknown>> | null;
  readonly manifest: string;
}

/** A Secret, as far as it is read here. */
export type Secret = KubeObject & { readonly type?: string; readonly data?: Readonly<Record<string, string>> };

// Unpacked; Helm refuses larger ones, as a Secret holds 1 MiB.
const LARGEST = 32 << 20;

/** The Secrets that hold releases, the newest revision of each first. */
export function releaseSecrets(secrets: readonly Secret[]): ReadonlyMap<string, readonly Secret[]> {
  const releases = new Map<string, Secret[]>();
  for (const secret of secrets) {
    const name = secret.metadata.labels?.name;
    if (secret.type !== 'helm.sh/release.v1' || name === undefined) continue;
    releases.set(name, [...(releases.get(name) ?? []), secret]);
  }
  for (const revisions of releases.values()) revisions.sort((a, b) => revisionOf(b) - revisionOf(a));
  return releases;
}

/** The revision that a Secret holds. */
export const revisionOf = ({ metadata }: Secret): number => Number(metadata.labels?.version ?? 0);

/** The release in a Secret. Rejects with a UserError where it holds none. */
export async function decodeRelease({ metadata, data }: Secret): Promise<HelmRelease> {
  try {
    const inner = Buffer.from(Buffer.from(data?.release ?? '', 'base64').toString('latin1'), 'base64');
    const plain = inner[0] === 0x1f ? await promisify(gunzip)(inner, { maxOutputLength: LARGEST }) : inner;
    return JSON.parse(plain.toString('utf8')) as HelmRelease;
  } catch (error) {
    throw new UserError(
      'helm/release',
      `The Secret ${metadata.name} holds no release of Helm: ${(error as Error).message}.`,
    );
  }
}
