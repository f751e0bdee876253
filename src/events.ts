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
]);
