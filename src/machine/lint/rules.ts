import type { Severity } from '../interfaces.ts';

/** One row of the table of lint rules. */
export interface Rule {
  readonly code: string;
  readonly severity: Severity;
  /** What it finds, for the reference. */
  readonly summary: string;
  /** What to do, where the finding itself knows nothing better. */
  readonly remedy: string;
}

/** Every rule, in the order of the reference. Each has a broken machine under `test/fixtures/broken/`. */
export const RULES = [
  // The file
  rule(
    'yaml-syntax',
    'error',
    'The file is not valid YAML, or not valid JSON if its name ends in .json.',
    'Mend the syntax.',
  ),
  rule('duplicate-key', 'error', 'A map has one key twice.', 'Remove or rename one of the two.'),
  rule(
    'too-large',
    'error',
    'The file is too large, too deep, or grows too much through aliases.',
    'Split the machine into child machines.',
  ),
  rule('not-json', 'error', 'A value or key that JSON cannot hold.', 'Write it as text in quotes.'),
  rule(
    'yaml-11-trap',
    'warning',
    'A plain value that YAML 1.1 tools read differently.',
    'Put it in quotes, or write what you mean.',
  ),
  // The envelope and the schema
  rule(
    'not-a-machine',
    'error',
    'The file is not a machine.',
    'Begin it with `spec: flatmachine` and put the machine under `data`.',
  ),
  rule(
    'unknown-spec-version',
    'error',
    'A version of the language that is not known.',
    'Use a version from "0.1.0" to "4.x", in quotes.',
  ),
  rule(
    'missing-spec-version',
    'warning',
    'The file does not say which version of the language it is written in.',
    'Add `spec_version: "1.0.0"`.',
  ),
  rule(
    'unknown-field',
    'error',
    'A field that the language does not have.',
    'Remove it; free data goes under `metadata`.',
  ),
  rule('missing-field', 'error', 'A field that must be there is not.', 'Add it.'),
  rule(
    'wrong-type',
    'error',
    'A value of the wrong type.',
    'Write the value in the form that the message names.',
  ),
  rule(
    'bad-value',
    'error',
    'A value of the right type that is not allowed.',
    'Use one of the values that the message names.',
  ),
  // The graph
  rule('no-states', 'error', 'A machine without states.', 'Add at least one state of `type: final`.'),
  rule(
    'two-initials',
    'error',
    'More than one state of `type: initial`.',
    'Keep `type: initial` on the state where the run begins.',
  ),
  rule(
    'unknown-target',
    'error',
    'A transition or `on_error` leads to a state that does not exist.',
    'Name a state of this machine.',
  ),
  rule(
    'unreachable-state',
    'warning',
    'No path leads from the initial state to this one.',
    'Add a transition to it, or remove it.',
  ),
  rule(
    'no-final',
    'error',
    'The run can never end: no final state can be reached.',
    'Add a state of `type: final` and a transition to it.',
  ),
  rule(
    'no-transition',
    'error',
    'A state that is not final and that no transition can leave.',
    'Add a transition, or `type: final`.',
  ),
  rule(
    'dead-transition',
    'warning',
    'A transition that is never taken.',
    'Remove it, or move it before the one that is always taken.',
  ),
  rule(
    'final-with-transitions',
    'warning',
    'A final state has transitions, which are never taken.',
    'Remove the transitions, or `type: final`.',
  ),
  // Names
  rule(
    'unknown-agent',
    'error',
    'A state calls an agent that is not under `agents`.',
    'Add it under `data.agents`.',
  ),
  rule(
    'unknown-machine',
    'error',
    'A state runs a machine that is not under `machines`.',
    'Add it under `data.machines`.',
  ),
  rule(
    'missing-file',
    'error',
    'A file that is named does not exist.',
    'Check the path: it is relative to this file.',
  ),
  rule(
    'wrong-kind',
    'error',
    'A file that is named as an agent, a prompt or profiles is something else.',
    'Name a file of that kind, or begin it with the `spec` that the message names.',
  ),
  rule(
    'unknown-agent-type',
    'error',
    'An agent of a type that nobody has registered.',
    'Use flatagent, command, http or script, or register the adapter.',
  ),
  rule(
    'unknown-profile',
    'error',
    'An agent, or `default` or `override`, names a model profile that does not exist.',
    'Add it under `model_profiles`.',
  ),
  rule(
    'missing-profiles',
    'warning',
    'An agent names a model profile, but the machine has no profiles.',
    'Name the file of the profiles under `data.settings.profiles`.',
  ),
  rule(
    'unknown-hook',
    'error',
    'A hook of a name that nobody has registered.',
    'Use a registered hook, or {file, class} for your own.',
  ),
  rule(
    'bad-hook',
    'error',
    'A hook that does not say what to load.',
    'Write a name, {name, args}, or {file or module, class, args}.',
  ),
  rule(
    'hook-file-missing',
    'error',
    'The file of a hook class does not exist.',
    'Check the path: it is relative to this file.',
  ),
  rule(
    'unknown-action',
    'error',
    'No hook of the machine handles the action.',
    'Use an action of the hooks, or add the hook that has it.',
  ),
  rule(
    'action-without-hooks',
    'error',
    'A state has an action, but there are no hooks to handle it.',
    'Name the hooks that provide it under `data.hooks`.',
  ),
  // Fields that belong together
  rule(
    'foreach-without-machine',
    'error',
    '`foreach` without the `machine` to run for each item.',
    'Add `machine`.',
  ),
  rule(
    'foreach-several-machines',
    'error',
    '`foreach` with more than one machine: it runs one per item.',
    'Name one machine; put the others into a child that runs them all.',
  ),
  rule(
    'duplicate-child',
    'error',
    'A list runs the same machine twice: its results are kept by name.',
    'Use `foreach` over the inputs, or give the machine a second name under `machines`.',
  ),
  rule(
    'too-deep',
    'warning',
    'Child machines run each other without any condition, for ever or deeper than `settings.max_depth`.',
    'Put a condition before the state that runs the child, or raise `settings.max_depth`.',
  ),
  rule(
    'stray-field',
    'warning',
    'A field that does nothing without another one.',
    'Add the field it belongs to, or remove it.',
  ),
  rule(
    'execution-option',
    'warning',
    'An option that the execution type does not have.',
    'Remove it, or change `type`.',
  ),
  rule(
    'unknown-execution-type',
    'error',
    'An execution type that nobody has registered.',
    'Use default, retry, parallel or mdap_voting, or register the type.',
  ),
  rule(
    'tool-loop-execution',
    'error',
    'A tool loop under an execution type that takes several samples: their tools would change the same things.',
    'Use `default` or `retry`, or put the loop into a child machine and run several of those.',
  ),
  rule(
    'sampling-hint',
    'warning',
    '`sampling` says otherwise than `execution`, which alone decides.',
    'Change `execution`, or remove `sampling`.',
  ),
  rule(
    'bad-timeout',
    'error',
    'A timeout that is not above zero.',
    'Give it in seconds, above 0; leave it out for none.',
  ),
  // Templates, expressions, context
  rule('bad-template', 'error', 'A template that cannot be compiled.', 'Mend the template.'),
  rule('bad-expression', 'error', 'A condition that cannot be compiled.', 'Mend the expression.'),
  rule(
    'bare-path-literal',
    'warning',
    'A text that is read as a path, but looks like a file name.',
    'For the text itself write "{{ \'…\' }}".',
  ),
  rule(
    'unknown-name',
    'warning',
    'A template reads a name that nothing has where it is rendered.',
    'Use `context`, `input` and `output`; the item of a foreach is seen in `input` and `key` alone.',
  ),
  rule(
    'reserved-name',
    'error',
    'The item of a foreach is called like something else that templates see.',
    'Choose another name.',
  ),
  rule(
    'no-output',
    'warning',
    '`output` is read in a state whose work has none.',
    'Read it in the state that does the work; a launched machine has no output here.',
  ),
  rule(
    'reserved-context-key',
    'error',
    'The context key `machine` belongs to the engine.',
    'Choose another key.',
  ),
  rule(
    'unwritten-context-key',
    'warning',
    'A context key is read that nothing writes.',
    'Declare it under `data.context`, or write it in `output_to_context`.',
  ),
] as const satisfies readonly Rule[];

/** The code of a rule. */
export type RuleCode = (typeof RULES)[number]['code'];

function rule<Code extends string>(
  code: Code,
  severity: Severity,
  summary: string,
  remedy: string,
): Rule & { code: Code } {
  return { code, severity, summary, remedy };
}
