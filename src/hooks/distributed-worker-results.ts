import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { WorkItem, WorkPool } from '../backends/interfaces.ts';
import { itemExecutionId } from '../execution/pool/item-execution-id.ts';
import type { JsonObject } from '../types.ts';
import { batchOf } from './distributed-worker-batch.ts';
import type { WorkerFields } from './distributed-worker-fields.ts';
import type { WorkerSession } from './distributed-worker-session.ts';

/** Items that are read at once. */
const READ_AT_ONCE = 500;

/** `write_results`: writes the file `results`, one line per task in the order of the tasks. The file is there whole or not at all. */
export async function writeResults(
  { environment }: WorkerSession,
  fields: WorkerFields,
): Promise<JsonObject> {
  const batch = batchOf(fields);
  const file = resolve(environment.cwd, fields.required('results'));
  const pool = environment.backends.work.pool(fields.pool);
  const lines = await linesOf(pool, new Set(batch.map(({ item }) => item)));
  let completed = 0;
  const text = batch.map(({ id, item }) => {
    const line = lines.get(item) ?? removed(pool, item);
    if (line.status === 'completed') completed++;
    return `${JSON.stringify({ id, ...line })}\n`;
  });
  await writeWhole(file, text);
  return { results: file, total: batch.length, completed, failed: batch.length - completed };
}

async function linesOf(pool: WorkPool, items: ReadonlySet<string>): Promise<Map<string, JsonObject>> {
  const lines = new Map<string, JsonObject>();
  let after = '';
  for (;;) {
    const some = await pool.items({ status: ['done', 'poisoned'], after, limit: READ_AT_ONCE });
    for (const item of some) if (items.has(item.id)) lines.set(item.id, lineOf(pool, item));
    if (some.length < READ_AT_ONCE) return lines;
    after = some.at(-1)?.id as string;
  }
}

function lineOf({ name }: WorkPool, { id, status, result, error, attempts }: WorkItem): JsonObject {
  const outcome: JsonObject =
    status === 'done' ? { status: 'completed', output: result } : { status: 'failed', error };
  return { ...outcome, execution_id: itemExecutionId(name, id), attempts };
}

/** Somebody has taken it out of the pool. */
function removed({ name }: WorkPool, id: string): JsonObject {
  const error = 'the item was removed from its pool';
  return { status: 'failed', error, execution_id: itemExecutionId(name, id), attempts: 0 };
}

async function writeWhole(file: string, lines: readonly string[]): Promise<void> {
  const directory = dirname(file);
  await mkdir(directory, { recursive: true });
  const partial = `${file}.${randomBytes(4).toString('hex')}.partial`;
  try {
    const handle = await open(partial, 'wx');
    try {
      await writeFile(handle, lines);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
  const entry = await open(directory);
  await entry.sync().finally(() => entry.close());
}
