import { crashPoint } from '../../crash-points.ts';
import { errorType, FlatMachineError, isFlatMachineError } from '../../errors.ts';
import { isJsonObject } from '../../json.ts';
import { untilAborted } from '../../timers.ts';
import type { JsonObject } from '../../types.ts';
import { Pause } from '../pause.ts';
import type { CallOutcome } from '../strategies/interfaces.ts';
import { OneCall } from './agent-call.ts';
import type { AgentWork } from './call-agent.ts';
import { checkedResult } from './check-result.ts';
import { errorRecord, restoreError } from './error-record.ts';
import { failureOf } from './errors.ts';
import type { AgentCall, AgentFailure, AgentResult } from './interfaces.ts';
import { costOf, spentBy } from './payload.ts';
import { asError, stopsWork } from './thrown.ts';

/** Longest text of an answer that its event keeps, in UTF-16 units; of longer ones the end. */
const MAX_EVENT_CONTENT = 32_000;

/** Keys of calls in the journal: samples and attempts, turns of a tool loop, and its last question. */
const CALL_KEY = /^(?:call|turn)\.|^final$/;

/** What the journal keeps of a call. */
interface CallEntry extends JsonObject {
  duration_ms: number;
}

/** The agent calls of one piece of work: each is made once, however often the work is done again, and paid from the budget. */
export class Calls {
  /** Aborts when the work must stop, or when its calls are {@link close}d. */
  readonly signal: AbortSignal;
  readonly #work: AgentWork;
  readonly #over = new AbortController();
  readonly #outcomes = new Map<string, Promise<CallOutcome>>();

  constructor(work: AgentWork) {
    this.#work = work;
    this.signal = AbortSignal.any([work.work.signal, this.#over.signal]);
    // Before the first call is made: one that is asked for only later was paid as well.
    for (const [key, entry] of work.journal.entries()) {
      if (CALL_KEY.test(key)) work.budget.add(spentIn(restore(entry as CallEntry)));
    }
  }

  /**
   * What call `key` came to: as the journal has it if it was made before, else by making it. What the agent throws is part of the outcome.
   * @param make makes the call
   * @throws Pause (`limit`) when the budget has no call left · the signal's reason when the work must stop · FlatMachineError when nothing more can be
   *   written or the box is gone (`lease-lost`, `step-conflict`, `backend`, `sandbox-lost`)
   */
  once(key: string, make: (call: AgentCall) => Promise<AgentResult>): Promise<CallOutcome> {
    let outcome = this.#outcomes.get(key);
    if (outcome === undefined) {
      outcome = this.#replay(key) ?? this.#begin(key, this.#outcomes.size, make);
      this.#outcomes.set(key, outcome);
      // Whoever asked hears of it; a strategy that went on without this call must not bring the process down.
      outcome.catch(() => {});
    }
    return outcome;
  }

  /** Ends the calls that are still under way: nobody waits for them any more. */
  close(reason: unknown = new FlatMachineError('cancelled', 'nobody waits for this call any more')): void {
    this.#over.abort(reason);
  }

  #replay(key: string): Promise<CallOutcome> | null {
    const entry = this.#work.journal.get(key) as CallEntry | undefined;
    if (entry === undefined) return null;
    const outcome = restore(entry);
    if (!this.#work.journal.told(key)) this.#tell(key, outcome, entry.duration_ms);
    return Promise.resolve(outcome);
  }

  async #begin(
    key: string,
    index: number,
    make: (call: AgentCall) => Promise<AgentResult>,
  ): Promise<CallOutcome> {
    try {
      return await this.#make(key, new OneCall(this.#work, key, index, this.signal), make);
    } catch (error) {
      // A limit lets the calls under way finish, since they are paid for. After anything else nothing of them can be kept.
      if (!(error instanceof Pause)) this.close(error);
      throw error;
    }
  }

  async #make(
    key: string,
    call: OneCall,
    make: (call: AgentCall) => Promise<AgentResult>,
  ): Promise<CallOutcome> {
    this.signal.throwIfAborted();
    const reservation = this.#work.budget.reserveCall();
    // An agent that does not listen to its signal is no longer waited for: its call counts when the work ends, not when it returns.
    const giveUp = (): void => {
      if (!this.#interrupted) reservation.settle(ONE_CALL);
    };
    this.signal.addEventListener('abort', giveUp, { once: true });
    const started = performance.now();
    let outcome: CallOutcome | null = null;
    try {
      crashPoint('call.before');
      outcome = await this.#outcome(async () => make(call));
      crashPoint('call.made');
    } finally {
      call.end();
      this.signal.removeEventListener('abort', giveUp);
      reservation.settle(outcome === null ? ONE_CALL : spentIn(outcome));
    }
    const duration_ms = Math.round(performance.now() - started);
    await this.#work.journal.put(key, { ...record(outcome), duration_ms });
    crashPoint('call.journaled');
    this.#assertWanted();
    this.#tell(key, outcome, duration_ms);
    return outcome;
  }

  /** A result that comes in although the run is being interrupted is kept: the work ends with it, and it is paid for. */
  async #outcome(make: () => Promise<AgentResult>): Promise<CallOutcome> {
    const { agent } = this.#work.agent;
    let outcome: CallOutcome;
    try {
      const result = await untilAborted(make(), this.#over.signal);
      outcome = { result: checkedResult(result, agent), replayed: false };
    } catch (thrown) {
      this.signal.throwIfAborted();
      if (stopsWork(thrown)) throw thrown;
      const error = asError(thrown, agent);
      return { error, failure: failureOf(error), replayed: false };
    }
    this.#assertWanted();
    return outcome;
  }

  #assertWanted(): void {
    if (!this.#interrupted) this.signal.throwIfAborted();
  }

  get #interrupted(): boolean {
    return this.signal.aborted && isFlatMachineError(this.signal.reason, 'interrupted');
  }

  #tell(call: string, { result, error }: CallOutcome, duration_ms: number): void {
    const { work, agent } = this.#work;
    if (result === undefined) {
      const failed = { error_type: errorType(error), error: error.message };
      work.emit({ type: 'agent_call', agent: agent.agent, call, duration_ms, ...failed });
      return;
    }
    const cost = costOf(result);
    const text = result.content ?? (isJsonObject(result.output) ? JSON.stringify(result.output) : null);
    work.emit({
      type: 'agent_call',
      agent: agent.agent,
      call,
      duration_ms,
      ...(result.usage == null ? {} : { usage: result.usage }),
      ...(cost === null ? {} : { cost }),
      ...(result.finish_reason == null ? {} : { finish_reason: result.finish_reason }),
      ...(text === null ? {} : { content: text.slice(-MAX_EVENT_CONTENT) }),
    });
  }
}

/** What a call that gave no result counts for. */
const ONE_CALL = { calls: 1, cost: 0 };

function spentIn({ result }: CallOutcome): { calls: number; cost: number } {
  return result === undefined ? ONE_CALL : spentBy(result);
}

function record({ result, error, failure }: CallOutcome): JsonObject {
  return result === undefined
    ? { error: errorRecord(error), failure }
    : { result: result as unknown as JsonObject };
}

function restore(entry: CallEntry): CallOutcome {
  if (!isJsonObject(entry.error)) return { result: entry.result as unknown as AgentResult, replayed: true };
  const failure = (entry.failure ?? null) as AgentFailure | null;
  return { error: restoreError(entry.error), failure, replayed: true };
}
