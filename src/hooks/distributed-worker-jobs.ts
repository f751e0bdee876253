import type { ClaimedItem } from '../backends/interfaces.ts';
import type { ActionCall } from '../execution/interfaces.ts';
import { hashJson } from '../json.ts';
import type { JsonObject } from '../types.ts';
import type { WorkerFields } from './distributed-worker-fields.ts';
import type { WorkerSession } from './distributed-worker-session.ts';

/** `claim_job`: takes the next item. The claim's token is derived from the piece of work, so that a process which died over it finds its item again. */
export async function claimJob(
  session: WorkerSession,
  fields: WorkerFields,
  call: ActionCall,
): Promise<JsonObject> {
  const worker = fields.required('worker_id');
  const item = await claim(session, fields, worker, call);
  if (item === null) return { job: null, job_id: null, claim_token: null };
  session.keeper.hold(session.environment.backends.work.pool(fields.pool), item);
  return { job: item.data, job_id: item.id, claim_token: item.claim_token };
}

async function claim(
  { environment, settings }: WorkerSession,
  fields: WorkerFields,
  worker: string,
  { workId }: ActionCall,
): Promise<ClaimedItem | null> {
  const pool = environment.backends.work.pool(fields.pool);
  const lease = settings.lease * 1000;
  for (let attempt = 0; ; attempt++) {
    const claim_token = hashJson([environment.executionId, workId, attempt]);
    const item = await pool.claim(worker, { lease, claim_token });
    if (item === null) return null;
    // One that was claimed by the process before this one may have run out meanwhile.
    const [held] = await pool.renew([item], lease);
    if (held === true) return item;
  }
}

/** `complete_job`: stores the result. @throws FlatMachineError `lease-lost` when the claim is somebody else's by now */
export async function completeJob(session: WorkerSession, fields: WorkerFields): Promise<JsonObject> {
  const { pool, id, token } = held(session, fields);
  await pool.complete(id, fields.get('result') ?? null, token);
  session.keeper.drop(pool, id);
  return { claim_token: null };
}

/** `fail_job`: the attempt failed, with `error` or else `last_error`. @throws as {@link completeJob} */
export async function failJob(session: WorkerSession, fields: WorkerFields): Promise<JsonObject> {
  const { pool, id, token } = held(session, fields);
  const error = fields.get('error') ?? fields.get('last_error') ?? 'failed';
  await pool.fail(id, typeof error === 'string' ? error : JSON.stringify(error), token);
  session.keeper.drop(pool, id);
  return { claim_token: null };
}

function held({ environment }: WorkerSession, fields: WorkerFields) {
  const claim_token = fields.text('claim_token');
  return {
    pool: environment.backends.work.pool(fields.pool),
    id: fields.required('job_id'),
    token: claim_token === undefined ? {} : { claim_token },
  };
}
