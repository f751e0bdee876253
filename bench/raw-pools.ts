import { Redis } from 'ioredis';
import pg from 'pg';

/** What one item carries. */
export const DATA = { task: 'bench', text: 'x'.repeat(200) };

/** A queue made of the fewest commands that could be one: no leases, no attempts, no order but that of pushing, nothing checked. */
export interface RawPool {
  fill(count: number): Promise<unknown>;
  push(): Promise<unknown>;
  claim(): Promise<string | undefined>;
  complete(id: string): Promise<unknown>;
  /** Completes some and claims up to so many, in one round trip. */
  exchange(ids: readonly string[], count: number): Promise<string[]>;
  close(): Promise<unknown>;
}

/** Two lists and a hash. */
export async function rawRedisPool(url: string, name: string): Promise<RawPool> {
  const redis = new Redis(url);
  const [waiting, held, data] = [`${name}:waiting`, `${name}:held`, `${name}:data`];
  const prefix = process.pid.toString();
  let serial = 0;
  const push = () => {
    const id = `${prefix}-${serial++}`;
    return redis.pipeline().hset(data, id, JSON.stringify(DATA)).lpush(waiting, id).exec();
  };
  const exchange = async (ids: readonly string[], count: number) => {
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.lrem(held, 1, id);
    for (let i = 0; i < count; i++) pipeline.lmove(waiting, held, 'RIGHT', 'LEFT');
    const answers = (await pipeline.exec()) ?? [];
    const claimed = answers.slice(ids.length).flatMap(([, id]) => (id as string | null) ?? []);
    for (const text of claimed.length > 0 ? await redis.hmget(data, ...claimed) : [])
      JSON.parse(text as string);
    return claimed;
  };
  return {
    fill: (count) => Promise.all(Array.from({ length: count }, push)),
    push,
    claim: async () => (await exchange([], 1))[0],
    complete: (id) => redis.lrem(held, 1, id),
    exchange,
    close: () => redis.quit(),
  };
}

/** One table, and `FOR UPDATE SKIP LOCKED`. */
export async function rawPostgresPool(url: string, name: string): Promise<RawPool> {
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  const table = pg.escapeIdentifier(name);
  const run = <Row extends pg.QueryResultRow>(label: string, text: string, values: unknown[] = []) =>
    pool.query<Row>({ name: `${name} ${label}`, text, values });
  const next = `SELECT id FROM ${table} WHERE status = 'pending' ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED`;
  const take = `UPDATE ${table} SET status = 'claimed' WHERE id IN (${next}) RETURNING id, data`;
  const insert = `INSERT INTO ${table} (data) SELECT $1 FROM generate_series(1, $2)`;
  const idsOf = ({ rows }: { rows: { id: string; data: string }[] }) =>
    rows.map(({ id, data }) => {
      JSON.parse(data);
      return id;
    });
  return {
    async fill(count) {
      await pool.query(
        `CREATE TABLE IF NOT EXISTS ${table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, status text NOT NULL DEFAULT 'pending', data text NOT NULL)`,
      );
      await pool.query(`CREATE INDEX ON ${table} (id) WHERE status = 'pending'`);
      await run('insert', insert, [JSON.stringify(DATA), count]);
    },
    push: () => run('insert', insert, [JSON.stringify(DATA), 1]),
    claim: async () => idsOf(await run('claim', take, [1]))[0],
    complete: (id) => run('complete', `UPDATE ${table} SET status = 'done' WHERE id = $1`, [id]),
    exchange: async (ids, count) =>
      idsOf(
        await run(
          'exchange',
          `WITH done AS (UPDATE ${table} SET status = 'done' WHERE id = ANY ($2)) ${take}`,
          [count, ids],
        ),
      ),
    close: () => pool.end(),
  };
}
