/** Hooks of hooks.yml. Every method is optional; what one returns replaces what it was given, and nothing changes nothing. */
export class Till {
  actions = ['charge']; // for the linter, and so that other hooks are asked for other actions

  constructor({ limit }) {
    this.limit = limit;
  }

  onAction(_action, _context, call) {
    const { amount } = call.input;
    if (amount <= 0) throw new RangeError(`cannot charge ${amount}`);
    // The same when a crash makes the step run again: hand it to whatever must not happen twice.
    return { output: { receipt: call.workId, amount } };
  }

  onStateExit(_state, _context, output) {
    this.amount = output?.amount;
  }

  onTransition(_from, to) {
    if (to === 'paid' && this.amount > this.limit) return 'ask';
  }

  onError(_state, error) {
    if (error instanceof RangeError) return 'refused';
  }
}
