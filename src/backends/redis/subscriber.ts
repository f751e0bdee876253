import type { Redis } from 'ioredis';
import type { RedisAddress } from './address.ts';
import { CONNECTION_OPTIONS } from './client.ts';

/**
 * Told of each message on a channel; and of `null`, which says **look again**: messages may have been missed, since the subscription has only now begun,
 * for the first time or after the connection was lost.
 */
export type NotifyListener = (message: string | null) => void;

/** Milliseconds between two looks at whether the connection still lives, while somebody listens. */
const PING_INTERVAL = 10_000;

/** Milliseconds between two tries to connect. */
const PAUSE = 200;

/** The connection on which messages of pub/sub arrive; there is one only while somebody listens. */
export interface RedisSubscriber {
  /** Listens on a channel. Keeps no process alive. Returns what ends it. */
  listen(channel: string, listener: NotifyListener): () => void;
  close(): void;
}

/** Makes the subscriber of a server. It connects again for as long as somebody listens. */
export function createSubscriber(Driver: typeof Redis, address: RedisAddress): RedisSubscriber {
  const channels = new Map<string, Set<{ call: NotifyListener }>>();
  let client: Redis | null = null;
  let timer: NodeJS.Timeout | null = null;

  function tell(channel: string, message: string | null): void {
    const listeners = channels.get(channel);
    for (const listener of [...(listeners ?? [])]) if (listeners?.has(listener)) listener.call(message);
  }

  function subscribe(names: readonly string[]): void {
    if (client?.status !== 'ready' || names.length === 0) return;
    client.subscribe(...names).then(
      () => {
        for (const name of names) tell(name, null);
      },
      // The connection is lost, or the server refuses: both begin anew.
      () => client?.disconnect(),
    );
  }

  function connect(): void {
    const made = new Driver({
      ...CONNECTION_OPTIONS,
      ...address,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      retryStrategy: () => null,
    });
    client = made;
    made.on('connect', () => made.stream.unref());
    made.on('ready', () => subscribe([...channels.keys()]));
    made.on('message', tell);
    // Every error ends the connection, and that leads to the next.
    made.on('error', () => {});
    made.on('end', () => {
      if (client !== made) return;
      after(PAUSE, connect);
    });
    made.connect().catch(() => {});
    after(PING_INTERVAL, ping);
  }

  /** An answer that does not come ends the connection after `socketTimeout`. */
  function ping(): void {
    client?.ping().catch(() => client?.disconnect());
    after(PING_INTERVAL, ping);
  }

  function after(milliseconds: number, work: () => void): void {
    if (timer) clearTimeout(timer);
    timer = setTimeout(work, milliseconds);
    timer.unref();
  }

  function close(): void {
    if (timer) clearTimeout(timer);
    timer = null;
    const last = client;
    client = null;
    last?.disconnect();
  }

  return {
    listen(channel, call) {
      const listener = { call };
      const known = channels.get(channel);
      if (known) known.add(listener);
      else channels.set(channel, new Set([listener]));
      if (client === null) connect();
      // Also where others listen already: the newcomer has to hear that it listens.
      else subscribe([channel]);
      return () => {
        const listeners = channels.get(channel);
        if (!listeners?.delete(listener) || listeners.size > 0) return;
        channels.delete(channel);
        if (channels.size === 0) close();
        else if (client?.status === 'ready') client.unsubscribe(channel).catch(() => {});
      };
    },
    close() {
      channels.clear();
      close();
    },
  };
}
