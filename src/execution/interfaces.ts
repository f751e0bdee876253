import type { BackendSet, Fence } from '../backends/interfaces.ts';
import type { EventDraft, ExecutionEvent, ExecutionStatus } from '../events.ts';
import type { RunOptions } from '../machine/snapshot.ts';
import type { Clock, JsonObject, JsonValue, MaybePromise } from '../types.ts';
import type { RequestedToolCall, Sandbox, Tool, ToolLoopSteering, ToolResult } from './tools/interfaces.ts';

/** What an action may return beside a whole new context. */
export interface ActionResult {
  /** Becomes `output`. */
  output: JsonValue;
  /** Replaces the context; absent = unchanged. */
  context?: JsonObject;
}

/** What every piece of work is told about itself. */
export interface WorkCall {
  readonly state: string;
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

/** What `onAction` is told about the piece of work it does. */
export interface ActionCall extends WorkCall {
  readonly action: string;
  /** The state's `input`, rendered; `{}` without one. */
  readonly input: JsonObject;
}

/**
 * Extension points of a run: those of FlatAgents runtime 1.0.0 (`onMachineStart` … `onAction`) and this project's. All optional, sync or
 * async. What one returns replaces what it was given; returning nothing changes nothing. A hook that throws raises an error that `on_error` can route.
 */
export interface MachineHooks {
  /** The actions `onAction` handles. Absent = it is asked for every action. */
  readonly actions?: readonly string[];
  /**
   * Asked by workers before they take items for this machine, and every now and then: throws what keeps this host from running it, e.g. a runner that
   * is not there. Belongs to no execution and changes nothing.
   */
  check?(): MaybePromise<void>;
  /** Once per execution, before its first record is stored; may change the initial context. Not called by a resume. */
  onMachineStart?(context: JsonObject): MaybePromise<JsonObject | undefined | void>;
  /** In the final state, after `onStateExit`; may change the machine's result. */
  onMachineEnd?(context: JsonObject, output: JsonValue): MaybePromise<JsonValue | undefined | void>;
  /** Before a state's work; may change the context. */
  onStateEnter?(state: string, context: JsonObject): MaybePromise<JsonObject | undefined | void>;
  /** After a state's work and its `output_to_context`; may change the output that the transitions see. */
  onStateExit?(
    state: string,
    context: JsonObject,
    output: JsonValue | undefined,
  ): MaybePromise<JsonValue | undefined | void>;
  /** After the transitions have chosen; may name another state. */
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
   * Told of the tool calls a model asks for in one turn, before they run. What it returns may skip some, end the loop, or say something to the model.
   */
  onToolCalls?(
    state: string,
    calls: readonly RequestedToolCall[],
    context: JsonObject,
  ): MaybePromise<ToolLoopSteering | undefined | void>;
  /** Told of each result; what it returns replaces it. */
  onToolResult?(
    state: string,
    call: RequestedToolCall,
    result: ToolResult,
    context: JsonObject,
  ): MaybePromise<ToolResult | undefined | void>;
  /** Tools that these hooks offer to tool loops. */
  tools?(state: string, context: JsonObject): MaybePromise<readonly Tool[]>;
  /** The sandbox of this execution, for the built-in tools and `command` agents. */
  sandbox?(context: JsonObject, call: WorkCall): MaybePromise<Sandbox>;
  /**
   * Told of every event of the execution as it happens, live-only ones included; hooks of a state of those in that state. Must return at once. One that
   * throws is told of no more, and a `log` warning says so.
   */
  onEvent?(event: ExecutionEvent): void;
  /**
   * Gives back everything the execution owns. Called after the last commit of an execution that ended (`completed`, `failed`,
   * `cancelled`), and again when such a one is resumed: it must be idempotent.
   */
  onExecutionEnd?(executionId: string, status: ExecutionStatus): MaybePromise<void>;
  /** The process is done with these hooks: close channels and files. Owned things stay. */
  close?(): MaybePromise<void>;
}

/** All hooks of one execution: the machine's, its lifecycle hooks, and those of single states. */
export interface RunHooks {
  /** What is asked outside of states: start and end of the machine. Lifecycle hooks are part of it. */
  readonly machine: MachineHooks;
  /** What is asked in this state: the machine's hooks, then the state's own. */
  forState(state: string): MachineHooks;
  /** See {@link MachineHooks.onEvent}. Absent = no hook listens: live-only events need not be made for them. Never throws. */
  readonly onEvent?: (event: ExecutionEvent) => void;
  /** See {@link MachineHooks.check}; every hook is asked, once. @throws what the first one throws */
  check(): Promise<void>;
  /** See {@link MachineHooks.onExecutionEnd}; every hook is told, once. */
  onExecutionEnd(executionId: string, status: ExecutionStatus): Promise<void>;
  /** See {@link MachineHooks.close}; every hook is told, once. */
  close(): Promise<void>;
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
  readonly machineName: string;
  readonly backends: BackendSet;
  readonly clock: Clock;
  readonly options: RunOptions;
  /** Adds an event to the execution's stream; `log` events are kept with the step. */
  emit(event: EventDraft): void;
}

/** Makes the hooks of one execution. */
export type HookFactory = (args: JsonObject, environment: HookEnvironment) => MaybePromise<MachineHooks>;
