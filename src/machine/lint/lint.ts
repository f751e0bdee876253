import { isJsonObject } from '../../json.ts';
import type { Diagnostic } from '../interfaces.ts';
import type { LoadedMachine } from '../load.ts';
import { type AgentKnowledge, checkAgents } from './agents.ts';
import { checkChildren } from './children.ts';
import { byPosition } from './diagnostic.ts';
import { checkEnvelope } from './envelope.ts';
import { checkExecution, type ExecutionKnowledge } from './execution.ts';
import { checkFields } from './fields.ts';
import { checkGraph } from './graph.ts';
import { checkHooks, type HookKnowledge } from './hooks.ts';
import { checkLanguage } from './language.ts';
import { checkNames } from './names.ts';
import { Report } from './report.ts';
import { checkSchema } from './schema.ts';
import { checkTransitions } from './transitions.ts';
import { checkNameTraps, checkValueTraps } from './traps.ts';
import { type MachineView, viewMachines } from './view.ts';

/** What the linter may know beside the file. */
export type LintOptions = HookKnowledge & AgentKnowledge & ExecutionKnowledge;

const CHECKS: readonly ((report: Report, machine: MachineView, options: LintOptions) => void)[] = [
  checkGraph,
  checkTransitions,
  checkNames,
  checkHooks,
  checkAgents,
  checkExecution,
  checkChildren,
  checkFields,
  checkLanguage,
  checkNameTraps,
];

/**
 * Everything that can be known to be wrong with a machine before it runs, inline child machines included: all findings at once, by
 * position. Never throws for what a file may hold. Of the disk it asks only whether the files of hooks exist; the files of children and
 * agents are `lintTree`'s.
 */
export function lintMachine(loaded: LoadedMachine, options: LintOptions = {}): Diagnostic[] {
  const report = new Report(loaded);
  if (loaded.readable && checkEnvelope(report)) {
    checkSchema(report, 'flatmachine');
    checkValueTraps(report);
    const machines = isJsonObject(loaded.config) ? viewMachines(loaded.config) : [];
    for (const machine of machines) for (const check of CHECKS) check(report, machine, options);
  }
  return [...loaded.diagnostics, ...report.found].sort(byPosition);
}
