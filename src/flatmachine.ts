import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { join, resolve } from 'node:path';
import type { BackendOptions, BackendSet, Durability } from './backends/interfaces.ts';
import { openBackends } from './backends/open.ts';
import { FlatMachineError } from './errors.ts';
import type { ExecutionEvent } from './events.ts';
import { AgentSet } from './execution/agents/agent-set.ts';
import { AgentRegistry } from './execution/agents/registry.ts';
import { Background } from './execution/background.ts';
import { latestOf, resumeExecution, startExecution } from './execution/engine.ts';
import type { ResumeChange } from './execution/resume.ts';
import type { ExecutionResult, ExecutionSetup } from './execution/setup.ts';
import { EXECUTION_TYPES } from './execution/strategies/registry.ts';
import { BASIC_HOOKS, HookRegistry } from './hooks/registry.ts';
import { createRunHooks } from './hooks/run-hooks.ts';
import { compileMachine, loadMachineFile, loadMachineObject } from './machine/index.ts';
import type { CompiledMachine } from './machine/interfaces.ts';
import type { RunOptions } from './machine/snapshot.ts';
import { FlatMachineInvoker, type MachineInvoker } from './machine-invoker.ts';
import { ROLLOUT_ACTIONS } from './rollout/actions.ts';
import type { RunnerOpener } from './rollout/hooks.ts';
import { RunHandle } from './run-handle.ts';
import { type Clock, type JsonObject, systemClock } from './types.ts';

/** Directory, beside the working directory, for everything that is kept. Made on first use. */
export const STATE_DIR = '.flatmachine';

/**
 * The hooks that every machine may name: `logging`, `webhook`, `metrics`, `rollout`.
 * @param options.openRunner where the runners of `rollout` come from; default: the built-in ones
 */
export function builtinHooks(options: { openRunner?: RunnerOpener } = {}): HookRegistry {
  return new HookRegistry([
    ...BASIC_HOOKS,
    {
      name: 'rollout',
      actions: ROLLOUT_ACTIONS,
      load: async () => (await import('./rollout/hooks.ts')).rolloutHooks(options.openRunner),
    },
  ]);
}

/** How to load a machine. */
export interface FlatMachineOptions {
  /** A URL (`sqlite:PATH`, `memory`) or an opened set, which stays the caller's to close. Default: what the machine says, else one SQLite file in `.flatmachine/`. */
  backend?: string | BackendSet | undefined;
  /** How the store is opened, when a URL is given or none. */
  backendOptions?: BackendOptions | undefined;
  /** Working directory: what relative paths in inputs and URLs are relative to. Default: the process's. */
  cwd?: string | undefined;
  /** Hooks that machines may name. Default: {@link builtinHooks}. */
  hooks?: HookRegistry | undefined;
  /** Kinds of agents that machines may name. Default: `flatagent`, `command`, `http`, `script`. */
  agents?: AgentRegistry | undefined;
  /** Environment variables, for agents' API keys. Default: the process's. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  clock?: Clock | undefined;
  /** Randomness for the waits between attempts, 0 ≤ r < 1. Default: `Math.random`. */
  random?: (() => number) | undefined;
  /** Makes the id of an execution that is given none, from its machine's name. Default: {@link newExecutionId}. */
  newId?: ((machineName: string) => string) | undefined;
}

/** How to run it. */
export interface ExecuteOptions {
  /** The execution's id; default: made from the machine's name and eight random characters. */
  id?: string | undefined;
  /** Goes on with this execution instead of starting one; `input` and `id` are not looked at. */
  resumeFrom?: string | undefined;
  /** Runner for the rollout hooks, e.g. `docker`; kept for resumes. */
  runner?: string | undefined;
  /** The execution that started this one; recorded, nothing more. */
  parentId?: string | undefined;
  /** Aborted = stop at the next safe point; the execution can be resumed. */
  signal?: AbortSignal | undefined;
  /** Replaces `settings.max_steps`. */
  maxSteps?: number | undefined;
  /** Told of every event as it happens. Must not throw. */
  onEvent?: ((event: ExecutionEvent) => void) | undefined;
}

/** How to resume it. */
export type ResumeOptions = Omit<ExecuteOptions, 'id' | 'resumeFrom' | 'runner' | 'parentId'> & ResumeChange;

/**
 * A machine ready to run, with the store it keeps its executions in. Re-entrant: one instance, many concurrent executions.
 */
export class FlatMachine {
  readonly machine: CompiledMachine;
  readonly backends: BackendSet;
  readonly #hooks: HookRegistry;
  readonly #agents: AgentRegistry;
  readonly #options: FlatMachineOptions;
  readonly #clock: Clock;
  readonly #cwd: string;
  readonly #background = new Background();

  private constructor(
    machine: CompiledMachine,
    backends: BackendSet,
    hooks: HookRegistry,
    agents: AgentRegistry,
    options: FlatMachineOptions,
  ) {
    this.machine = machine;
    this.backends = backends;
    this.#hooks = hooks;
    this.#agents = agents;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#cwd = options.cwd ?? process.cwd();
  }

  /**
   * Loads, checks and compiles a machine and opens its store.
   * @param source a path, or the configuration itself
   * @throws FlatMachineError `invalid-machine` listing every finding, `file-not-found`, `unknown-backend`, `backend`
   */
  static async load(source: string | JsonObject, options: FlatMachineOptions = {}): Promise<FlatMachine> {
    const cwd = options.cwd ?? process.cwd();
    const hooks = options.hooks ?? builtinHooks();
    const loaded =
      typeof source === 'string'
        ? await loadMachineFile(resolve(cwd, source))
        : await loadMachineObject(source, { dir: cwd });
    const agents = options.agents ?? new AgentRegistry();
    const machine = await compileMachine(loaded, {
      knownHooks: hooks.known(),
      knownAgentTypes: agents.known(),
      knownExecutionTypes: [...EXECUTION_TYPES.keys()],
    });
    const { backend } = options;
    const backends =
      typeof backend === 'object'
        ? backend
        : await openFor(machine, backend, cwd, options.backendOptions ?? {});
    return new FlatMachine(machine, backends, hooks, agents, options);
  }

  /**
   * Runs a new execution until it ends, waits, reaches its limit or is interrupted.
   * @throws FlatMachineError `execution-exists`, `locked`, `lease-lost`, `backend`. A run that fails does not throw: see `status` and `error`
   */
  execute(input: JsonObject = {}, options: ExecuteOptions = {}): Promise<ExecutionResult> {
    const { resumeFrom, parentId } = options;
    if (resumeFrom !== undefined) return this.resume(resumeFrom, options);
    const runOptions: RunOptions = options.runner === undefined ? {} : { runner: options.runner };
    const id = options.id ?? this.newId();
    return this.#run(id, runOptions, options, (setup) => startExecution(setup, { input, parentId }));
  }

  /**
   * Goes on with an execution from its last commit; a completed one returns its stored result.
   * @throws FlatMachineError `execution-not-found`, `locked` (naming the holder), `config-drift`, and as {@link execute}
   */
  async resume(id: string, options: ResumeOptions = {}): Promise<ExecutionResult> {
    const last = await latestOf(this.backends, id);
    return this.#run(id, last.options ?? {}, options, (setup) => resumeExecution(setup, options));
  }

  /** Runs a new execution, or resumes one (`resumeFrom`), and gives its events while it runs. */
  run(input: JsonObject = {}, options: ExecuteOptions = {}): RunHandle<ExecutionResult> {
    const { signal, onEvent, ...rest } = options;
    const id = options.resumeFrom ?? options.id ?? this.newId();
    return new RunHandle({
      id,
      signal,
      onEvent,
      cancel: () => this.backends.persistence.requestCancel(id),
      start: (tell, stop) => this.execute(input, { ...rest, id, onEvent: tell, signal: stop }),
    });
  }

  /** The child machine that these names lead to, on the same store, which stays this machine's to close; null when there is none. */
  at(path: readonly string[]): FlatMachine | null {
    let machine: CompiledMachine | undefined = this.machine;
    for (const name of path) machine = machine?.machines.get(name);
    if (machine === undefined) return null;
    const options = { ...this.#options, backend: this.backends };
    return new FlatMachine(machine, this.backends, this.#hooks, this.#agents, options);
  }

  /** Runs this machine's children by name, as executions of their own. */
  invoker(): MachineInvoker {
    return new FlatMachineInvoker(this, (work) => this.#background.add(work));
  }

  /** An id for a new execution. */
  newId(): string {
    return (this.#options.newId ?? newExecutionId)(this.machine.name);
  }

  /** Waits until launched children, which run on after the execution that launched them, have ended or stopped. @throws what kept one from being run */
  settled(): Promise<void> {
    return this.#background.settled();
  }

  /** Waits for what still runs, then closes the store, unless it was given opened. @throws as {@link settled} */
  async close(): Promise<void> {
    try {
      await this.settled();
    } finally {
      if (typeof this.#options.backend !== 'object') await this.backends.close();
    }
  }

  async #run(
    executionId: string,
    runOptions: RunOptions,
    options: ExecuteOptions & ResumeOptions,
    body: (setup: ExecutionSetup) => Promise<ExecutionResult>,
  ): Promise<ExecutionResult> {
    // Launched children listen to it too.
    if (options.signal !== undefined) setMaxListeners(0, options.signal);
    const agents = new AgentSet(this.#agents, { cwd: this.#cwd, env: this.#options.env ?? process.env });
    const background = new Background();
    try {
      return await body(this.#setup(executionId, runOptions, options, agents, background));
    } finally {
      const rest = background.settled().finally(() => agents.close());
      this.#background.add(rest);
    }
  }

  #setup(
    executionId: string,
    runOptions: RunOptions,
    options: ExecuteOptions & ResumeOptions,
    agents: AgentSet,
    background: Background,
  ): ExecutionSetup {
    const { machine, backends } = this;
    const clock = this.#clock;
    const stateDir = join(this.#cwd, STATE_DIR);
    return {
      machine,
      executionId,
      backends,
      clock,
      agents,
      background,
      random: this.#options.random ?? Math.random,
      options: runOptions,
      parent: null,
      interrupt: options.signal,
      observe: options.onEvent,
      maxSteps: options.maxSteps,
      allowDrift: options.allowDrift,
      hooks: (of, id, hookOptions, emit) =>
        createRunHooks(this.#hooks, of, {
          machineDir: of.dir,
          cwd: this.#cwd,
          stateDir,
          executionId: id,
          machineName: of.name,
          backends,
          clock,
          options: hookOptions,
          emit,
        }),
    };
  }
}

/** A new execution's id: the machine's name, made safe for container names and paths, and eight random characters. */
export function newExecutionId(machineName: string): string {
  const slug = machineName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 24);
  const random = [...randomBytes(8)].map((byte) => (byte % 36).toString(36)).join('');
  return `${slug || 'machine'}-${random}`;
}

async function openFor(
  machine: CompiledMachine,
  url: string | undefined,
  cwd: string,
  options: BackendOptions,
): Promise<BackendSet> {
  const { heartbeat_interval: heartbeatInterval, backends } = machine.settings;
  const durability = backends.durability as Durability | undefined;
  const fromMachine = { heartbeatInterval, ...(durability === undefined ? {} : { durability }) };
  return openBackends(absoluteUrl(url ?? machineUrl(machine), cwd), { ...fromMachine, ...options });
}

/**
 * What roles may name beside the technology that keeps the steps: what they ask for, it does as well. `local`, the files of the reference
 * implementation, stands for the default: one file beside the working directory.
 */
const COVERED: ReadonlySet<string> = new Set(['none', 'memory', 'local', 'sqlite']);

/** What the machine itself says about where it is kept: the technology of its persistence, which has all other roles too. */
function machineUrl(machine: CompiledMachine): string {
  const { enabled, backend, db_path } = machine.persistence;
  if (!enabled) return 'memory';
  const { persistence, sqlite_path: path, durability: _, ...others } = machine.settings.backends;
  const name = backend ?? persistence ?? 'sqlite';
  const strange = Object.values(others).find((role) => role !== name && !COVERED.has(String(role)));
  if (strange !== undefined) {
    throw new FlatMachineError(
      'unknown-backend',
      `backends of different technologies cannot be mixed: ${name} and ${strange}`,
      {
        remedy: 'Name one backend for all roles, or give a URL with --backend.',
      },
    );
  }
  const file = db_path ?? path;
  if (typeof file === 'string') return `sqlite:${resolve(machine.dir, file)}`;
  return name === 'sqlite' || name === 'local' ? defaultBackend() : String(name);
}

/** One SQLite file beside the working directory. */
export function defaultBackend(): string {
  return `sqlite:${STATE_DIR}/flatmachine.db`;
}

/** A URL whose path is relative to `cwd`, made absolute. */
export function absoluteUrl(url: string, cwd: string): string {
  const match = /^(sqlite:)([^?]*)(.*)$/.exec(url);
  return match ? `${match[1]}${resolve(cwd, match[2] ?? '')}${match[3]}` : url;
}
