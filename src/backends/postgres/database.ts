import type { Client, ClientBase, CustomTypesConfig, Pool, PoolClient, PoolConfig, QueryResultRow } from 'pg';
import { importOptional } from '../../import-optional.ts';
import { sleep } from '../../timers.ts';
import type { Durability } from '../interfaces.ts';
import { createReadyListeners, type ReadyListeners } from '../ready-listeners.ts';
import { type GrantedDurability, grantedDurability } from './durability.ts';
import { createListener, type Listener } from './listener.ts';
import { backendError, verdictOn } from './postgres-errors.ts';
import { migrate } from './schema.ts';
import { checkEncoding, SERVER_SETTINGS, type ServerSettings, sessionSettings } from './session.ts';
import { type PostgresSettings, RESERVED_CONNECTIONS } from './settings.ts';

/** Milliseconds that a call goes on trying while the server is away. */
const PATIENCE = 30_000;

/** The same for the first contact: a URL that is wrong should say so soon. */
const FIRST_PATIENCE = 3_000;

/** Longest pause, in milliseconds, between two tries. */
const LONGEST_PAUSE = 1_000;

/** Milliseconds after which a call that was not answered counts as lost: the network may have swallowed the connection. */
const ANSWER_LIMIT = 60_000;

/** The same for heartbeats, which have to be done again before what they keep alive is over, and for what listens. */
const BEAT_LIMIT = 10_000;

/**
 * Which connections a call takes. `general`: everything. `writes`: shared writes, see `group-lane.ts`. `beats`: heartbeats, which nothing else may keep
 * waiting.
 */
export type Lane = 'general' | 'writes' | 'beats';

/** Parameters of a statement; as a function where it matters whether it may have been done before. */
export type Values = readonly unknown[] | ((repeated: boolean) => readonly unknown[]);

/** One statement within a transaction. */
export type Ask = <Row extends QueryResultRow>(
  name: string,
  sql: string,
  values?: readonly unknown[],
) => Promise<Row[]>;

/** What all sets of one process that use one store share. */
export interface Database {
  readonly settings: PostgresSettings;
  readonly durability: GrantedDurability;
  /** Everybody in this process who watches for executions that become ready. */
  readonly readyListeners: ReadyListeners;
  readonly listener: Listener;
  /** See {@link PostgresStore.query}. */
  query: Query;
  /** What was made by `make` for this database, made on first use. */
  shared<T extends object>(make: (database: Database) => T): T;
  /** Ends its connections, once those that are in use are given back. */
  end(): Promise<void>;
}

/** Runs one statement, see {@link PostgresStore.query}. */
export type Query = <Row extends QueryResultRow>(
  name: string,
  sql: string,
  values?: Values,
  lane?: Lane,
) => Promise<Row[]>;

/**
 * Connects to a server and brings the schema up to date.
 * @throws FlatMachineError `backend` when it cannot be reached or used, `missing-package` without the driver
 */
export async function openDatabase(
  settings: PostgresSettings,
  wanted: Durability | undefined,
): Promise<Database> {
  const loaded = await importOptional<typeof import('pg') & { default?: typeof import('pg') }>(
    'pg',
    'a postgres URL',
  );
  const pg = loaded.default ?? loaded;
  const config: PoolConfig = { ...settings.client, types: typeParsers(pg) };

  async function prepareSession(client: ClientBase): Promise<void> {
    // Between two calls an error of a connection concerns nobody: the next call finds out.
    client.on('error', () => {});
    await client.query(sessionSettings(pg.escapeIdentifier(settings.schema), wanted));
  }

  const makePool = (max: number, query_timeout = ANSWER_LIMIT) =>
    new pg.Pool({
      ...config,
      max,
      query_timeout,
      allowExitOnIdle: true,
      // The driver waits for the promise; its types do not know.
      onConnect: prepareSession as (client: ClientBase) => void,
    }).on('error', () => {});
  const lanes: Readonly<Record<Lane, Pool>> = {
    general: makePool(settings.pool - RESERVED_CONNECTIONS),
    writes: makePool(2),
    beats: makePool(1, BEAT_LIMIT),
  };

  async function withClient<T>(lane: Lane, work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await lanes[lane].connect();
    let broken = true;
    try {
      const value = await work(client);
      broken = false;
      return value;
    } catch (error) {
      broken = verdictOn(error) === 'lost';
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async function persistently<T>(patience: number, work: (again: boolean) => Promise<T>): Promise<T> {
    const deadline = performance.now() + patience;
    let again = false;
    for (let tries = 0; ; tries++) {
      try {
        return await work(again);
      } catch (error) {
        const verdict = verdictOn(error);
        if (verdict === 'failed' || performance.now() > deadline) throw backendError(settings.shown, error);
        again ||= verdict === 'lost';
        await sleep(Math.min(LONGEST_PAUSE, 2 ** tries * 10) * (0.5 + Math.random() / 2));
      }
    }
  }

  const query: Query = (name, sql, values = [], lane = 'general') =>
    persistently(PATIENCE, (again) => {
      const given = typeof values === 'function' ? values(again) : values;
      return withClient(
        lane,
        async (client) => (await client.query({ name, text: sql, values: [...given] })).rows,
      );
    });

  const transact = <T>(work: (ask: Ask) => Promise<T>): Promise<T> =>
    persistently(FIRST_PATIENCE, () =>
      withClient('general', async (client) => {
        await client.query('BEGIN');
        try {
          const value = await work(
            async (name, text, values = []) => (await client.query({ name, text, values: [...values] })).rows,
          );
          await client.query('COMMIT');
          return value;
        } catch (error) {
          if (verdictOn(error) !== 'lost') await client.query('ROLLBACK');
          throw error;
        }
      }),
    );

  async function connectAlone(): Promise<Client> {
    const client = new pg.Client({ ...config, query_timeout: BEAT_LIMIT });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  async function end(): Promise<void> {
    await listener.close();
    await Promise.all(Object.values(lanes).map((pool) => pool.end()));
  }

  const listener = createListener(settings.schema, connectAlone);
  const things = new Map<object, object>();
  try {
    const says = await persistently(FIRST_PATIENCE, () =>
      withClient(
        'general',
        async (client) => (await client.query(SERVER_SETTINGS)).rows[0] as ServerSettings,
      ),
    );
    checkEncoding(settings.shown, says);
    const durability = grantedDurability(settings.shown, says, wanted);
    await migrate(settings, transact);
    const database: Database = {
      settings,
      durability,
      readyListeners: createReadyListeners(),
      listener,
      query,
      shared(make) {
        const known = things.get(make) ?? make(database);
        things.set(make, known);
        return known as ReturnType<typeof make>;
      },
      end,
    };
    return database;
  } catch (error) {
    await end();
    throw error;
  }
}

/** 64-bit integers as numbers: ids and counts stay far below 2^53. */
function typeParsers(pg: typeof import('pg')): CustomTypesConfig {
  const INT8 = 20;
  return {
    getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
      oid === INT8
        ? Number
        : pg.types.getTypeParser(oid, format as 'text')) as CustomTypesConfig['getTypeParser'],
  };
}
