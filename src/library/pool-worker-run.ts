import type { ClaimedItem, Finish } from '../backends/interfaces.ts';
import { boundedJson } from '../backends/signal-text.ts';
import { isFlatMachineError, toError } from '../errors.ts';
import type { ExecutionEvent } from '../events.ts';
import type { ExecutionResult } from '../execution/setup.ts';
import type { FlatMachine } from '../flatmachine.ts';
import { isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import type { GivenBackReason } from './pool-worker-events.ts';
import { isHostFailure } from './pool-worker-host.ts';

/** What an attempt at an item came to. */
export type ItemOutcome =
  | { kind: 'done'; result: JsonValue }
  /** `poison`: another attempt would come to the same. `host`: it was this host's fault. */
  | { kind: 'failed'; error: string; poison: boolean; host?: boolean }
  /** `delay`: milliseconds until it is worth another look. */
  | { kind: 'given_back'; reason: GivenBackReason; delay: number };

/** How an item's execution is run. */
export interface ItemRun {
  executionId: string;
  runner: string | undefined;
  /** Aborted = stop at the next safe point. */
  signal: AbortSignal;
  onEvent: ((event: ExecutionEvent) => void) | undefined;
}

/** Until an execution that somebody else runs, or that the store has failed, is looked at again, milliseconds. */
const BUSY_MS = 1_000;

/** Until an execution that waits is looked at again, milliseconds: as long as it has waited already, within these bounds. */
const WAITING_MS = [1_000, 300_000] as const;

/** The input of an item's execution: its data; what is no map is under `item`. */
export function itemInput(data: JsonValue): JsonObject {
  return isJsonObject(data) ? data : { item: data };
}

/** Runs the execution of an item, or goes on with it; one that is completed gives its stored output and runs nothing. Never throws. */
export async function runItem(machine: FlatMachine, item: ClaimedItem, run: ItemRun): Promise<ItemOutcome> {
  try {
    return await outcomeOf(machine, await startOrResume(machine, item, run));
  } catch (thrown) {
    if (isFlatMachineError(thrown, ...TAKEN_OVER)) {
      return { kind: 'given_back', reason: 'busy', delay: BUSY_MS };
    }
    if (isFlatMachineError(thrown, 'backend')) return { kind: 'given_back', reason: 'store', delay: BUSY_MS };
    const { name, message } = toError(thrown);
    const host = isHostFailure(isFlatMachineError(thrown) ? thrown.code : undefined);
    return { kind: 'failed', error: `${name}: ${message}`, poison: false, host };
  }
}

/** What says that somebody else runs it. */
const TAKEN_OVER = ['locked', 'lease-lost', 'step-conflict', 'execution-exists'] as const;

async function startOrResume(
  machine: FlatMachine,
  item: ClaimedItem,
  run: ItemRun,
): Promise<ExecutionResult> {
  const { executionId: id, runner, signal, onEvent } = run;
  if ((await machine.backends.persistence.latest(id)) !== null) {
    return machine.resume(id, { signal, onEvent });
  }
  return machine.execute(itemInput(item.data), { id, runner, signal, onEvent });
}

async function outcomeOf(machine: FlatMachine, result: ExecutionResult): Promise<ItemOutcome> {
  const { execution_id: id, status, state, output, error } = result;
  switch (status) {
    case 'completed':
      return completed(output);
    case 'failed':
      return {
        kind: 'failed',
        error: `${error?.error_type}: ${error?.message}`,
        poison: false,
        host: isHostFailure(error?.code),
      };
    case 'waiting':
      return { kind: 'given_back', reason: 'waiting', delay: await untilNextLook(machine, id) };
    case 'limit':
      return { kind: 'failed', error: `it stopped at a limit, in state ${state}`, poison: true };
    case 'cancelled':
      return { kind: 'failed', error: 'its execution was cancelled', poison: true };
    case 'interrupted':
    case 'running':
      return { kind: 'given_back', reason: 'interrupted', delay: 0 };
  }
}

/** What no pool keeps is no result. */
function completed(output: JsonValue): ItemOutcome {
  try {
    boundedJson(output, 'result');
    return { kind: 'done', result: output };
  } catch (thrown) {
    return { kind: 'failed', error: toError(thrown).message, poison: true };
  }
}

async function untilNextLook({ backends }: FlatMachine, executionId: string): Promise<number> {
  const [shortest, longest] = WAITING_MS;
  const last = await backends.persistence.latest(executionId);
  const now = Date.now();
  const waited = last === null ? 0 : now - Date.parse(last.created_at);
  const delay = Math.min(longest, Math.max(shortest, waited));
  const untilDeadline = last?.deadline === undefined ? longest : Math.max(0, last.deadline - now);
  return Math.min(delay, untilDeadline);
}

/** How the pool is told of an attempt that has ended. */
export function finishOf(
  { id, claim_token }: ClaimedItem,
  outcome: Exclude<ItemOutcome, { kind: 'given_back' }>,
): Finish {
  if (outcome.kind === 'done') return { id, claim_token, status: 'done', result: outcome.result };
  return { id, claim_token, status: 'failed', error: outcome.error, poison: outcome.poison };
}
