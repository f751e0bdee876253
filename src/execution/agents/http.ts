import type { IncomingMessage } from 'node:http';
import { FlatMachineError } from '../../errors.ts';
import { isJsonObject, parseJson, toJson } from '../../json.ts';
import { compileTemplate } from '../../machine/expressions/template.ts';
import type { Render } from '../../machine/interfaces.ts';
import type { JsonObject } from '../../types.ts';
import { Deadline } from '../llm/deadline.ts';
import { fillSecrets } from '../llm/fill-secrets.ts';
import { boundedBody, send } from '../llm/send.ts';
import { agentError, toAgentError } from './errors.ts';
import type {
  AgentCall,
  AgentExecutor,
  AgentFactory,
  AgentResult,
  Message,
  TurnRequest,
} from './interfaces.ts';
import { redact, withoutSecrets } from './redact.ts';

/** Seconds a call may take when the agent does not say. */
const DEFAULT_TIMEOUT = 600;

/** Largest answer, bytes. */
const MAX_ANSWER = 16 * 1024 * 1024;

/** Fields of the agent's `config`. */
const KNOWN = ['url', 'headers', 'timeout', 'metadata'];

/** Where and how an agent is asked. */
interface HttpSettings {
  /** Renders the URL. */
  url: Render;
  headers: Record<string, string>;
  secrets: readonly string[];
  /** Seconds. */
  timeout: number;
  metadata: JsonObject;
}

/** Makes an agent that answers HTTP requests; see `docs/agents.md` for the contract. @throws FlatMachineError `invalid-machine`, `auth` */
export const httpFactory: AgentFactory = ({ name, config, location }, { env }) => {
  const invalid = (problem: string) =>
    new FlatMachineError('invalid-machine', `agent "${name}" ${problem}`, { location });
  const { url, headers, timeout = DEFAULT_TIMEOUT, metadata = {} } = config;
  const unknown = Object.keys(config).filter((field) => !KNOWN.includes(field));
  if (unknown.length > 0) throw invalid(`has no field ${unknown.join(', ')}; there are: ${KNOWN.join(', ')}`);
  if (typeof url !== 'string' || url === '') throw invalid('needs the `url` of an HTTP server');
  if (typeof timeout !== 'number' || timeout <= 0) throw invalid('needs a `timeout` of more than 0 seconds');
  const { values, secrets } = fillSecrets(headers, env, `headers of agent "${name}"`);
  return new HttpAgent(name, {
    url: compileTemplate(url, 'text', location),
    headers: values,
    secrets,
    timeout,
    metadata: isJsonObject(metadata) ? metadata : {},
  });
};

class HttpAgent implements AgentExecutor {
  readonly metadata: JsonObject;
  readonly #name: string;
  readonly #settings: HttpSettings;

  constructor(name: string, settings: HttpSettings) {
    this.#name = name;
    this.#settings = settings;
    this.metadata = settings.metadata;
  }

  execute(input: JsonObject, context: JsonObject, call: AgentCall): Promise<AgentResult> {
    return this.#post(input, context, {}, call);
  }

  /** The other side knows what the input means: it is told as it is, besides. */
  open(input: JsonObject): Message[] {
    return [{ role: 'user', content: JSON.stringify(input) }];
  }

  turn(
    { messages, tools }: TurnRequest,
    call: AgentCall,
    input: JsonObject,
    context: JsonObject,
  ): Promise<AgentResult> {
    return this.#post(input, context, { messages, tools } as unknown as JsonObject, call);
  }

  async #post(
    input: JsonObject,
    context: JsonObject,
    further: JsonObject,
    call: AgentCall,
  ): Promise<AgentResult> {
    const { headers, secrets, timeout } = this.#settings;
    // An execution's id may have letters that no header may.
    const key = encodeURI(`${call.workId}/${call.call}`);
    const deadline = new Deadline(timeout, call.signal);
    try {
      const answer = await send({
        url: this.#url(input, context),
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          'idempotency-key': key,
          ...headers,
        },
        body: JSON.stringify({
          execution_id: call.executionId,
          work_id: call.workId,
          call: call.call,
          agent: this.#name,
          session_id: call.sessionId,
          input,
          context,
          ...further,
        }),
        signal: deadline.signal,
      });
      return this.#result(answer, await bodyOf(answer));
    } catch (error) {
      call.signal.throwIfAborted();
      if (deadline.passed)
        throw agentError('agent-timeout', `agent "${this.#name}": no answer in ${timeout} s`);
      throw toAgentError(error, { from: `agent "${this.#name}"`, secrets });
    } finally {
      deadline.end();
    }
  }

  #url(input: JsonObject, context: JsonObject): string {
    const url = this.#settings.url({ input, context });
    if (typeof url === 'string' && /^https?:\/\/[^/]/.test(url)) return url;
    throw new FlatMachineError(
      'invalid-machine',
      `the \`url\` of agent "${this.#name}" is not one of HTTP: ${JSON.stringify(url)}`,
    );
  }

  #result({ statusCode = 0, statusMessage, headers }: IncomingMessage, body: string): AgentResult {
    if (statusCode < 200 || statusCode >= 300) {
      throw Object.assign(new Error(statusMessage || `HTTP ${statusCode}`), {
        statusCode,
        responseHeaders: headers,
        responseBody: body,
      });
    }
    const { secrets } = this.#settings;
    const answer = parseJson(body);
    if (isJsonObject(answer)) {
      const result = toJson(answer) as JsonObject;
      // What it calls an error goes into messages; the rest is what was asked for, and stays as it is.
      if (result.error != null)
        result.error = parseJson(withoutSecrets(JSON.stringify(result.error), secrets)) ?? '[redacted]';
      return result as AgentResult;
    }
    throw agentError('server', `agent "${this.#name}" answered with something that is no JSON map`, {
      status: statusCode,
      details: { answer: redact(body, secrets).slice(0, 200) },
    });
  }
}

async function bodyOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of boundedBody(answer, MAX_ANSWER)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
