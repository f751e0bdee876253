import { Redis } from 'ioredis';

/** Somebody who ends every connection to a server again and again. */
export interface Storm {
  /** How often it has. */
  kills(): number;
  stop(): Promise<void>;
}

/** Ends all connections that ask, and all that listen, every so many milliseconds. */
export function killClients(port: number, interval: number): Storm {
  const client = new Redis(port, '127.0.0.1');
  let kills = 0;
  const timer = setInterval(async () => {
    const killed = [
      client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
      client.call('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes'),
    ];
    if ((await Promise.all(killed)).some((count) => Number(count) > 0)) kills++;
  }, interval);
  return {
    kills: () => kills,
    async stop() {
      clearInterval(timer);
      await client.quit();
    },
  };
}
