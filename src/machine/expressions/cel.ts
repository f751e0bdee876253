import { FlatMachineError } from '../../errors.ts';
import type { SourceLocation } from '../../types.ts';
import type { Condition, Render, Scope } from '../interfaces.ts';
import { boundEvaluation, restart, roundsExceeded } from './cel-bounds.ts';
import { type Environment, loadedCel, type PatternCache } from './cel-environment.ts';
import { type CelNode, celNodes } from './cel-tree.ts';
import { CelVariables, fromCel, withLocals } from './cel-values.ts';
import { LINEAR_MATCHES, type StandardCel, toStandardCel } from './cel-words.ts';
import { placed } from './frame.ts';
import { MAX_CEL_SOURCE } from './limits.ts';
import { Source } from './source.ts';

type Parsed = ReturnType<Environment['parse']>;

/**
 * A CEL expression as a closure that gives JSON: integers come out as numbers, timestamps and durations as text.
 * @param locals names beside `context`, `input`, `output` and `now` that it may use
 * @throws FlatMachineError `expression-error` at once for a bad expression or an unknown name, when evaluated for what
 *   goes wrong then; also when {@link prepareCel} has not been awaited
 */
export function compileCel(source: string, at: SourceLocation, locals: readonly string[] = []): Render {
  return new CelExpression(source, at, locals).run(fromCel);
}

/** A CEL expression as a condition. @throws FlatMachineError when it gives, or can only give, anything but a boolean */
export function compileCelCondition(
  source: string,
  at: SourceLocation,
  locals: readonly string[] = [],
): Condition {
  const expression = new CelExpression(source, at, locals);
  if (expression.type !== 'bool' && expression.type !== 'dyn') {
    throw expression.notBoolean(expression.type);
  }
  return expression.run((value) => {
    if (typeof value !== 'boolean') throw expression.notBoolean(typeof value);
    return value;
  });
}

class CelExpression {
  readonly #source: Source;
  readonly #standard: StandardCel;
  readonly #parsed: Parsed;
  readonly #locals: readonly string[];
  /** What it gives, as far as that is known before it runs. */
  readonly type: string;

  constructor(source: string, at: SourceLocation, locals: readonly string[]) {
    this.#source = new Source(source, at, 'expression-error');
    this.#locals = locals;
    if (source.length > MAX_CEL_SOURCE) {
      throw this.#source.fail(`the expression is longer than ${MAX_CEL_SOURCE} characters`, 0);
    }
    this.#standard = toStandardCel(source);
    const { environment, patterns } = loadedCel();
    const usable = locals.length === 0 ? environment : declare(environment, locals);
    try {
      this.#parsed = usable.parse(this.#standard.text);
      const checked = this.#parsed.check();
      if (!checked.valid) throw checked.error;
      this.type = checked.type ?? 'dyn';
      this.#checkPatterns(patterns);
    } catch (error) {
      throw this.#translate(error);
    }
  }

  /** The closure; `finish` makes of the library's value what is wanted. */
  run<T>(finish: (value: unknown) => T): (scope: Scope) => T {
    const parsed = this.#parsed;
    const locals = this.#locals;
    const rounds = boundEvaluation(parsed.ast);
    return (scope) => {
      if (rounds.needed) restart(rounds);
      try {
        const value: unknown = parsed(
          locals.length === 0 ? new CelVariables(scope) : withLocals(scope, locals),
        );
        if (rounds.left < 0) throw roundsExceeded();
        return finish(value);
      } catch (error) {
        throw this.#translate(error);
      }
    };
  }

  /** Patterns that are written out are found to be bad at load. */
  #checkPatterns(patterns: PatternCache): void {
    for (const { op, args } of celNodes(this.#parsed.ast)) {
      if ((op !== 'call' && op !== 'rcall') || !Array.isArray(args) || args[0] !== LINEAR_MATCHES) continue;
      const pattern = (args.at(-1) as CelNode[]).at(-1);
      if (pattern?.op !== 'value' || typeof pattern.args !== 'string') continue;
      const text = pattern.args;
      const offset = this.#standard.sourceOffset(pattern.start);
      placed(this.#source, offset, () => patterns.compile(text));
    }
  }

  notBoolean(found: string): FlatMachineError {
    return this.#source.fail(
      `a condition gives true or false, not ${found}`,
      0,
      'Compare the value with something.',
    );
  }

  /** An error of the library as ours, at its place in the author's text. */
  #translate(error: unknown): unknown {
    if (error instanceof FlatMachineError) return error;
    if (isExhaustion(error)) {
      return this.#source.fail('a value is too large or nested too deeply', 0, undefined, error);
    }
    const { summary, message, range } = error as {
      summary?: string;
      message: string;
      range?: { start: number };
    };
    const offset = range ? this.#standard.sourceOffset(range.start) : 0;
    const text = (summary ?? message).replaceAll(LINEAR_MATCHES, 'matches');
    const inBraces = this.#source.text.trimStart().startsWith('{{');
    const remedy = inBraces ? 'Leave out `{{ }}`: an expression stands alone.' : undefined;
    return this.#source.fail(text, offset, remedy, error);
  }
}

/** Out of stack, or past what a string or list can hold. */
function isExhaustion(error: unknown): boolean {
  return error instanceof RangeError && /call stack|string length|array length/.test(error.message);
}

function declare(environment: Environment, locals: readonly string[]): Environment {
  const extended = environment.clone();
  for (const name of locals) extended.registerVariable(name, 'dyn');
  return extended;
}
