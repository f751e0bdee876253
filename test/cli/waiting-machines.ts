/** Machines that wait, for the tests of signals on the command line. */

/** Waits on `input.channel` for what its action then writes into `got.txt`. */
const WAITER = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: waiter
  hooks: { file: ./note.mjs, class: Note }
  context: { got: null }
  states:
    wait:
      type: initial
      wait_for: input.channel
      output_to_context: { got: output }
      transitions: [{ to: note }]
    note:
      action: note
      input: { text: "{{ input.channel }} {{ context.got | tojson }}" }
      transitions: [{ to: done }]
    done:
      type: final
      output: { got: context.got }
`;

const NOTE = `import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export class Note {
  async onAction(_action, _context, { input }) {
    if (input.ms) await sleep(input.ms);
    appendFileSync('got.txt', input.text + '\\n');
    return { output: null };
  }
  onExecutionEnd(id, status) {
    appendFileSync('ends.txt', id + ' ' + status + '\\n');
  }
}
`;

/** After its signal, something that takes a while. */
const SLOW = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: slow
  hooks: { file: ./note.mjs, class: Note }
  states:
    wait: { type: initial, wait_for: slow, transitions: [{ to: work }] }
    work: { action: note, input: { text: slow, ms: 500 }, transitions: [{ to: done }] }
    done: { type: final }
`;

/** Goes on by itself after 0.4 s. */
const LATE = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: late
  states:
    wait:
      type: initial
      wait_for: never
      timeout: 0.4
      on_error: { TimeoutError: gave_up }
      transitions: [{ to: gave_up }]
    gave_up: { type: final, output: { late: true } }
`;

/** Its children wait, each on a channel of its own; one of them stands in this file. */
const PARENT = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: parent
  machines:
    waiter: ./waiter.yml
    inner:
      spec: flatmachine
      spec_version: "1.0.0"
      data:
        name: inner
        context: { all: null }
        states:
          all:
            type: initial
            foreach: input.channels
            as: channel
            machine: leaf
            input: { channel: channel }
            output_to_context: { all: output }
            transitions: [{ to: done }]
          done: { type: final, output: context.all }
        machines:
          leaf:
            spec: flatmachine
            spec_version: "1.0.0"
            data:
              name: leaf
              states:
                wait: { type: initial, wait_for: input.channel, output_to_context: { got: output.value }, transitions: [{ to: done }] }
                done: { type: final, output: { got: context.got } }
  context: { all: null }
  states:
    both:
      type: initial
      machine:
        - { name: waiter, input: { channel: outer } }
        - { name: inner, input: { channels: [one, two] } }
      output_to_context: { all: output }
      transitions: [{ to: done }]
    done:
      type: final
      output: context.all
`;

/** Starts a child that takes `input.ms`, and ends without it. */
const LAUNCHER = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: launcher
  machines:
    slow:
      spec: flatmachine
      spec_version: "1.0.0"
      data:
        name: slow
        hooks: { file: ./note.mjs, class: Note }
        context: { left: 3 }
        states:
          work:
            type: initial
            action: note
            input: { text: slow, ms: input.ms }
            output_to_context: { left: "{{ context.left - 1 }}" }
            transitions: [{ condition: context.left > 0, to: work }, { to: done }]
          done: { type: final, output: { done: true } }
  states:
    start:
      type: initial
      launch: slow
      launch_input: { ms: input.ms }
      transitions: [{ to: done }]
    done: { type: final, output: { launched: true } }
`;

/** The files of a directory in which all of them can run. */
export const FILES = {
  'waiter.yml': WAITER,
  'broken.yml': WAITER,
  'slow.yml': SLOW,
  'late.yml': LATE,
  'parent.yml': PARENT,
  'launcher.yml': LAUNCHER,
  'note.mjs': NOTE,
};
