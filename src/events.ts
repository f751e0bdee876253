import type { JsonObject, JsonValue } from './types.ts';

/** Where an execution stands. `completed`, `failed` and `cancelled` are ends; `failed` is left only by an explicit resume. */
export type ExecutionStatus =
  | 'running'
  | 'waiting'
  | 'limit'
  | 'interrupted'
  | 'completed'
  | 'failed'
  | 'cancelled';

/** What every event carries. */
export interface EventBase {
  /** Wall clock, ISO 8601 UTC. */
  time: string;
  execution_id: string;
  /** The step during which it happened; 0 before the first state. */
  step: number;
  /** The state it happened in; absent before the first and after the last. */
  state?: string;
}

/** What a freeze keeps: a slot's files, the environment's whole file system, or its memory too. */
export type FreezeLevel = 'workspace' | 'filesystem' | 'memory';

/** The body of each kind of event, by `type`. */
export interface EventBodies {
  execution_start: { machine: string; resumed: boolean; from_step: number };
  state_enter: { deadline?: number };
  action_start: { action: string };
  action_end: { action: string; duration_ms: number };
  state_exit: { duration_ms: number };
  transition: { to: string };
  /** An error that `on_error` or a hook routed, or that ended the run (`to` absent). */
  error: { error_type: string; code?: string; message: string; to?: string };
  step_commit: { status: ExecutionStatus; next_state: string | null };
  slot_acquired: {
    slot_id: string;
    runner: string;
    environment_id: string;
    isolation: string;
    wait_ms: number;
  };
  slot_waiting: { position: number; reason: string };
  slot_released: { slot_id: string; destroyed: boolean };
  command_start: { exec_id: string; command: string; joined: boolean };
  /** A piece of live output. Text is UTF-8, undecodable bytes replaced. */
  command_output: { exec_id: string; stream: 'stdout' | 'stderr'; text: string };
  command_end: {
    exec_id: string;
    outcome: string;
    returncode: number | null;
    duration_ms: number;
    /** Tail of the combined output, bounded; what `flatmachine logs` shows. */
    output: string;
    truncated: boolean;
  };
  freeze: { reference: string; level: FreezeLevel; runner: string };
  /** One call of an agent has ended; with a tool loop, one turn of its model. */
  agent_call: {
    agent: string;
    /** Which call of this piece of work, e.g. `call.0` or `turn.3`. */
    call: string;
    /** As the provider counts them. */
    usage?: JsonObject;
    /** As the provider reports it; absent = it does not. */
    cost?: number;
    finish_reason?: string;
    duration_ms: number;
    /** Tail of the text it gave. */
    content?: string;
    error_type?: string;
    error?: string;
  };
  /** A piece of an agent's answer while it comes in. */
  agent_output: { agent: string; call: string; text: string };
  /** A tool has run for a model. */
  tool_call: {
    tool: string;
    /** Its place in the loop: `tool.{turn}.{place in the turn}`. */
    call: string;
    /** The provider's id. */
    call_id: string;
    /** As the model wrote them: text where that is no JSON object. */
    arguments: JsonValue;
    is_error: boolean;
    duration_ms: number;
    /** What the model was told, all of it: it is bounded. */
    result: string;
  };
  child_start: { child: string; machine: string; resumed: boolean };
  child_end: { child: string; status: ExecutionStatus };
  /** A child was started that nobody waits for. */
  launch: { child: string; machine: string };
  /** How far many pieces of work are, while a state waits for them. */
  progress: {
    done: number;
    running: number;
    failed: number;
    total: number;
    /** Per second. */
    rate: number;
    /** Milliseconds until all are expected to be done; absent = nothing to go by. */
    eta_ms?: number;
  };
  /** The execution parks; nothing runs until what it waits for is there. */
  waiting: { channel?: string; children?: number; deadline?: number };
  /** The signal it waited for. */
  signal: { channel: string; signal_id: string };
  log: { level: 'debug' | 'info' | 'warn' | 'error'; message: string; data?: JsonValue };
  lease_lost: { reason: string };
  execution_end: { status: ExecutionStatus; output?: JsonValue; error?: JsonObject };
}

/** The kind of an event. */
export type EventType = keyof EventBodies;

/** One entry of the structured event stream that the CLI, logs and tests consume. */
export type ExecutionEvent = { [T in EventType]: EventBase & { type: T } & EventBodies[T] }[EventType];

/** An event as its emitter gives it: the engine adds time, execution, step and state. */
export type EventDraft = { [T in EventType]: { type: T } & EventBodies[T] }[EventType];

/**
 * What is stored with a step. The rest is live only: a step's record already says which state it was, when, and what came next.
 */
export const STORED_EVENTS: ReadonlySet<EventType> = new Set([
  'slot_acquired',
  'slot_released',
  'command_start',
  'command_end',
  'freeze',
  'log',
  'error',
  'agent_call',
  'tool_call',
  'launch',
  'signal',
]);
