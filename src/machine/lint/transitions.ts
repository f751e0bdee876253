import type { Report } from './report.ts';
import { isUnconditional, type MachineView, type StateView } from './view.ts';

/** Rules `no-transition`, `dead-transition`, `final-with-transitions`. */
export function checkTransitions(report: Report, machine: MachineView): void {
  for (const state of machine.states.values()) {
    if (state.final) checkFinal(report, state);
    else checkLeaving(report, state);
  }
}

function checkFinal(report: Report, state: StateView): void {
  if (state.transitions.length === 0) return;
  const message = `the final state "${state.name}" has transitions, which are never taken`;
  report.add('final-with-transitions', [...state.path, 'transitions'], message, { part: 'key' });
}

function checkLeaving(report: Report, state: StateView): void {
  if (!Array.isArray(state.fields.transitions ?? [])) return;
  if (state.transitions.every((transition) => transition.condition === false)) {
    report.add('no-transition', state.path, `no transition leaves the state "${state.name}"`, {
      part: 'key',
    });
    return;
  }
  let always = 0;
  state.transitions.forEach((transition, i) => {
    const place = `transition ${i + 1} of state "${state.name}" is never taken`;
    if (always > 0)
      report.add('dead-transition', transition.path, `${place}: transition ${always} always is`);
    else if (transition.condition === false) {
      report.add('dead-transition', [...transition.path, 'condition'], `${place}: its condition is false`);
    }
    if (always === 0 && isUnconditional(transition)) always = i + 1;
  });
}
