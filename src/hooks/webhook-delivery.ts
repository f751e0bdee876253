import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { toError } from '../errors.ts';
import { retryAfter } from '../execution/agents/retry-after.ts';
import type { Clock } from '../types.ts';
import type { WebhookSettings } from './webhook-settings.ts';

/** Tries for one message. */
export const ATTEMPTS = 5;

const REQUEST_TIMEOUT_MS = 5000;

/** Pause before the second try, milliseconds; it doubles from try to try. */
const FIRST_PAUSE_MS = 250;

/** Longest pause that a receiver may ask for with Retry-After, milliseconds. */
const MAX_PAUSE_MS = 60_000;

/** Answers after which the same message may be taken later, beside 5xx. */
const TRY_AGAIN: ReadonlySet<number> = new Set([408, 425, 429]);

/** One message. */
export interface Delivery {
  /** The same in every try, so that a receiver can tell a repetition. */
  readonly id: string;
  readonly event: string;
  readonly body: string;
}

/** What one try came to. */
type Attempt = { done: true } | { done: false; why: string; again: boolean; waitMs: number };

/**
 * Delivers one message, trying again after failures that may pass.
 * @returns null, or why it was not delivered: nothing of the URL, the headers or the key is in it
 */
export async function deliver(
  delivery: Delivery,
  settings: WebhookSettings,
  tries: number,
  clock: Clock,
  stop: AbortSignal,
): Promise<string | null> {
  for (let n = 1; ; n++) {
    const attempt = await post(delivery, settings, clock, stop);
    if (attempt.done) return null;
    if (!attempt.again || n === tries || stop.aborted) return `${attempt.why} (try ${n} of ${tries})`;
    const backoff = FIRST_PAUSE_MS * 2 ** (n - 1) * (0.5 + Math.random());
    await sleep(Math.max(backoff, attempt.waitMs), null, { signal: stop }).catch(() => null);
  }
}

async function post(
  { id, event, body }: Delivery,
  { url, headers, secret }: WebhookSettings,
  clock: Clock,
  stop: AbortSignal,
): Promise<Attempt> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      // A redirected message would arrive without its body, or where its signature was not meant for.
      redirect: 'manual',
      headers: {
        'user-agent': 'flatmachine',
        ...headers,
        'content-type': 'application/json',
        'x-flatmachine-event': event,
        'x-flatmachine-delivery': id,
        ...(secret === null ? {} : { 'x-flatmachine-signature': signature(body, secret, clock.now()) }),
      },
      body,
      signal: AbortSignal.any([stop, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    if (response.ok) return { done: true };
    const again = response.status >= 500 || TRY_AGAIN.has(response.status);
    const asked = retryAfter(
      { 'retry-after': response.headers.get('retry-after') ?? undefined },
      clock.now(),
    );
    const waitMs = Math.min((asked ?? 0) * 1000, MAX_PAUSE_MS);
    return { done: false, why: `status ${response.status}`, again, waitMs };
  } catch (thrown) {
    return { done: false, why: reasonOf(toError(thrown)), again: true, waitMs: 0 };
  }
}

/**
 * The value of `x-flatmachine-signature`: `t=SECONDS,v1=HEX`, where HEX is the HMAC-SHA256 of `SECONDS.BODY` under the shared key.
 * @param now milliseconds since the epoch
 */
export function signature(body: string, secret: string, now: number): string {
  const seconds = Math.floor(now / 1000);
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

/** A code such as ECONNREFUSED rather than a message, which may name the URL. */
function reasonOf(error: Error): string {
  if (error.name === 'TimeoutError') return `no answer within ${REQUEST_TIMEOUT_MS / 1000} s`;
  const { cause } = error;
  const code = typeof cause === 'object' && cause !== null ? (cause as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : error.name;
}
