/** Notes in the context where it was called. For state-hooks.yml. */
export class Counter {
  constructor({ name }) {
    this.name = name;
  }

  onMachineStart(context) {
    return { ...context, entered: [`machine (${this.name})`] };
  }

  onStateEnter(state, context) {
    return { ...context, entered: [...context.entered, `${state} (${this.name})`] };
  }

  onMachineEnd(_context, output) {
    return { ...output, ended_by: this.name };
  }
}
