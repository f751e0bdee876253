import type { FreezeLevel } from '../events.ts';
import type { JsonObject, JsonValue } from '../types.ts';

export type { FreezeLevel };

/** How far a box keeps what runs in it from the rest of the machine. */
export type Isolation = 'none' | 'namespaces' | 'container';

/** Limits a runner can be asked to enforce on an environment. */
export interface ResourceLimits {
  /** Bytes. */
  memory?: number;
  /** Cores, may be a fraction. */
  cpus?: number;
  /** Processes and threads. */
  pids?: number;
}

/** What a runner can do, as data. A machine's needs are checked against it before the machine runs. */
export interface RunnerCapabilities {
  readonly isolation: Isolation;
  readonly freeze: readonly FreezeLevel[];
  /** Which of {@link ResourceLimits} are enforced. */
  readonly limits: readonly (keyof ResourceLimits)[];
  /** Network settings that can be asked for. */
  readonly network: readonly ('none' | 'host' | 'bridge')[];
  /** Whether an environment is made from an image. */
  readonly images: boolean;
  /** Whether the box may be on another machine. */
  readonly remote: boolean;
  /** Whether slots of one environment may be on the same host file system as the orchestrator. */
  readonly sharedFiles: boolean;
}

/** What an environment is to be. */
export interface EnvironmentSpec {
  /** Chosen by the caller and recorded before creation: 1–63 characters of `[a-z0-9-]`. Creating it again adopts what is there. */
  id: string;
  image?: string;
  network?: 'none' | 'host' | 'bridge';
  limits?: ResourceLimits;
  env?: Record<string, string>;
  /** Recorded on whatever the runner creates, so that it is found after any crash. */
  labels: Record<string, string>;
}

/** What `list` finds: something a runner created, dead or alive. */
export interface EnvironmentInfo {
  id: string;
  labels: Record<string, string>;
  running: boolean;
}

/** What a runner can do on this machine, for `flatmachine doctor` and `--runner auto`. */
export interface RunnerProbe {
  available: boolean;
  /** Version and place when available; what is missing when not. */
  detail: string;
  /** What to install or start when not available. */
  remedy?: string;
}

/** Creates environments and finds them again. One file per tool in this folder. */
export interface Runner {
  readonly name: string;
  readonly capabilities: RunnerCapabilities;
  probe(): Promise<RunnerProbe>;
  /**
   * Makes an environment, or adopts the one with this id.
   * @throws EnvironmentCreateError (`outcome: create_failed`, `blame: infra`); nothing is left behind
   */
  create(spec: EnvironmentSpec): Promise<Environment>;
  /** The living environment with this id, or null. Starts nothing. */
  attach(id: string): Promise<Environment | null>;
  /** Everything this runner created that carries all of these labels. */
  list(labels: Record<string, string>): Promise<EnvironmentInfo[]>;
  /** Removes an environment by id, dead or alive, with all its processes. Idempotent: nothing there is no error. */
  destroy(id: string): Promise<void>;
  /**
   * Removes what a freeze has kept. Idempotent: nothing there is no error.
   * @throws FlatMachineError `unsafe-path` for a reference that is none of this runner's snapshots
   */
  removeSnapshot(snapshot: SnapshotReference): Promise<void>;
}

/** How a command ended, as the trainer must see it. */
export type Outcome =
  | 'ok'
  | 'nonzero'
  | 'timeout'
  | 'oom'
  | 'output_capped'
  | 'sandbox_lost'
  | 'create_failed'
  | 'cancelled';

/** Whose fault an outcome is; null where there is none. */
export type Blame = 'policy' | 'infra' | 'grader' | null;

/** One command for a slot. */
export interface ExecRequest {
  slotId: string;
  /** The slot's fencing token: an older one than the box has seen is refused (`LeaseLostError`). */
  token: number;
  /** Makes the command idempotent: 1–200 characters of `[A-Za-z0-9._-]`. Known and finished: the stored result; still running: joined. */
  execId: string;
  /** Run by `/bin/sh -c`. Exactly one of `cmd` and `argv`. */
  cmd?: string;
  argv?: readonly string[];
  /** Relative to the slot's workspace, which is the default. */
  cwd?: string;
  /** Added to the box's clean environment. */
  env?: Record<string, string>;
  /** What the command reads; absent = empty. */
  stdin?: Uint8Array;
  /** Seconds; absent = none. Counted in the box, so it holds while nobody is listening. */
  timeout?: number;
  /** Bytes kept of stdout and of stderr each, half from the head and half from the tail. Default 1 MiB. */
  maxOutput?: number;
  /** Bytes of stdout + stderr after which the command is ended (`output_capped`); absent = it is drained for ever. */
  outputLimit?: number;
  /** Live output. */
  onOutput?: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
  /** Told once, when the command was started or found running (`joined`). */
  onStart?: (joined: boolean) => void;
  /** Abort = stop waiting. Whether the command is ended too is the caller's decision: see {@link Environment.cancel}. */
  signal?: AbortSignal;
}

/** What a command came to. */
export interface ExecResult {
  /** stdout, then stderr. Text is UTF-8, undecodable bytes replaced. */
  output: string;
  stdout: string;
  stderr: string;
  /** 0–255, 128 + n for signal n; null when it did not end by itself (timeout, lost, cancelled). */
  returncode: number | null;
  timed_out: boolean;
  /** Whether a middle part of the output was dropped. */
  truncated: boolean;
  /** What the command wrote, kept or not. */
  bytes: { stdout: number; stderr: number };
  duration_ms: number;
  outcome: Outcome;
  blame: Blame;
  /** Whether a trainer may learn from it. False when the infrastructure is to blame. */
  trainable: boolean;
  /** True when the result came from the box's journal rather than from a fresh run. */
  replayed: boolean;
}

/** A file to put into a slot. */
export interface UploadFile {
  /** Relative, `/`-separated; `..` and absolute paths are refused. Parents are made. */
  path: string;
  content: Uint8Array;
  /** Permission bits; default 0o644. */
  mode?: number;
}

/** Where a frozen state is kept. */
export interface SnapshotReference {
  /** What a resume or fork gives back to the runner, e.g. an image name or an archive's path. */
  reference: string;
  level: FreezeLevel;
  runner: string;
}

/**
 * One box. It may be used by many slots, and by several processes, at once.
 * Every call throws `SandboxLostError` (`outcome: sandbox_lost`, `blame: infra`) once the box is gone — save `exec`, which returns that outcome.
 */
export interface Environment {
  readonly id: string;
  readonly runner: string;
  /** In the runner's own form, e.g. a container id. */
  readonly address: string;
  /**
   * Makes the slot's workspace if it is not there and raises its fence to `token`: older tokens are refused from now on.
   * @returns the workspace's path as commands see it
   */
  openSlot(slotId: string, token: number): Promise<string>;
  exec(request: ExecRequest): Promise<ExecResult>;
  /** Ends a running command's whole tree (TERM, grace, KILL); its result becomes `cancelled`. Unknown or finished: nothing. */
  cancel(slotId: string, token: number, execId: string): Promise<void>;
  /** Ends every process of the slot, daemons and double forks included. Returns how many were left to kill. */
  stopProcesses(slotId: string, token: number): Promise<number>;
  /** Puts files into the slot's workspace; the same again gives the same. */
  upload(slotId: string, token: number, files: readonly UploadFile[]): Promise<void>;
  /** One file of the workspace. @throws FlatMachineError `not-found`, or `too-large` beyond `maxBytes` (default 64 MiB) */
  download(slotId: string, token: number, path: string, maxBytes?: number): Promise<Uint8Array>;
  /** Keeps the slot's state under `name`; the same name again returns what is there. */
  freeze(slotId: string, token: number, name: string, level: FreezeLevel): Promise<SnapshotReference>;
  /** Ends the slot's processes, empties its workspace and journal, and proves it (throws `SlotDirtyError` otherwise). */
  resetSlot(slotId: string, token: number): Promise<void>;
  /** Facts for people and for the record: isolation measured, supervisor version, … */
  describe(): Promise<JsonObject>;
  /** Takes the box down with everything in it. Idempotent. */
  destroy(): Promise<void>;
  /** Closes this process's channel; the box and its commands go on. */
  close(): Promise<void>;
}

/** What a runner is made from. */
export interface RunnerOptions {
  /** Directory for what the runner keeps on this host (workspaces, journals, snapshots). Made on demand. */
  stateDir: string;
  /** The runner's own settings, e.g. `socket` for docker. */
  settings?: Record<string, JsonValue>;
}

/** Default export of each runner's file. */
export type RunnerFactory = (options: RunnerOptions) => Runner;
