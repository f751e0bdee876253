import { storeClosed } from '../failures.ts';
import type { Durability } from '../interfaces.ts';
import type { ReadyListeners } from '../ready-listeners.ts';
import { type Database, openDatabase, type Query } from './database.ts';
import type { GroupLane } from './group-lane.ts';
import type { NotificationListener } from './listener.ts';
import type { PostgresSettings } from './settings.ts';

/** One schema on one server, as one {@link BackendSet} sees it. */
export interface PostgresStore {
  readonly settings: PostgresSettings;
  readonly durability: Durability;
  /** Everybody in this process who watches for executions that become ready. */
  readonly readyListeners: ReadyListeners;
  /**
   * Runs one statement, prepared under `name`, in a transaction of its own: one round trip. When the connection breaks it is **run again**, for
   * about 30 s, so it has to be safe to repeat; `values`, as a function, are told whether this is such a repetition.
   * @returns the rows; 64-bit integers as numbers, `timestamptz` as Date
   * @throws FlatMachineError `backend`
   */
  query: Query;
  /**
   * Hands a write to a lane that all sets of this process share, see {@link GroupLane.run}.
   * @param lane makes it on first use; the function itself says which lane is meant
   * @param size about how many characters it has
   */
  write<Member, Outcome>(
    lane: (database: Database) => GroupLane<Member, Outcome>,
    member: Member,
    size: number,
  ): Promise<Outcome>;
  /** See {@link Listener.listen}. Ends with the set. */
  listen(topic: string, listener: NotificationListener): () => void;
  /** Waits for what was asked for and lets go of the connections. Idempotent. */
  close(): Promise<void>;
}

interface Shared {
  opening: Promise<Database>;
  users: number;
}

/** One per process, server, schema and durability: that is what makes group commit see everything. */
const databases = new Map<string, Shared>();

/**
 * Opens a schema, creating it and its tables as needed.
 * @param wanted the durability that was asked for; absent = what the server gives
 * @throws FlatMachineError `backend` when it cannot be reached or used, `missing-package` without the driver
 */
export async function openStore(
  settings: PostgresSettings,
  wanted: Durability | undefined,
  onWarning: (message: string) => void,
): Promise<PostgresStore> {
  const id = JSON.stringify([settings.client, settings.schema, settings.pool, wanted]);
  const known = databases.get(id);
  const shared = known ?? { opening: openDatabase(settings, wanted), users: 0 };
  databases.set(id, shared);
  shared.users++;

  /** True for the last one. */
  function leave(): boolean {
    if (--shared.users > 0) return false;
    if (databases.get(id) === shared) databases.delete(id);
    return true;
  }

  try {
    const database = await shared.opening;
    if (database.durability.warning !== null) onWarning(database.durability.warning);
    return storeOn(database, leave);
  } catch (error) {
    leave();
    throw error;
  }
}

function storeOn(database: Database, leave: () => boolean): PostgresStore {
  const pending = new Set<Promise<unknown>>();
  const stops = new Set<() => void>();
  let closing: Promise<void> | null = null;

  /** Keeps the connections until `work` is over. */
  function guard<T>(work: () => Promise<T>): Promise<T> {
    if (closing) return Promise.reject(storeClosed());
    const under = work();
    const over = () => pending.delete(settled);
    const settled: Promise<unknown> = under.then(over, over);
    pending.add(settled);
    return under;
  }

  async function close(): Promise<void> {
    for (const stop of stops) stop();
    await Promise.all(pending);
    if (leave()) await database.end();
  }

  return {
    settings: database.settings,
    durability: database.durability.level,
    readyListeners: database.readyListeners,
    query: (name, sql, values, lane) => guard(() => database.query(name, sql, values, lane)),
    write: (lane, member, size) => guard(() => database.shared(lane).run(member, size)),
    listen(topic, listener) {
      if (closing) throw storeClosed();
      const end = database.listener.listen(topic, listener);
      const stop = () => {
        stops.delete(stop);
        end();
      };
      stops.add(stop);
      return stop;
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}
