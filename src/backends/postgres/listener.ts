import type { Client } from 'pg';

/** Milliseconds between two questions whether the connection still lives: a broken network says nothing by itself. */
const PING = 15_000;

/** Milliseconds between two tries to connect again. */
const PAUSE = 250;

/** Called with what was told; with null when something may have been missed and everybody has to look. */
export type NotificationListener = (payload: string | null) => void;

/** Notifications of one schema, over one connection of their own. They are hints: after every break all listeners look again. */
export interface Listener {
  /**
   * Calls `listener` with the payload of each `tell(topic, payload)` that commits from now on, in this process or another; and with null once it listens, and
   * after each break. Keeps no process alive. Returns what ends it.
   */
  listen(topic: string, listener: NotificationListener): () => void;
  close(): Promise<void>;
}

/**
 * Makes the notifications of a schema; nothing is connected before somebody listens.
 * @param connect makes a connected client that is nobody else's
 */
export function createListener(schema: string, connect: () => Promise<Client>): Listener {
  const topics = new Map<string, Set<NotificationListener>>();
  let client: Client | null = null;
  let connecting = false;
  let closed = false;
  let retry: NodeJS.Timeout | undefined;
  let ping: NodeJS.Timeout | undefined;

  function tell(topic: string, payload: string | null): void {
    for (const listener of [...(topics.get(topic) ?? [])]) listener(payload);
  }

  function subscribe(to: Client, names: Iterable<string>): Promise<unknown> {
    const statements = [...names].map((topic) => `LISTEN ${to.escapeIdentifier(`${schema}.${topic}`)}`);
    return to.query(statements.join('; '));
  }

  function lose(lost: Client): void {
    if (client !== lost) return;
    client = null;
    clearInterval(ping);
    void end(lost);
    if (topics.size > 0) start();
  }

  async function establish(): Promise<void> {
    const made = await connect();
    if (closed) return end(made);
    made.on('error', () => lose(made));
    made.on('end', () => lose(made));
    made.on('notification', ({ channel, payload }) => tell(channel.slice(schema.length + 1), payload ?? ''));
    const names = [...topics.keys()];
    try {
      await subscribe(made, names);
    } catch (error) {
      await end(made);
      throw error;
    }
    if (closed) return end(made);
    client = made;
    (made as Client & { unref(): void }).unref();
    ping = setInterval(() => made.query('SELECT 1').catch(() => lose(made)), PING);
    ping.unref();
    // Those that came while the connection was being made, and what was told before it was.
    const late = [...topics.keys()].filter((topic) => !names.includes(topic));
    if (late.length > 0) add(made, late);
    for (const topic of names) tell(topic, null);
  }

  function add(to: Client, names: readonly string[]): void {
    subscribe(to, names).then(
      () => {
        for (const topic of names) tell(topic, null);
      },
      () => lose(to),
    );
  }

  /** Tries until it is connected: whoever listens meets a server that is gone in its own calls. */
  function start(): void {
    if (connecting || closed) return;
    connecting = true;
    establish()
      .catch(() => {
        retry = setTimeout(start, PAUSE);
        retry.unref();
      })
      .finally(() => {
        connecting = false;
      });
  }

  return {
    listen(topic, listener) {
      const known = topics.get(topic);
      const own: NotificationListener = (payload) => listener(payload);
      topics.set(topic, (known ?? new Set()).add(own));
      if (client === null) start();
      else if (known === undefined) add(client, [topic]);
      return () => {
        topics.get(topic)?.delete(own);
      };
    },
    async close() {
      closed = true;
      clearTimeout(retry);
      clearInterval(ping);
      if (client) await end(client);
      client = null;
    },
  };
}

/** Ends a connection that may be broken already, which is then what was wanted. */
async function end(client: Client): Promise<void> {
  await client.end().catch(() => {});
}
