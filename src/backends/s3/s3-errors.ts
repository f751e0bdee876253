import { FlatMachineError } from '../../errors.ts';
import { sleep } from '../../timers.ts';

const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5_000;

/** What the store answered, or null when it did not answer. */
export function statusOf(error: unknown): number | null {
  const { $metadata, $response } = error as {
    $metadata?: { httpStatusCode?: number };
    $response?: { statusCode?: number };
  };
  return $metadata?.httpStatusCode ?? $response?.statusCode ?? null;
}

/**
 * Does `request`, again while the store does not answer, is busy or says that it failed. So it may be done twice.
 * @param patience milliseconds from which on it is not tried again
 * @throws FlatMachineError `backend`
 */
export async function persistently<T>(
  place: string,
  patience: number,
  request: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + patience;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      return await request();
    } catch (error) {
      if (!isPassing(error) || performance.now() + pause > deadline) throw s3Error(place, error);
    }
    await sleep(pause * (0.5 + Math.random() / 2));
  }
}

/** No answer, too many requests, or the store's own fault; not what would be the same the next time. */
function isPassing(error: unknown): boolean {
  const status = statusOf(error);
  if (status !== null) return (status >= 500 && status !== 501) || status === 429 || status < 300;
  const { name, code } = error as { name?: string; code?: string };
  return (
    (code !== undefined && !code.startsWith('ERR_')) || name === 'TimeoutError' || name === 'RequestTimeout'
  );
}

/** What to do about an answer, by its name. */
const REMEDIES: Readonly<Record<string, string>> = {
  NoSuchBucket: 'Create the bucket, or correct its name.',
  AccessDenied: 'Allow s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket on the bucket.',
  InvalidAccessKeyId: 'Correct the credentials, e.g. AWS_ACCESS_KEY_ID.',
  SignatureDoesNotMatch: 'Correct the credentials, e.g. AWS_SECRET_ACCESS_KEY, and the region.',
  ExpiredToken: 'Renew the credentials.',
  CredentialsProviderError: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.',
  PermanentRedirect: 'Name the region of the bucket, ?region=….',
  AuthorizationHeaderMalformed: 'Name the region of the bucket, ?region=….',
};

/** Any error of the store as one of ours: those that are already stay as they are. */
export function s3Error(place: string, error: unknown): FlatMachineError {
  if (error instanceof FlatMachineError) return error;
  const { name, message, code } = error as { name?: string; message?: string; code?: string };
  const status = statusOf(error);
  const known = name === undefined ? undefined : REMEDIES[name];
  const remedy = known ?? (status === 403 ? REMEDIES.AccessDenied : undefined);
  const what = [name === 'Error' ? code : name, message].filter((text) => text).join(': ');
  return new FlatMachineError('backend', `${place} failed: ${what || 'no answer'}`, {
    cause: error,
    details: { status, name: name ?? null },
    ...(remedy === undefined ? {} : { remedy }),
  });
}
