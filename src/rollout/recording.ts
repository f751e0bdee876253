import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { FlatMachineError } from '../errors.ts';
import { toJson } from '../json.ts';
import type { JsonValue } from '../types.ts';
import { Fields } from './fields.ts';

/** One command of a recorded agent. */
export interface RecordedCommand {
  cmd: string;
  /** Seconds; absent = the task's. */
  timeout?: number;
}

/** One turn of a recorded agent: what it did before it looked at the result. */
export type RecordedTurn = readonly RecordedCommand[];

const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const ENDINGS = ['.yml', '.yaml', '.json', '.jsonl'] as const;

/**
 * The turns of a recorded agent: a list of `{cmd, timeout?, note?}`, or of `{commands: [{cmd, timeout?}], note?}`. A `.jsonl` file has one turn per line.
 * @throws FlatMachineError `file-not-found`, `invalid-task`
 */
export async function readRecording(agentsDir: string, agent: string): Promise<RecordedTurn[]> {
  assertAgentName(agent);
  for (const ending of ENDINGS) {
    const file = join(agentsDir, agent + ending);
    const text = await readIfThere(file);
    if (text === null) continue;
    return parseRecording(ending === '.jsonl' ? parseLines(text, file) : parseYaml(text, file), file);
  }
  throw new FlatMachineError('file-not-found', `there is no agent "${agent}" in ${agentsDir}`, {
    remedy: `Record it in ${agent}.yml or ${agent}.jsonl there.`,
  });
}

/** Checks the turns of a recording. @param where how messages name it @throws FlatMachineError `invalid-task` */
export function parseRecording(value: JsonValue | undefined, where: string): RecordedTurn[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new FlatMachineError('invalid-task', `${where}: a recording is a list of at least one turn`);
  }
  return value.map((turn, index) => parseTurn(turn, `${where}: turn ${index + 1}`));
}

function parseTurn(value: JsonValue, where: string): RecordedTurn {
  const fields = new Fields(value, where, 'invalid-task', ['note', 'cmd', 'timeout', 'commands']);
  const commands = fields.list('commands');
  if (commands === undefined) return [parseCommand(fields)];
  if (fields.get('cmd') !== undefined || commands.length === 0) {
    throw new FlatMachineError('invalid-task', `${where}: give either "cmd" or "commands" with at least one`);
  }
  return commands.map((command, index) =>
    parseCommand(new Fields(command, `${where}, command ${index + 1}`, 'invalid-task', ['cmd', 'timeout'])),
  );
}

function parseCommand(fields: Fields): RecordedCommand {
  const timeout = fields.positive('timeout');
  return { cmd: fields.required('cmd'), ...(timeout === undefined ? {} : { timeout }) };
}

/** @throws FlatMachineError `usage`: names come from the run's input and become file names */
export function assertAgentName(agent: string): void {
  if (!NAME.test(agent)) {
    throw new FlatMachineError(
      'usage',
      `"${agent}" is no name of an agent: letters, digits, ".", "_" and "-" only`,
    );
  }
}

/** Parses YAML as JSON values. @throws FlatMachineError `invalid-task` naming the file */
export function parseYaml(text: string, file: string): JsonValue {
  try {
    return toJson(parse(text));
  } catch (cause) {
    throw invalid(file, cause);
  }
}

function parseLines(text: string, file: string): JsonValue {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line) as JsonValue];
    } catch (cause) {
      throw invalid(`${file}:${index + 1}`, cause);
    }
  });
}

function invalid(where: string, cause: unknown): FlatMachineError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new FlatMachineError('invalid-task', `${where}: ${reason}`, { cause });
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new FlatMachineError('file-not-found', `cannot read ${file}`, { cause });
  }
}
