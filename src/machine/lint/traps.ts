import { isJsonObject } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import type { ConfigPath } from '../source-map.ts';
import type { Report } from './report.ts';
import { entries, type MachineView } from './view.ts';

/** Plain words of YAML 1.1 → what it makes of them. Here they are what they look like. */
const TRAPS: readonly [pattern: RegExp, is: string, was: string][] = [
  [/^(?:y|n|yes|no|on|off)$/i, 'text', 'true or false'],
  [/^[-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?$/, 'text', 'a number in base 60'],
  [/^[-+]?0[0-7_]+$/, 'a decimal number', 'an octal one'],
  [/^[-+]?[0-9][0-9_]*_[0-9_]*$/, 'text', 'a number'],
];

/** Rule `yaml-11-trap`, over values everywhere but in `metadata`. */
export function checkValueTraps(report: Report): void {
  const { config } = report.loaded;
  if (!isJsonObject(config)) return;
  for (const [key, value] of entries(config)) if (key !== 'metadata') walk(report, value, [key]);
}

/** Rule `yaml-11-trap`, over the names of states. */
export function checkNameTraps(report: Report, machine: MachineView): void {
  for (const state of machine.states.values()) check(report, state.path, 'key');
}

function walk(report: Report, value: JsonValue, path: ConfigPath): void {
  if (Array.isArray(value))
    value.forEach((item, i) => {
      walk(report, item, [...path, i]);
    });
  else if (isJsonObject(value))
    for (const key of Object.keys(value)) walk(report, value[key] as JsonValue, [...path, key]);
  else if (typeof value === 'number' || (typeof value === 'string' && value.length < 40))
    check(report, path, 'value', value);
}

function check(report: Report, path: ConfigPath, part: 'key' | 'value', value?: JsonValue): void {
  // A number's own text may differ from it: 010.
  if (typeof value === 'string' && !TRAPS.some(([pattern]) => pattern.test(value))) return;
  const text = report.loaded.plainText(path, part);
  const trap = text === null ? undefined : TRAPS.find(([pattern]) => pattern.test(text));
  if (!trap) return;
  const message = `${text} is ${part === 'key' ? 'a name' : trap[1]} here, but ${trap[2]} to YAML 1.1 tools`;
  report.add('yaml-11-trap', path, message, { part, remedy: `Write "${text}" in quotes, or what you mean.` });
}
