import { expect, it } from 'vitest';
import type {
  AgentExecutor,
  AgentResult,
  BackendConfig,
  ExecutionConfig,
  ExecutionLock,
  ExecutionType,
  LaunchIntent,
  LLMBackend,
  LLMOptions,
  MachineHooks,
  MachineInvoker,
  MachineSnapshot,
  Message,
  PersistenceBackend,
  ResultBackend,
  ToolCall,
  ToolDefinition,
} from '../../src/index.ts';
import { FlatMachine, SPEC_VERSION } from '../../src/index.ts';
import { load } from '../helpers/machine.ts';

/**
 * What users have written against the FlatAgents runtime interfaces 1.0.0, whose maps are `Record<string, any>` and whose methods take no more than what
 * the interfaces name, must be accepted as it is: this file type-checks only if it is.
 */
// biome-ignore lint/suspicious/noExplicitAny: the interfaces' own word
type Loose = Record<string, any>;

class UserHooks {
  calls: string[] = [];
  onMachineStart(context: Loose): Loose {
    return { ...context, started: true };
  }
  async onMachineEnd(_context: Loose, output: Loose): Promise<Loose> {
    return { ...output, ended: true };
  }
  onStateEnter(state: string, context: Loose): Loose {
    this.calls.push(state);
    return context;
  }
  onStateExit(_state: string, _context: Loose, output: unknown) {
    return output as Loose;
  }
  onTransition(_from: string, to: string, _context: Loose): string {
    return to;
  }
  onError(_state: string, _error: Error, _context: Loose): string | null {
    return null;
  }
  async onAction(action: string, context: Loose): Promise<Loose> {
    return { ...context, [action]: true };
  }
}

class UserAgent {
  async execute(
    input: Loose,
    _context?: Loose,
  ): Promise<{ content: string; usage: Loose | null; raw?: Loose }> {
    return { content: String(input.question), usage: null };
  }
}

/** The executor as 1.0.0 has it. */
interface SimpleExecutor {
  execute(input: Loose, context?: Loose): Promise<AgentResult>;
}

class UserStrategy {
  async execute(executor: SimpleExecutor, input: Loose, context?: Loose): Promise<AgentResult> {
    await executor.execute(input, context);
    return executor.execute(input);
  }
}

class UserModel {
  totalCost = 0;
  totalApiCalls = 0;
  async call(messages: Message[], _options?: LLMOptions): Promise<string> {
    return messages.at(-1)?.content ?? '';
  }
  async callRaw(messages: Message[]): Promise<Loose> {
    return { text: await this.call(messages) };
  }
}

/** Callers that know no more of a store than 1.0.0 says. */
interface SimpleStore {
  save(key: string, snapshot: MachineSnapshot): Promise<void>;
  load(key: string): Promise<MachineSnapshot | null>;
  delete(key: string): Promise<void>;
  list(prefix: string): Promise<string[]>;
}
interface SimpleLock {
  acquire(key: string): Promise<boolean>;
  release(key: string): Promise<void>;
}
interface SimpleResults {
  // biome-ignore lint/suspicious/noExplicitAny: the interfaces' own word
  write(uri: string, data: any): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: the interfaces' own word
  read(uri: string, options?: { block?: boolean; timeout?: number }): Promise<any>;
  exists(uri: string): Promise<boolean>;
  delete(uri: string): Promise<void>;
}

const toolCall = { id: 'c', type: 'function' as const, function: { name: 'f', arguments: '{}' } };

/** Ours, in the place of theirs and the other way round. */
const accepted = {
  hooks: new UserHooks() satisfies MachineHooks,
  agent: new UserAgent() satisfies AgentExecutor,
  strategy: new UserStrategy() satisfies ExecutionType,
  model: new UserModel() satisfies LLMBackend,
  store: (ours: PersistenceBackend): SimpleStore => ours,
  lock: (ours: ExecutionLock): SimpleLock => ours,
  results: (ours: ResultBackend): SimpleResults => ours,
  execution: { type: 'mdap_voting', n_samples: 3, k_margin: 2, max_candidates: 5 } satisfies ExecutionConfig,
  retry: { type: 'retry', backoffs: [1, 2], jitter: 0.1 } satisfies ExecutionConfig,
  backends: {
    persistence: 'local',
    locking: 'none',
    results: 'memory',
    sqlite_path: 'x.db',
  } satisfies BackendConfig,
  toolCall: toolCall satisfies ToolCall,
  tool: {
    type: 'function',
    function: { name: 'f', parameters: { type: 'object' } },
  } satisfies ToolDefinition,
  message: { role: 'assistant', content: '', tool_calls: [toolCall] } satisfies Message,
  intent: { execution_id: 'a.1.0', machine: 'm', input: {}, launched: false } satisfies LaunchIntent,
  invoker: {
    invoke: async (_name: string, input: Loose, _options?: { timeout?: number }): Promise<Loose> => input,
    launch: async (_name: string, _input: Loose): Promise<string> => 'id',
  } satisfies MachineInvoker,
};

it('accepts implementations of the version 1.0.0', async () => {
  const model: LLMBackend = accepted.model;
  expect(await model.call([{ role: 'user', content: 'hi' }])).toBe('hi');
  expect(await accepted.strategy.execute(accepted.agent, { question: 7 })).toEqual({
    content: '7',
    usage: null,
  });
});

it('exports the version of the interfaces', () => {
  expect(SPEC_VERSION).toBe('1.0.0');
  expect(FlatMachine.load).toBeTypeOf('function');
});

it('runs hooks that know nothing but version 1.0.0', async () => {
  const hooks = new UserHooks();
  const machine = await load(
    {
      states: {
        a: { type: 'initial', action: 'did', transitions: [{ to: 'z' }] },
        z: { type: 'final', output: { context: 'context' } },
      },
    },
    hooks,
  );
  expect((await machine.execute()).output).toMatchObject({
    context: { started: true, did: true },
    ended: true,
  });
  expect(hooks.calls).toEqual(['a', 'z']);
});
