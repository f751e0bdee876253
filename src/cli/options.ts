import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { FlatMachineError, toError } from '../errors.ts';
import { isJsonObject, setOwn } from '../json.ts';
import type { JsonObject, JsonValue } from '../types.ts';

/** For commander: a whole number of at least 1. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('It must be a whole number of at least 1.');
}

/** For commander: a whole number. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It must be a whole number.');
}

/** For commander: a number of seconds, 0 or more. */
export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('It must be a number of seconds, 0 or more.');
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** For commander: a duration such as `90s`, `15m`, `12h`, `7d`, `2w`. Returns milliseconds. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  if (match === null || unit === undefined) {
    throw new InvalidArgumentError('It must be a number with a unit: 90s, 15m, 12h, 7d or 2w.');
  }
  return Number(match[1]) * unit * 1000;
}

/**
 * The run's input from `--input`: JSON itself, `@file`, or `-` for stdin. Absent = `{}`.
 * @throws FlatMachineError `usage` if it is not a JSON map, `file-not-found`
 */
export async function readInput(given: string | undefined): Promise<JsonObject> {
  if (given === undefined) return {};
  const { text, from } = await readText(given, '--input');
  const value = parseJson(text, from);
  if (isJsonObject(value)) return value;
  throw new FlatMachineError('usage', `${from} is not a JSON map`, {
    remedy: 'An input is a map, e.g. --input \'{"name": "Ada"}\'.',
  });
}

/**
 * Any JSON value given as an argument: JSON itself, `@file`, or `-` for stdin.
 * @param name what messages call it
 * @throws FlatMachineError `usage` if it is not JSON, `file-not-found`
 */
export async function readJson(given: string, name: string): Promise<JsonValue> {
  const { text, from } = await readText(given, name);
  return parseJson(text, from);
}

/**
 * Any text given as an argument: the text itself, `@file`, or `-` for stdin.
 * @returns it, and what messages call the place it is from
 * @throws FlatMachineError `file-not-found`
 */
export async function readText(given: string, name: string): Promise<{ text: string; from: string }> {
  if (given === '-') return { text: await stdinText(), from: 'the input on stdin' };
  if (!given.startsWith('@')) return { text: given, from: name };
  const path = given.slice(1);
  try {
    return { text: readFileSync(path, 'utf8'), from: path };
  } catch (cause) {
    throw new FlatMachineError(
      'file-not-found',
      `cannot read the input file ${path}: ${toError(cause).message}`,
      {
        cause,
        remedy: 'Check the path; it is relative to the working directory.',
      },
    );
  }
}

async function stdinText(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string, from: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new FlatMachineError('usage', `${from} is not JSON: ${toError(cause).message}`, {
      cause,
      remedy: 'Give JSON, or @FILE to read it from a file, or - to read it from stdin.',
    });
  }
}

/**
 * `--set context.key=JSON` (also `key=JSON`), as often as given, as one map. Only whole keys of the context can be set.
 * @throws FlatMachineError `usage`
 */
export function readAssignments(given: readonly string[]): JsonObject {
  const set: JsonObject = {};
  for (const assignment of given) {
    const match = /^(?:context\.)?([^=.]+)=([\s\S]*)$/.exec(assignment);
    if (match === null) {
      throw new FlatMachineError('usage', `--set ${assignment}: it must be context.KEY=JSON`, {
        remedy: 'Set a whole key of the context, e.g. --set context.approved=true or --set \'name="Ada"\'.',
      });
    }
    const key = match[1] as string;
    setOwn(set, key, parseJson(match[2] as string, `the value of --set ${key}`));
  }
  return set;
}

/** For commander: collects an option that may be given more than once. */
export function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
