import type { BackendUrl } from '../url.ts';
import { parseConsulUrl } from './address.ts';
import { createAgent } from './agent.ts';

/** What the agent at a URL says that it is: `Consul 1.8.7`. @throws FlatMachineError `backend` */
export async function consulVersion(url: BackendUrl): Promise<string> {
  const { text } = await createAgent(parseConsulUrl(url)).ask('GET', 'agent/self', undefined);
  const { Config } = JSON.parse(text) as { Config: { Version: string } };
  return `Consul ${Config.Version}`;
}
