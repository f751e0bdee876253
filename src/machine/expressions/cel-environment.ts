import { FlatMachineError } from '../../errors.ts';
import { fromCel } from './cel-values.ts';
import { LINEAR_MATCHES } from './cel-words.ts';
import { ValueError } from './values.ts';

type CelLibrary = typeof import('@marcbachmann/cel-js');
/** The library's environment. */
export type Environment = InstanceType<CelLibrary['Environment']>;
type Re2Library = typeof import('re2js');

/** What CEL runs in, once loaded. */
export interface Cel {
  readonly environment: Environment;
  readonly patterns: PatternCache;
}

let cel: Cel | null = null;

/** Loads what CEL needs, once. Machines that do not use CEL never pay for it. */
export async function prepareCel(): Promise<void> {
  if (cel) return;
  const [library, re2] = await Promise.all([import('@marcbachmann/cel-js'), import('re2js')]);
  const patterns = new PatternCache(re2);
  cel ??= { environment: createEnvironment(library, patterns), patterns };
}

/** What expressions run in. @throws FlatMachineError when {@link prepareCel} has not been awaited */
export function loadedCel(): Cel {
  if (!cel) throw new FlatMachineError('expression-error', 'CEL was used before prepareCel() had loaded it');
  return cel;
}

function createEnvironment({ Environment }: CelLibrary, patterns: PatternCache): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
  })
    .registerVariable('context', 'map')
    .registerVariable('input', 'map')
    .registerVariable('output', 'dyn')
    .registerVariable('now', 'google.protobuf.Timestamp');
  const matches = (text: string, pattern: string): boolean => patterns.test(text, pattern);
  environment.registerFunction(`string.${LINEAR_MATCHES}(string): bool`, matches, { async: false });
  environment.registerFunction(`${LINEAR_MATCHES}(string, string): bool`, matches, { async: false });
  registerMixedArithmetic(environment);
  registerConversions(environment);
  return environment;
}

/** JSON does not tell 8 from 8.0, so `context.score + 1.5` has to work whatever the score is. */
function registerMixedArithmetic(environment: Environment): void {
  const operations: Record<string, (a: number, b: number) => number> = {
    '+': (a, b) => a + b,
    '-': (a, b) => a - b,
    '*': (a, b) => a * b,
    '/': (a, b) => a / b,
  };
  for (const [operator, compute] of Object.entries(operations)) {
    const mixed = (a: bigint | number, b: bigint | number): number => compute(Number(a), Number(b));
    environment.registerOperator(`int ${operator} double: double`, mixed);
    environment.registerOperator(`double ${operator} int: double`, mixed);
  }
}

/** Standard conversions that the library lacks. */
function registerConversions(environment: Environment): void {
  const timestamp = 'google.protobuf.Timestamp';
  const duration = 'google.protobuf.Duration';
  const conversions: Record<string, (value: never) => unknown> = {
    'int(uint): int': (value: { valueOf(): bigint }) => {
      if (value.valueOf() > MAX_INT64) throw new ValueError('integer overflow');
      return value.valueOf();
    },
    [`int(${timestamp}): int`]: (value: Date) => BigInt(Math.floor(value.getTime() / 1000)),
    [`string(${timestamp}): string`]: fromCel,
    [`string(${duration}): string`]: fromCel,
    [`timestamp(${timestamp}): ${timestamp}`]: (value: Date) => value,
    [`duration(${duration}): ${duration}`]: (value: object) => value,
  };
  for (const [signature, convert] of Object.entries(conversions)) {
    environment.registerFunction(signature, convert, { async: false });
  }
}

const MAX_INT64 = 2n ** 63n - 1n;

/** Compiled linear-time patterns; the newest ones stay. */
export class PatternCache {
  static readonly #size = 256;
  readonly #re2: Re2Library;
  readonly #patterns = new Map<string, InstanceType<Re2Library['RE2JS']>>();

  constructor(re2: Re2Library) {
    this.#re2 = re2;
  }

  /** Whether the pattern is found anywhere in the text. @throws ValueError for a bad pattern */
  test(text: string, pattern: string): boolean {
    return this.compile(pattern).test(text);
  }

  /** The pattern, compiled. @throws ValueError for a bad one */
  compile(pattern: string): InstanceType<Re2Library['RE2JS']> {
    const known = this.#patterns.get(pattern);
    if (known) return known;
    const compiled = this.#compileNew(pattern);
    const oldest = this.#patterns.keys().next();
    if (this.#patterns.size >= PatternCache.#size && !oldest.done) this.#patterns.delete(oldest.value);
    this.#patterns.set(pattern, compiled);
    return compiled;
  }

  #compileNew(pattern: string): InstanceType<Re2Library['RE2JS']> {
    try {
      return this.#re2.RE2JS.compile(pattern);
    } catch (error) {
      throw new ValueError(`bad regular expression: ${(error as Error).message}`);
    }
  }
}
