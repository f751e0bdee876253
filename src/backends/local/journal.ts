import { randomBytes } from 'node:crypto';
import { readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { FlatMachineError } from '../../errors.ts';
import { toJson } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import { journalConflict } from '../failures.ts';
import type { Fence, JournalBackend } from '../interfaces.ts';
import { checkId, checkJournalKey } from '../keys.ts';
import { orMissing } from './file-errors.ts';
import {
  appendText,
  beforeNext,
  begunOf,
  closing,
  DamagedLine,
  entryLine,
  headerLine,
  type JournalReading,
  newReading,
  openJournal,
  readOn,
} from './journal-file.ts';
import type { LocalLeases } from './lease-files.ts';
import type { LocalStore } from './store.ts';

/** Journals of one store. */
export interface LocalJournal extends JournalBackend {
  /** Removes the journals of an execution's work up to `work`. */
  forget(executionId: string, work: number): void;
  /** Drops what is remembered of an execution whose files go otherwise. */
  drop(executionId: string): void;
  /** Resolves once nothing is left to write. */
  idle(): Promise<void>;
}

/** An entry that is to be added. */
interface Member {
  key: string;
  text: string;
  /** Tells it from another's under the same key. */
  writer: string;
  fence: Fence | null;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** A journal that this process adds to. */
interface OpenJournal {
  executionId: string;
  work: number;
  reading: JournalReading;
  /** Whether its name is known to last. */
  lasting: boolean;
  queue: Member[];
  running: Promise<void> | null;
}

const JOURNAL = /^journal_(\d+)$/;

/** How often an entry is added again because it ran into the rest of a dead writer's. */
const MAX_TRIES = 5;

/** How many executions' journals are remembered; beyond it the oldest is read again. */
const MAX_OPEN = 1000;

/**
 * Journals in files, one for each piece of work, which are only ever added to. What is asked for while a write is under way goes with the next one, in order.
 * Each writer reads back what it has added: of two that add the same key at once the first in the file wins, for everybody.
 */
export function createLocalJournal(
  store: LocalStore,
  leases: LocalLeases,
  onWarning: (message: string) => void,
): LocalJournal {
  const mine = randomBytes(6).toString('hex');
  const byExecution = new Map<string, Map<number, OpenJournal>>();
  const running = new Set<Promise<void>>();
  let calls = 0;

  function pathOf(executionId: string, work: number): string {
    return join(store.directoryOf(executionId), `journal_${work}`);
  }

  function journalOf(executionId: string, work: number): OpenJournal {
    const works = byExecution.get(executionId) ?? new Map<number, OpenJournal>();
    byExecution.set(executionId, works);
    if (byExecution.size > MAX_OPEN) dropOldest();
    const known = works.get(work);
    if (known) return known;
    const reading = newReading();
    const created: OpenJournal = { executionId, work, reading, lasting: false, queue: [], running: null };
    works.set(work, created);
    return created;
  }

  function dropOldest(): void {
    for (const [executionId, works] of byExecution) {
      if ([...works.values()].some((journal) => journal.running)) continue;
      byExecution.delete(executionId);
      return;
    }
  }

  /** A run that went on without what is damaged might do its work again. */
  function damaged(executionId: string, work: number, why: string): FlatMachineError {
    const path = pathOf(executionId, work);
    return new FlatMachineError('backend', `the journal ${path} cannot be used: ${why}`, {
      details: { execution_id: executionId, work },
      remedy: 'Restore the file from a copy, or delete the execution.',
    });
  }

  /** Opens a journal to add to it, and reads what others have added. */
  async function openFor(journal: OpenJournal): Promise<number> {
    const path = pathOf(journal.executionId, journal.work);
    let fd = openJournal(path, true);
    while (fd === null) {
      journal.lasting = false;
      await store.create(path, headerLine({ begun: randomBytes(8).toString('hex') }));
      fd = openJournal(path, true);
    }
    if (begunOf(fd) !== journal.reading.begun) {
      journal.reading = newReading();
      journal.lasting = false;
    }
    return fd;
  }

  /** Adds what can be added; those that cannot are told. @returns the others, to be told once it lasts */
  function addAll(fd: number, journal: OpenJournal, members: readonly Member[]): Member[] {
    const { executionId, work, reading } = journal;
    readOn(fd, reading);
    const conflict = ({ key, reject }: Member) => reject(journalConflict(executionId, work, key));
    let waiting = members.filter((member) => isAllowed(member));
    const added: Member[] = [];
    for (let tries = 0; waiting.length > 0; tries++) {
      if (tries === MAX_TRIES) throw new DamagedLine('what is added to it does not stay whole');
      const fresh = firstOfEachKey(waiting.filter((member) => !reading.writers.has(member.key)));
      appendText(fd, beforeNext(reading) + fresh.map((member) => member.text).join(''));
      readOn(fd, reading);
      const missing: Member[] = [];
      for (const member of waiting) {
        const writer = reading.writers.get(member.key);
        if (writer === member.writer) added.push(member);
        else if (writer === undefined) missing.push(member);
        else conflict(member);
      }
      waiting = missing;
    }
    return added;
  }

  function isAllowed({ fence, reject }: Member): boolean {
    try {
      if (fence) leases.checkFence(fence);
      return true;
    } catch (error) {
      reject(error);
      return false;
    }
  }

  async function addBatch(
    journal: OpenJournal,
    members: readonly Member[],
    directory: string,
  ): Promise<void> {
    const added = await closing(await openFor(journal), async (fd) => {
      const added = addAll(fd, journal, members);
      if (added.length > 0) await store.flush(fd);
      return added;
    });
    if (!journal.lasting) await store.sync(directory);
    journal.lasting = true;
    for (const { resolve } of added) resolve();
  }

  async function run(journal: OpenJournal): Promise<void> {
    const { executionId, work } = journal;
    while (journal.queue.length > 0) {
      const members = journal.queue;
      journal.queue = [];
      try {
        await store.write(() =>
          store.inExecution(executionId, (directory) => addBatch(journal, members, directory)),
        );
      } catch (thrown) {
        journal.reading = newReading();
        const error = thrown instanceof DamagedLine ? damaged(executionId, work, thrown.message) : thrown;
        for (const { reject } of members) reject(error);
      }
    }
    journal.running = null;
  }

  return {
    async append(executionId, work, key, value, fence) {
      checkId(executionId);
      checkJournalKey(key);
      const writer = `${mine}.${calls++}`;
      const text = entryLine([key, toJson(value, `journal entry ${key}`), writer]);
      const journal = journalOf(executionId, work);
      await new Promise<void>((resolve, reject) => {
        journal.queue.push({ key, text, writer, fence, resolve, reject });
        if (journal.running) return;
        const promise = run(journal).finally(() => running.delete(promise));
        journal.running = promise;
        running.add(promise);
      });
    },

    async entries(executionId, work) {
      checkId(executionId);
      return store.read(async () => {
        const entries = new Map<string, JsonValue>();
        const path = pathOf(executionId, work);
        const fd = openJournal(path, false);
        if (fd === null) return entries;
        try {
          const reading = newReading();
          await closing(fd, () => readOn(fd, reading, (key, entry) => entries.set(key, entry)));
          if (reading.torn || reading.suspect !== null) {
            onWarning(`${path} ends in a line that is not whole, as of a writer that died; it was ignored`);
          }
        } catch (error) {
          throw error instanceof DamagedLine ? damaged(executionId, work, error.message) : error;
        }
        return entries;
      });
    },

    forget(executionId, upTo) {
      const directory = store.directoryOf(executionId);
      for (const name of orMissing(() => readdirSync(directory)) ?? []) {
        const work = Number(JOURNAL.exec(name)?.[1] ?? Number.NaN);
        if (work <= upTo) orMissing(() => unlinkSync(join(directory, name)));
      }
      const works = byExecution.get(executionId);
      for (const work of works?.keys() ?? []) if (work <= upTo) works?.delete(work);
      if (works?.size === 0) byExecution.delete(executionId);
    },

    drop(executionId) {
      byExecution.delete(executionId);
    },

    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}

function firstOfEachKey(members: readonly Member[]): Member[] {
  const keys = new Set<string>();
  return members.filter(({ key }) => !keys.has(key) && keys.add(key));
}
