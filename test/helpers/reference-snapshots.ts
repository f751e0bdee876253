import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import type { JsonObject, JsonValue } from '../../src/types.ts';

/** One checkpoint as a test gives it; the rest is filled in as the reference implementation would. */
export interface Checkpoint {
  event: string;
  state: string;
  step: number;
  context?: JsonObject;
  output?: JsonValue;
  calls?: number;
  cost?: number;
  parent?: string;
  launches?: JsonValue;
  channel?: string;
  /** Seconds after the first. Default: one more than the one before. */
  at?: number;
}

/** Which implementation wrote it. */
export type Writer = 'python-1.0.0' | 'python-4' | 'javascript';

function snapshot(id: string, writer: Writer, point: Checkpoint, at: number): JsonObject {
  const time = new Date(Date.UTC(2025, 0, 1) + at * 1000).toISOString();
  return {
    execution_id: id,
    machine_name: 'counter',
    spec_version: writer === 'python-4' ? '4.0.0' : '1.0.0',
    current_state: point.state,
    context: point.context ?? {},
    step: point.step,
    created_at: writer === 'javascript' ? time : time.replace('Z', '123+00:00'),
    event: point.event === '' ? null : point.event,
    output: point.output ?? null,
    total_api_calls: point.calls ?? 0,
    total_cost: point.cost ?? 0,
    parent_execution_id: point.parent ?? null,
    pending_launches: point.launches ?? null,
    ...(writer === 'javascript' && point.channel !== undefined ? { waiting_channel: point.channel } : {}),
    ...(writer === 'python-4'
      ? { waiting_channel: point.channel ?? null, tool_loop_state: null, config_hash: 'f'.repeat(64) }
      : {}),
  };
}

function keyOf(id: string, { step, event }: Checkpoint): string {
  return `${id}/step_${String(step).padStart(6, '0')}${event === '' ? '' : `_${event}`}.json`;
}

/** Writes checkpoints in the layout of the `local` backend; the pointer names the last one. JavaScript writes none. */
export function writeSnapshotDirectory(
  directory: string,
  id: string,
  writer: Writer,
  points: readonly Checkpoint[],
): void {
  let at = 0;
  for (const point of points) {
    at = point.at ?? at + 1;
    const path = join(directory, keyOf(id, point));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify(snapshot(id, writer, point, at)));
  }
  const last = points.at(-1);
  if (writer !== 'javascript' && last !== undefined) {
    writeFileSync(join(directory, id, 'latest'), keyOf(id, last));
  }
}

/** Writes checkpoints in the layout of the `sqlite` backend of 4.x; Python stores blobs, JavaScript text. */
export function writeSnapshotDatabase(
  file: string,
  id: string,
  writer: Writer,
  points: readonly Checkpoint[],
): void {
  const database = new Database(file);
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS machine_checkpoints (checkpoint_key TEXT PRIMARY KEY, execution_id TEXT NOT NULL,
      machine_name TEXT, event TEXT, current_state TEXT, waiting_channel TEXT, snapshot_json BLOB NOT NULL, created_at TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS machine_latest (execution_id TEXT PRIMARY KEY, latest_key TEXT NOT NULL, updated_at TEXT NOT NULL);
  `);
  const insert = database.prepare('INSERT INTO machine_checkpoints VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  const point = database.prepare('INSERT OR REPLACE INTO machine_latest VALUES (?, ?, ?)');
  for (const [at, checkpoint] of points.entries()) {
    const { event, state, channel = null } = checkpoint;
    const text = JSON.stringify(snapshot(id, writer, checkpoint, at));
    const blob = writer === 'javascript' ? text : Buffer.from(text);
    insert.run(keyOf(id, checkpoint), id, 'counter', event, state, channel, blob, String(at));
    point.run(id, keyOf(id, checkpoint), String(at));
  }
  database.close();
}
