import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis, RedisOptions } from 'ioredis';
import type { FlatMachineError } from '../../errors.ts';
import { importOptional } from '../../import-optional.ts';
import type { RedisAddress } from './address.ts';
import { isPassing, isUnknownScript, redisError, unreachable } from './redis-errors.ts';

/** What can be an argument of a command. Texts go as UTF-8. */
export type RedisArgument = string | number | Buffer;

/** Seconds without the server after which what was asked for fails. */
export interface Patience {
  /** Before the server has ever answered. */
  first: number;
  later: number;
}

const PATIENCE: Patience = { first: 10, later: 30 };

/** Milliseconds between two tries to connect, at most. */
const MAX_PAUSE = 1000;

/** Milliseconds after which a server that refused for now is asked again. */
const REFUSAL_PAUSE = 250;

/** Options of every connection. A server that owes an answer and sends nothing for `socketTimeout` is taken for gone. */
export const CONNECTION_OPTIONS = {
  lazyConnect: true,
  // What every server understands; nothing here needs RESP3.
  protocol: 2,
  maxRetriesPerRequest: null,
  connectTimeout: 5_000,
  socketTimeout: 10_000,
  keepAlive: 10_000,
} as const satisfies RedisOptions;

/** A Lua script with its name at the server. */
export interface LuaScript {
  readonly lua: string;
  readonly sha: string;
}

/** Gives a script its name. */
export function luaScript(lua: string): LuaScript {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/**
 * The connection for commands. While it is down, what was asked for waits; what was sent and not answered is sent **again**, so everything that is sent
 * here must be safe to do twice. After its {@link Patience} it fails and is forgotten, also when the connection comes back each time but never lives
 * to the answer; the next call tries anew. What a server refuses for a while, as one does that is being replaced, is asked again for as long.
 */
export interface RedisClient {
  /** Runs a command. @throws FlatMachineError `backend` */
  command(name: string, args: readonly RedisArgument[]): Promise<unknown>;
  /** Runs a script. @throws FlatMachineError `backend` */
  script(script: LuaScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown>;
  close(): void;
}

/** The driver's class. @throws FlatMachineError `missing-package` */
export async function loadDriver(): Promise<typeof Redis> {
  return (await importOptional<typeof import('ioredis')>('ioredis', 'a redis store')).Redis;
}

/** One connection of the driver, with what has been sent over it. */
interface Link {
  readonly redis: Redis;
  /** Scripts that the server knows by name, or will before anything that is sent from now on. */
  readonly scripts: Set<string>;
}

/**
 * Makes a connection for commands; it connects at the first one, and again only when somebody waits. It keeps the process alive only while an answer is
 * outstanding.
 * @param shown the address, for messages
 */
export function createClient(
  Driver: typeof Redis,
  address: RedisAddress,
  shown: string,
  { first, later }: Patience = PATIENCE,
): RedisClient {
  let current: Link | null = null;
  let patience = first;
  /** Seconds for which a refusal may pass. */
  let indulgence = first;
  /** Whoever waits for an answer, and since when, the oldest first. */
  const waiting = new Map<(error: unknown) => void, number>();

  /** Whether somebody has waited for too long, over however many connections. */
  function isOverdue(): boolean {
    const [oldest] = waiting.values();
    return oldest !== undefined && secondsSince(oldest) >= patience;
  }

  /**
   * A driver that has given up is not used again: it would send what has failed by then. Nor does it tell all who wait: this does.
   */
  function connect(): Link {
    let downSince: number | null = performance.now();
    let lastError: Error | null = null;
    let refused: FlatMachineError | null = null;
    const isGivenUp = () => (downSince !== null && secondsSince(downSince) >= patience) || isOverdue();
    const redis = new Driver({
      ...CONNECTION_OPTIONS,
      ...address,
      retryStrategy: (times) =>
        waiting.size === 0 || isGivenUp() ? null : Math.min(20 * 2 ** times, MAX_PAUSE),
      // After a failover the address leads to another server, the open connection to the old one.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    });
    const link: Link = { redis, scripts: new Set() };
    const watchdog = createWatchdog(() => redis.disconnect(true));
    watchdog.start(patience);
    redis.on('error', (error: Error) => {
      lastError = error;
      // The driver would go on, in another database.
      if (!isAboutDatabase(error)) return;
      refused = redisError(shown, error);
      redis.disconnect();
    });
    redis.on('connect', () => {
      if (waiting.size === 0) redis.stream.unref();
      if (isGivenUp()) redis.disconnect(true);
    });
    redis.on('ready', () => {
      patience = later;
      downSince = null;
      lastError = null;
      watchdog.stop();
    });
    redis.on('close', () => {
      link.scripts.clear();
      if (downSince !== null) return;
      downSince = performance.now();
      watchdog.start(patience);
    });
    redis.on('end', () => {
      watchdog.stop();
      if (current === link) current = null;
      const error = refused ?? unreachable(shown, patience, lastError);
      for (const reject of [...waiting.keys()]) reject(error);
    });
    // Whoever asks is told by the failure of what was asked.
    redis.connect().catch(() => {});
    return link;
  }

  function send(work: (link: Link) => Promise<unknown>): Promise<unknown> {
    current ??= connect();
    const link = current;
    if (waiting.size === 0) link.redis.stream?.ref();
    gather(link.redis);
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        if (!waiting.delete(fail)) return;
        if (waiting.size === 0) link.redis.stream?.unref();
        act();
      };
      const fail = (error: unknown) => settle(() => reject(redisError(shown, error)));
      waiting.set(fail, performance.now());
      work(link).then(
        (answer) => settle(() => resolve(answer)),
        // Of the end of the connection, `end` tells, which knows why.
        (error: Error) => error.message !== CONNECTION_CLOSED && fail(error),
      );
    });
  }

  async function ask(work: (link: Link) => Promise<unknown>): Promise<unknown> {
    const begun = performance.now();
    for (;;) {
      try {
        const answer = await send(work);
        indulgence = later;
        return answer;
      } catch (error) {
        if (!isPassing(error as FlatMachineError) || secondsSince(begun) >= indulgence) throw error;
      }
      await sleep(REFUSAL_PAUSE);
    }
  }

  return {
    command: (name, args) => ask(async ({ redis }) => redis.call(name, ...args)),
    script: (script, keys, args) => ask((link) => evaluate(link, script, keys, args)),
    close() {
      current?.redis.disconnect();
      current = null;
    },
  };
}

function secondsSince(time: number): number {
  return (performance.now() - time) / 1000;
}

/** Whether the server refused the database of the address. */
function isAboutDatabase(error: Error): boolean {
  const { command } = error as { command?: { name: string } };
  return command?.name === 'select';
}

/** What the driver says of what it has not sent when it gives up. */
const CONNECTION_CLOSED = 'Connection is closed.';

/** What is asked for in one turn of the event loop goes out in one write. */
function gather({ stream }: Redis): void {
  if (!stream || stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}

/** Names a script to the server before its first use over a connection, without waiting for the answer. */
async function evaluate(
  { redis, scripts }: Link,
  { lua, sha }: LuaScript,
  keys: readonly string[],
  args: readonly RedisArgument[],
): Promise<unknown> {
  if (!scripts.has(sha)) {
    scripts.add(sha);
    redis.script('LOAD', lua).catch(() => scripts.delete(sha));
  }
  try {
    return await redis.evalsha(sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!isUnknownScript(error)) throw error;
    return redis.eval(lua, keys.length, ...keys, ...args);
  }
}

/** A timer that ends what no error ends: a server that is connected but loads its data for longer than is waited. */
function createWatchdog(bite: () => void): { start(seconds: number): void; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  return {
    start(seconds) {
      clearTimeout(timer);
      timer = setTimeout(bite, seconds * 1000 + 10);
      timer.unref();
    },
    stop: () => clearTimeout(timer),
  };
}
