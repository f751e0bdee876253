import { busyboxImage, dockerAvailability } from './helpers/docker.ts';
import { postgresAvailability, startPostgres } from './helpers/servers/postgres.ts';
import type { TestServer } from './helpers/servers/process.ts';
import { redisAvailability, startRedis } from './helpers/servers/redis.ts';
import { announce, serverAvailability } from './helpers/servers/shared.ts';

/** Before the first test: what files that run at once would otherwise make in each other's way, and the servers they share. */
export default async function setup(): Promise<() => Promise<void>> {
  if (dockerAvailability().available) await busyboxImage();
  const started: TestServer[] = [];
  if (!serverAvailability('redis').available && redisAvailability().available) {
    started.push(await startRedis());
    announce('redis', started.at(-1)?.url as string);
  }
  if (!serverAvailability('postgres').available && postgresAvailability().available) {
    started.push(await startPostgres());
    announce('postgres', started.at(-1)?.url as string);
  }
  return async () => {
    for (const server of started) await server.dispose();
  };
}
