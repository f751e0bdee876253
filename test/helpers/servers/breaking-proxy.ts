import { connect, createServer, type Socket } from 'node:net';

/** A way to a server on which answers get lost. */
export interface BreakingProxy {
  port: number;
  /** How many connections it has broken. */
  broken(): number;
  /** How likely each answer is lost from now on, and its connection with it; 0 = never. */
  lose(chance: number): void;
  close(): Promise<void>;
}

/** Starts one before a port of loopback. What is asked arrives; the connection then breaks instead of answering: nobody can know what was done. */
export async function startBreakingProxy(port: number): Promise<BreakingProxy> {
  const sockets = new Set<Socket>();
  let chance = 0;
  let broken = 0;
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {
        // Its end follows.
      });
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    upstream.on('data', (answer) => {
      if (Math.random() >= chance) client.write(answer);
      else {
        broken++;
        client.destroy();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    broken: () => broken,
    lose(next) {
      chance = next;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
