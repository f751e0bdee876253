import { randomUUID } from 'node:crypto';
import { chmod, link, mkdir, open, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FlatMachineError, toError } from '../../errors.ts';
import { isJsonObject } from '../../json.ts';
import type { EnvironmentSpec } from '../interfaces.ts';

/** What is recorded of an environment before anything of it exists. */
export interface EnvironmentRecord {
  id: string;
  labels: Record<string, string>;
  env: Record<string, string>;
  network?: string;
}

const RECORD = 'environment.json';
const ID = /^[a-z0-9-]{1,63}$/;

/** The directories of one runner's environments on this host, each with a record of what it is. */
export class HostStore {
  readonly snapshotDir: string;
  readonly #root: string;

  constructor(stateDir: string, runner: string) {
    this.#root = join(resolve(stateDir), runner);
    this.snapshotDir = join(resolve(stateDir), 'snapshots');
  }

  /** Where an environment lives. @throws FlatMachineError `invalid-id` */
  directory(id: string): string {
    if (!ID.test(id)) throw new FlatMachineError('invalid-id', `${JSON.stringify(id)} is no environment id`);
    return join(this.#root, id);
  }

  /** Records an environment, durably, unless it is there already. @throws FlatMachineError `create-failed` */
  async record(spec: EnvironmentSpec): Promise<void> {
    const directory = this.directory(spec.id);
    if (await this.find(spec.id)) return;
    const record: EnvironmentRecord = { id: spec.id, labels: spec.labels, env: spec.env ?? {} };
    if (spec.network !== undefined) record.network = spec.network;
    const partial = join(directory, `${RECORD}.${randomUUID()}`);
    try {
      await mkdir(directory, { recursive: true, mode: 0o755 });
      const file = await open(partial, 'w');
      await file.writeFile(JSON.stringify(record));
      await file.sync();
      await file.close();
      // of two who create it at once, the second finds the first one's
      await link(partial, join(directory, RECORD)).catch(present);
      await rm(partial);
    } catch (thrown) {
      await rm(partial, { force: true });
      // fails, and is to fail, where there is anything in it
      await rmdir(directory).catch(() => {});
      throw new FlatMachineError('create-failed', `${directory} cannot be made: ${toError(thrown).message}`, {
        cause: thrown,
      });
    }
  }

  /** An environment's record, or null. */
  async find(id: string): Promise<EnvironmentRecord | null> {
    const text = await readFile(join(this.directory(id), RECORD), 'utf8').catch(absent);
    if (text === null) return null;
    const record: unknown = JSON.parse(text);
    return isJsonObject(record as never) ? (record as EnvironmentRecord) : null;
  }

  /** The records that carry all of these labels. */
  async list(labels: Record<string, string>): Promise<EnvironmentRecord[]> {
    const names = (await readdir(this.#root).catch(absent)) ?? [];
    const records = await Promise.all(names.filter((name) => ID.test(name)).map((name) => this.find(name)));
    return records.filter(
      (record): record is EnvironmentRecord =>
        record !== null && Object.entries(labels).every(([key, value]) => record.labels[key] === value),
    );
  }

  /** Removes an environment's directory; its record last, so that what a crash leaves is still found. */
  async remove(id: string): Promise<void> {
    const directory = this.directory(id);
    const names = (await readdir(directory).catch(absent)) ?? [];
    for (const name of names.sort((a, b) => Number(a === RECORD) - Number(b === RECORD))) {
      await removeTree(join(directory, name));
    }
    await removeTree(directory);
  }
}

/** Removes a directory even where a command has taken away the permissions to do so. */
async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EACCES') throw thrown;
    await openUp(path);
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function openUp(directory: string): Promise<void> {
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await openUp(join(directory, entry.name));
  }
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}

function present(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
