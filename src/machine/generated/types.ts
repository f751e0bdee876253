// Generated from schemas/ by scripts/build-schemas.mjs. Do not edit.

export type Agent =
  | string
  | {
      [k: string]: unknown;
    };
export type Child =
  | string
  | {
      spec?: 'flatmachine';
      spec_version?: string;
      data?: MachineData;
      metadata?: {
        [k: string]: unknown;
      };
      /**
       * Path of a machine file.
       */
      path?: string;
      inline?: FlatMachine;
    };
/**
 * Lets the agent call tools in turns. true = with the default bounds; 0 = no bound.
 */
export type ToolLoop =
  | boolean
  | {
      /**
       * Calls of the model.
       */
      max_turns?: number;
      /**
       * Calls of tools.
       */
      max_tool_calls?: number;
      /**
       * Seconds per tool call.
       */
      tool_timeout?: number;
      /**
       * Seconds in all.
       */
      total_timeout?: number;
      /**
       * Cost of the loop.
       */
      max_cost?: number;
      /**
       * The tools the model may use; all without it.
       */
      allowed_tools?: string[];
      /**
       * Wins over `allowed_tools`.
       */
      denied_tools?: string[];
    };
export type Mapping =
  | {
      [k: string]: unknown;
    }
  | string;
export type Hooks =
  | string
  | {
      /**
       * A registered hook, e.g. `logging`.
       */
      name?: string;
      /**
       * File with the hook class, relative to this file.
       */
      file?: string;
      /**
       * Module with the hook class.
       */
      module?: string;
      /**
       * Name of the exported hook class.
       */
      class?: string;
      /**
       * Arguments of the hook, taken verbatim.
       */
      args?: {
        [k: string]: unknown;
      };
    }
  | (
      | string
      | {
          name?: string;
          file?: string;
          module?: string;
          class?: string;
          args?: {
            [k: string]: unknown;
          };
        }
    )[];

/**
 * A state machine: its context, its states and the arrows between them.
 */
export interface FlatMachine {
  /**
   * For editors: the address of this schema.
   */
  $schema?: string;
  /**
   * What kind of file this is.
   */
  spec: 'flatmachine';
  /**
   * Version of the language, e.g. "1.0.0". 0.x to 4.x load. Files of 1.1 to 4.x render every template to text; the others keep the type of a lone {{ expression }}.
   */
  spec_version?: string;
  data: MachineData;
  /**
   * Free: the engine never reads it.
   */
  metadata?: {
    [k: string]: unknown;
  };
}
/**
 * The machine itself.
 */
export interface MachineData {
  /**
   * Name of the machine; the file's name without one.
   */
  name?: string;
  /**
   * The language of conditions: `simple` (Python-like) or `cel` (Common Expression Language).
   */
  expression_engine?: 'simple' | 'cel';
  /**
   * The initial context. Its templates may read `input`. The key `machine` is reserved.
   */
  context?: {
    [k: string]: unknown;
  };
  /**
   * Agents by name: the path of a flatagent file, an inline flatagent, or {type, ref, config}.
   */
  agents?: {
    [k: string]: Agent;
  };
  /**
   * Child machines by name: the path of a machine file, or an inline machine.
   */
  machines?: {
    [k: string]: Child;
  };
  /**
   * States by name. The run begins at the one of `type: initial`, else at `start`, else at the first.
   */
  states: {
    [k: string]: State;
  };
  settings?: Settings;
  persistence?: Persistence;
  hooks?: Hooks;
  lifecycle_hooks?: Hooks;
  /**
   * Model profiles: the path of a flatprofile file, or an inline one. Same as `settings.profiles`.
   */
  profiles?:
    | string
    | {
        [k: string]: unknown;
      };
}
/**
 * One state. Inside it the order is: action, launch, wait_for, machine or foreach, agent.
 */
export interface State {
  /**
   * `initial`: the run begins here. `final`: the run ends here.
   */
  type?: 'initial' | 'final';
  /**
   * For people.
   */
  description?: string;
  /**
   * The action that a hook handles. What it returns is `output`.
   */
  action?: string;
  /**
   * Name of an agent under `agents` to call.
   */
  agent?: string;
  execution?: Execution;
  /**
   * Only a hint for readers: how often the agent is asked is what `execution` says.
   */
  sampling?: 'single' | 'multi';
  /**
   * Template: the agent's session, to be continued by later calls with the same id.
   */
  session_id?: string;
  tool_loop?: ToolLoop;
  /**
   * Child machine(s) to run: a name under `machines`, or a list of names or of {name, input}.
   *
   * @minItems 1
   */
  machine?:
    | string
    | [
        (
          | string
          | {
              /**
               * A name under `machines`.
               */
              name: string;
              input?: Mapping;
            }
        ),
        ...(
          | string
          | {
              /**
               * A name under `machines`.
               */
              name: string;
              input?: Mapping;
            }
        )[]
      ];
  /**
   * One child machine per item of this list, e.g. `context.files`.
   */
  foreach?: string | unknown[];
  /**
   * Name of the item in the templates of a foreach.
   */
  as?: string;
  /**
   * Template: the item's key. With it the result is a map, without it a list in input order.
   */
  key?: string;
  /**
   * How many children of this foreach run at once.
   */
  max_concurrency?: number;
  /**
   * `settled`: wait for all children. `any`: the first success wins and the others are cancelled.
   */
  mode?: 'settled' | 'any';
  /**
   * Child machine(s) to start without waiting for them.
   *
   * @minItems 1
   */
  launch?: string | [string, ...string[]];
  launch_input?: Mapping;
  /**
   * Template: the signal channel to wait for. The signal's payload becomes `output`.
   */
  wait_for?: string;
  /**
   * Seconds this state's work may take, whatever it is. Past it the work is cancelled with TimeoutError. It holds across a resume.
   */
  timeout?: number;
  input?: Mapping;
  /**
   * Context key → template over `output`, applied in order; later entries see earlier ones.
   */
  output_to_context?: {
    [k: string]: unknown;
  };
  output?: Mapping;
  /**
   * Where to go on an error: a state, or a map from error type to state with `default`.
   */
  on_error?:
    | string
    | {
        [k: string]: string;
      };
  /**
   * Where to go next: the first whose condition is true.
   */
  transitions?: Transition[];
  hooks?: Hooks;
}
/**
 * How the agent is called. Registered types have options of their own.
 */
export interface Execution {
  /**
   * `default`: once. `retry`: again after errors. `parallel`: several at once. `mdap_voting`: until one answer leads. Or a registered type.
   */
  type?: string;
  /**
   * retry: seconds to wait before each further attempt. Default 2, 8, 16, 35.
   */
  backoffs?: number[];
  /**
   * retry: by what fraction a wait may vary. Default 0.1.
   */
  jitter?: number;
  /**
   * retry: an empty answer counts as a failure.
   */
  retry_on_empty?: boolean;
  /**
   * parallel: how many calls. Default 3.
   */
  n_samples?: number;
  /**
   * mdap_voting: by how many votes an answer must lead. Default 3.
   */
  k_margin?: number;
  /**
   * mdap_voting: at most so many samples. Default 10.
   */
  max_candidates?: number;
  /**
   * mdap_voting: longer answers do not count.
   */
  max_response_tokens?: number;
  [k: string]: unknown;
}
export interface Transition {
  /**
   * An expression over `context`, `input` and `output`. Without one the transition is always taken.
   */
  condition?: string | boolean;
  /**
   * Name of the next state.
   */
  to: string;
}
export interface Settings {
  /**
   * The run stops, resumable, after so many steps.
   */
  max_steps?: number;
  /**
   * How deep child machines may nest; the root is 0.
   */
  max_depth?: number;
  /**
   * Children in flight at once.
   */
  max_concurrency?: number;
  /**
   * Budget of agent calls, children included.
   */
  max_agent_calls?: number;
  /**
   * Budget of cost, children included.
   */
  max_cost?: number;
  /**
   * Seconds between heartbeats; a lease lives twice as long.
   */
  heartbeat_interval?: number;
  /**
   * What to do where nothing can run in parallel.
   */
  parallel_fallback?: 'sequential' | 'error';
  /**
   * `native`: a lone {{ expression }} keeps its type. `text`: every template renders to text. Default by spec_version.
   */
  templates?: 'native' | 'text';
  backends?: Backends;
  /**
   * Path of a flatprofile file.
   */
  profiles?: string;
}
/**
 * Where things are kept: a technology (`memory`, `local`, `sqlite`, `redis`, `postgres`, `s3`, `consul`) or a URL such as `redis://host:6379/0` per role. What is not named is kept where the steps are.
 */
export interface Backends {
  /**
   * Steps, and with them journals and signals.
   */
  persistence?: string;
  /**
   * Leases, and with them slots; `none` for none between processes.
   */
  locking?: string;
  /**
   * Results of runs.
   */
  results?: string;
  /**
   * Workers.
   */
  registration?: string;
  /**
   * Work pools.
   */
  work?: string;
  /**
   * Signals: what the steps are kept in.
   */
  signals?: string;
  /**
   * File of the sqlite backends.
   */
  sqlite_path?: string;
  /**
   * What a committed step survives.
   */
  durability?: 'power-loss' | 'process-crash';
}
export interface Persistence {
  enabled?: boolean;
  /**
   * A technology such as `sqlite` or `memory`, or a URL.
   */
  backend?: string;
  /**
   * File of the sqlite backend.
   */
  db_path?: string;
  /**
   * Further events to record besides the end of each step.
   */
  checkpoint_on?: (
    'machine_start' | 'state_enter' | 'execute' | 'state_exit' | 'machine_end' | 'waiting' | 'tool_call'
  )[];
  /**
   * How many of an execution's last steps stay stored, or `all`.
   */
  keep?: number | string;
}

/**
 * One agent: a model, its prompts, its output fields and its tools.
 */
export interface FlatAgent {
  $schema?: string;
  /**
   * What kind of file this is.
   */
  spec: 'flatagent' | 'flatagents';
  /**
   * Version of the language, e.g. "1.0.0".
   */
  spec_version?: string;
  data: {
    name?: string;
    /**
     * The name of a model profile, {profile, …} with overrides, or a model of its own.
     */
    model?:
      | string
      | {
          /**
           * The profile to begin from.
           */
          profile?: string;
          /**
           * The model's name at its provider.
           */
          name?: string;
          provider?: string;
          temperature?: number;
          max_tokens?: number;
          top_p?: number;
          base_url?: string;
          [k: string]: unknown;
        };
    /**
     * A profile, by name or inline.
     */
    profile?:
      | string
      | {
          [k: string]: unknown;
        };
    /**
     * A prompt, by path or inline.
     */
    prompt?:
      | string
      | {
          [k: string]: unknown;
        };
    /**
     * System prompt (template over `input`).
     */
    system?: string;
    /**
     * User prompt (template over `input`).
     */
    user?: string;
    /**
     * Added to the end of the user prompt.
     */
    instruction_suffix?: string;
    /**
     * Fields of a structured answer.
     */
    output?: {
      [k: string]: OutputField;
    };
    mcp?: Mcp;
    /**
     * Tools in the function form.
     */
    tools?: {
      [k: string]: unknown;
    }[];
  };
  /**
   * Free; `parsing` and `validation` serve mdap_voting.
   */
  metadata?: {
    [k: string]: unknown;
  };
}
export interface OutputField {
  type: 'str' | 'int' | 'float' | 'bool' | 'json' | 'list' | 'object';
  description?: string;
  enum?: string[];
  required?: boolean;
  items?: OutputField;
  properties?: {
    [k: string]: OutputField;
  };
}
export interface Mcp {
  servers: {
    [k: string]: {
      command?: string;
      args?: string[];
      env?: {
        [k: string]: string;
      };
      server_url?: string;
      headers?: {
        [k: string]: string;
      };
      /**
       * Seconds.
       */
      timeout?: number;
    };
  };
  tool_filter?: {
    allow?: string[];
    deny?: string[];
  };
  /**
   * Template that tells the model of its tools.
   */
  tool_prompt?: string;
}

/**
 * Named model settings. Order: the file's default < the named profile < the agent's own < the file's override.
 */
export interface FlatProfile {
  $schema?: string;
  /**
   * What kind of file this is.
   */
  spec: 'flatprofile' | 'flatprofiles';
  /**
   * Version of the language, e.g. "1.0.0".
   */
  spec_version?: string;
  data: {
    /**
     * Profiles by name.
     */
    model_profiles: {
      [k: string]: Profile;
    };
    /**
     * The profile of agents that name none.
     */
    default?: string;
    /**
     * The profile that wins over everything.
     */
    override?: string;
  };
  metadata?: {
    [k: string]: unknown;
  };
}
/**
 * Settings of one model. Fields that are not listed go to the provider as they are.
 */
export interface Profile {
  /**
   * Kind of agent the profile is for.
   */
  type?: string;
  /**
   * The model's name at its provider.
   */
  name?: string;
  provider?: string;
  model?:
    | string
    | {
        [k: string]: unknown;
      };
  temperature?: number;
  max_tokens?: number;
  top_p?: number;
  top_k?: number;
  frequency_penalty?: number;
  presence_penalty?: number;
  seed?: number;
  base_url?: string;
  stream?: boolean;
  [k: string]: unknown;
}

/**
 * The record of one finished step of an execution: all that a resume needs. Unknown fields are ignored on read.
 */
export interface Snapshot {
  execution_id: string;
  machine_name: string;
  spec_version: string;
  /**
   * The state whose work this step did; the initial state for step 0.
   */
  current_state: string;
  /**
   * The context after the step.
   */
  context: {
    [k: string]: unknown;
  };
  step: number;
  /**
   * ISO 8601, UTC.
   */
  created_at: string;
  event?: string;
  /**
   * The machine's result once completed.
   */
  output?: {
    [k: string]: unknown;
  };
  total_api_calls?: number;
  total_cost?: number;
  parent_execution_id?: string;
  pending_launches?: {
    execution_id: string;
    machine: string;
    input: {
      [k: string]: unknown;
    };
    launched: boolean;
    [k: string]: unknown;
  }[];
  status: 'running' | 'waiting' | 'limit' | 'interrupted' | 'completed' | 'failed' | 'cancelled';
  /**
   * Where a resume goes on; null once completed or cancelled.
   */
  next_state: string | null;
  /**
   * The step whose identity the next state's work carries.
   */
  work_step: number;
  /**
   * Deadline of the next state's work, milliseconds since the epoch.
   */
  deadline?: number;
  input: {
    [k: string]: unknown;
  };
  /**
   * SHA-256 of the machine's canonical JSON.
   */
  config_hash: string;
  /**
   * Fencing token of the lease it was written under.
   */
  epoch: number;
  error?: {
    error_type: string;
    code: string;
    message: string;
    state: string;
    step: number;
    causes: string[];
    details?: unknown;
    [k: string]: unknown;
  };
  machine_file?: string;
  options?: {
    runner?: string;
    [k: string]: unknown;
  };
  depth?: number;
  /**
   * Steps of this execution and of the children it waited for; absent = step.
   */
  total_steps?: number;
  /**
   * While it waits for a signal: the channel.
   */
  waiting_channel?: string;
  /**
   * Of work that is carried over: how many journal entries it has whose events are stored.
   */
  journal_told?: number;
  /**
   * Names that lead from the file's machine to an inline child.
   */
  machine_path?: string[];
  [k: string]: unknown;
}
