import { FlatMachineError } from '../../errors.ts';
import { type MachineSnapshot, TERMINAL_STATUSES } from '../../machine/snapshot.ts';
import { staleFence, stepConflict } from '../failures.ts';
import type { Fence, PersistenceBackend } from '../interfaces.ts';
import { checkStepKey, pruneUpTo } from '../keys.ts';
import { encodeOrigin, encodeStep, hasOrigin, type Origin, originOf } from '../step-record.ts';
import type { RedisStore } from './connection.ts';
import { fenceArguments } from './fence.ts';
import { CLEAR_STEP, LOOK, SAVE } from './lua/steps.ts';
import { drawNonce } from './nonce.ts';
import { machineText, standing } from './standing.ts';
import { keyOfOrigin, readSnapshot, stepText } from './step-text.ts';

/** An origin that is stored, as far as this process knows. */
interface KnownOrigin {
  key: string;
  values: Origin;
}

/** How many executions' origins are remembered; of others they are sent again. */
const MAX_KNOWN = 20_000;

/** Makes the `save` of a store: one script, one round trip. */
export function createStepWriter(
  store: RedisStore,
  onWarning: (message: string) => void,
): PersistenceBackend['save'] {
  const save = store.script(SAVE);
  const look = store.script(LOOK);
  const clear = store.script(CLEAR_STEP);
  const known = new Map<string, KnownOrigin>();

  function remember(id: string, origin: KnownOrigin): void {
    known.set(id, origin);
    if (known.size > MAX_KNOWN) known.delete(known.keys().next().value as string);
  }

  /** Whether the record in the way was damaged: it is removed, that very one, since a resume has to write it again. */
  async function makeRoom(key: string, { execution_id: id, step }: MachineSnapshot): Promise<boolean> {
    const [record, mark, origin] = (await look(id, step)) as [string?, string?, string?];
    if (record === undefined || mark === undefined) return false;
    try {
      readSnapshot(id, step, record, origin || null);
      return false;
    } catch {
      onWarning(`${key} was damaged and is written anew`);
    }
    await clear(id, step, mark);
    return true;
  }

  return async (key, snapshot, options = {}) => {
    checkStepKey(key, snapshot);
    const { execution_id: id, step } = snapshot;
    const { fence, over } = options;
    const upTo = pruneUpTo(step, options.keep);
    const encoded = encodeStep(snapshot, options.events);
    const nonce = drawNonce();
    const remembered = known.get(id);

    async function write(origin: KnownOrigin | null): Promise<unknown> {
      const values = origin?.values ?? originOf(snapshot);
      const text = origin === null ? encodeOrigin(values) : '';
      const originKey = origin?.key ?? keyOfOrigin(text);
      const outcome = await save(
        id,
        step,
        nonce,
        stepText(nonce, originKey, encoded),
        ...fenceArguments(fence),
        originKey,
        text,
        origin === null ? machineText(snapshot) : '',
        ...standing(snapshot),
        upTo ?? '',
        ...(over ? [workText(over.work), over.signal] : ['', '']),
      );
      if (outcome === 'ok') remember(id, { key: originKey, values });
      return outcome;
    }

    let outcome = await write(remembered && hasOrigin(snapshot, remembered.values) ? remembered : null);
    if (outcome === 'origin') outcome = await write(null);
    if (outcome === 'conflict' && (await makeRoom(key, snapshot))) outcome = await write(null);
    if (TERMINAL_STATUSES.has(snapshot.status)) known.delete(id);
    if (outcome === 'stale') throw staleFence(fence as Fence);
    if (outcome === 'conflict') throw stepConflict(key);
    if (outcome !== 'ok')
      throw new FlatMachineError('backend', `the store ${store.url} answered ${String(outcome)}`);
  };
}

function workText(work: number): string {
  return work === Number.POSITIVE_INFINITY ? '+inf' : String(work);
}
