import { FlatMachineError } from '../../errors.ts';
import { sleep } from '../../timers.ts';
import type { JsonValue } from '../../types.ts';
import type { ConsulAddress } from './address.ts';

/** Milliseconds that an agent has for one answer. */
const ANSWER_WITHIN = 10_000;

/** Milliseconds over which a request that failed for a passing reason is tried again; and before an agent has answered for the first time, when there may be none. */
const PATIENCE = 30_000;
const PATIENCE_AT_FIRST = 3_000;

const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 3_000;

/** What an agent said. */
export interface Answer {
  status: number;
  text: string;
}

/** A Consul agent's HTTP interface. */
export interface Agent {
  readonly address: ConsulAddress;
  /**
   * Asks, again for about 30 s while there is no answer or the cluster has no leader. So it may be done twice.
   * @param expected statuses that mean something to the caller, beside 200
   * @throws FlatMachineError `backend`
   */
  ask(
    method: 'GET' | 'PUT' | 'DELETE',
    path: string,
    body: JsonValue | undefined,
    expected?: readonly number[],
  ): Promise<Answer>;
}

/** Makes the means to talk to an agent; nothing is asked yet. */
export function createAgent(address: ConsulAddress): Agent {
  let answered = false;
  const headers = address.token === null ? {} : { 'X-Consul-Token': address.token };

  async function askOnce(method: string, path: string, body: JsonValue | undefined): Promise<Answer> {
    const response = await fetch(`${address.origin}/v1/${path}`, {
      method,
      headers,
      signal: AbortSignal.timeout(ANSWER_WITHIN),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  }

  return {
    address,
    async ask(method, path, body, expected = []) {
      const deadline = performance.now() + (answered ? PATIENCE : PATIENCE_AT_FIRST);
      for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
        const outcome = await askOnce(method, path, body).catch((error: Error) => error);
        if (!(outcome instanceof Error)) {
          if (outcome.status === 200 || expected.includes(outcome.status)) {
            answered = true;
            return outcome;
          }
          if (outcome.status < 500 && outcome.status !== 429) throw refusedBy(address, outcome);
        }
        if (performance.now() + pause > deadline) {
          throw outcome instanceof Error ? unreachable(address, outcome) : refusedBy(address, outcome);
        }
        await sleep(pause * (0.5 + Math.random() / 2));
      }
    },
  };
}

function refusedBy({ shown }: ConsulAddress, { status, text }: Answer): FlatMachineError {
  return new FlatMachineError('backend', `${shown} answered ${status}: ${text.trim().slice(0, 300)}`, {
    details: { status },
    ...(status === 403 && {
      remedy: 'Give a token that may write sessions and keys, ?token= or CONSUL_HTTP_TOKEN.',
    }),
  });
}

function unreachable({ shown }: ConsulAddress, error: Error): FlatMachineError {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  const why = cause?.message || cause?.code || error.message;
  return new FlatMachineError('backend', `${shown} does not answer: ${why}`, {
    cause: error,
    remedy: 'Check that a Consul agent listens there.',
  });
}
