import { FlatMachineError } from '../../errors.ts';
import { isJsonObject } from '../../json.ts';
import { untilAborted } from '../../timers.ts';
import type { JsonObject, JsonValue } from '../../types.ts';
import { fillSecrets, type Variables } from '../llm/fill-secrets.ts';
import type { Tool } from '../tools/interfaces.ts';
import { McpConnection } from './connection.ts';
import { passes, type ServerToolFilter, toolName } from './tool-names.ts';
import type { ServerSettings } from './transport.ts';

/** What a program that is started gets of the environment beside its own `env`. */
const INHERITED = ['HOME', 'LANG', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'TMPDIR', 'USER'];

/** Whose servers they are. */
export interface ServerOwner {
  /** Name of the agent. */
  agent: string;
  /** Where programs are started. */
  dir: string;
  env: Variables;
}

/** The MCP servers of an agent. Each is connected when tools are first asked for; one that has died is connected again at the next time. */
export class McpServers {
  readonly #servers: readonly ServerSettings[];
  readonly #filter: ServerToolFilter;
  readonly #connections = new Map<string, Promise<McpConnection>>();
  readonly #over = new AbortController();

  /**
   * @param mcp `mcp` of a flatagent
   * @throws FlatMachineError `invalid-machine`, `auth` for a variable that is not set
   */
  constructor(mcp: JsonObject, owner: ServerOwner) {
    this.#servers = Object.entries(mcp.servers as JsonObject).map(([name, server]) =>
      settingsOf(name, server, owner),
    );
    const filter = isJsonObject(mcp.tool_filter) ? mcp.tool_filter : {};
    this.#filter = {
      allow: Array.isArray(filter.allow) ? filter.allow.map(String) : null,
      deny: Array.isArray(filter.deny) ? filter.deny.map(String) : [],
    };
  }

  /**
   * The tools that the filter lets through, of all servers, in the order of the file.
   * @throws FlatMachineError `tool` for a server that cannot be used; the signal's reason
   */
  async tools(signal: AbortSignal): Promise<Tool[]> {
    const connections = await untilAborted(
      Promise.all(this.#servers.map((server) => this.#connect(server))),
      signal,
    );
    return this.#servers.flatMap(({ name: server }, i) => {
      const connection = connections[i] as McpConnection;
      return connection.tools
        .filter((tool) => passes(this.#filter, server, tool.name))
        .map((tool) => ({
          name: toolName(server, tool.name),
          description: tool.description ?? tool.title ?? '',
          parameters: tool.inputSchema as JsonObject,
          run: (args, call) => connection.call(tool.name, args, call),
        }));
    });
  }

  /** Ends all connections and programs. */
  async close(): Promise<void> {
    this.#over.abort(new FlatMachineError('tool', 'the run is over'));
    const connections = await Promise.allSettled(this.#connections.values());
    this.#connections.clear();
    const open = connections.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    await Promise.all(open.map((connection) => connection.close()));
  }

  async #connect(settings: ServerSettings): Promise<McpConnection> {
    if (this.#over.signal.aborted)
      throw new FlatMachineError('tool', `the MCP server "${settings.name}" was closed with its run`);
    const known = this.#connections.get(settings.name);
    if (known !== undefined) {
      const connection = await known;
      if (!connection.dead) return connection;
      // Another caller may have replaced it meanwhile.
      if (this.#connections.get(settings.name) !== known) return this.#connect(settings);
      await connection.close();
    }
    const opening = McpConnection.open(settings, this.#over.signal);
    this.#connections.set(settings.name, opening);
    opening.catch(() => this.#connections.delete(settings.name));
    return opening;
  }
}

function settingsOf(
  name: string,
  server: JsonValue | undefined,
  { agent, dir, env }: ServerOwner,
): ServerSettings {
  const what = `the MCP server "${name}" of agent "${agent}"`;
  if (!isJsonObject(server)) throw new FlatMachineError('invalid-machine', `${what} must be a map`);
  const { command, server_url, timeout } = server;
  const common = { name, timeout: typeof timeout === 'number' ? timeout : null };
  if (typeof command === 'string') {
    const { values, secrets } = fillSecrets(server.env, env, `env of ${what}`);
    const args = Array.isArray(server.args) ? server.args.map(String) : [];
    const inherited = INHERITED.flatMap((key) => (env[key] === undefined ? [] : [[key, env[key]] as const]));
    const reach = { command, args, env: { ...Object.fromEntries(inherited), ...values }, cwd: dir };
    return { ...common, reach, secrets };
  }
  if (typeof server_url === 'string') {
    const { values, secrets } = fillSecrets(server.headers, env, `headers of ${what}`);
    return { ...common, reach: { url: server_url, headers: values }, secrets };
  }
  throw new FlatMachineError('invalid-machine', `${what} needs \`command\` or \`server_url\``);
}
