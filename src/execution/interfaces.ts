import type { BackendSet, Fence } from '../backends/interfaces.ts';
import type { EventDraft, ExecutionStatus } from '../events.ts';
import type { RunOptions } from '../machine/snapshot.ts';
import type { Clock, JsonObject, JsonValue, MaybePromise } from '../types.ts';

/** What an action may return beside a whole new context. */
export interface ActionResult {
  /** Becomes `output`. */
  output: JsonValue;
  /** Replaces the context; absent = unchanged. */
  context?: JsonObject;
}

/** What `onAction` is told about the piece of work it does. */
export interface ActionCall {
  readonly action: string;
  readonly state: string;
  /** The state's `input`, rendered; `{}` without one. */
  readonly input: JsonObject;
  readonly executionId: string;
  readonly step: number;
  /**
   * Identity of this piece of work, `{execution_id}.{step}`: the same when a crash or an interruption makes it run again, another
   * for a retry. Whatever must happen once (a command, an upload) derives its id from it.
   */
  readonly workId: string;
  /** Proof that this process may act for the execution. */
  readonly fence: Fence;
  /**
   * Aborts when the work must stop. The reason is `TimeoutError` or `CancelledError` (end the work itself, commands included)
   * or `InterruptedError` or `LeaseLostError` (only stop waiting for it: it will be joined by a resume).
   */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch, or null. */
  readonly deadline: number | null;
  /** Adds an event to the stream and to the step's record. */
  emit(event: EventDraft): void;
}

/**
 * Extension points of a run (FlatMachine 1.0.0 `MachineHooks`, plus `actions`, `onExecutionEnd` and `close`). All optional, sync or
 * async. What one returns replaces what it was given; returning nothing changes nothing. A hook that throws raises an error that `on_error` can route.
 */
export interface MachineHooks {
  /** The actions `onAction` handles. Absent = it is asked for every action. */
  readonly actions?: readonly string[];
  onMachineStart?(context: JsonObject): MaybePromise<JsonObject | undefined | void>;
  onMachineEnd?(context: JsonObject, output: JsonValue): MaybePromise<JsonValue | undefined | void>;
  onStateEnter?(state: string, context: JsonObject): MaybePromise<JsonObject | undefined | void>;
  onStateExit?(
    state: string,
    context: JsonObject,
    output: JsonValue | undefined,
  ): MaybePromise<JsonValue | undefined | void>;
  onTransition?(from: string, to: string, context: JsonObject): MaybePromise<string | undefined | void>;
  /** A state to recover in; null or nothing = not handled. Asked after `on_error`. */
  onError?(state: string, error: Error, context: JsonObject): MaybePromise<string | null | undefined | void>;
  /** A new context, or an {@link ActionResult}; nothing = `output` null. An object whose only keys are `output` (and `context`) is an ActionResult. */
  onAction?(
    action: string,
    context: JsonObject,
    call: ActionCall,
  ): MaybePromise<JsonObject | ActionResult | undefined | void>;
  /**
   * Gives back everything the execution owns. Called after the last commit of an execution that ended (`completed`, `failed`,
   * `cancelled`), and again when such a one is resumed: it must be idempotent.
   */
  onExecutionEnd?(executionId: string, status: ExecutionStatus): MaybePromise<void>;
  /** The process is done with these hooks: close channels and files. Owned things stay. */
  close?(): MaybePromise<void>;
}

/** What a hook's factory is given. */
export interface HookEnvironment {
  /** What relative paths in the hook's arguments are relative to. */
  readonly machineDir: string;
  /** What relative paths in the run's input are relative to. */
  readonly cwd: string;
  /** `.flatmachine` beside the working directory: where state that is not in the backend lives. */
  readonly stateDir: string;
  readonly executionId: string;
  readonly backends: BackendSet;
  readonly clock: Clock;
  readonly options: RunOptions;
  /** Adds an event to the execution's stream; `log` events are kept with the step. */
  emit(event: EventDraft): void;
}

/** Makes the hooks of one execution. */
export type HookFactory = (args: JsonObject, environment: HookEnvironment) => MaybePromise<MachineHooks>;
