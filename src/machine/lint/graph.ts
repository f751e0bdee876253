import type { Report } from './report.ts';
import { errorTargets, isUnconditional, type MachineView, type StateView } from './view.ts';

/** Rules `no-states`, `two-initials`, `unknown-target`, `unreachable-state`, `no-final`. */
export function checkGraph(report: Report, machine: MachineView): void {
  const path = [...machine.path, 'states'];
  if (machine.states.size === 0) {
    if (machine.data.states !== undefined)
      report.add('no-states', path, 'the machine has no states', { part: 'key' });
    return;
  }
  checkInitials(report, machine);
  const targets = checkTargets(report, machine);
  if (!hasFinal(machine)) {
    report.add('no-final', path, 'the machine has no final state', { part: 'key' });
    return;
  }
  // Classes may route by onTransition and onError to any state, and a name that says nothing may have meant any.
  if (targets === null || machine.hooks.some((hook) => hook.name === null)) return;
  const reached = reach(machine, targets);
  if (![...reached].some((state) => state.final)) {
    report.add('no-final', path, 'no final state can be reached', { part: 'key' });
    return;
  }
  for (const state of machine.states.values()) {
    if (!reached.has(state)) {
      report.add('unreachable-state', state.path, `nothing leads to the state "${state.name}"`, {
        part: 'key',
      });
    }
  }
}

function hasFinal(machine: MachineView): boolean {
  return [...machine.states.values()].some((state) => state.final);
}

function checkInitials(report: Report, machine: MachineView): void {
  const [first, ...others] = machine.initials;
  for (const other of others) {
    const message = `"${other.name}" is a second initial state, beside "${first?.name}"`;
    report.add('two-initials', [...other.path, 'type'], message);
  }
}

/**
 * Where each state leads. A target that was mistyped counts as what was meant, so that one mistake gives one finding; null when
 * what was meant cannot be told.
 */
function checkTargets(report: Report, machine: MachineView): Map<StateView, StateView[]> | null {
  const result = new Map<StateView, StateView[]>();
  let lost = false;
  for (const state of machine.states.values()) {
    const live: StateView[] = [];
    result.set(state, live);
    const follow = (to: string, taken: boolean, at: readonly (string | number)[], what: string): void => {
      const target = machine.states.get(to);
      if (target) {
        if (taken) live.push(target);
        return;
      }
      const meant = report.suggest(to, machine.states.keys());
      const remedy = meant === null ? undefined : `did you mean "${meant}"?`;
      report.add(
        'unknown-target',
        at,
        `${what} of state "${state.name}" leads to "${to}", which is no state`,
        { remedy },
      );
      if (meant === null) lost = true;
      else live.push(machine.states.get(meant) as StateView);
    };
    let ended = false;
    for (const transition of state.transitions) {
      const taken = !ended && transition.condition !== false;
      if (transition.to !== null) follow(transition.to, taken, [...transition.path, 'to'], 'a transition');
      ended ||= isUnconditional(transition);
    }
    for (const target of errorTargets(state)) follow(target.to, true, target.path, '`on_error`');
  }
  return lost ? null : result;
}

function reach(machine: MachineView, targets: ReadonlyMap<StateView, readonly StateView[]>): Set<StateView> {
  const reached = new Set<StateView>(machine.initials);
  for (const state of reached) {
    if (state.final) continue;
    for (const target of targets.get(state) ?? []) reached.add(target);
  }
  return reached;
}
