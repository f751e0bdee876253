import { FlatMachineError } from '../errors.ts';
import { didYouMean } from '../machine/expressions/suggest.ts';
import type { JsonObject, JsonValue } from '../types.ts';

/** Refuses arguments that the hooks do not know: a mistyped one would be ignored. @throws FlatMachineError `hook-load` */
export function assertKnownArgs(hooks: string, args: JsonObject, known: readonly string[]): void {
  for (const name of Object.keys(args)) {
    if (known.includes(name)) continue;
    const otherwise = known.length === 0 ? 'It takes none.' : `It takes ${known.join(', ')}.`;
    throw new FlatMachineError('hook-load', `${hooks}: there is no argument "${name}"`, {
      remedy: didYouMean(name, known, otherwise),
    });
  }
}

/** A value that must be one of some words. @throws FlatMachineError `hook-load` */
export function oneOf<T extends string>(what: string, value: JsonValue, words: readonly T[]): T {
  const word = words.find((known) => known === value);
  if (word !== undefined) return word;
  const otherwise = `Use one of ${words.join(', ')}.`;
  throw new FlatMachineError(
    'hook-load',
    `${what}: ${JSON.stringify(value)} is none of ${words.join(', ')}`,
    {
      remedy: typeof value === 'string' ? didYouMean(value, words, otherwise) : otherwise,
    },
  );
}
