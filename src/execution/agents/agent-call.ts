import { FlatMachineError } from '../../errors.ts';
import type { EventDraft } from '../../events.ts';
import { contextForHook } from '../hook-calls.ts';
import type { Sandbox } from '../tools/interfaces.ts';
import type { AgentWork } from './call-agent.ts';
import type { AgentCall } from './interfaces.ts';

/** What one call of an agent is told; it falls silent once the call is over. */
export class OneCall implements AgentCall {
  readonly call: string;
  readonly index: number;
  readonly ordinal: number;
  readonly signal: AbortSignal;
  readonly #work: AgentWork;
  #sandbox: Promise<Sandbox> | null = null;
  #over = false;

  /**
   * @param call its name in this piece of work, e.g. `call.0`
   * @param index how many calls of this work were begun before it
   * @param signal default: the work's own
   */
  constructor(work: AgentWork, call: string, index: number, signal: AbortSignal = work.work.signal) {
    this.#work = work;
    this.call = call;
    this.index = index;
    this.ordinal = work.baseOrdinal + index;
    this.signal = signal;
  }

  get state(): string {
    return this.#work.work.state;
  }

  get executionId(): string {
    return this.#work.work.executionId;
  }

  get step(): number {
    return this.#work.work.step;
  }

  get workId(): string {
    return this.#work.work.workId;
  }

  get fence(): AgentCall['fence'] {
    return this.#work.work.fence;
  }

  get deadline(): number | null {
    return this.#work.work.deadline;
  }

  get sessionId(): string | null {
    return this.#work.sessionId;
  }

  emit(event: EventDraft): void {
    if (!this.#over) this.#work.work.emit(event);
  }

  stream(text: string): void {
    this.emit({ type: 'agent_output', agent: this.#work.agent.agent, call: this.call, text });
  }

  sandbox(): Promise<Sandbox> {
    this.#sandbox ??= this.#openSandbox();
    return this.#sandbox;
  }

  /** What the agent says from now on belongs to no call any more. */
  end(): void {
    this.#over = true;
  }

  async #openSandbox(): Promise<Sandbox> {
    const { hooks, context, agent, state, facts } = this.#work;
    if (hooks.sandbox !== undefined) {
      return hooks.sandbox(contextForHook(context, facts), this);
    }
    throw new FlatMachineError('tool', `no hooks of this machine offer agent "${agent.agent}" a sandbox`, {
      location: state.location,
      remedy: 'Name the hooks `rollout` under `hooks`, and acquire a slot first.',
    });
  }
}
