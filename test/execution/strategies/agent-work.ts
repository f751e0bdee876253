import type { BackendSet } from '../../../src/backends/interfaces.ts';
import { openBackends } from '../../../src/backends/open.ts';
import type { EventDraft } from '../../../src/events.ts';
import { AgentSet } from '../../../src/execution/agents/agent-set.ts';
import { type AgentOutcome, type AgentWork, callAgent } from '../../../src/execution/agents/call-agent.ts';
import type { AgentCall, AgentExecutor, AgentResult } from '../../../src/execution/agents/interfaces.ts';
import { AgentRegistry } from '../../../src/execution/agents/registry.ts';
import { Budget } from '../../../src/execution/budget.ts';
import type { MachineHooks } from '../../../src/execution/interfaces.ts';
import { WorkJournal } from '../../../src/execution/journal.ts';
import { machineFacts } from '../../../src/execution/step-work.ts';
import { compileMachine, loadMachineObject } from '../../../src/machine/index.ts';
import type { CompiledMachine } from '../../../src/machine/interfaces.ts';
import type { MachineSnapshot } from '../../../src/machine/snapshot.ts';
import type { JsonObject } from '../../../src/types.ts';
import { machineOf } from '../../helpers/machine.ts';

/** What an agent of a test answers to a call: a result, an error to throw, or a function of the call. */
export type Answer =
  | AgentResult
  | Error
  | ((call: AgentCall, input: JsonObject) => Promise<AgentResult> | AgentResult);

/** An executor that answers call n of the work with answer n, and keeps the names of the calls it was asked for. */
export class Recorded implements AgentExecutor {
  readonly metadata: JsonObject;
  readonly asked: string[] = [];
  /** Most calls that were under way at once. */
  most = 0;
  disposed = 0;
  #underWay = 0;
  readonly #answers: readonly Answer[];

  constructor(answers: readonly Answer[], metadata: JsonObject = {}) {
    this.#answers = answers;
    this.metadata = metadata;
  }

  async execute(input: JsonObject, _context: JsonObject, call: AgentCall): Promise<AgentResult> {
    this.asked.push(call.call);
    this.most = Math.max(this.most, ++this.#underWay);
    try {
      await new Promise((resolve) => setTimeout(resolve, 2));
      const answer = this.#answers[call.index];
      if (answer === undefined) throw new Error(`no answer for ${call.call}`);
      if (answer instanceof Error) throw answer;
      return typeof answer === 'function' ? await answer(call, input) : answer;
    } finally {
      this.#underWay--;
    }
  }

  dispose(): void {
    this.disposed++;
  }
}

/** What a test may say about its work. */
export interface WorkOptions {
  execution?: JsonObject & { type: string };
  limits?: { calls?: number; cost?: number };
  signal?: AbortSignal;
  hooks?: MachineHooks;
  concurrency?: number;
  random?: () => number;
  input?: JsonObject;
  baseOrdinal?: number;
}

/** One piece of agent work on a store in memory, which can be done again as after a crash. */
export class Bench {
  readonly backends: BackendSet;
  readonly #machine: CompiledMachine;
  readonly events: EventDraft[] = [];
  budget = new Budget({ calls: Infinity, cost: Infinity, steps: Infinity });

  private constructor(backends: BackendSet, machine: CompiledMachine) {
    this.backends = backends;
    this.#machine = machine;
  }

  static async open(): Promise<Bench> {
    const data = {
      agents: { writer: { type: 'test', config: {} } },
      states: {
        start: { agent: 'writer', transitions: [{ to: 'done' }] },
        done: { type: 'final' },
      },
    };
    const machine = await compileMachine(await loadMachineObject(machineOf(data), { dir: '.' }), {});
    return new Bench(await openBackends('memory', {}), machine);
  }

  /** Does the work as a fresh process would: with what the journal holds, and the budget as it was last committed. */
  async run(executor: AgentExecutor, options: WorkOptions = {}): Promise<AgentOutcome> {
    const registry = new AgentRegistry([{ type: 'test', load: async () => () => executor }]);
    const agents = new AgentSet(registry, { cwd: '.', env: {} });
    const { calls = Infinity, cost = Infinity } = options.limits ?? {};
    this.budget = new Budget({ calls, cost, steps: Infinity });
    this.events.length = 0;
    try {
      return await callAgent(await this.#work(agents, options));
    } finally {
      await agents.close();
    }
  }

  /** The keys in the journal. */
  async journaled(): Promise<string[]> {
    return [...(await this.backends.journal.entries('x', 1)).keys()];
  }

  async #work(agents: AgentSet, options: WorkOptions): Promise<AgentWork> {
    const state = this.#machine.states.get('start')!;
    const execution = options.execution ?? { type: 'default' };
    const journal = new WorkJournal(this.backends.journal, 'x', null);
    await journal.open(1, 0);
    const settings = { ...this.#machine.settings, max_concurrency: options.concurrency ?? 16 };
    return {
      machine: { ...this.#machine, settings },
      state,
      agent: { ...state.agent!, execution },
      input: options.input ?? {},
      context: { topic: 'boxes' },
      sessionId: null,
      baseOrdinal: options.baseOrdinal ?? 0,
      facts: machineFacts(this.#machine, { execution_id: 'x' } as MachineSnapshot, 'start', 1),
      now: Date.now,
      scope: (output, context) => ({ context, input: {}, output }),
      work: {
        state: 'start',
        executionId: 'x',
        step: 1,
        workId: 'x.1',
        fence: { key: 'x', token: 0 },
        signal: options.signal ?? new AbortController().signal,
        deadline: null,
        emit: (event) => this.events.push(event),
      },
      journal,
      budget: this.budget,
      hooks: options.hooks ?? {},
      agents,
      random: options.random ?? (() => 0.5),
    };
  }
}

/** An answer of text. */
export function text(content: string, rest: Partial<AgentResult> = {}): AgentResult {
  return { content, ...rest };
}
