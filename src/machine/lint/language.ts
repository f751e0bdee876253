import { isFlatMachineError } from '../../errors.ts';
import { compileCondition } from '../expressions/condition.ts';
import { references } from '../expressions/references.ts';
import { compileTemplate } from '../expressions/template.ts';
import type { Report } from './report.ts';
import { findSites, type Site } from './sites.ts';
import { entries, type MachineView } from './view.ts';

/** Context keys that the engine writes. */
const ENGINE_KEYS = ['machine', 'last_error', 'last_error_type', 'last_error_code', 'last_error_state'];

/** Endings by which a bare path such as `output.txt` is more likely a file's name than a field. */
const FILE_ENDINGS =
  /^(?:context|input|output)\.(txt|md|json|jsonl|csv|tsv|ya?ml|toml|ini|cfg|py|js|ts|sh|png|jpe?g|gif|svg|pdf|zip|tar|t?gz|xlsx|docx|ipynb)$/;

/**
 * Rules `bad-template`, `bad-expression`, `bare-path-literal`, `reserved-context-key`, `unwritten-context-key`: everything that is
 * rendered or evaluated is compiled once here.
 */
export function checkLanguage(report: Report, machine: MachineView): void {
  const written = writtenKeys(report, machine);
  for (const site of findSites(machine)) {
    if (!compiles(report, machine, site)) continue;
    checkLiteral(report, site, written);
    if (written.complete && !site.initial) checkReads(report, machine, site, written.keys);
  }
}

function compiles(report: Report, machine: MachineView, site: Site): boolean {
  const at = report.loaded.locate(site.path, 'text');
  try {
    if (site.kind === 'template') compileTemplate(site.source, machine.mode, at);
    else compileCondition(machine.engine, site.source, at);
    return true;
  } catch (error) {
    if (!isFlatMachineError(error)) throw error;
    const code = site.kind === 'template' ? 'bad-template' : 'bad-expression';
    report.addAt(code, error.location ?? at, error.message, error.remedy);
    return false;
  }
}

function checkLiteral(report: Report, site: Site, written: Written): void {
  const ending = site.kind === 'template' ? FILE_ENDINGS.exec(site.source.trim()) : null;
  if (!ending || (site.source.trim().startsWith('context.') && written.keys.has(ending[1] as string))) return;
  const message = `\`${site.source}\` is read as a path to a value, but looks like a file's name`;
  report.add('bare-path-literal', site.path, message, {
    remedy: `For the text itself write "{{ '${site.source.trim()}' }}".`,
  });
}

/** The context keys somebody writes; `complete` when nobody else can write any. */
interface Written {
  readonly keys: ReadonlySet<string>;
  readonly complete: boolean;
}

function writtenKeys(report: Report, machine: MachineView): Written {
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
  let complete = !machine.hooks.some((hook) => hook.name === null);
  for (const state of machine.states.values()) {
    write(state.fields.output_to_context, [...state.path, 'output_to_context']);
    // An action may return a whole new context, with keys that the file does not show.
    if (state.fields.action !== undefined) complete = false;
  }
  return { keys, complete };
}

function checkReads(report: Report, machine: MachineView, site: Site, written: ReadonlySet<string>): void {
  const kind = site.kind === 'template' ? 'template' : machine.engine;
  const seen = new Set<string>();
  for (const [root, key] of references(site.source, kind).paths) {
    if (root !== 'context' || key === undefined || written.has(key) || seen.has(key)) continue;
    seen.add(key);
    const remedy = report.meant(key, written);
    report.add('unwritten-context-key', site.path, `nothing writes the context key "${key}"`, { remedy });
  }
}
