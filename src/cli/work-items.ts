import type { PushOptions } from '../backends/interfaces.ts';
import { FlatMachineError } from '../errors.ts';
import { isJsonObject } from '../json.ts';
import type { JsonValue } from '../types.ts';
import { readJson, readText } from './options.ts';

/** An item to be pushed. */
export interface GivenItem {
  data: JsonValue;
  options: PushOptions;
}

/**
 * The items that an argument gives: one, as JSON, or with `lines` one per line that is not empty.
 * @throws FlatMachineError `usage` naming the line that is not JSON, `file-not-found`
 */
export async function readItems(given: string, lines: boolean, options: PushOptions): Promise<GivenItem[]> {
  if (!lines) return [{ data: await readJson(given, 'the item'), options }];
  const { text, from } = await readText(given, 'the items');
  const items: GivenItem[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() !== '') items.push({ data: parseLine(line, `${from}, line ${i + 1}`), options });
  }
  return items;
}

function parseLine(line: string, where: string): JsonValue {
  try {
    return JSON.parse(line) as JsonValue;
  } catch (cause) {
    throw new FlatMachineError('usage', `${where}: this is not JSON`, {
      cause,
      remedy: 'With --jsonl each line that is not empty is one item, in JSON.',
    });
  }
}

/** The part of an item that fits into a table. */
export function itemNote(data: JsonValue): string {
  if (isJsonObject(data) && typeof data.id === 'string') return data.id;
  return JSON.stringify(data).slice(0, 200);
}
