import { setMaxListeners } from 'node:events';
import { join, resolve } from 'node:path';
import type { BackendSet } from './backends/interfaces.ts';
import type { EventDraft } from './events.ts';
import { AgentSet } from './execution/agents/agent-set.ts';
import { AgentRegistry } from './execution/agents/registry.ts';
import { Background } from './execution/background.ts';
import { latestOf, resumeExecution, startExecution } from './execution/engine.ts';
import type { RunHooks } from './execution/interfaces.ts';
import type { ExecutionResult, ExecutionSetup } from './execution/setup.ts';
import { EXECUTION_TYPES } from './execution/strategies/registry.ts';
import type { HookRegistry } from './hooks/registry.ts';
import { createRunHooks } from './hooks/run-hooks.ts';
import { builtinHooks } from './library/builtin-hooks.ts';
import { newExecutionId } from './library/execution-id.ts';
import { FlatMachineInvoker, type MachineInvoker } from './library/machine-invoker.ts';
import type { ExecuteOptions, FlatMachineOptions, ResumeOptions } from './library/options.ts';
import { RunHandle } from './library/run-handle.ts';
import { openStoreOf, STATE_DIR } from './library/store-place.ts';
import { compileMachine, loadMachineFile, loadMachineObject } from './machine/index.ts';
import type { CompiledMachine } from './machine/interfaces.ts';
import type { RunOptions } from './machine/snapshot.ts';
import { type Clock, type JsonObject, systemClock } from './types.ts';

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
        : await openStoreOf(machine, backend, cwd, options.backendOptions ?? {});
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

  /**
   * Whether this host can run the machine: its hooks, and those of its children, are made and asked. Nothing is run or stored.
   * @param options.runner for the rollout hooks, as in {@link execute}
   * @throws FlatMachineError saying what is missing, e.g. `hook-load`, `missing-package`, `runner-unavailable`, `unknown-runner`
   */
  async checkHost({ runner }: { runner?: string | undefined } = {}): Promise<void> {
    const options: RunOptions = runner === undefined ? {} : { runner };
    const machines = new Set([this.machine]);
    // Grows while it is gone through.
    for (const machine of machines) {
      for (const child of machine.machines.values()) machines.add(child);
      const hooks = await this.#makeHooks(machine, 'host-check', options, () => {});
      try {
        await hooks.check();
      } finally {
        await hooks.close();
      }
    }
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
      interruptAll: options.signal,
      observe: options.onEvent,
      maxSteps: options.maxSteps,
      allowDrift: options.allowDrift,
      hooks: (of, id, hookOptions, emit) => this.#makeHooks(of, id, hookOptions, emit),
    };
  }

  #makeHooks(
    of: CompiledMachine,
    executionId: string,
    options: RunOptions,
    emit: (event: EventDraft) => void,
  ): Promise<RunHooks> {
    return createRunHooks(this.#hooks, of, {
      machineDir: of.dir,
      cwd: this.#cwd,
      stateDir: join(this.#cwd, STATE_DIR),
      executionId,
      machineName: of.name,
      backends: this.backends,
      clock: this.#clock,
      options,
      emit,
    });
  }
}
