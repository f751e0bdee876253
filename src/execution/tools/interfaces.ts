import type { JsonObject, MaybePromise } from '../../types.ts';
import type { WorkCall } from '../interfaces.ts';

/** One command in a sandbox. */
export interface SandboxCommand {
  /** Tells the commands of one piece of work apart: with that work's id it makes this one run once, however often it is asked for. Letters, digits, `.`, `_`, `-`; at most 70. */
  id: string;
  /** For `/bin/sh -c`. */
  cmd: string;
  /** Seconds; Infinity = none. Counted in the box, so it holds while nobody is listening. */
  timeout: number;
  env?: Record<string, string>;
  /** Relative to the workspace. */
  cwd?: string;
  stdin?: string;
  /** Told of its output while it comes in. */
  onOutput?: (text: string) => void;
}

/** What a command came to. */
export interface SandboxResult {
  /** stdout, then stderr; bounded, head and tail kept. */
  output: string;
  stdout: string;
  stderr: string;
  returncode: number | null;
  timed_out: boolean;
  truncated: boolean;
  outcome: string;
}

/** The slot an execution holds, bound to one piece of work. Everything in it is checked against the slot's fencing token. */
export interface Sandbox {
  /** The workspace's path as commands see it. */
  readonly workspace: string;
  /** Runs a command, or collects it if it ran already. @throws FlatMachineError `sandbox-lost`, `lease-lost`; the signal's reason */
  run(command: SandboxCommand): Promise<SandboxResult>;
  /** @param path relative to the workspace @throws FlatMachineError `not-found`, `too-large`, `unsafe-path` */
  readFile(path: string, maxBytes: number): Promise<Uint8Array>;
  /**
   * Replaces a whole file, making its directories; a kill leaves the old content or the new. The mode of a file that was there stays.
   * @throws FlatMachineError `unsafe-path`, `already-exists` when something is in the way, `tool` when it cannot be written
   */
  writeFile(path: string, content: Uint8Array): Promise<void>;
}

/** A tool call as a model asks for it. */
export interface RequestedToolCall {
  /** The provider's id. */
  id: string;
  name: string;
  /** Parsed; a model that wrote no JSON map gets an error back instead. */
  arguments: JsonObject;
}

/** What a tool gives back to the model. */
export interface ToolResult {
  content: string;
  /** Told to the model as a failure; the loop goes on. */
  is_error?: boolean;
  /** Replaces the machine's context once the tool has run. */
  context?: JsonObject;
}

/** What a tool is told about its call. */
export interface ToolInvocation extends WorkCall {
  /** Identity of this call: the same when a crash makes it run again. Safe as part of a command's id. */
  readonly callId: string;
  /** The machine's context, a copy. */
  readonly context: JsonObject;
  /** Seconds it may take. */
  readonly timeout: number;
}

/** Something a model can use. */
export interface Tool {
  /** Letters, digits, `_` and `-`, at most 64. */
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly parameters: JsonObject;
  /** Whether it keeps to its `timeout` itself, e.g. because it is counted in the box. Absent = the loop stops waiting for it. */
  readonly keepsTime?: boolean;
  /** What it throws is told to the model, save what `infrastructure` errors say: lost boxes and leases end the work. */
  run(args: JsonObject, call: ToolInvocation): MaybePromise<ToolResult>;
}

/** What a hook may say to a tool loop between two turns. */
export interface ToolLoopSteering {
  /** Tool call id → why it is not run, which the model is told. */
  skip?: Record<string, string>;
  /** Said to the model, as the user, after the results of this turn. */
  messages?: readonly string[];
  /** Ends the loop, with this reason, without running these calls. */
  abort?: string;
}
