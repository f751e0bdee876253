import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '../../src/types.ts';
import { WIRES, type Wire } from './model-wire.ts';

/** What is spoken: OpenAI chat completions or Anthropic messages, told apart by the path. */
export type ModelProtocol = 'openai' | 'anthropic';

/** What can go wrong on the wire. */
export type ModelFault =
  | 'rate-limit'
  | 'auth'
  | 'context-length'
  | 'content-filter'
  | 'server'
  /** The connection breaks before anything is said. */
  | 'reset'
  /** The connection breaks in the middle of the answer. */
  | 'reset-mid-answer'
  /** A streamed answer ends, as if it were over, in its middle. */
  | 'cut'
  /** A streamed answer turns into an error in its middle. */
  | 'stream-error'
  /** Nothing is ever said. */
  | 'hang'
  /** A streamed answer stops coming in its middle. */
  | 'hang-mid-answer'
  /** Something that is not JSON. */
  | 'malformed';

/** One answer of the model, in no protocol's form. */
export interface ModelAnswer {
  text?: string;
  reasoning?: string;
  tool_calls?: { id?: string; name: string; arguments: JsonObject | string }[];
  /** Default `stop`, or `tool_calls`. */
  finish_reason?: string;
  /** Tokens; null = the provider tells none. */
  usage?: { input: number; output: number } | null;
  /** OpenRouter's `usage.cost`. */
  cost?: number;
  /** Milliseconds before anything is said. */
  delay?: number;
  /** Milliseconds between the events of a stream. */
  pace?: number;
  fault?: ModelFault;
  /** Further headers, e.g. `retry-after`. */
  headers?: Record<string, string>;
}

/** One request as it came in. */
export interface ModelRequest {
  protocol: ModelProtocol;
  path: string;
  headers: IncomingHttpHeaders;
  body: JsonObject & { messages?: JsonObject[]; stream?: boolean; model?: string };
}

/** What the server is to say. */
export interface ModelScript {
  /** By number of the request, or as `by` says; or made for each. */
  answers: readonly ModelAnswer[] | ((request: ModelRequest, index: number) => ModelAnswer);
  /** `request` (default): answer n goes to request n. `turn`: to a conversation with n answers in it, however often it is asked. */
  by?: 'request' | 'turn';
}

/** A running server. */
export interface ModelServer {
  /** To be used as `base_url`, for OpenAI and Anthropic alike. */
  url: string;
  /** All so far. */
  requests: ModelRequest[];
  close(): Promise<void>;
}

/** Starts a server on loopback that speaks the real wire protocols. `GET /__requests` tells what it was asked. */
export async function startModelServer(script: ModelScript): Promise<ModelServer> {
  const requests: ModelRequest[] = [];
  const server = createServer((incoming, response) => {
    handle(incoming, response, script, requests).catch((error: Error) => {
      response.destroy(error);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function handle(
  incoming: IncomingMessage,
  response: ServerResponse,
  script: ModelScript,
  requests: ModelRequest[],
): Promise<void> {
  const path = incoming.url ?? '/';
  if (path === '/__requests') {
    json(response, 200, { count: requests.length, requests: requests as unknown as JsonObject[] });
    return;
  }
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk;
  const protocol = path.endsWith('/chat/completions')
    ? 'openai'
    : path.endsWith('/messages')
      ? 'anthropic'
      : null;
  if (protocol === null) {
    json(response, 404, { error: { message: `no such path: ${path}`, type: 'invalid_request_error' } });
    return;
  }
  const request: ModelRequest = {
    protocol,
    path,
    headers: incoming.headers,
    body: JSON.parse(text) as JsonObject,
  };
  const index = requests.push(request) - 1;
  const answer = pick(script, request, index);
  if (answer.delay !== undefined) await sleep(answer.delay);
  await reply(response, WIRES[protocol], answer, request);
}

function pick({ answers, by = 'request' }: ModelScript, request: ModelRequest, index: number): ModelAnswer {
  if (typeof answers === 'function') return answers(request, index);
  const turns = request.body.messages?.filter((message) => message.role === 'assistant').length ?? 0;
  const at = by === 'turn' ? turns : index;
  return answers[at] ?? { fault: 'server', text: `the script has no answer number ${at}` };
}

/** Faults that are an answer with a status. */
const REFUSALS: Partial<
  Record<ModelFault, [status: number, type: string, message: string, code: string | null]>
> = {
  'rate-limit': [429, 'rate_limit_error', 'Rate limit reached for requests', 'rate_limit_exceeded'],
  auth: [401, 'authentication_error', 'Incorrect API key provided', 'invalid_api_key'],
  'context-length': [
    400,
    'invalid_request_error',
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
    'context_length_exceeded',
  ],
  'content-filter': [
    400,
    'invalid_request_error',
    'The response was filtered due to the prompt triggering content management policy',
    'content_filter',
  ],
  server: [500, 'api_error', 'The server had an error while processing your request', null],
};

async function reply(
  response: ServerResponse,
  wire: Wire,
  answer: ModelAnswer,
  request: ModelRequest,
): Promise<void> {
  const { fault, headers = {} } = answer;
  const model = request.body.model ?? 'model';
  const refusal = fault && REFUSALS[fault];
  if (refusal) {
    const [status, type, message, code] = refusal;
    json(response, status, wire.error(type, answer.text ?? message, code), headers);
  } else if (fault === 'reset') {
    response.socket?.resetAndDestroy();
  } else if (fault === 'hang') {
    // Until the client goes, or the server closes.
  } else if (fault === 'malformed') {
    response.writeHead(200, {
      'content-type': request.body.stream ? 'text/event-stream' : 'application/json',
    });
    response.end(request.body.stream ? 'data: {"choices": [\n\n' : '<html>Bad gateway</html>');
  } else if (request.body.stream) {
    await stream(response, wire.events(answer, model), wire, answer);
  } else if (fault === 'reset-mid-answer') {
    const body = JSON.stringify(wire.whole(answer, model));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.write(body.slice(0, body.length / 2), () => response.socket?.resetAndDestroy());
  } else {
    json(response, 200, wire.whole(answer, model), headers);
  }
}

async function stream(
  response: ServerResponse,
  events: readonly string[],
  wire: Wire,
  { fault, headers = {}, pace }: ModelAnswer,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
  const until = fault === undefined ? events.length : Math.ceil(events.length / 2);
  for (const event of events.slice(0, until)) {
    await new Promise((resolve) => response.write(event, resolve));
    if (pace !== undefined) await sleep(pace);
  }
  if (fault === 'hang-mid-answer') return;
  if (fault === 'reset-mid-answer') {
    response.socket?.resetAndDestroy();
    return;
  }
  if (fault === 'stream-error') {
    const error = wire.error('overloaded_error', 'Overloaded', null);
    response.write(`event: error\ndata: ${JSON.stringify(error)}\n\n`);
  }
  response.end();
}

function json(
  response: ServerResponse,
  status: number,
  body: JsonObject,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
