import { createHash } from 'node:crypto';
import type { MachineSnapshot } from '../../machine/snapshot.ts';
import type { StepRecord } from '../interfaces.ts';
import { decodeEvents, decodeSnapshot, type EncodedStep, type StepRow } from '../step-record.ts';

/**
 * A record as stored: a line with nonce, key of the origin, checksum, length of the body and time, then the body and the events. The nonce and the
 * key come first, for scripts.
 */
export function stepText(nonce: string, originKey: string, step: EncodedStep): string {
  const { checksum, body, created_at, events } = step;
  return `${nonce} ${originKey} ${checksum} ${body.length} ${JSON.stringify(created_at)}\n${body}${events ?? ''}`;
}

/** The key under which the origin of a record is stored. */
export function originKeyOf(record: string): string {
  return record.slice(0, 100).split(' ', 2)[1] ?? '';
}

/** The key of an origin: short, and the same for the same text. */
export function keyOfOrigin(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

/** A stored record as a row to decode. @param origin null = it is missing */
export function stepRow(executionId: string, step: number, record: string, origin: string | null): StepRow {
  const end = record.indexOf('\n');
  const [, , sum, length, ...time] = record.slice(0, Math.max(end, 0)).split(' ');
  const body = end + 1 + Number(length);
  return {
    execution_id: executionId,
    step,
    created_at: JSON.parse(time.join(' ')) as string,
    checksum: Number(sum),
    body: record.slice(end + 1, body),
    events: body === record.length ? null : record.slice(body),
    origin,
  };
}

/** The snapshot of a stored record. @throws Error when it is damaged */
export function readSnapshot(
  executionId: string,
  step: number,
  record: string,
  origin: string | null,
): MachineSnapshot {
  return decodeSnapshot(stepRow(executionId, step, record, origin));
}

/** A stored record with its events. @throws Error when it is damaged */
export function readRecord(
  executionId: string,
  step: number,
  record: string,
  origin: string | null,
): StepRecord {
  const row = stepRow(executionId, step, record, origin);
  const snapshot = decodeSnapshot(row);
  return { snapshot, events: decodeEvents(row, snapshot) };
}
