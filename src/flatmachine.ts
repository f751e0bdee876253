import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { BackendOptions, BackendSet } from './backends/interfaces.ts';
import { openBackends } from './backends/open.ts';
import { FlatMachineError } from './errors.ts';
import type { ExecutionEvent } from './events.ts';
import { latestOf, resumeExecution, startExecution } from './execution/engine.ts';
import type { ResumeChange } from './execution/resume.ts';
import type { ExecutionResult, ExecutionSetup } from './execution/setup.ts';
import { BASIC_HOOKS, HookRegistry } from './hooks/registry.ts';
import { compileMachine, loadMachineFile, loadMachineObject } from './machine/index.ts';
import type { CompiledMachine } from './machine/interfaces.ts';
import type { RunOptions } from './machine/snapshot.ts';
import { ROLLOUT_ACTIONS } from './rollout/actions.ts';
import { type Clock, type JsonObject, systemClock } from './types.ts';

/** Directory, beside the working directory, for everything that is kept. Made on first use. */
export const STATE_DIR = '.flatmachine';

/** The hooks that every machine may name: `logging`, `webhook`, `rollout`. */
export function builtinHooks(): HookRegistry {
  return new HookRegistry([
    ...BASIC_HOOKS,
    {
      name: 'rollout',
      actions: ROLLOUT_ACTIONS,
      load: async () => (await import('./rollout/hooks.ts')).rolloutHooks,
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
  clock?: Clock | undefined;
}

/** How to run it. */
export interface ExecuteOptions {
  /** The execution's id; default: made from the machine's name and eight random characters. */
  id?: string | undefined;
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
export type ResumeOptions = Omit<ExecuteOptions, 'id' | 'runner' | 'parentId'> & ResumeChange;

/**
 * A machine ready to run, with the store it keeps its executions in. Re-entrant: one instance, many concurrent executions.
 */
export class FlatMachine {
  readonly machine: CompiledMachine;
  readonly backends: BackendSet;
  readonly #hooks: HookRegistry;
  readonly #clock: Clock;
  readonly #cwd: string;
  readonly #ownsBackends: boolean;

  private constructor(
    machine: CompiledMachine,
    backends: BackendSet,
    hooks: HookRegistry,
    options: FlatMachineOptions,
  ) {
    this.machine = machine;
    this.backends = backends;
    this.#hooks = hooks;
    this.#clock = options.clock ?? systemClock;
    this.#cwd = options.cwd ?? process.cwd();
    this.#ownsBackends = typeof options.backend !== 'object';
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
    const machine = await compileMachine(loaded, { knownHooks: hooks.known() });
    const { backend } = options;
    const backends =
      typeof backend === 'object'
        ? backend
        : await openFor(machine, backend, cwd, options.backendOptions ?? {});
    return new FlatMachine(machine, backends, hooks, options);
  }

  /**
   * Runs a new execution to its end, its limit or its interruption.
   * @throws FlatMachineError `execution-exists`, `locked`, `not-built`, `lease-lost`, `backend`. A run that fails does not throw: see `status` and `error`
   */
  execute(input: JsonObject = {}, options: ExecuteOptions = {}): Promise<ExecutionResult> {
    const runOptions: RunOptions = options.runner === undefined ? {} : { runner: options.runner };
    const id = options.id ?? newExecutionId(this.machine.name);
    return startExecution(this.#setup(id, runOptions, options), {
      input,
      options: runOptions,
      parentId: options.parentId,
    });
  }

  /**
   * Goes on with an execution from its last commit; a completed one returns its stored result.
   * @throws FlatMachineError `execution-not-found`, `locked` (naming the holder), `config-drift`, and as {@link execute}
   */
  async resume(id: string, options: ResumeOptions = {}): Promise<ExecutionResult> {
    const last = await latestOf(this.backends, id);
    return resumeExecution(this.#setup(id, last.options ?? {}, options), options);
  }

  /** Closes the store, unless it was given opened. */
  async close(): Promise<void> {
    if (this.#ownsBackends) await this.backends.close();
  }

  #setup(executionId: string, runOptions: RunOptions, options: ExecuteOptions): ExecutionSetup {
    const { machine, backends } = this;
    const clock = this.#clock;
    return {
      machine,
      executionId,
      backends,
      clock,
      interrupt: options.signal,
      observe: options.onEvent,
      maxSteps: options.maxSteps,
      hooks: (emit) =>
        this.#hooks.create(machine.hooks, {
          machineDir: machine.dir,
          cwd: this.#cwd,
          stateDir: join(this.#cwd, STATE_DIR),
          executionId,
          backends,
          clock,
          options: runOptions,
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
  const { heartbeat_interval: heartbeatInterval } = machine.settings;
  return openBackends(absoluteUrl(url ?? machineUrl(machine), cwd), { heartbeatInterval, ...options });
}

/** What the machine itself says about where it is kept. */
function machineUrl(machine: CompiledMachine): string {
  const { enabled, backend, db_path } = machine.persistence;
  if (!enabled) return 'memory';
  const roles = new Set(Object.values(machine.settings.backends));
  if (backend !== null) roles.add(backend);
  if (roles.size > 1) {
    throw new FlatMachineError('unknown-backend', 'backends of different technologies cannot be mixed yet', {
      remedy: 'Name one backend for all roles, or give a URL with --backend.',
    });
  }
  const [name] = roles;
  if (db_path !== null) return `sqlite:${resolve(machine.dir, db_path)}`;
  return name === undefined || name === 'sqlite' ? defaultBackend() : String(name);
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
