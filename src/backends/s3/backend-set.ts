import { FlatMachineError } from '../../errors.ts';
import { storeClosed } from '../failures.ts';
import type { BackendOptions, BackendRoles } from '../interfaces.ts';
import type { BackendUrl } from '../url.ts';
import { parseS3Url } from './address.ts';
import { type Bucket, openBucket } from './bucket.ts';
import { createS3Journal } from './journal.ts';
import { FORMAT_OBJECT } from './keys.ts';
import { createS3Persistence } from './persistence.ts';
import { createS3Results } from './results.ts';

/** What {@link FORMAT_OBJECT} says: always the same, so that it does no harm to write it twice. */
const FORMAT = '{"flatmachine":"executions","version":1}';

/**
 * Opens a prefix of a bucket: steps, journals and results. What is stored survives the loss of power, whichever durability is asked for.
 * Each time, it is made sure that the store refuses to write a key twice, which is all that stands between two writers of a step.
 * @throws FlatMachineError `usage`, `missing-package`, `backend` when the bucket cannot be used or the store ignores `If-None-Match`
 */
export async function openS3(url: BackendUrl, options: BackendOptions = {}): Promise<BackendRoles> {
  const { durability = 'power-loss', onWarning = () => {} } = options;
  if (durability === 'none')
    throw new FlatMachineError('usage', 's3 has the durability power-loss, not none');
  const bucket = await openBucket(parseS3Url(url));
  try {
    await checkConditions(bucket);
  } catch (error) {
    bucket.close();
    throw error;
  }
  const results = createS3Results(bucket);
  const gate = createGate();
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    results.close();
    await gate.close();
    bucket.close();
  }

  return {
    url: bucket.address.shown,
    durability: 'power-loss',
    persistence: gate.guard(createS3Persistence(bucket, onWarning)),
    journal: gate.guard(createS3Journal(bucket)),
    results: gate.guard(results),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** One request where the store was used before. */
async function checkConditions(bucket: Bucket): Promise<void> {
  const never = () => false;
  for (let tries = 0; tries < 2; tries++) {
    if ((await bucket.create(FORMAT_OBJECT, FORMAT, never)) !== null) return;
  }
  throw new FlatMachineError(
    'backend',
    `${bucket.address.shown} ignores If-None-Match: two writers of one step would overwrite each other`,
    {
      remedy: 'Use a store with conditional writes: Amazon S3, MinIO, Ceph, Cloudflare R2, …',
    },
  );
}

/** What calls go through until the store is closed. */
interface Gate {
  /** The same object, whose calls are refused once the gate is closed. */
  guard<T extends object>(role: T): T;
  /** Waits for the calls that were made before. */
  close(): Promise<void>;
}

function createGate(): Gate {
  const underWay = new Set<Promise<unknown>>();
  let closed = false;

  function pass(call: () => Promise<unknown>): Promise<unknown> {
    if (closed) return Promise.reject(storeClosed());
    const called = call();
    underWay.add(called);
    const over = () => underWay.delete(called);
    called.then(over, over);
    return called;
  }

  return {
    guard<T extends object>(role: T): T {
      const calls = Object.entries(role) as [string, (...args: unknown[]) => Promise<unknown>][];
      return Object.fromEntries(
        calls.map(([name, call]) => [name, (...args: unknown[]) => pass(() => call(...args))]),
      ) as T;
    },
    async close() {
      closed = true;
      await Promise.allSettled([...underWay]);
    },
  };
}
