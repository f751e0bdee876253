import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FlatMachineError, toError } from '../errors.ts';

/** Milliseconds to wait while the reference's own process writes. */
const BUSY_TIMEOUT = 5000;

/** Where the reference implementation has kept the checkpoints of one execution. */
export interface SnapshotPlace {
  /** What its pointer holds, e.g. `job-1/step_000003_execute.json`; null = there is none. */
  readonly latest: string | null;
  /** The names of its checkpoints, e.g. `step_000003_execute.json`. */
  readonly names: readonly string[];
  /** The text of one of them. */
  read(name: string): string;
  close(): void;
}

/**
 * Opens a directory in the layout of the reference's `local` backend, or the file of its `sqlite` backend (4.x). Nothing in it is changed.
 * @param executionId an id that has been checked: it becomes part of a path
 * @returns null when it holds nothing of this execution
 * @throws FlatMachineError `file-not-found` when there is no such place, `backend` when it cannot be read
 */
export async function openSnapshots(path: string, executionId: string): Promise<SnapshotPlace | null> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    throw new FlatMachineError('file-not-found', `there are no snapshots at ${path}`, {
      remedy: 'Name the directory (or SQLite file) that the reference implementation has written.',
    });
  }
  try {
    return found.isDirectory() ? openDirectory(path, executionId) : await openDatabase(path, executionId);
  } catch (cause) {
    throw new FlatMachineError('backend', `cannot read the snapshots at ${path}: ${toError(cause).message}`, {
      cause,
      remedy: 'Name the directory (or SQLite file) that the reference implementation has written.',
    });
  }
}

/** `{directory}/{execution}/step_000003_execute.json`, and `latest` beside them. */
function openDirectory(path: string, executionId: string): SnapshotPlace | null {
  const directory = join(path, executionId);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return null;
  // Neither links, which may lead anywhere, nor pipes, which nobody may ever write into.
  const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
  const names = files.map(({ name }) => name);
  return {
    latest: names.includes('latest') ? readFileSync(join(directory, 'latest'), 'utf8').trim() : null,
    names,
    read: (name) => readFileSync(join(directory, name), 'utf8'),
    close() {},
  };
}

/** Tables `machine_checkpoints` and `machine_latest`, keys as in a directory. */
async function openDatabase(path: string, executionId: string): Promise<SnapshotPlace | null> {
  const { openConnection } = await import('../backends/sqlite/connection.ts');
  const database = openConnection(path, BUSY_TIMEOUT);
  try {
    const keys = database
      .prepare<[string], { checkpoint_key: string }>(
        'SELECT checkpoint_key FROM machine_checkpoints WHERE execution_id = ?',
      )
      .all(executionId);
    const pointer = database
      .prepare<[string], { latest_key: string }>(
        'SELECT latest_key FROM machine_latest WHERE execution_id = ?',
      )
      .get(executionId);
    const text = database.prepare<[string], { snapshot_json: string | Buffer }>(
      'SELECT snapshot_json FROM machine_checkpoints WHERE checkpoint_key = ?',
    );
    if (keys.length === 0) {
      database.close();
      return null;
    }
    return {
      latest: pointer?.latest_key ?? null,
      names: keys.map(({ checkpoint_key: key }) => key.slice(executionId.length + 1)),
      read: (name) => String(text.get(`${executionId}/${name}`)?.snapshot_json ?? ''),
      close: () => database.close(),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}
