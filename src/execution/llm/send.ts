import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

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

/** {@link send} in the form of the built-in `fetch`, for clients that take one. Bodies must be text or bytes. */
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
  const body = empty ? null : (Readable.toWeb(response) as ReadableStream<Uint8Array>);
  return new Response(body, { status, statusText: response.statusMessage ?? '', headers });
}
