import { FlatMachineError, toError } from '../errors.ts';
import { isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import { assertKnownArgs, oneOf } from './args.ts';

/** What a webhook can be told of: one name per hook method. */
const WEBHOOK_EVENTS = [
  'machine_start',
  'machine_end',
  'state_enter',
  'state_exit',
  'transition',
  'error',
  'tool_calls',
  'tool_result',
  'execution_end',
] as const;

/** Something that a webhook can be told of. */
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** Where and how messages are sent. */
export interface WebhookSettings {
  readonly url: string;
  /** Of the user, sent with every message. */
  readonly headers: Readonly<Record<string, string>>;
  /** Key of the signature; null = messages are not signed. */
  readonly secret: string | null;
  readonly events: readonly WebhookEvent[];
}

/**
 * Reads the arguments of `webhook`: `url` (http or https), `headers` (a map), `secret_env` (the name of the environment variable that holds the
 * signing key), `events` (a list; default all).
 * @throws FlatMachineError `hook-load`, also when the variable that `secret_env` names is empty or not set
 */
export function webhookSettings(args: JsonObject): WebhookSettings {
  assertKnownArgs('webhook', args, ['url', 'headers', 'secret_env', 'events']);
  return {
    url: urlOf(args.url),
    headers: headersOf(args.headers),
    secret: secretOf(args.secret_env),
    events: eventsOf(args.events),
  };
}

function urlOf(value: JsonValue | undefined): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href;
  throw new FlatMachineError('hook-load', 'webhook: `url` must be an http or https URL');
}

function headersOf(value: JsonValue | undefined): Record<string, string> {
  if (value === undefined) return {};
  if (!isJsonObject(value)) throw new FlatMachineError('hook-load', 'webhook: `headers` must be a map');
  const headers = Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
  try {
    new Headers(headers);
  } catch (thrown) {
    // The platform's message quotes the value, which may be a secret.
    const names = Object.keys(headers).join(', ');
    throw new FlatMachineError('hook-load', `webhook: one of the headers ${names} cannot be sent`, {
      cause: new TypeError(toError(thrown).name),
    });
  }
  return headers;
}

function secretOf(name: JsonValue | undefined): string | null {
  if (name === undefined) return null;
  if (typeof name !== 'string' || name === '') {
    throw new FlatMachineError('hook-load', 'webhook: `secret_env` must name an environment variable');
  }
  const secret = process.env[name];
  if (secret !== undefined && secret !== '') return secret;
  throw new FlatMachineError('hook-load', `webhook: the environment variable ${name} is not set`, {
    remedy: `Set ${name} to the key that messages are signed with, or leave \`secret_env\` out.`,
  });
}

function eventsOf(value: JsonValue | undefined): readonly WebhookEvent[] {
  if (value === undefined) return WEBHOOK_EVENTS;
  if (!Array.isArray(value)) throw new FlatMachineError('hook-load', 'webhook: `events` must be a list');
  return [...new Set(value.map((event) => oneOf('webhook: events', event, WEBHOOK_EVENTS)))];
}
