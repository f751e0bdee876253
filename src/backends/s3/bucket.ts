import type * as Sdk from '@aws-sdk/client-s3';
import { FlatMachineError } from '../../errors.ts';
import { importOptional } from '../../import-optional.ts';
import { sleep } from '../../timers.ts';
import type { S3Address } from './address.ts';
import { persistently, statusOf } from './s3-errors.ts';

/** Objects that one request may delete. */
const DELETE_BATCH = 1000;

/** Milliseconds over which a request that failed for a passing reason is tried again; and before the store has answered for the first time, when it may be no store at all. */
const PATIENCE = 30_000;
const PATIENCE_AT_FIRST = 3_000;

/** Requests of one call that are under way at the same time. */
const CONCURRENCY = 16;

/** Times that a conditional write is asked for while others write, or delete, the same key. */
const CONFLICT_TRIES = 20;

/** Texts by key in one bucket. Requests are tried again for about 30 s; then, and for answers that would not change, calls throw FlatMachineError `backend`. */
export interface Bucket {
  readonly address: S3Address;
  /** The text, or its first `bytes` bytes; null when there is none. */
  get(key: string, bytes?: number): Promise<string | null>;
  has(key: string): Promise<boolean>;
  put(key: string, text: string): Promise<void>;
  /**
   * Stores a text unless there is one under this key.
   * @param isMine whether what is there was put by this very call, whose answer was lost
   * @returns null, or what is there instead
   */
  create(key: string, text: string, isMine: (there: string) => boolean): Promise<string | null>;
  /** Stores a text in place of `there`. @returns false when somebody else has replaced that, and nothing was stored */
  replace(key: string, there: string, text: string): Promise<boolean>;
  /** Keys, or with a delimiter what they have before it, in byte order. */
  list(prefix: string, options?: { after?: string; most?: number; delimiter?: string }): Promise<string[]>;
  /** Removes keys, as many as there are. */
  remove(keys: readonly string[]): Promise<void>;
  /** Lets go of its connections. */
  close(): void;
}

/**
 * Makes a client; nothing is asked yet. Credentials are found by the SDK's own rules.
 * @throws FlatMachineError `missing-package`, `usage`
 */
export async function openBucket(address: S3Address): Promise<Bucket> {
  const sdk = await importOptional<typeof Sdk>('@aws-sdk/client-s3', 'the s3 backend');
  const { endpoint, region, pathStyle, prefix, bucket, shown } = address;
  const client = new sdk.S3Client({
    ...(endpoint === null ? {} : { endpoint, ...(region === null && { region: 'us-east-1' }) }),
    ...(region === null ? {} : { region }),
    forcePathStyle: pathStyle,
    // Stores that are not Amazon's may know no other checksums than those that are asked for.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: 5_000,
      socketTimeout: 20_000,
      requestTimeout: 120_000,
      throwOnRequestTimeout: true,
    },
  });
  let answered = false;

  async function ask<T>(request: () => Promise<T>): Promise<T> {
    const answer = await persistently(shown, answered ? PATIENCE : PATIENCE_AT_FIRST, request);
    answered = true;
    return answer;
  }

  const at = (key: string) => ({ Bucket: bucket, Key: prefix + key });

  async function get(key: string, bytes?: number): Promise<string | null> {
    const range = bytes === undefined ? {} : { Range: `bytes=0-${bytes - 1}` };
    return ask(async () => {
      try {
        const { Body } = await client.send(new sdk.GetObjectCommand({ ...at(key), ...range }));
        return (await Body?.transformToString()) ?? '';
      } catch (error) {
        if (statusOf(error) === 404 && (error as Error).name !== 'NoSuchBucket') return null;
        throw error;
      }
    });
  }

  /** `conflict`: somebody else writes this key at this moment. */
  function putIfAbsent(key: string, text: string): Promise<'stored' | 'exists' | 'conflict'> {
    return ask(async () => {
      try {
        await client.send(new sdk.PutObjectCommand({ ...at(key), Body: text, IfNoneMatch: '*' }));
        return 'stored';
      } catch (error) {
        const status = statusOf(error);
        if (status === 412) return 'exists';
        if (status === 409) return 'conflict';
        throw error;
      }
    });
  }

  async function create(
    key: string,
    text: string,
    isMine: (there: string) => boolean,
  ): Promise<string | null> {
    for (let tries = 0; tries < CONFLICT_TRIES; tries++) {
      const outcome = await putIfAbsent(key, text);
      if (outcome === 'stored') return null;
      const there = await get(key);
      if (there !== null) return isMine(there) ? null : there;
      if (outcome === 'conflict') await sleep(20 + Math.random() * 20 * tries);
    }
    throw new FlatMachineError('backend', `${shown} cannot decide who writes ${key}`, {
      remedy: 'Try again.',
    });
  }

  async function replace(key: string, there: string, text: string): Promise<boolean> {
    const IfMatch = await ask(async () => {
      const { Body, ETag } = await client.send(new sdk.GetObjectCommand(at(key)));
      return (await Body?.transformToString()) === there ? ETag : undefined;
    });
    if (IfMatch === undefined) return false;
    return ask(async () => {
      try {
        await client.send(new sdk.PutObjectCommand({ ...at(key), Body: text, IfMatch }));
        return true;
      } catch (error) {
        if (![404, 409, 412].includes(statusOf(error) ?? 0)) throw error;
        return (await get(key)) === text;
      }
    });
  }

  async function remove(keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += DELETE_BATCH) {
      const Objects = keys.slice(from, from + DELETE_BATCH).map((key) => ({ Key: prefix + key }));
      await ask(async () => {
        const { Errors = [] } = await client.send(
          new sdk.DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
        );
        const [first] = Errors;
        if (first) {
          const status = first.Code === 'InternalError' || first.Code === 'SlowDown' ? 503 : 403;
          throw Object.assign(new Error(`${first.Key}: ${first.Message}`), {
            name: first.Code ?? 'Error',
            $metadata: { httpStatusCode: status },
          });
        }
      });
    }
  }

  async function list(
    below: string,
    {
      after,
      most = Number.POSITIVE_INFINITY,
      delimiter,
    }: { after?: string; most?: number; delimiter?: string } = {},
  ): Promise<string[]> {
    const found: string[] = [];
    let token: string | undefined;
    do {
      const page = await ask(() =>
        client.send(
          new sdk.ListObjectsV2Command({
            Bucket: bucket,
            Prefix: prefix + below,
            // Keys may have characters that XML has not.
            EncodingType: 'url',
            ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
            ...(token === undefined ? {} : { ContinuationToken: token }),
            ...(after === undefined ? {} : { StartAfter: prefix + after }),
            ...(most < 1000 ? { MaxKeys: most } : {}),
          }),
        ),
      );
      const keys =
        delimiter === undefined
          ? (page.Contents ?? []).map(({ Key }) => Key)
          : (page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix);
      for (const key of keys) found.push(decodeKey(key ?? '').slice(prefix.length));
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined && found.length < most);
    return found.slice(0, most);
  }

  async function has(key: string): Promise<boolean> {
    return ask(async () => {
      try {
        await client.send(new sdk.HeadObjectCommand(at(key)));
        return true;
      } catch (error) {
        if (statusOf(error) === 404) return false;
        throw error;
      }
    });
  }

  async function put(key: string, text: string): Promise<void> {
    await ask(() => client.send(new sdk.PutObjectCommand({ ...at(key), Body: text })));
  }

  return { address, get, has, put, create, replace, list, remove, close: () => client.destroy() };
}

/** `work` for each item, several at a time. @returns what it came to, in the order of the items */
export async function each<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, items.length) }, worker));
  return results;
}

/** `+` stands for a space in the encoding that some stores use; one that is meant is `%2B` in all. */
function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}
