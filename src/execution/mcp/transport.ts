import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { importOptional } from '../../import-optional.ts';
import { packageVersion } from '../../package-root.ts';
import { sendAsFetch } from '../llm/send.ts';
import { GroupTransport, type ServerProgram, type Wire } from './group-transport.ts';

/** An MCP server as an agent names it, with what it takes from the environment filled in. */
export interface ServerSettings {
  name: string;
  /** A program to start, or where a server listens. */
  reach: ServerProgram | { url: string; headers: Record<string, string> };
  /** Seconds for each request; null = the defaults. */
  timeout: number | null;
  /** What may not appear in messages. */
  secrets: readonly string[];
}

const SDK = '@modelcontextprotocol/sdk';

/** The client of a server and the way to it, not yet connected. @throws FlatMachineError `missing-package` */
export async function openTransport({
  name,
  reach,
}: ServerSettings): Promise<{ client: Client; transport: Transport }> {
  const load = <T>(path: string) => importOptional<T>(`${SDK}/${path}`, `the MCP server "${name}"`);
  const { Client } =
    await load<typeof import('@modelcontextprotocol/sdk/client/index.js')>('client/index.js');
  const client = new Client({ name: 'flatmachine', version: packageVersion() });
  if ('command' in reach) {
    return { client, transport: new GroupTransport(reach, await load<Wire>('shared/stdio.js')) };
  }
  const { StreamableHTTPClientTransport } =
    await load<typeof import('@modelcontextprotocol/sdk/client/streamableHttp.js')>(
      'client/streamableHttp.js',
    );
  const transport = new StreamableHTTPClientTransport(new URL(reach.url), {
    requestInit: { headers: reach.headers },
    fetch: sendAsFetch,
  });
  return { client, transport: transport as Transport };
}
