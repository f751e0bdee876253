import { checkId } from '../backends/keys.ts';
import { FlatMachineError, toError } from '../errors.ts';
import { parseReferenceSnapshot, type ReferenceSnapshot } from './reference-snapshot.ts';
import { openSnapshots, type SnapshotPlace } from './snapshot-places.ts';

/** The order of the checkpoints of one step. Others count as `execute`. */
const EVENTS = [
  'machine_start',
  'state_enter',
  'execute',
  'tool_call',
  'wait_for',
  'waiting',
  'state_exit',
  'machine_end',
];

const NAME = /^step_(\d{6,15})(?:_([a-z_]+))?(?:\.json)?$/;

/** A checkpoint by its name. */
interface Named {
  name: string;
  step: number;
  rank: number;
}

/**
 * The checkpoint that the reference implementation would resume from: the one its pointer names. Where the process died between the writing of a checkpoint and
 * of the pointer, the later checkpoint is taken; where there is no good pointer, the newest good checkpoint of the newest run under this id.
 * @param path the reference's checkpoint directory (`.checkpoints`), or its SQLite file (4.x)
 * @param onWarning told of every torn record that is passed over
 * @throws FlatMachineError `invalid-id`, `file-not-found`, `execution-not-found` when there is nothing, or nothing that can be read, `backend`
 */
export async function readReferenceSnapshot(
  path: string,
  executionId: string,
  onWarning: (message: string) => void = () => {},
): Promise<ReferenceSnapshot> {
  checkId(executionId);
  const place = await openSnapshots(path, executionId);
  try {
    const snapshot = place === null ? null : newest(place, executionId, onWarning);
    if (snapshot !== null) return snapshot;
  } finally {
    place?.close();
  }
  throw new FlatMachineError(
    'execution-not-found',
    `no snapshot of execution "${executionId}" that can be read is in ${path}`,
    { remedy: 'Check the id and the place of the reference’s snapshots.' },
  );
}

function newest(
  place: SnapshotPlace,
  executionId: string,
  onWarning: (message: string) => void,
): ReferenceSnapshot | null {
  const read = ({ name }: Named): ReferenceSnapshot | null => {
    try {
      return parseReferenceSnapshot(place.read(name), executionId);
    } catch (error) {
      onWarning(`snapshot ${executionId}/${name} is passed over: ${toError(error).message}`);
      return null;
    }
  };
  const records = place.names.flatMap(named).sort((a, b) => b.step - a.step || b.rank - a.rank);
  const pointed = records.find(({ name }) => isPointedAt(place, executionId, name));
  const latest = pointed === undefined ? null : read(pointed);
  if (latest === null && place.latest !== null) {
    onWarning(`the pointer of ${executionId} names no good snapshot: the newest good one is taken`);
  }
  const first = records.at(-1);
  const start = latest ?? (first?.step === 0 ? read(first) : null);
  for (const record of records) {
    if (record === pointed) {
      if (latest !== null) return latest;
      continue;
    }
    const snapshot = read(record);
    // What is older than the run's own start is left over from an earlier run under this id.
    if (snapshot !== null && !isOlder(snapshot, start)) return snapshot;
  }
  return null;
}

function named(name: string): Named[] {
  const match = NAME.exec(name);
  if (match === null) return [];
  const rank = EVENTS.indexOf(match[2] ?? 'execute');
  return [{ name, step: Number(match[1]), rank: rank === -1 ? EVENTS.indexOf('execute') : rank }];
}

function isPointedAt({ latest }: SnapshotPlace, executionId: string, name: string): boolean {
  const key = `${executionId}/${name}`;
  return latest === key || `${latest}.json` === key;
}

function isOlder(snapshot: ReferenceSnapshot, than: ReferenceSnapshot | null): boolean {
  return than !== null && Date.parse(snapshot.created_at) < Date.parse(than.created_at);
}
