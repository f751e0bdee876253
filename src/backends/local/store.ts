import { randomBytes } from 'node:crypto';
import {
  close,
  closeSync,
  constants,
  fsync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { storeClosed } from '../failures.ts';
import type { Durability } from '../interfaces.ts';
import { checkDirectory, makeDirectories, makeDirectory } from './directories.ts';
import { errnoOf, fileError, notADirectory, orMissing } from './file-errors.ts';
import { fileName } from './names.ts';
import { createWriteGate } from './write-gate.ts';

/** Milliseconds after which a temporary file is nobody's any more: no write takes that long. */
const TEMPORARY_LIFE = 3_600_000;

/** How many executions are remembered to have their directories; beyond it the oldest is looked at again. */
const MAX_KNOWN = 20_000;

/** How often a write is begun anew because the execution was deleted under it. */
const MAX_TRIES = 10;

const flush = promisify(fsync);
const closeFile = promisify(close);

/** How a file is stored. */
export interface FileOptions {
  /** Called right before it gets its name, in the same turn of the event loop; throws to refuse. */
  check?: () => void;
  /** Whether its content has to survive a loss of power. Default true. */
  lasting?: boolean;
}

/** One directory of executions, as one {@link BackendSet} sees it. Names that begin with a dot are the store's own, all others an execution's. */
export interface LocalStore {
  /** Absolute path. */
  readonly root: string;
  /** The directory of an execution, whether or not it exists. */
  directoryOf(executionId: string): string;
  /** A directory of the store's own, made if it is not there. @throws FlatMachineError `backend` */
  ownDirectory(name: string): string;
  /** Runs a read. @throws FlatMachineError `backend`, also once the store is closed */
  read<T>(work: () => T | Promise<T>): Promise<T>;
  /** Runs a write when it is its turn, see {@link WriteGate}. @throws as {@link read} */
  write<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Does something in the directory of an execution, which is made if need be; again if somebody deletes it meanwhile.
   * @param work is given the directory
   */
  inExecution<T>(executionId: string, work: (directory: string) => Promise<T>): Promise<T>;
  /**
   * Stores a text under a name that nothing has: it is there whole, or not at all.
   * @returns false = something has that name
   */
  create(path: string, text: string, options?: FileOptions): Promise<boolean>;
  /** Stores a text under a name, in place of what may have it: the one or the other is there whole at any time. */
  replace(path: string, text: string, options?: FileOptions): Promise<void>;
  /** Makes what was done in a directory survive a loss of power; with `process-crash`, nothing. */
  sync(directory: string): Promise<void>;
  /** Makes what was written to an open file survive a loss of power; with `process-crash`, nothing. */
  flush(fd: number): Promise<void>;
  /** Removes a directory with all that is in it, at once and whole. */
  discard(directory: string): Promise<void>;
  /** Resolves once nothing is left to write. */
  idle(): Promise<void>;
  /** Refuses everything from now on. */
  close(): void;
}

/**
 * Opens a directory of executions, making it (mode 0700) and those above it as needed.
 * @throws FlatMachineError `backend`
 */
export async function openLocalStore(location: string, durability: Durability): Promise<LocalStore> {
  const root = resolve(location);
  const gate = createWriteGate();
  const known = new Set<string>();
  const powerLoss = durability === 'power-loss';
  const mine = `${process.pid}-${randomBytes(6).toString('hex')}`;
  let temporaries = 0;
  let swept = false;
  let closed = false;

  async function guard<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw fileError(root, error);
    }
  }

  async function sync(directory: string): Promise<void> {
    if (!powerLoss) return;
    const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      await flush(fd);
    } finally {
      await closeFile(fd);
    }
  }

  function ownDirectory(name: string): string {
    const path = join(root, name);
    makeDirectory(path);
    return path;
  }

  async function writeTemporary(text: string, lasting: boolean): Promise<string> {
    if (!swept) sweep(root);
    swept = true;
    const path = join(ownDirectory('.tmp'), `${mine}-${temporaries++}`);
    const fd = openSync(path, 'wx', 0o600);
    try {
      writeFileSync(fd, text);
      if (powerLoss && lasting) await flush(fd);
    } catch (error) {
      unlinkSync(path);
      throw error;
    } finally {
      closeSync(fd);
    }
    return path;
  }

  /** The directories above are made to last even if they were there: whoever made them may have died before that. */
  async function prepare(executionId: string): Promise<string> {
    const directory = directoryOf(executionId);
    if (known.has(executionId)) return directory;
    makeDirectory(directory);
    makeDirectory(join(directory, 'steps'));
    await sync(directory);
    await sync(root);
    known.add(executionId);
    if (known.size > MAX_KNOWN) known.delete(known.values().next().value as string);
    return directory;
  }

  function directoryOf(executionId: string): string {
    return join(root, fileName(executionId));
  }

  await guard(async () => {
    const changed = makeDirectories(root);
    if (!statSync(root).isDirectory()) throw notADirectory(root);
    for (const directory of changed) await sync(directory);
  });

  return {
    root,
    directoryOf,
    ownDirectory,
    sync,
    async flush(fd) {
      if (powerLoss) await flush(fd);
    },
    async read(work) {
      if (closed) throw storeClosed();
      return guard(work);
    },
    async write(work) {
      if (closed) throw storeClosed();
      return gate.run(() => guard(work));
    },
    async inExecution(executionId, work) {
      for (let tries = 1; ; tries++) {
        const directory = await prepare(executionId);
        try {
          checkDirectory(directory);
          return await work(directory);
        } catch (error) {
          if (errnoOf(error) !== 'ENOENT' || tries === MAX_TRIES) throw error;
          known.delete(executionId);
        }
      }
    },
    async create(path, text, { check, lasting = true } = {}) {
      const temporary = await writeTemporary(text, lasting);
      try {
        check?.();
        linkSync(temporary, path);
        return true;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
        return false;
      } finally {
        unlinkSync(temporary);
      }
    },
    async replace(path, text, { check, lasting = true } = {}) {
      const temporary = await writeTemporary(text, lasting);
      try {
        check?.();
        renameSync(temporary, path);
      } catch (error) {
        unlinkSync(temporary);
        throw error;
      }
    },
    async discard(directory) {
      const trash = join(ownDirectory('.trash'), `${mine}-${temporaries++}`);
      if (orMissing(() => renameSync(directory, trash)) === null) return;
      await sync(root);
      await rm(trash, { recursive: true, force: true });
    },
    idle: () => gate.idle(),
    close() {
      closed = true;
    },
  };
}

/** Removes what processes have left that died in the middle of something. */
function sweep(root: string): void {
  for (const own of ['.tmp', '.trash']) {
    const directory = join(root, own);
    const names = orMissing(() => {
      checkDirectory(directory);
      return readdirSync(directory);
    });
    for (const name of names ?? []) {
      const path = join(directory, name);
      const left = orMissing(() => lstatSync(path).ctimeMs);
      if (left !== null && left < Date.now() - TEMPORARY_LIFE) rmSync(path, { recursive: true, force: true });
    }
  }
}
