/** Defining and editing XML: the daemon itself validates, and what it refuses leaves the text open. */
import type { ActionRun } from '../provider';
import { defineDomain, findDomain, XML, xmlOf } from './domain-calls';
import type { LibvirtEngine } from './engine';
import { badXml } from './errors';
import type { RowId } from './ids';
import { defineNetwork, definePool, findNetwork, findPool, networkXml, poolXml } from './storage-calls';
import { readXml } from './xml';

const NEW_DOMAIN = `<domain type='qemu'>
  <name>new</name>
  <memory unit='MiB'>256</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64'>hvm</type>
  </os>
  <devices>
    <serial type='pty'/>
  </devices>
</domain>
`;

/** Opens a new definition; what it is, its root element says. */
export async function defineXml(engine: LibvirtEngine, { desk }: ActionRun): Promise<void> {
  await desk.editDocument('New definition.xml', 'xml', NEW_DOMAIN, async (text) => {
    await define(engine, text);
  });
}

/** Opens an object's definition. */
export async function editXml(engine: LibvirtEngine, { kind, key }: RowId, run: ActionRun): Promise<void> {
  const { desk, signal } = run;
  const caller = { signal };
  const open = (name: string, text: string): Promise<void> =>
    desk.editDocument(`${name}.xml`, 'xml', text, (edited) => define(engine, edited));
  switch (kind) {
    case 'domain': {
      const domain = await findDomain(engine, key, caller);
      // What the host's files hold of secrets belongs to the definition: without it saving would lose it.
      return open(domain.name, await xmlOf(engine, domain, XML.inactive | XML.secure, caller));
    }
    case 'network': {
      const network = await findNetwork(engine, key, caller);
      return open(network.name, await networkXml(engine, network, caller));
    }
    case 'pool': {
      const pool = await findPool(engine, key, caller);
      return open(pool.name, await poolXml(engine, pool, caller));
    }
    case 'folder':
      return undefined;
  }
}

async function define(engine: LibvirtEngine, text: string): Promise<void> {
  switch (readXml(text).name) {
    case 'domain':
      return void (await defineDomain(engine, text, {}));
    case 'network':
      return void (await defineNetwork(engine, text, {}));
    case 'pool':
      return void (await definePool(engine, text, {}));
    default:
      throw badXml('its root element is none of domain, network and pool', 1);
  }
}
