import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '../../src/types.ts';

/** One request as it came. */
export interface Received {
  at: number;
  headers: IncomingHttpHeaders;
  text: string;
  body: JsonObject;
}

/** How a request is answered: a status, or one with headers; null = never. */
export type Answer = number | { status: number; headers: Record<string, string> } | null;

/** A real HTTP server that takes webhooks. */
export async function receiver(answer: (n: number) => Answer) {
  const requests: Received[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const given = answer(requests.length);
      requests.push({ at: performance.now(), headers: request.headers, text, body: JSON.parse(text) });
      if (given === null) return;
      const { status, headers } = typeof given === 'number' ? { status: given, headers: {} } : given;
      response.writeHead(status, headers).end();
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=url-secret`,
    requests,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
