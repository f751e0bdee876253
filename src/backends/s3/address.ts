import { FlatMachineError } from '../../errors.ts';
import type { BackendUrl } from '../url.ts';

/** Which bucket, where in it, and how it is reached. */
export interface S3Address {
  bucket: string;
  /** Before every key: empty, or ends in `/`. */
  prefix: string;
  /** Of a store that is not Amazon's. */
  endpoint: string | null;
  region: string | null;
  /** Whether the bucket is named in the path instead of the host name. */
  pathStyle: boolean;
  /** The URL, to be shown and opened again. */
  shown: string;
}

/** Keys may have 1,024 bytes; ids of executions (800) and the parts around them take the rest. */
const MAX_PREFIX_BYTES = 120;

const CREDENTIALS =
  'Credentials come from the environment, e.g. AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.';

/**
 * Takes `s3://BUCKET/PREFIX?endpoint=&region=&path_style=&prefix=` apart. `prefix` is one more level below the path; `path_style` is `true` by default where there is an
 * endpoint, as most stores that are not Amazon's need it.
 * @throws FlatMachineError `usage`
 */
export function parseS3Url({ location, parameters }: BackendUrl): S3Address {
  const match = /^\/\/([^/@:]+)(?:\/(.*))?$/.exec(location);
  if (!match) {
    throw new FlatMachineError('usage', 'an s3 URL names a bucket, and what is in it, alone', {
      remedy: `Use s3://BUCKET/PREFIX. ${CREDENTIALS}`,
    });
  }
  const bucket = match[1] as string;
  const parts = [match[2] ?? '', parameters.get('prefix') ?? ''];
  const levels = parts.flatMap((part) => part.split('/')).filter((level) => level !== '');
  const prefix = levels.map((level) => `${level}/`).join('');
  if (Buffer.byteLength(prefix) > MAX_PREFIX_BYTES || levels.some((level) => /^\.\.?$/.test(level))) {
    throw new FlatMachineError('usage', `${JSON.stringify(prefix)} cannot be the prefix of an S3 store`, {
      remedy: `Use at most ${MAX_PREFIX_BYTES} bytes, without "." and "..".`,
    });
  }
  const endpoint = checkEndpoint(parameters.get('endpoint') ?? null);
  const region = parameters.get('region') ?? null;
  const pathStyle = flag(parameters.get('path_style'), endpoint !== null);
  const query = new URLSearchParams(
    [...parameters].filter(([name]) => name !== 'prefix' && name !== 'durability'),
  );
  const shown = `s3://${bucket}/${prefix.slice(0, -1)}${query.size > 0 ? `?${query}` : ''}`;
  return { bucket, prefix, endpoint, region, pathStyle, shown };
}

/** It is shown in messages, so nothing secret may be in it. */
function checkEndpoint(text: string | null): string | null {
  if (text === null || /^https?:\/\/[^/?#@]+\/?$/.test(text)) return text;
  throw new FlatMachineError('usage', 'the endpoint of an s3 URL is http://HOST:PORT or https://HOST:PORT', {
    remedy: CREDENTIALS,
  });
}

function flag(text: string | undefined, otherwise: boolean): boolean {
  if (text === undefined) return otherwise;
  if (text === 'true' || text === 'false') return text === 'true';
  throw new FlatMachineError('usage', `path_style is true or false, not ${JSON.stringify(text)}`);
}
