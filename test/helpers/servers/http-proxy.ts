import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server of a test's own. */
export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts a server on loopback that answers with `handle`. */
export async function startHttp(
  handle: (incoming: IncomingMessage, response: ServerResponse) => void,
): Promise<HttpServer> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * Starts a server that hands every request on to another and its answer back; but where `loses` says so, it lets the other do the work and breaks the
 * connection instead of answering.
 */
export function startLossyProxy(
  target: string,
  loses: (incoming: IncomingMessage) => boolean,
): Promise<HttpServer> {
  const { hostname, port } = new URL(target);
  return startHttp((incoming, response) => {
    const { method, url, headers } = incoming;
    const lost = loses(incoming);
    const forward = request({ host: hostname, port, method, path: url, headers }, (answer) => {
      if (lost) {
        answer.resume().on('end', () => incoming.socket.destroy());
      } else {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      }
    });
    forward.on('error', () => incoming.socket.destroy());
    incoming.pipe(forward);
  });
}
