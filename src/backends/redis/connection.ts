import { storeClosed } from '../failures.ts';
import type { BackendUrl } from '../url.ts';
import { parseAddress, type RedisAddress, shownAddress } from './address.ts';
import { createClient, loadDriver, luaScript, type RedisArgument, type RedisClient } from './client.ts';
import { keyTag } from './keys.ts';
import { createSubscriber, type NotifyListener, type RedisSubscriber } from './subscriber.ts';

/**
 * Runs a script at the server, atomically. It sees the store's tag as `KEYS[1]` and the arguments as `ARGV`, which come as texts (numbers in their
 * shortest form). It **may be run twice** when a connection breaks: it has to recognise what it has done.
 * @throws FlatMachineError `backend`
 */
export type Script = (...args: readonly RedisArgument[]) => Promise<unknown>;

/** One redis server with one prefix, as one backend set sees it. */
export interface RedisStore {
  /** The address, for messages: no secrets. */
  readonly url: string;
  /** The same with the prefix: what opens this store, but for user and password. */
  readonly location: string;
  /** `{prefix}`: what every key and channel begins with. */
  readonly tag: string;
  /** A key: `{prefix}:a:b`. */
  key(...parts: readonly (string | number)[]): string;
  /** Makes a script callable. */
  script(lua: string): Script;
  /** Runs a command that only reads, or that may be run twice. @throws FlatMachineError `backend` */
  command(name: string, ...args: readonly RedisArgument[]): Promise<unknown>;
  /** Tells everybody who listens on this channel of this store, by all processes. A script does it itself: `redis.call('PUBLISH', KEYS[1] .. ':' .. channel, message)`. */
  notify(channel: string, message: string): Promise<void>;
  /** Listens on a channel of this store, see {@link NotifyListener}. Keeps no process alive. Returns what ends it. @throws FlatMachineError `backend` once it is closed */
  onNotify(channel: string, listener: NotifyListener): () => void;
  /** Waits for what was asked for and lets go of the connection. Idempotent. */
  close(): Promise<void>;
}

interface SharedServer {
  client: RedisClient;
  subscriber: RedisSubscriber;
  users: number;
}

const DEFAULT_PREFIX = 'flatmachine';

/** One connection for commands and one for messages, per process and address: that is what makes concurrent writes share the server's fsync. */
const servers = new Map<string, SharedServer>();

/**
 * Opens a store on a server. Nothing is sent yet.
 * @throws FlatMachineError `usage` for an address or a prefix that is none, `missing-package` without ioredis
 */
export async function openStore(url: BackendUrl): Promise<RedisStore> {
  const address = parseAddress(url);
  const prefix = url.parameters.get('prefix');
  const tag = keyTag(prefix ?? DEFAULT_PREFIX);
  const Driver = await loadDriver();
  const shown = shownAddress(address);
  const { server, leave } = join(address, () => ({
    client: createClient(Driver, address, shown),
    subscriber: createSubscriber(Driver, address),
    users: 0,
  }));
  const key: RedisStore['key'] = (...parts) => `${tag}:${parts.join(':')}`;
  const pending = new Set<Promise<unknown>>();
  const listening = new Set<() => void>();
  let closing: Promise<void> | null = null;

  async function track<T>(ask: () => Promise<T>): Promise<T> {
    if (closing) throw storeClosed();
    const asked = ask();
    pending.add(asked);
    try {
      return await asked;
    } finally {
      pending.delete(asked);
    }
  }

  async function close(): Promise<void> {
    for (const stop of listening) stop();
    await Promise.allSettled(pending);
    leave();
  }

  return {
    url: shown,
    location: prefix === undefined ? shown : `${shown}?prefix=${encodeURIComponent(prefix)}`,
    tag,
    key,
    script(lua) {
      const script = luaScript(lua);
      return (...args) => track(() => server.client.script(script, [tag], args));
    },
    command: (name, ...args) => track(() => server.client.command(name, args)),
    async notify(channel, message) {
      await track(() => server.client.command('PUBLISH', [key(channel), message]));
    },
    onNotify(channel, listener) {
      if (closing) throw storeClosed();
      const end = server.subscriber.listen(key(channel), listener);
      const stop = () => {
        listening.delete(stop);
        end();
      };
      listening.add(stop);
      return stop;
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function join(address: RedisAddress, make: () => SharedServer): { server: SharedServer; leave: () => void } {
  const id = JSON.stringify(address);
  const server = servers.get(id) ?? make();
  servers.set(id, server);
  server.users++;
  return {
    server,
    leave() {
      if (--server.users > 0) return;
      servers.delete(id);
      server.client.close();
      server.subscriber.close();
    },
  };
}
