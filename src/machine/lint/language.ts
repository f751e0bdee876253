import { isFlatMachineError } from '../../errors.ts';
import { compileCondition } from '../expressions/condition.ts';
import { references } from '../expressions/references.ts';
import { compileTemplate } from '../expressions/template.ts';
import type { HookKnowledge } from './hooks.ts';
import type { Report } from './report.ts';
import { findSites, type Site } from './sites.ts';
import { entries, type HookView, type MachineView } from './view.ts';

/** Context keys that the engine writes. */
const ENGINE_KEYS = ['machine', 'last_error', 'last_error_type', 'last_error_code', 'last_error_state'];

/** Endings by which a bare path such as `output.txt` is more likely a file's name than a field. */
const FILE_ENDINGS =
  /^(?:context|input|output)\.(txt|md|json|jsonl|csv|tsv|ya?ml|toml|ini|cfg|py|js|ts|sh|png|jpe?g|gif|svg|pdf|zip|tar|t?gz|xlsx|docx|ipynb)$/;

/**
 * Rules `bad-template`, `bad-expression`, `bare-path-literal`, `reserved-context-key`, `unwritten-context-key`, `unknown-name`, `no-output`:
 * everything that is rendered or evaluated is compiled once here.
 */
export function checkLanguage(report: Report, machine: MachineView, knowledge: HookKnowledge): void {
  const written = writtenKeys(report, machine, knowledge);
  for (const site of findSites(machine)) {
    if (!compiles(report, machine, site)) continue;
    if (!checkLiteral(report, site, written)) checkReads(report, machine, site, written);
  }
}

function compiles(report: Report, machine: MachineView, site: Site): boolean {
  const at = report.loaded.locate(site.path, 'text');
  try {
    if (site.kind === 'template') compileTemplate(site.source, machine.mode, at, site.names);
    else compileCondition(machine.engine, site.source, at);
    return true;
  } catch (error) {
    if (!isFlatMachineError(error)) throw error;
    const code = site.kind === 'template' ? 'bad-template' : 'bad-expression';
    report.addAt(code, error.location ?? at, error.message, error.remedy);
    return false;
  }
}

function checkLiteral(report: Report, site: Site, written: Written): boolean {
  const ending = site.kind === 'template' ? FILE_ENDINGS.exec(site.source.trim()) : null;
  if (!ending || (site.source.trim().startsWith('context.') && written.keys.has(ending[1] as string)))
    return false;
  const message = `\`${site.source}\` is read as a path to a value, but looks like a file's name`;
  report.add('bare-path-literal', site.path, message, {
    remedy: `For the text itself write "{{ '${site.source.trim()}' }}".`,
  });
  return true;
}

/** The context keys somebody writes; `complete` when nobody else can write any. */
interface Written {
  readonly keys: ReadonlySet<string>;
  readonly complete: boolean;
}

function writtenKeys(report: Report, machine: MachineView, knowledge: HookKnowledge): Written {
  const keys = new Set(ENGINE_KEYS);
  const write = (map: Parameters<typeof entries>[0], path: readonly (string | number)[]): void => {
    for (const [key] of entries(map)) {
      if (key === 'machine') {
        report.add(
          'reserved-context-key',
          [...path, key],
          'the context key `machine` belongs to the engine',
          { part: 'key' },
        );
      }
      keys.add(key);
    }
  };
  write(machine.data.context, [...machine.path, 'context']);
  let complete = knowledge.callerHooks !== true && machine.hooks.every((hook) => knownHook(hook, knowledge));
  for (const state of machine.states.values()) {
    write(state.fields.output_to_context, [...state.path, 'output_to_context']);
    const { action, tool_loop: loop } = state.fields;
    // An action, and a tool, may return a whole new context, with keys that the file does not show.
    if (action !== undefined || (loop !== undefined && loop !== false)) complete = false;
  }
  return { keys, complete };
}

/** Whether the hook is known to leave the context to its actions; one that is not may write any key. */
function knownHook({ name }: HookView, { knownHooks }: HookKnowledge): boolean {
  return name !== null && (knownHooks === undefined || Array.isArray(knownHooks.get(name)));
}

/** Parts of a state that have an output. */
const WITH_OUTPUT = ['action', 'wait_for', 'machine', 'agent'];

/** Fields that are rendered once the state's work is done. */
const AFTER_WORK = ['output_to_context', 'output'];

function checkReads(report: Report, machine: MachineView, site: Site, written: Written): void {
  const kind = site.kind === 'template' ? 'template' : machine.engine;
  const seen = new Set<string>();
  for (const [root, key] of references(site.source, kind).paths) {
    const name = root === 'context' ? `context.${key}` : root;
    if (name === undefined || seen.has(name)) continue;
    seen.add(name);
    if (root === 'context') checkKey(report, site, key, written);
    else if (root === 'output') checkOutput(report, site);
    else if (root !== 'input' && kind === 'template' && !site.names.includes(name)) {
      const message = `nothing is called "${name}" here`;
      const remedy = report.meant(name, ['context', 'input', 'output', ...site.names]);
      report.add('unknown-name', site.path, message, { remedy });
    }
  }
}

function checkKey(report: Report, { state, path }: Site, key: string | undefined, written: Written): void {
  if (state === null || key === undefined || !written.complete || written.keys.has(key)) return;
  const remedy = report.meant(key, written.keys);
  report.add('unwritten-context-key', path, `nothing writes the context key "${key}"`, { remedy });
}

function checkOutput(report: Report, { state, field, path }: Site): void {
  if (state === null || !AFTER_WORK.includes(field)) return;
  if (WITH_OUTPUT.some((part) => state.fields[part] !== undefined)) return;
  report.add('no-output', path, `state "${state.name}" does nothing that has an \`output\``);
}
