import type { BackendOptions, BackendSet } from '../backends/interfaces.ts';
import type { ExecutionEvent } from '../events.ts';
import type { AgentRegistry } from '../execution/agents/registry.ts';
import type { ResumeChange } from '../execution/resume.ts';
import type { HookRegistry } from '../hooks/registry.ts';
import type { Clock } from '../types.ts';

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
