/** What can go wrong between us and a Kubernetes API server: every sentence said about it. */
import { UserError } from '../../common/errors';

const SOCKET_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections. Is the cluster running? Start it, then refresh',
  ENOTFOUND: 'has a host name that nobody knows: check the kubeconfig and the network',
  EAI_AGAIN: 'has a host name that could not be looked up: check the network',
  EHOSTUNREACH: 'cannot be reached: check the network or the VPN',
  ENETUNREACH: 'cannot be reached: check the network or the VPN',
  ETIMEDOUT: 'does not answer: check the network or the VPN',
  ECONNRESET: 'broke off the connection. It may be restarting: refresh',
  EPIPE: 'broke off the connection. It may be restarting: refresh',
};

/** An answer that is not a success: the API server's Status object, as far as it is read. */
export class ApiFailure extends Error {
  constructor(
    readonly status: number,
    /** The API's word, such as `NotFound`. */
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** The failure of a call as a sentence for the user; a UserError stays itself. */
export function clusterError(failure: unknown, cluster: string): UserError {
  if (failure instanceof UserError) return failure;
  if (failure instanceof ApiFailure) return refusal(failure, cluster);
  const error = failure as NodeJS.ErrnoException;
  if (error.name === 'TimeoutError') {
    return new UserError('cluster/slow', `${cluster} did not answer in time. It may be busy: try again.`);
  }
  if (error.name === 'AbortError') return new UserError('cluster/given-up', 'Given up.');
  const reason = SOCKET_REASONS[error.code ?? ''];
  if (reason !== undefined) return new UserError(`cluster/${error.code}`, `${cluster} ${reason}.`);
  if (/certificate|self.signed|CERT_/i.test(`${error.code} ${error.message}`)) {
    return new UserError(
      'cluster/certificate',
      `${cluster} has a certificate that is not trusted (${error.message}): check certificate-authority in the kubeconfig.`,
    );
  }
  if (/socket hang up/.test(error.message)) {
    return new UserError('cluster/ECONNRESET', `${cluster} ${SOCKET_REASONS.ECONNRESET}.`);
  }
  return new UserError('cluster/failure', `${cluster} could not be asked: ${error.message}`);
}

function refusal({ status, reason, message }: ApiFailure, cluster: string): UserError {
  const code = `cluster/${reason === '' ? status : reason}`;
  switch (status) {
    case 401:
      return new UserError(
        code,
        `${cluster} does not know you: your credentials may have expired. Log in again as you did for kubectl.`,
      );
    case 403:
      return new UserError(code, `${cluster} forbids it: ${message}. Ask for a role that allows it.`);
    case 404:
      return new UserError(code, `${message}. It may have been deleted in the meantime.`);
    case 409:
      return new UserError(code, `${message} Somebody else changed it: open it again.`);
    default:
      return new UserError(code, `${cluster} says: ${message}`);
  }
}

/** The context has gone from the kubeconfig, or is broken there. */
export const badContext = (name: string, why: string): UserError =>
  new UserError(
    'cluster/context',
    `The context "${name}" of the kubeconfig cannot be used: ${why}. Correct the file, then refresh.`,
  );

/** The text of an edited object is no object. */
export const badManifest = (why: string): UserError =>
  new UserError('manifest/syntax', `This is not a manifest: ${why}`);

/** An edited text names another object. */
export const otherObject = (wanted: string, found: string): UserError =>
  new UserError(
    'manifest/other',
    `The text is now of ${found}, but ${wanted} is edited: kind, name and namespace must stay.`,
  );

/** A row that is no more, or an action that does not fit it. */
export const unfit = (what: string): UserError => new UserError('cluster/unfit', `${what} Refresh the tree.`);

/** A machine of KubeVirt's that no pod runs. */
export const noLauncher = (machine: string): UserError =>
  new UserError('machine/not-running', `No pod runs ${machine} at present: start it, then debug it.`);

/** QEMU would not open its gdb stub. */
export const gdbRefused = (machine: string, said: string): UserError =>
  new UserError('machine/gdb', `The QEMU of ${machine} opens no gdb stub: ${said}`);

/** A folder whose kustomization cannot be built, or builds to something else than objects. */
export const badKustomization = (folder: string, why: string): UserError =>
  new UserError('kustomize/build', `The kustomization ${folder} cannot be built: ${why}`);

/** There is nothing here that builds kustomizations. */
export const noKustomize = (): UserError =>
  new UserError('kustomize/absent', 'Neither kubectl nor kustomize is on the PATH: install one of them.');
