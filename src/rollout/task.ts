import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FlatMachineError, toError } from '../errors.ts';
import { isJsonObject } from '../json.ts';
import type { UploadFile } from '../runners/interfaces.ts';
import { workspacePath } from '../runners/supervisor/quote.ts';
import type { JsonValue } from '../types.ts';
import { Fields } from './fields.ts';
import { readTree } from './files.ts';
import { assertAgentName, parseRecording, parseYaml, type RecordedTurn, readRecording } from './recording.ts';

/** A task as its file says it, checked. */
export interface Task {
  /** Absolute path of the file. */
  readonly file: string;
  readonly name: string;
  /** What the agent is to do; null when the file does not say. */
  readonly description: string | null;
  /** Image its environment is made from, where the runner makes them from images. */
  readonly image: string | null;
  readonly maxTurns: number;
  /** Seconds a command of a turn may take. */
  readonly turnTimeout: number;
  /** File of the workspace whose lines the result carries, or null. */
  readonly trace: string | null;
  readonly verify: { readonly cmd: string /** Seconds. */; readonly timeout: number };
  /** What the workspace starts with. */
  workspace(): Promise<UploadFile[]>;
  /** What only the verifier gets to see. */
  tests(): Promise<UploadFile[]>;
  /** @throws FlatMachineError `file-not-found` for an agent that was not recorded */
  recording(agent: string): Promise<RecordedTurn[]>;
}

const FIELDS = [
  'name',
  'description',
  'image',
  'workspace',
  'tests',
  'agents',
  'verify',
  'max_turns',
  'turn_timeout',
  'trace',
] as const;

/**
 * Reads a task: a directory with a `task.yml`, or one YAML file that has everything inline.
 * @throws FlatMachineError `file-not-found`, `invalid-task` naming file and field
 */
export async function loadTask(path: string): Promise<Task> {
  const file = (await isDirectory(path)) ? join(path, 'task.yml') : path;
  const fields = new Fields(parseYaml(await read(file), file), file, 'invalid-task', FIELDS);
  const verify = new Fields(fields.get('verify'), `${file}: verify`, 'invalid-task', ['cmd', 'timeout']);
  const dir = dirname(file);
  return {
    file,
    name: fields.required('name'),
    description: fields.string('description') ?? null,
    image: fields.string('image') ?? null,
    maxTurns: fields.whole('max_turns', 20, 1),
    turnTimeout: fields.positive('turn_timeout', 60),
    trace: fields.string('trace') ?? null,
    verify: { cmd: verify.required('cmd'), timeout: verify.positive('timeout', 60) },
    workspace: () => filesOf(fields.get('workspace') ?? 'workspace', dir, `${file}: workspace`),
    tests: () => filesOf(fields.get('tests') ?? 'tests', dir, `${file}: tests`),
    recording: (agent) => recordingOf(fields.get('agents') ?? 'agents', agent, dir, `${file}: agents`),
  };
}

/** The files of a directory, or of a map from path to text. */
async function filesOf(value: JsonValue, dir: string, where: string): Promise<UploadFile[]> {
  if (typeof value === 'string') return readTree(resolve(dir, value));
  if (!isJsonObject(value)) throw invalid(where, 'must be a directory or a map from path to text');
  return Object.entries(value).map(([path, text]) => {
    if (typeof text !== 'string') throw invalid(where, `"${path}" must be a text`);
    assertInside(path, where);
    return { path, content: Buffer.from(text) };
  });
}

/** Told when the task is read, not when its files are to be placed. @throws FlatMachineError `invalid-task` */
function assertInside(path: string, where: string): void {
  try {
    workspacePath(path);
  } catch (cause) {
    throw new FlatMachineError('invalid-task', `${where}: ${toError(cause).message}`, { cause });
  }
}

async function recordingOf(
  value: JsonValue,
  agent: string,
  dir: string,
  where: string,
): Promise<RecordedTurn[]> {
  if (typeof value === 'string') return readRecording(resolve(dir, value), agent);
  if (!isJsonObject(value)) throw invalid(where, 'must be a directory or a map from name to turns');
  assertAgentName(agent);
  if (Object.hasOwn(value, agent)) return parseRecording(value[agent], `${where}: ${agent}`);
  const names = Object.keys(value).join(', ') || 'none';
  throw new FlatMachineError('file-not-found', `${where}: there is no agent "${agent}"; there are: ${names}`);
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw new FlatMachineError('file-not-found', `there is no task at ${path}`, { cause });
  }
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new FlatMachineError('file-not-found', `cannot read the task ${file}`, { cause });
  }
}

function invalid(where: string, problem: string): FlatMachineError {
  return new FlatMachineError('invalid-task', `${where}: ${problem}`);
}
