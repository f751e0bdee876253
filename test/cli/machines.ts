/** Machines for the tests of the command line, and the class their actions come from. */

/** Greets `input.name`. */
export const HELLO = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: hello
  states:
    start:
      transitions:
        - to: done
    done:
      type: final
      output:
        message: "hello {{ input.name or 'world' }}"
`;

/**
 * Goes through `work` `input.times` times. What each visit does is the `input.action` of the class below; `input.ms` is handed to it.
 */
export const WORKER = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: worker
  context:
    times: input.times
    left: input.times
  hooks:
    file: ./hooks.mjs
    class: Hooks
    args: { log: visits.txt }
  states:
    work:
      type: initial
      action: "work"
      input:
        kind: input.action
        ms: input.ms
      output_to_context:
        left: "{{ context.left - 1 }}"
      transitions:
        - condition: context.left > 0
          to: work
        - to: done
    done:
      type: final
      output:
        visited: context.times
`;

/** Each visit is a line in `visits.txt` of the working directory. */
export const HOOKS = `import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export class Hooks {
  constructor(args) {
    this.log = args.log;
  }
  async onAction(_action, _context, call) {
    const { kind, ms } = call.input;
    appendFileSync(this.log, call.workId + '\\n');
    if (kind === 'print') {
      console.log('printed by a hook');
      call.emit({ type: 'log', level: 'info', message: 'logged \\u001b[31mby\\u001b[0m a hook' });
      call.emit({ type: 'command_start', exec_id: 'c1', command: 'make test', joined: false });
      call.emit({ type: 'command_output', exec_id: 'c1', stream: 'stdout', text: 'one\\ntwo \\u001b]0;title\\u0007\\u009b2Jend\\n' });
      call.emit({ type: 'command_end', exec_id: 'c1', outcome: 'ok', returncode: 0, duration_ms: 12, output: 'one\\ntwo \\u001b[2Jend\\n', truncated: false });
    }
    if (kind === 'fail') throw new TypeError('it broke', { cause: new Error('the deeper reason') });
    if (kind === 'crash') setTimeout(() => { throw new RangeError('out of the blue'); }, 0);
    if (kind === 'hang') await sleep(60_000);
    // Does not listen to its signal: the next safe point is its end.
    if (ms) await sleep(ms);
    return { output: null };
  }
  onExecutionEnd(id, status) {
    appendFileSync('ends.txt', id + ' ' + status + '\\n');
  }
}
`;

/** The files of a directory in which all of them can run. */
export const FILES = { 'hello.yml': HELLO, 'worker.yml': WORKER, 'hooks.mjs': HOOKS };
