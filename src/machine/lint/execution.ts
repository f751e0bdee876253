import { isJsonObject } from '../../json.ts';
import type { JsonObject } from '../../types.ts';
import type { Report } from './report.ts';
import type { MachineView, StateView } from './view.ts';

/** What the caller knows of execution types. */
export interface ExecutionKnowledge {
  /** The registered execution types; the built-in ones may be left out. Absent = their names are not checked. */
  readonly knownExecutionTypes?: Iterable<string>;
}

/** The built-in execution types, with the options of each. */
const BUILT_IN: Readonly<Record<string, readonly string[]>> = {
  default: [],
  retry: ['backoffs', 'jitter', 'retry_on_empty'],
  parallel: ['n_samples'],
  mdap_voting: ['k_margin', 'max_candidates', 'max_response_tokens'],
};

/** Those that ask the agent several times for one answer. */
const SAMPLING: readonly string[] = ['parallel', 'mdap_voting'];

/** Rules `unknown-execution-type`, `execution-option`, `tool-loop-execution`, `sampling-hint`. */
export function checkExecution(
  report: Report,
  machine: MachineView,
  { knownExecutionTypes }: ExecutionKnowledge,
): void {
  const known =
    knownExecutionTypes === undefined ? null : new Set([...Object.keys(BUILT_IN), ...knownExecutionTypes]);
  for (const state of machine.states.values()) {
    const execution = isJsonObject(state.fields.execution) ? state.fields.execution : {};
    const type = execution.type ?? 'default';
    if (typeof type !== 'string') continue;
    if (known !== null && !known.has(type)) {
      const remedy = report.meant(type, known) ?? `The types are ${[...known].join(', ')}.`;
      report.add(
        'unknown-execution-type',
        [...state.path, 'execution', 'type'],
        `there is no execution type "${type}"`,
        {
          remedy,
        },
      );
    }
    if (!Object.hasOwn(BUILT_IN, type)) continue;
    checkOptions(report, state, execution, type);
    checkCompany(report, state, type);
  }
}

function checkOptions(report: Report, state: StateView, execution: JsonObject, type: string): void {
  const own = ['type', ...(BUILT_IN[type] ?? [])];
  for (const option of Object.keys(execution)) {
    if (own.includes(option)) continue;
    const path = [...state.path, 'execution', option];
    const home = Object.keys(BUILT_IN).find((name) => BUILT_IN[name]?.includes(option));
    if (home !== undefined) {
      const message = `the execution type "${type}" has no option "${option}"; "${home}" has`;
      report.add('execution-option', path, message, { part: 'key' });
    } else {
      const remedy = report.meant(option, own);
      report.add('unknown-field', path, `"execution" of state "${state.name}" has no field "${option}"`, {
        part: 'key',
        remedy,
      });
    }
  }
}

/** What stands beside `execution` must go with it. */
function checkCompany(report: Report, state: StateView, type: string): void {
  const { agent, tool_loop: loop, sampling } = state.fields;
  if (agent === undefined) return;
  const several = SAMPLING.includes(type);
  if (several && loop !== undefined && loop !== false) {
    const message = `state "${state.name}" has a tool loop, which the execution type "${type}" cannot run several of`;
    report.add('tool-loop-execution', [...state.path, 'tool_loop'], message, { part: 'key' });
  }
  if ((sampling === 'single' && several) || (sampling === 'multi' && !several)) {
    const message = `\`sampling: ${sampling}\` of state "${state.name}" changes nothing: the execution type is "${type}"`;
    report.add('sampling-hint', [...state.path, 'sampling'], message);
  }
}
