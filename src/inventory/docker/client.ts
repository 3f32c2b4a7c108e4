/** The only file that loads dockerode, when an engine is first asked something. */
import { Agent } from 'node:https';
import type Docker from 'dockerode';
import type { DockerOptions } from 'dockerode';
import type { ConstructorOptions } from 'docker-modem';
import type { Endpoint } from './endpoint';
import { SshAgent } from './ssh-agent';
import type { UpgradeTarget } from './upgrade';

// Said of every endpoint, since docker-modem fills what is missing from DOCKER_HOST, which is another endpoint's.
const NOWHERE = {
  host: undefined,
  port: undefined,
  socketPath: undefined,
  ca: undefined,
  cert: undefined,
  key: undefined,
};

/** A client of this endpoint. Nothing is connected yet. */
export async function createClient(endpoint: Endpoint): Promise<Docker> {
  const { default: Client } = await import('dockerode');
  return new Client(clientOptions(endpoint) as DockerOptions);
}

/** Where a request that dockerode does not make itself goes. */
export function upgradeTarget(endpoint: Endpoint): UpgradeTarget {
  const { protocol, socketPath, host, port, agent } = clientOptions(endpoint);
  return { protocol: protocol === 'https' ? 'https' : 'http', options: { socketPath, host, port, agent } };
}

function clientOptions(endpoint: Endpoint): ConstructorOptions {
  switch (endpoint.kind) {
    case 'socket':
      return { ...NOWHERE, protocol: 'http', socketPath: endpoint.path };
    case 'tcp': {
      const { host, port, tls } = endpoint;
      if (!tls) return { ...NOWHERE, protocol: 'http', host, port };
      const { skipVerify, ...material } = tls;
      const agent = new Agent({ ...material, rejectUnauthorized: !skipVerify });
      return { ...NOWHERE, protocol: 'https', host, port, agent };
    }
    case 'ssh':
      // The name is for the Host header alone: the agent makes the connection.
      return { ...NOWHERE, protocol: 'http', host: 'docker', port: 80, agent: new SshAgent(endpoint) };
  }
}
