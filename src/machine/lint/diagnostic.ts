import type { SourceLocation } from '../../types.ts';
import type { Diagnostic } from '../interfaces.ts';
import { RULES, type Rule, type RuleCode } from './rules.ts';

const BY_CODE: ReadonlyMap<string, Rule> = new Map(RULES.map((rule) => [rule.code, rule]));

/** A finding of the rule `code`; without a `remedy` of its own it carries the rule's. */
export function diagnostic(
  code: RuleCode,
  message: string,
  location: SourceLocation,
  remedy?: string,
): Diagnostic {
  const rule = BY_CODE.get(code) as Rule;
  return { code, severity: rule.severity, message, remedy: remedy ?? rule.remedy, location };
}

/** By file, line, column, then code. */
export function byPosition(a: Diagnostic, b: Diagnostic): number {
  return (
    compare(a.location.file, b.location.file) ||
    a.location.line - b.location.line ||
    a.location.column - b.location.column ||
    compare(a.code, b.code)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
