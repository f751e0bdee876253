import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { CallToolResult, Tool as McpTool } from '@modelcontextprotocol/sdk/types.js';
import type { FlatMachineError } from '../../errors.ts';
import { MAX_TIMER_MS } from '../../timers.ts';
import type { JsonObject } from '../../types.ts';
import { agentError } from '../agents/errors.ts';
import { redact } from '../agents/redact.ts';
import { Deadline } from '../llm/deadline.ts';
import type { ToolInvocation, ToolResult } from '../tools/interfaces.ts';
import { GroupTransport } from './group-transport.ts';
import { contentOf } from './tool-content.ts';
import { openTransport, type ServerSettings } from './transport.ts';

/** Seconds that connecting to a server and listing its tools may take when its settings do not say. */
const DEFAULT_TIMEOUT = 30;

/** Tools of one server. More are no list but an attack: all of them would be told to the model. */
const MAX_TOOLS = 1000;

/** How long the end of a session may take to be told to a server, milliseconds. */
const GOODBYE_MS = 1000;

/** A connected MCP server, and the tools it told of. */
export class McpConnection {
  readonly #settings: ServerSettings;
  readonly #client: Client;
  readonly #transport: Transport;
  #tools: readonly McpTool[] = [];
  #dead = false;

  private constructor(settings: ServerSettings, client: Client, transport: Transport) {
    this.#settings = settings;
    this.#client = client;
    this.#transport = transport;
    client.onclose = () => {
      this.#dead = true;
    };
  }

  /**
   * @param signal gives up
   * @throws FlatMachineError `tool` for a server that does not start, answer or speak MCP; `missing-package`, `auth`
   */
  static async open(settings: ServerSettings, signal: AbortSignal): Promise<McpConnection> {
    const { client, transport } = await openTransport(settings);
    const connection = new McpConnection(settings, client, transport);
    try {
      await connection.#begin(signal);
      return connection;
    } catch (error) {
      await connection.close();
      throw connection.#failure('cannot be used', error);
    }
  }

  get tools(): readonly McpTool[] {
    return this.#tools;
  }

  /** Whether it has ended or closed the connection. */
  get dead(): boolean {
    return this.#dead;
  }

  /**
   * Calls a tool. What the server itself answers, refusals too, is the result.
   * @throws FlatMachineError `tool` for a server that is gone or does not answer in time; the signal's reason
   */
  async call(name: string, args: JsonObject, { signal, timeout }: ToolInvocation): Promise<ToolResult> {
    const seconds = Math.min(timeout, this.#settings.timeout ?? Number.POSITIVE_INFINITY);
    if (this.#dead) throw this.#failure('is gone', null);
    try {
      const result = await this.#client.callTool({ name, arguments: args }, undefined, {
        timeout: Math.min(seconds * 1000, MAX_TIMER_MS),
        signal,
      });
      return contentOf(result as CallToolResult);
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = error as { code?: unknown; message: string };
      const answered = typeof code === 'number' && code < 0 && !UNANSWERED.has(code);
      if (answered) return { content: redact(message, this.#settings.secrets), is_error: true };
      throw this.#failure(code === TIMED_OUT ? `did not answer in ${seconds} s` : 'is gone', error);
    }
  }

  /** Ends the connection, and the program behind it. */
  async close(): Promise<void> {
    this.#dead = true;
    await this.#sayGoodbye();
    await this.#client.close();
    // A client that never was connected does not know its transport.
    await this.#transport.close();
  }

  /** Its time is for all of it: a server may give its list in as many pages as it likes. */
  async #begin(signal: AbortSignal): Promise<void> {
    const seconds = this.#settings.timeout ?? DEFAULT_TIMEOUT;
    const deadline = new Deadline(seconds, signal);
    try {
      const timeout = Math.min(seconds * 1000, MAX_TIMER_MS);
      // The SDK leaves its listeners on the signals that it is given.
      const options = () => ({ timeout, signal: AbortSignal.any([deadline.signal]) });
      await this.#client.connect(this.#transport, options());
      const tools: McpTool[] = [];
      let cursor: string | undefined;
      do {
        const page = await this.#client.listTools(cursor === undefined ? {} : { cursor }, options());
        tools.push(...page.tools);
        if (tools.length > MAX_TOOLS) throw new Error(`it has more than ${MAX_TOOLS} tools`);
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      this.#tools = tools;
    } catch (error) {
      throw deadline.passed ? new Error(`timed out after ${seconds} s`) : error;
    } finally {
      deadline.end();
    }
  }

  /** A session over HTTP lives on until the server is told; whether it hears it is its own affair. */
  async #sayGoodbye(): Promise<void> {
    const transport = this.#transport as Transport & { terminateSession?: () => Promise<void> };
    if (transport.terminateSession === undefined || transport.sessionId === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, GOODBYE_MS);
    });
    await Promise.race([transport.terminateSession().catch(() => {}), patience]);
    clearTimeout(timer);
  }

  #failure(what: string, error: unknown): FlatMachineError {
    const said = error instanceof Error ? error.message : '';
    const complaint = this.#transport instanceof GroupTransport ? this.#transport.complaint : '';
    const why = [said, complaint].filter((text) => text !== '').join('; ');
    const message = `the MCP server "${this.#settings.name}" ${what}${why === '' ? '' : `: ${why}`}`;
    return agentError('tool', redact(message, this.#settings.secrets), {
      details: { server: this.#settings.name },
    });
  }
}

/** The SDK's own codes, which no server sends: the connection is closed, the time is up. */
const CLOSED = -32000;
const TIMED_OUT = -32001;
const UNANSWERED: ReadonlySet<number> = new Set([CLOSED, TIMED_OUT]);
