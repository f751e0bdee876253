import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FlatMachineError, toError } from '../errors.ts';
import type { ActionCall } from '../execution/interfaces.ts';
import { hashJson, isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import type { WorkerFields } from './distributed-worker-fields.ts';
import type { WorkerSession } from './distributed-worker-session.ts';

/** Items that are pushed in one write. */
const PUSHED_AT_ONCE = 1_000;

/** A line of a file of tasks. */
export interface BatchTask {
  /** Its field `id`, or else the number of its line. */
  readonly id: string | number;
  readonly data: JsonValue;
  /** What tells it from all others of its batch, whoever asks. */
  readonly key: string;
}

/**
 * `push_tasks`: each line of the file `tasks` becomes an item of the pool, once, however often it is asked. Sets `batch`: for each task, in the order of the lines, its id and
 * its item's.
 */
export async function pushTasks(
  { environment }: WorkerSession,
  fields: WorkerFields,
  call: ActionCall,
): Promise<JsonObject> {
  const tasks = await readTasks(resolve(environment.cwd, fields.required('tasks')));
  const maxRetries = fields.number('max_retries');
  const pool = environment.backends.work.pool(fields.pool);
  const items: string[] = [];
  for (let i = 0; i < tasks.length; i += PUSHED_AT_ONCE) {
    call.signal.throwIfAborted();
    const some = tasks.slice(i, i + PUSHED_AT_ONCE).map(({ data, key }) => ({
      data,
      options: {
        dedupe: hashJson([environment.executionId, key]),
        ...(maxRetries === undefined ? {} : { max_retries: maxRetries }),
      },
    }));
    items.push(...(await pool.pushMany(some)));
  }
  return { batch: tasks.map(({ id }, i) => [id, items[i] as string]), total: tasks.length };
}

/**
 * Reads a file of tasks: one JSON value per line, empty lines left out.
 * @throws FlatMachineError `file-not-found`; `invalid-task` naming the line that is not JSON, or has the id of another
 */
export async function readTasks(file: string): Promise<BatchTask[]> {
  const lines = (await read(file)).split('\n');
  const seen = new Map<string | number, number>();
  const tasks: BatchTask[] = [];
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const task = taskOf(line, i + 1, `${file}, line ${i + 1}`);
    const before = seen.get(task.id);
    if (before !== undefined) {
      throw new FlatMachineError(
        'invalid-task',
        `${file}: lines ${before} and ${i + 1} have the same id, ${JSON.stringify(task.id)}`,
      );
    }
    seen.set(task.id, i + 1);
    tasks.push(task);
  }
  return tasks;
}

function taskOf(line: string, number: number, where: string): BatchTask {
  let data: JsonValue;
  try {
    data = JSON.parse(line) as JsonValue;
  } catch (cause) {
    throw new FlatMachineError('invalid-task', `${where}: this is not JSON`, {
      cause,
      remedy: 'A file of tasks has one JSON value per line.',
    });
  }
  const id = isJsonObject(data) ? data.id : undefined;
  if (typeof id === 'string' || typeof id === 'number') return { id, data, key: `id ${JSON.stringify(id)}` };
  return { id: number, data, key: `line ${number} ${hashJson(data)}` };
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new FlatMachineError('file-not-found', `cannot read the tasks ${file}: ${toError(cause).message}`, {
      cause,
    });
  }
}

/** What `push_tasks` has set. @throws FlatMachineError `usage` when the context has none */
export function batchOf(fields: WorkerFields): { id: string | number; item: string }[] {
  const batch = fields.get('batch');
  if (!Array.isArray(batch)) {
    throw new FlatMachineError('usage', 'there is no "batch" in the context', {
      remedy: 'A state before this one must do `push_tasks`.',
    });
  }
  return batch.map((pair) => {
    const [id, item] = pair as [string | number, string];
    return { id, item };
  });
}
