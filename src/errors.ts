import type { JsonValue, SourceLocation } from './types.ts';

/** One row of the table of errors. */
export interface ErrorKind {
  /** Class name: what `on_error` maps by and `error_type` holds. */
  readonly type: string;
  /** What it means, for the reference. */
  readonly summary: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** Every error this package throws on purpose, by code. Findings of the linter have their own table in `machine/lint`. */
export const ERRORS = {
  'invalid-machine': {
    type: 'InvalidMachineError',
    summary: 'The machine file has errors that keep it from running.',
    remedy: 'Run `flatmachine lint FILE` and mend what it lists.',
  },
  'file-not-found': {
    type: 'FileNotFoundError',
    summary: 'A file that was named does not exist or cannot be read.',
    remedy: 'Check the path; paths in a machine are relative to the machine file.',
  },
  usage: {
    type: 'UsageError',
    summary: 'The command or call was given something it does not take.',
    remedy: 'See `flatmachine help COMMAND`.',
  },
  'template-error': {
    type: 'TemplateError',
    summary: 'A template could not be rendered.',
    remedy: 'Mend the template, or give the missing value a default.',
  },
  'expression-error': {
    type: 'ExpressionError',
    summary: 'An expression could not be evaluated, e.g. an ordering of null or of mixed types.',
    remedy: 'Compare values of one type; test for null first.',
  },
  'not-json': {
    type: 'NotJsonError',
    summary: 'A value that JSON cannot hold was put where only JSON goes.',
    remedy: 'Return plain maps, lists, strings, finite numbers, booleans and null.',
  },
  'unhandled-action': {
    type: 'UnhandledActionError',
    summary: 'No hook handles the action.',
    remedy: 'Name the hooks that provide it under `hooks`.',
  },
  'hook-load': {
    type: 'HookLoadError',
    summary: 'A hook could not be loaded or made.',
    remedy: 'Check the file, the class name and its arguments.',
  },
  'hook-failed': {
    type: 'HookError',
    summary: 'A hook threw something that is not an Error, or returned what it may not.',
    remedy: 'Throw an Error; return what the interface says.',
  },
  'no-transition': {
    type: 'NoTransitionError',
    summary: 'No transition of a state that is not final matched.',
    remedy: 'Add a last transition without a condition.',
  },
  'unknown-state': {
    type: 'UnknownStateError',
    summary: 'A state that does not exist was asked for.',
    remedy: 'Use the name of a state of the machine.',
  },
  timeout: {
    type: 'TimeoutError',
    summary: 'Work ran past its bound and was ended.',
    remedy: 'Raise `timeout`, or route TimeoutError in `on_error`.',
  },
  'child-failed': {
    type: 'ChildError',
    summary: 'A child machine failed with an error that has no code of its own.',
    remedy: 'See the child: `flatmachine show ID`.',
  },
  'max-depth': {
    type: 'DepthError',
    summary: 'Child machines nest deeper than `settings.max_depth`.',
    remedy: 'Raise `settings.max_depth`, or end the recursion.',
  },
  'duplicate-key': {
    type: 'DuplicateKeyError',
    summary: 'Two items of a foreach have the same key.',
    remedy: 'Make `key` tell the items apart, e.g. by their index.',
  },
  'not-a-list': {
    type: 'NotAListError',
    summary: 'What a foreach goes over is not a list.',
    remedy: 'Point `foreach` at a list; a template that renders to text is none.',
  },
  'no-success': {
    type: 'NoSuccessError',
    summary: 'Of several children or samples none succeeded.',
    remedy: 'See the details for what each failed with.',
  },
  'no-consensus': {
    type: 'NoConsensusError',
    summary: 'No sample of a vote could be counted.',
    remedy: 'See the red flags in the details; loosen `parsing` and `validation`, or raise `max_candidates`.',
  },
  'unknown-agent': {
    type: 'UnknownAgentError',
    summary: 'No adapter, or no agent, of that name is known.',
    remedy: 'Use a built-in type, or register the adapter.',
  },
  'unknown-execution-type': {
    type: 'UnknownExecutionTypeError',
    summary: 'The execution type does not exist.',
    remedy: 'Use default, retry, parallel or mdap_voting, or register it.',
  },
  'missing-package': {
    type: 'MissingPackageError',
    summary: 'An optional package that is needed is not installed.',
    remedy: 'Install it with npm.',
  },
  agent: {
    type: 'AgentError',
    summary: 'An agent failed for a reason that has no type of its own.',
    remedy: 'See the message and the cause.',
  },
  'rate-limit': {
    type: 'RateLimitError',
    summary: 'The provider wants fewer calls.',
    remedy: 'Use `execution: {type: retry}`, which waits as long as the provider asks for.',
  },
  auth: {
    type: 'AuthError',
    summary: 'The provider does not accept the credentials.',
    remedy: 'Set the API key in the environment variable that the profile names.',
  },
  'context-length': {
    type: 'ContextLengthError',
    summary: 'The conversation is longer than the model takes.',
    remedy: 'Shorten the prompt, or bound the tool loop.',
  },
  'invalid-request': {
    type: 'InvalidRequestError',
    summary: 'The provider refuses the request as it is.',
    remedy: 'See the message; check the model’s name and its settings.',
  },
  'content-filter': {
    type: 'ContentFilterError',
    summary: 'The provider refused to answer for reasons of content.',
    remedy: 'Change the prompt.',
  },
  server: {
    type: 'ServerError',
    summary: 'The provider, or an agent’s server, failed.',
    remedy: 'Try again later; `execution: {type: retry}` does.',
  },
  network: {
    type: 'NetworkError',
    summary: 'The provider could not be reached, or the connection broke.',
    remedy: 'Check the URL and the network; `execution: {type: retry}` tries again.',
  },
  'agent-timeout': {
    type: 'AgentTimeoutError',
    summary: 'The provider did not answer in the time that the profile gives it.',
    remedy: 'Raise the profile’s `timeout`; `execution: {type: retry}` tries again.',
  },
  'invalid-output': {
    type: 'InvalidOutputError',
    summary: 'An agent’s answer is not what its `output` asks for.',
    remedy: 'See the answer in the details; `execution: {type: retry}` asks again.',
  },
  'empty-output': {
    type: 'EmptyOutputError',
    summary: 'An agent gave nothing, and `retry_on_empty` is set.',
    remedy: 'Check the prompt; `execution: {type: retry}` asks again.',
  },
  tool: {
    type: 'ToolError',
    summary: 'The tools of an agent could not be provided, e.g. because an MCP server does not start.',
    remedy: 'See the message and the cause.',
  },
  cancelled: {
    type: 'CancelledError',
    summary: 'The execution was cancelled.',
    remedy: 'Nothing: somebody asked for it.',
  },
  interrupted: {
    type: 'InterruptedError',
    summary: 'The run was interrupted and can be resumed.',
    remedy: 'Run `flatmachine resume ID`.',
  },
  'lease-lost': {
    type: 'LeaseLostError',
    summary: 'Another process has taken over: this one may not write or run anything any more.',
    remedy: 'Let the other process go on, or resume again once it has ended.',
  },
  locked: {
    type: 'LockedError',
    summary: 'Another process runs this execution.',
    remedy: 'Wait for it, or end it; a dead holder’s lease runs out by itself.',
  },
  'step-conflict': {
    type: 'StepConflictError',
    summary: 'The step was already written by somebody else.',
    remedy: 'Resume the execution: history has one writer per step.',
  },
  'execution-not-found': {
    type: 'ExecutionNotFoundError',
    summary: 'No execution with this id is stored.',
    remedy: 'See `flatmachine ls`, and that you are in the directory it was started in.',
  },
  'execution-exists': {
    type: 'ExecutionExistsError',
    summary: 'An execution with this id is already stored.',
    remedy: 'Use `flatmachine resume ID`, or another id.',
  },
  'config-drift': {
    type: 'ConfigDriftError',
    summary: 'The machine file is not the one that the execution was started with.',
    remedy: 'Restore it, or resume with `--allow-drift`.',
  },
  'invalid-id': {
    type: 'InvalidIdError',
    summary: 'An id has characters that ids may not have.',
    remedy: 'Use 1–200 letters, digits, `.`, `_` and `-`.',
  },
  'already-exists': {
    type: 'AlreadyExistsError',
    summary: 'Something with this name is already there.',
    remedy: 'Choose another name.',
  },
  'not-found': {
    type: 'NotFoundError',
    summary: 'What was asked for is not there.',
    remedy: 'Check the name.',
  },
  'too-large': {
    type: 'TooLargeError',
    summary: 'Something is larger than its bound.',
    remedy: 'Make it smaller or raise the bound.',
  },
  'unsafe-path': {
    type: 'UnsafePathError',
    summary: 'A path leads out of the directory it must stay in.',
    remedy: 'Use a relative path without `..`.',
  },
  backend: {
    type: 'BackendError',
    summary: 'The store failed, e.g. because its disk is full.',
    remedy: 'Mend the store, then `flatmachine resume ID`.',
  },
  'unknown-backend': {
    type: 'UnknownBackendError',
    summary: 'The URL names a backend that does not exist.',
    remedy: 'Use memory, local:DIR, sqlite:PATH, redis://…, postgres://…, s3://… or consul://….',
  },
  'unknown-runner': {
    type: 'UnknownRunnerError',
    summary: 'There is no runner of that name.',
    remedy: 'See `flatmachine doctor` for the runners there are.',
  },
  'runner-unavailable': {
    type: 'RunnerUnavailableError',
    summary: 'The runner cannot work on this machine.',
    remedy: 'See `flatmachine doctor` for what to install or start.',
  },
  capability: {
    type: 'CapabilityError',
    summary: 'The machine needs something that the runner cannot do.',
    remedy: 'Choose another runner, or ask for less.',
  },
  'create-failed': {
    type: 'EnvironmentCreateError',
    summary: 'An environment could not be created.',
    remedy: 'See the cause; then resume.',
  },
  'sandbox-lost': {
    type: 'SandboxLostError',
    summary: 'The box is gone, and what ran in it with it.',
    remedy: 'Run the rollout again: nothing can be learned from this one.',
  },
  'slot-dirty': {
    type: 'SlotDirtyError',
    summary: 'A slot could not be proved clean and was put into quarantine.',
    remedy: 'Run `flatmachine gc --reap`, which removes its environment.',
  },
  'illegal-slot-move': {
    type: 'IllegalSlotMoveError',
    summary: 'A slot was asked for a move that its state does not allow.',
    remedy: 'Acquire before executing, release after.',
  },
  'invalid-task': {
    type: 'InvalidTaskError',
    summary: 'A rollout task, or an agent recording of it, is not what its schema says.',
    remedy: 'Mend the file; `flatmachine schema task` prints the schema.',
  },
  'acquire-timeout': {
    type: 'AcquireTimeoutError',
    summary: 'No slot became free in time.',
    remedy: 'Raise the pool’s `max` or its `acquire_timeout`, or run fewer at once.',
  },
  supervisor: {
    type: 'SupervisorError',
    summary: 'The supervisor in the box said something unexpected.',
    remedy: 'See the message; a box without /bin/sh cannot be used.',
  },
} as const satisfies Record<string, ErrorKind>;

/** The code of an error in {@link ERRORS}. */
export type ErrorCode = keyof typeof ERRORS;

/** What an error may carry beside its message. */
export interface ErrorOptions {
  cause?: unknown;
  /** Machine-readable facts. */
  details?: JsonValue;
  /** Where in a file, for errors of authors. */
  location?: SourceLocation | undefined;
  /** A remedy that knows more than the table's. */
  remedy?: string;
}

/**
 * Every error this package throws on purpose. `name` is the type that `on_error` maps by; `message` says what happened;
 * `remedy` what to do.
 */
export class FlatMachineError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string;
  readonly details: JsonValue | undefined;
  readonly location: SourceLocation | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = ERRORS[code].type;
    this.code = code;
    this.remedy = options.remedy ?? ERRORS[code].remedy;
    this.details = options.details;
    this.location = options.location;
  }
}

/** Whether `error` is ours, and of one of these codes when any are given. */
export function isFlatMachineError(error: unknown, ...codes: ErrorCode[]): error is FlatMachineError {
  return error instanceof FlatMachineError && (codes.length === 0 || codes.includes(error.code));
}

/** Whether a value is the code of one of our errors. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}

/** The type that `on_error` maps by: the error's name. */
export function errorType(error: unknown): string {
  return error instanceof Error ? error.name : 'Error';
}

/** Whatever was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error
    ? thrown
    : new FlatMachineError('hook-failed', `something that is not an Error was thrown: ${String(thrown)}`);
}

/** `file:line:column`, the form editors jump to. */
export function formatLocation(location: SourceLocation): string {
  return `${location.file}:${location.line}:${location.column}`;
}
