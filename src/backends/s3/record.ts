import { FlatMachineError } from '../../errors.ts';
import type { ExecutionEvent } from '../../events.ts';
import type { MachineSnapshot } from '../../machine/snapshot.ts';
import type { JsonValue } from '../../types.ts';
import { checksum } from '../checksum.ts';
import type { ExecutionSummary, StepRecord } from '../interfaces.ts';
import { summarize } from '../summary.ts';

/*
 * A record is lines of JSON: a header, then what it is about. The header of a step holds its summary, so that a listing reads no contexts.
 */

interface StepHeader {
  /** Drawn for one write: who finds it there has written it. */
  nonce: string;
  sum: number;
  summary: ExecutionSummary;
}

interface EntryHeader {
  nonce: string;
  sum: number;
  /** Its place among the entries of its work. */
  order: number;
}

/** A step as text, all but its header. @throws FlatMachineError `not-json` */
export function encodeStep(snapshot: MachineSnapshot, events: readonly ExecutionEvent[] = []): string {
  try {
    return `${JSON.stringify(snapshot)}\n${JSON.stringify(events)}`;
  } catch (cause) {
    throw new FlatMachineError('not-json', `a step cannot be stored: ${(cause as Error).message}`, { cause });
  }
}

/** The whole record of a step. @param createdAt when the execution began */
export function stepRecord(
  snapshot: MachineSnapshot,
  body: string,
  createdAt: string,
  nonce: string,
): string {
  const header: StepHeader = { nonce, sum: checksum(body), summary: summarize(snapshot, createdAt) };
  return `${JSON.stringify(header)}\n${body}`;
}

/** A step with its events. @throws Error when it is damaged */
export function decodeStep(text: string): StepRecord {
  const [snapshot, events] = bodyOf<StepHeader>(text).lines;
  return {
    snapshot: JSON.parse(snapshot ?? '') as MachineSnapshot,
    events: JSON.parse(events ?? '') as ExecutionEvent[],
  };
}

/** The summary at the beginning of a step's record, or null when it is not all there. */
export function summaryOf(beginning: string): ExecutionSummary | null {
  const end = beginning.indexOf('\n');
  if (end === -1) return null;
  try {
    return (JSON.parse(beginning.slice(0, end)) as StepHeader).summary;
  } catch {
    return null;
  }
}

/** The record of a journal entry. */
export function entryRecord(key: string, value: string, order: number, nonce: string): string {
  const body = `${JSON.stringify(key)}\n${value}`;
  const header: EntryHeader = { nonce, sum: checksum(body), order };
  return `${JSON.stringify(header)}\n${body}`;
}

/** A journal entry. @throws Error when it is damaged */
export function decodeEntry(text: string): { order: number; key: string; value: JsonValue } {
  const { header, lines } = bodyOf<EntryHeader>(text);
  const [key, value] = lines;
  return {
    order: header.order,
    key: JSON.parse(key ?? '') as string,
    value: JSON.parse(value ?? '') as JsonValue,
  };
}

/** Whether a record was written by the call that drew this nonce. */
export function hasNonce(text: string, nonce: string): boolean {
  return text.startsWith(`{"nonce":${JSON.stringify(nonce)},`);
}

function bodyOf<Header extends { sum: number }>(text: string): { header: Header; lines: string[] } {
  const end = text.indexOf('\n');
  const header = JSON.parse(text.slice(0, end)) as Header;
  const body = text.slice(end + 1);
  if (checksum(body) !== header.sum) throw new Error('checksum mismatch');
  return { header, lines: body.split('\n') };
}
