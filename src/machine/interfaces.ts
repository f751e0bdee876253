import type { JsonObject, JsonValue, SourceLocation } from '../types.ts';

/** What templates, expressions and mappings may see. Only own properties are ever read. */
export interface Scope {
  /** The user's context. `context.machine` is answered from {@link Scope.machine}, never from here. */
  readonly context: JsonObject;
  /** The run's real input. */
  readonly input: JsonObject;
  /** The output of the work just done, where there is one. */
  readonly output?: JsonValue | undefined;
  /** Read-only facts of the run, visible as `context.machine`. */
  readonly machine?: MachineFacts | undefined;
  /** Further names, e.g. the `as` variable of a foreach and `index`. */
  readonly locals?: Readonly<JsonObject> | undefined;
  /** Milliseconds since the epoch for CEL's `now`; taken from the injected clock. */
  readonly now?: number | undefined;
}

/** The contents of `context.machine`. */
export type MachineFacts = {
  execution_id: string;
  machine_name: string;
  parent_execution_id: string | null;
  spec_version: string;
  step: number;
  current_state: string;
  total_api_calls: number;
  total_cost: number;
  depth: number;
};

/** A compiled template or mapping. Pure; throws {@link FlatMachineError} with the place in the file. */
export type Render = (scope: Scope) => JsonValue;

/** A compiled condition. */
export type Condition = (scope: Scope) => boolean;

/** A hook as the machine file names it. */
export type HookReference =
  | { kind: 'named'; name: string; args: JsonObject; location: SourceLocation }
  | {
      kind: 'class';
      /** Absolute path of a file, or a module specifier resolved from the machine's directory. */
      file?: string;
      module?: string;
      class: string;
      args: JsonObject;
      location: SourceLocation;
    };

/** One arrow out of a state. */
export interface CompiledTransition {
  /** null = unconditional. */
  readonly condition: Condition | null;
  /** The condition as written, for graphs and messages. */
  readonly source: string | null;
  readonly to: string;
}

/** How an agent is called in a state. */
export interface CompiledAgentCall {
  /** A name under `agents`. */
  readonly agent: string;
  /** `execution` as written; `type` is `default` without one. */
  readonly execution: JsonObject & { readonly type: string };
  readonly toolLoop: ToolLoopSettings | null;
  /** Renders `session_id`. */
  readonly sessionId: Render | null;
}

/** `tool_loop` with defaults filled in. Bounds that were 0 are Infinity. */
export interface ToolLoopSettings {
  readonly maxTurns: number;
  readonly maxToolCalls: number;
  /** Seconds. */
  readonly toolTimeout: number;
  /** Seconds. */
  readonly totalTimeout: number;
  readonly maxCost: number;
  /** null = all. */
  readonly allowedTools: readonly string[] | null;
  /** Wins over `allowedTools`. */
  readonly deniedTools: readonly string[];
}

/** One child machine to run: its name under `machines`, and its own input, which overlays the state's. */
export interface CompiledChild {
  readonly machine: string;
  readonly input: ((scope: Scope) => JsonObject) | null;
}

/** The children a state runs and waits for. */
export interface CompiledChildren {
  /** One, unless the file has a list. */
  readonly machines: readonly CompiledChild[];
  /** Whether the file names one machine alone: its output is the state's. */
  readonly single: boolean;
  readonly foreach: CompiledForeach | null;
  readonly mode: 'settled' | 'any';
}

/** `foreach` and what goes with it. */
export interface CompiledForeach {
  readonly items: Render;
  readonly as: string;
  readonly key: Render | null;
  /** null = as many as `settings.max_concurrency` allows. */
  readonly maxConcurrency: number | null;
}

/** Children a state starts and does not wait for. */
export interface CompiledLaunch {
  readonly machines: readonly string[];
  readonly input: ((scope: Scope) => JsonObject) | null;
}

/** The pieces of work in a state, in the order they are done. */
export const STATE_PARTS = ['action', 'launch', 'wait_for', 'children', 'agent'] as const;

/** One of them. */
export type StatePart = (typeof STATE_PARTS)[number];

/** An agent as the machine's file gives it. What it refers to has been read. */
export interface AgentDefinition {
  readonly name: string;
  /** The adapter: `flatagent`, `command`, `http`, `script`, or a registered one. */
  readonly type: string;
  /** The flatagent (the whole file, or inline; a prompt or profile that it names by path has been put in its place); for other types the `config`. */
  readonly config: JsonObject;
  /** Absolute path of the file that `ref` (or a string) names; null for an inline one. */
  readonly file: string | null;
  /** What relative paths in `config` are relative to. Absolute. */
  readonly dir: string;
  /** `data` of the flatprofile file that goes with the machine, or null. */
  readonly profiles: JsonObject | null;
  readonly location: SourceLocation;
}

/** A state as closures: running it parses nothing. */
export interface CompiledState {
  readonly name: string;
  readonly final: boolean;
  readonly action: string | null;
  /** Renders `input` to a map; absent = no `input` in the file. */
  readonly input: ((scope: Scope) => JsonObject) | null;
  /** In file order; later entries see what earlier ones wrote. */
  readonly outputToContext: readonly (readonly [key: string, render: Render])[];
  /** `output` of a final state. */
  readonly output: Render | null;
  /** Seconds. */
  readonly timeout: number | null;
  /** Error type (class name) → state; `default` under its own field. */
  readonly onError: { readonly byType: ReadonlyMap<string, string>; readonly default: string | null } | null;
  readonly transitions: readonly CompiledTransition[];
  /** Hooks of this state only (4.x). */
  readonly hooks: readonly HookReference[];
  readonly launch: CompiledLaunch | null;
  /** Renders the channel. */
  readonly waitFor: Render | null;
  readonly children: CompiledChildren | null;
  readonly agent: CompiledAgentCall | null;
  /** Which of these it has, in order. */
  readonly parts: readonly StatePart[];
  readonly location: SourceLocation;
}

/** `settings` with defaults filled in. Unknown limits are null = none. */
export interface MachineSettings {
  readonly max_steps: number;
  readonly max_depth: number;
  readonly max_concurrency: number;
  /** Whether the file sets `max_steps`: then it bounds the steps of children as well, otherwise only the machine's own. */
  readonly bounds_tree: boolean;
  readonly max_agent_calls: number | null;
  readonly max_cost: number | null;
  /** Seconds between heartbeats; a lease lives for twice as long. */
  readonly heartbeat_interval: number;
  readonly backends: JsonObject;
}

/** `persistence` with defaults filled in. */
export interface PersistenceSettings {
  readonly enabled: boolean;
  readonly backend: string | null;
  readonly db_path: string | null;
  readonly checkpoint_on: readonly string[];
  /** How many of an execution's last steps stay; null = the documented cap. */
  readonly keep: number | 'all' | null;
}

/** A machine ready to run. Immutable and shareable between executions. */
export interface CompiledMachine {
  readonly name: string;
  readonly specVersion: string;
  /** Absolute path; null for a machine given as an object. */
  readonly file: string | null;
  /** What relative paths inside the machine are relative to. */
  readonly dir: string;
  /** SHA-256 (hex) over the canonical JSON of the configuration, of its agents' files and profiles: equal configurations, equal hash. Children have their own. */
  readonly configHash: string;
  readonly config: JsonObject;
  readonly initial: string;
  readonly states: ReadonlyMap<string, CompiledState>;
  /** Renders the initial context; sees `input` alone. */
  readonly context: (scope: Scope) => JsonObject;
  readonly settings: MachineSettings;
  readonly persistence: PersistenceSettings;
  readonly hooks: readonly HookReference[];
  /** Hooks of which only the start and end methods run (4.x). */
  readonly lifecycleHooks: readonly HookReference[];
  readonly agents: ReadonlyMap<string, AgentDefinition>;
  /** Child machines by name. A machine may be its own descendant. */
  readonly machines: ReadonlyMap<string, CompiledMachine>;
  /** Names that lead from the file's own machine to this inline one; empty for the file's own. */
  readonly path: readonly string[];
}

/** How bad a finding is. Errors keep a machine from running. */
export type Severity = 'error' | 'warning';

/** One finding of the linter. */
export interface Diagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  /** What to do about it, e.g. `did you mean "review"?`. */
  readonly remedy: string;
  readonly location: SourceLocation;
}
