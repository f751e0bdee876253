import { type CelNode, type Comprehension, celNodes } from './cel-tree.ts';
import { MAX_ITEMS, MAX_ITERATIONS, MAX_TEXT } from './limits.ts';
import { ValueError } from './values.ts';

/** Counts the rounds of an expression's macros. One per expression; evaluation is synchronous. */
export interface Rounds {
  left: number;
  /** Whether the expression has any macro that goes through a list. */
  needed: boolean;
}

/** Sets the count back, for one more evaluation. */
export function restart(rounds: Rounds): void {
  rounds.left = MAX_ITERATIONS;
}

/**
 * Bounds the macros and the growth by `+` of a checked expression: the library has no limits while evaluating.
 * It is the tests that make sure this still works with a newer library.
 */
export function boundEvaluation(tree: unknown): Rounds {
  const rounds: Rounds = { left: MAX_ITERATIONS, needed: false };
  for (const node of celNodes(tree)) {
    if (node.op === 'comprehension') countRounds(node.args as Comprehension, rounds);
    else if (node.op === '+') boundGrowth(node);
  }
  return rounds;
}

/**
 * `all` and `exists` go on after an error in one of their rounds, so those are made to end by the value that decides them;
 * that the bound was passed is seen from `rounds.left` afterwards.
 */
function countRounds({ step, errorsAreFatal, condition }: Comprehension, rounds: Rounds): void {
  rounds.needed = true;
  const { evaluate } = step.meta;
  const decides = !errorsAreFatal && condition ? !condition(true) : null;
  step.setMeta('evaluate', (evaluator, node, context) => {
    if (--rounds.left >= 0) return evaluate(evaluator, node, context);
    if (decides === null) throw roundsExceeded();
    return decides;
  });
}

/** The error for an evaluation after which `left` is below zero. */
export function roundsExceeded(): ValueError {
  return new ValueError(`more than ${MAX_ITERATIONS} rounds of macros`);
}

function boundGrowth(sum: CelNode): void {
  const { evaluate } = sum.meta;
  sum.setMeta('evaluate', (evaluator, node, context) => {
    const value = evaluate(evaluator, node, context);
    if (typeof value === 'string' && value.length > MAX_TEXT) {
      throw new ValueError(`the text is longer than ${MAX_TEXT} characters`);
    }
    if (Array.isArray(value) && value.length > MAX_ITEMS) {
      throw new ValueError(`the list has more than ${MAX_ITEMS} items`);
    }
    return value;
  });
}
