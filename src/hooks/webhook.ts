import { setTimeout as sleep } from 'node:timers/promises';
import { FlatMachineError, toError } from '../errors.ts';
import type { HookEnvironment, HookFactory } from '../execution/interfaces.ts';
import { isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../types.ts';

/** Messages that wait for a slow receiver; more are dropped, with a `log` event. */
const MAX_QUEUE = 1000;
const ATTEMPTS = 3;
const REQUEST_TIMEOUT_MS = 5000;
/** How long the end of a run waits for messages still under way. */
const DRAIN_MS = 5000;

/**
 * `webhook`: POSTs a JSON message per hook event to `url`, in order, without holding up the run. Arguments: `url`, `headers`.
 * A message that cannot be delivered in three tries is dropped with a `log` event, never silently.
 */
export const webhookHooks: HookFactory = (args, environment) => {
  const post = new Postman(urlOf(args.url), headersOf(args.headers), environment);
  return {
    onMachineStart: (context) => post.send('machine_start', { context }),
    onMachineEnd: (context, output) => post.send('machine_end', { context, output }),
    onStateEnter: (state, context) => post.send('state_enter', { state, context }),
    onStateExit: (state, context, output) =>
      post.send('state_exit', { state, context, output: output ?? null }),
    onTransition: (from, to) => post.send('transition', { from, to }),
    onError: (state, error) => post.send('error', { state, error_type: error.name, message: error.message }),
    close: () => post.close(),
  };
};

class Postman {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #environment: HookEnvironment;
  #queued = 0;
  #tail: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();

  constructor(url: string, headers: Record<string, string>, environment: HookEnvironment) {
    this.#url = url;
    this.#headers = headers;
    this.#environment = environment;
  }

  send(event: string, data: JsonObject): void {
    if (this.#queued >= MAX_QUEUE) {
      this.#warn(`webhook: ${MAX_QUEUE} messages are waiting for ${this.#url}; ${event} was dropped`);
      return;
    }
    this.#queued++;
    const { executionId, clock } = this.#environment;
    const time = new Date(clock.now()).toISOString();
    const body = JSON.stringify({ event, execution_id: executionId, time, ...data });
    this.#tail = this.#tail.then(() => this.#deliver(event, body)).finally(() => this.#queued--);
  }

  async close(): Promise<void> {
    const late = new AbortController();
    const drained = this.#tail.then(() => true);
    const gaveUp = sleep(DRAIN_MS, false, { signal: late.signal }).catch(() => false);
    if (!(await Promise.race([drained, gaveUp]))) {
      this.#warn(`webhook: ${this.#queued} messages to ${this.#url} were still under way at the end`);
    }
    late.abort();
    this.#stop.abort();
  }

  async #deliver(event: string, body: string): Promise<void> {
    let last = '';
    for (let attempt = 1; attempt <= ATTEMPTS && !this.#stop.signal.aborted; attempt++) {
      try {
        const response = await fetch(this.#url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...this.#headers },
          body,
          signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
        });
        await response.body?.cancel();
        if (response.ok) return;
        last = `status ${response.status}`;
      } catch (thrown) {
        last = toError(thrown).message;
      }
      if (attempt < ATTEMPTS) await sleep(200 * attempt);
    }
    this.#warn(`webhook: ${event} was not delivered to ${this.#url}: ${last}`);
  }

  #warn(message: string): void {
    this.#environment.emit({ type: 'log', level: 'warn', message });
  }
}

function urlOf(value: JsonValue | undefined): string {
  if (typeof value === 'string' && /^https?:\/\//.test(value)) return value;
  throw new FlatMachineError('hook-load', 'webhook: `url` must be an http or https URL');
}

function headersOf(value: JsonValue | undefined): Record<string, string> {
  if (value === undefined) return {};
  if (!isJsonObject(value)) throw new FlatMachineError('hook-load', 'webhook: `headers` must be a map');
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
}
