import { isJsonObject } from '../../json.ts';
import type { Diagnostic } from '../interfaces.ts';
import type { LoadedMachine } from '../load.ts';
import { diagnostic } from './diagnostic.ts';
import { type ChildName, childNames } from './names.ts';
import { isUnconditional, type MachineView, viewMachines } from './view.ts';

/** `settings.max_depth` of a machine that does not say. */
export const DEFAULT_MAX_DEPTH = 10;

/** A machine with its children by name; it may be its own descendant. */
interface Tree {
  readonly loaded: LoadedMachine;
  readonly machines: ReadonlyMap<string, Tree>;
}

/** A machine on the way down, and where the one above it names it. */
interface Step {
  readonly tree: Tree;
  readonly name: string;
}

/** Rule `too-deep`: children that are sure to run deeper than `settings.max_depth` of the root, or for ever. */
export function checkDepth(root: Tree): Diagnostic[] {
  const bound = maxDepth(root);
  const found: Diagnostic[] = [];
  const done = new Set<Tree>();
  const down = (way: readonly Step[]): void => {
    const { tree } = way.at(-1) as Step;
    if (done.has(tree)) return;
    for (const { name, path } of surelyRun(tree)) {
      const child = tree.machines.get(name);
      if (child === undefined) continue;
      const above = way.findIndex((step) => step.tree === child);
      const names = [...way.slice(Math.max(above, 0)).map((step) => step.name), name].join(' → ');
      const report = (message: string) =>
        found.push(diagnostic('too-deep', message, tree.loaded.locate(path)));
      if (above >= 0) report(`machines run each other without any condition: ${names}`);
      else if (way.length === bound + 1) report(`children nest deeper than max_depth ${bound}: ${names}`);
      else down([...way, { tree: child, name }]);
    }
    done.add(tree);
  };
  down([{ tree: root, name: root.loaded.defaultName }]);
  return found;
}

function maxDepth({ loaded: { config } }: Tree): number {
  const data = isJsonObject(config) ? config.data : undefined;
  const settings = isJsonObject(data) ? data.settings : undefined;
  const bound = isJsonObject(settings) ? settings.max_depth : undefined;
  return typeof bound === 'number' ? bound : DEFAULT_MAX_DEPTH;
}

/** The children that every run of the machine starts: those of the states up to the first branch, wait or hook that may route. */
function surelyRun({ loaded: { config } }: Tree): ChildName[] {
  const view = isJsonObject(config) ? viewMachines(config)[0] : undefined;
  if (view === undefined || view.hooks.some((hook) => hook.name === null)) return [];
  const found: ChildName[] = [];
  for (const state of straightWay(view)) {
    if (state.fields.foreach === undefined) found.push(...childNames(state));
  }
  return found;
}

function straightWay(view: MachineView): MachineView['initials'] {
  const states = new Set(view.initials.slice(0, 1));
  for (const state of states) {
    const [first] = state.transitions;
    if (state.fields.wait_for !== undefined) {
      states.delete(state);
      break;
    }
    if (state.final || first?.to == null || !isUnconditional(first)) break;
    const next = view.states.get(first.to);
    if (next !== undefined) states.add(next);
  }
  return [...states];
}
