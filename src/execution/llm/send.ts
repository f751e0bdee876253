import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { agentError } from '../agents/errors.ts';

/** Largest answer to {@link sendAsFetch}, bytes: a stream of the longest answers of models is a tenth of it. */
const MAX_ANSWER = 64 * 1024 * 1024;

/** A request to a model or an agent. */
export interface OutgoingRequest {
  url: string;
  method: string;
  headers: Record<string, string>;
  body: string | Uint8Array | null;
  /** Breaks the connection, also while the answer is being read. */
  signal?: AbortSignal | null | undefined;
}

/**
 * Sends a request; resolves with the head of the answer. Unlike the built-in `fetch` it never gives up by itself — a model may think for longer than the five
 * minutes that allows —, follows no redirect, which would carry keys to another host, and uses each connection once: a kept one that the server is closing
 * breaks calls that were never begun.
 * @throws the error of the network; the signal's reason
 */
export async function send({
  url,
  method,
  headers,
  body,
  signal,
}: OutgoingRequest): Promise<IncomingMessage> {
  const { protocol } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') throw new TypeError(`not an HTTP URL: ${url}`);
  const { request } = await import(protocol === 'https:' ? 'node:https' : 'node:http');
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const size = body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = (request as typeof import('node:http').request)(url, {
      method,
      headers: { ...headers, ...size },
      agent: false,
    });
    let answer: IncomingMessage | null = null;
    const stop = (): void => {
      const reason: unknown = signal?.reason;
      const error = reason instanceof Error ? reason : new Error('aborted');
      // The answer first: otherwise it ends with the error of a connection that broke.
      answer?.destroy(error);
      outgoing.destroy(error);
    };
    signal?.addEventListener('abort', stop, { once: true });
    const over = (): void => signal?.removeEventListener('abort', stop);
    outgoing.on('error', (error) => {
      over();
      reject(error);
    });
    outgoing.on('response', (response) => {
      answer = response;
      response.on('close', over);
      resolve(response);
    });
    outgoing.end(body ?? undefined);
  });
}

/**
 * The body of an answer, which may not grow without end.
 * @param max bytes
 * @throws FlatMachineError `server`, and breaks the connection, once it is larger
 */
export async function* boundedBody(answer: IncomingMessage, max: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > max) {
      throw agentError('server', `the answer is larger than ${max / 1024 / 1024} MB`, { retryable: false });
    }
    yield chunk;
  }
}

/** {@link send} in the form of the built-in `fetch`, for clients that take one. Bodies must be text or bytes; answers of more than 64 MB break off. */
export async function sendAsFetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const response = await send({
    url: input instanceof Request ? input.url : String(input),
    method: init.method ?? 'GET',
    headers: Object.fromEntries(new Headers(init.headers)),
    body: (init.body ?? null) as string | Uint8Array | null,
    signal: init.signal,
  });
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const status = response.statusCode ?? 500;
  const empty = status === 204 || status === 205 || status === 304;
  if (empty) response.resume();
  const body = empty
    ? null
    : (Readable.toWeb(Readable.from(boundedBody(response, MAX_ANSWER))) as ReadableStream<Uint8Array>);
  return new Response(body, { status, statusText: response.statusMessage ?? '', headers });
}
