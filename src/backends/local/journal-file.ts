import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { JsonValue } from '../../types.ts';
import { errnoOf } from './file-errors.ts';
import { seal, unseal } from './sealed.ts';

/** An entry as it stands in a line: key, value, and which call has written it. */
export type JournalLine = [key: string, value: JsonValue, writer: string];

/** The first line of a file: it tells one that was removed and begun again from what it was. */
export interface JournalHeader {
  begun: string;
}

/**
 * Says that the line before, unless it is whole, was cut off when its writer died, and was never acknowledged. Files are only ever appended to:
 * cutting the rest off would race with a writer who is still at it.
 */
const VOID = '\u0018';

/** Bytes within which the first line ends. */
const HEADER_LENGTH = 128;

/** What was read of a journal, piece by piece. */
export interface JournalReading {
  /** Bytes read so far: whole lines. */
  offset: number;
  begun: string | null;
  /** Which call has written the first line of each key; that one counts. */
  writers: Map<string, string>;
  /** Line number of one that is damaged, and not yet known to be the last or void. */
  suspect: number | null;
  /** Whether the file ends in the middle of a line. */
  torn: boolean;
  lines: number;
}

/** What nothing has been read of. */
export function newReading(): JournalReading {
  return { offset: 0, begun: null, writers: new Map(), suspect: null, torn: false, lines: 0 };
}

/** Thrown for a damaged line that is not the last: it may have been acknowledged. */
export class DamagedLine extends Error {}

/** Opens a journal; null when there is none. A symbolic link is not followed. */
export function openJournal(path: string, write: boolean): number | null {
  const mode = write ? constants.O_RDWR | constants.O_APPEND : constants.O_RDONLY;
  try {
    return openSync(path, mode | constants.O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** The text of a file without entries. */
export function headerLine(header: JournalHeader): string {
  return seal(JSON.stringify(header));
}

/** The text of an entry. */
export function entryLine(line: JournalLine): string {
  return seal(JSON.stringify(line));
}

/** What tells the file from others that had its name; null when its first line is damaged. */
export function begunOf(fd: number): string | null {
  const bytes = Buffer.alloc(HEADER_LENGTH);
  const line = bytes.toString('utf8', 0, readSync(fd, bytes, 0, HEADER_LENGTH, 0)).split('\n')[0] as string;
  const json = unseal(line);
  return json === null ? null : (JSON.parse(json) as JournalHeader).begun;
}

/**
 * Reads what has been added since the last time.
 * @param onEntry is given the first entry of each key
 * @throws DamagedLine
 */
export function readOn(
  fd: number,
  reading: JournalReading,
  onEntry: (key: string, value: JsonValue) => void = () => {},
): void {
  const bytes = readFrom(fd, reading.offset);
  const end = bytes.lastIndexOf(0x0a) + 1;
  reading.torn = end < bytes.length;
  reading.offset += end;
  if (end === 0) return;
  for (const line of bytes.toString('utf8', 0, end - 1).split('\n')) readLine(line, reading, onEntry);
}

function readLine(
  line: string,
  reading: JournalReading,
  onEntry: (key: string, value: JsonValue) => void,
): void {
  reading.lines++;
  if (line === '') return;
  if (line === VOID) {
    reading.suspect = null;
    return;
  }
  if (reading.suspect !== null) throw new DamagedLine(`its line ${reading.suspect} is damaged`);
  const json = unseal(line);
  if (json === null) {
    reading.suspect = reading.lines;
    return;
  }
  const parsed = JSON.parse(json) as JournalHeader | JournalLine;
  if (!Array.isArray(parsed)) {
    reading.begun = parsed.begun;
    return;
  }
  const [key, value, writer] = parsed;
  if (reading.writers.has(key)) return;
  reading.writers.set(key, writer);
  onEntry(key, value);
}

/** The text that has to go before the next entry. */
export function beforeNext(reading: JournalReading): string {
  return reading.torn || reading.suspect !== null ? `\n${VOID}\n` : '';
}

/** Adds a text, if the system will with one call, which it keeps apart from others'. Whether it did shows when it is read back. */
export function appendText(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

/** Runs `work` on an open journal and closes it. */
export async function closing<T>(fd: number, work: (fd: number) => T | Promise<T>): Promise<T> {
  try {
    return await work(fd);
  } finally {
    closeSync(fd);
  }
}

function readFrom(fd: number, offset: number): Buffer {
  const bytes = Buffer.allocUnsafe(Math.max(0, fstatSync(fd).size - offset));
  let length = 0;
  while (length < bytes.length) {
    const read = readSync(fd, bytes, length, bytes.length - length, offset + length);
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}
