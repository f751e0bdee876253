import type { Command } from 'commander';
import type { ExitCode } from './exit-codes.ts';

/** Does the work: gets the arguments and then the options, as commander hands them over. */
export type CommandAction = (...args: never[]) => Promise<ExitCode>;

/** Declares a command's arguments and options, and returns what it does. */
export type CommandSetup = (command: Command) => CommandAction;

/** One row of the table of commands. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Imported only when the command is asked for. */
  readonly load: () => Promise<{ setup: CommandSetup }>;
}

/** Every command. Adding one = one file in `commands/` and one row here. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'run', summary: 'run a machine', load: () => import('./commands/run.ts') },
  {
    name: 'resume',
    summary: 'go on with an execution from its last commit',
    load: () => import('./commands/resume.ts'),
  },
  { name: 'lint', summary: 'check machine files', load: () => import('./commands/lint.ts') },
  { name: 'graph', summary: 'draw a machine', load: () => import('./commands/graph.ts') },
  { name: 'ls', summary: 'list executions', load: () => import('./commands/ls.ts') },
  { name: 'show', summary: 'show where an execution stands', load: () => import('./commands/show.ts') },
  { name: 'history', summary: 'list the steps of an execution', load: () => import('./commands/history.ts') },
  {
    name: 'logs',
    summary: 'show what an execution ran and logged',
    load: () => import('./commands/logs.ts'),
  },
  {
    name: 'cancel',
    summary: 'end an execution and give back what it owns',
    load: () => import('./commands/cancel.ts'),
  },
  {
    name: 'signal',
    summary: 'send a signal to whoever waits for it',
    load: () => import('./commands/signal.ts'),
  },
  {
    name: 'work',
    summary: 'push items into pools, list them, try them again',
    load: () => import('./commands/work.ts'),
  },
  {
    name: 'worker',
    summary: 'work on the items of a pool; resume executions when what they wait for has come',
    load: () => import('./commands/worker.ts'),
  },
  {
    name: 'export',
    summary: 'write an execution out of a store',
    load: () => import('./commands/export.ts'),
  },
  {
    name: 'import',
    summary: 'put an exported execution into a store',
    load: () => import('./commands/import.ts'),
  },
  { name: 'gc', summary: 'delete old executions that have ended', load: () => import('./commands/gc.ts') },
  { name: 'init', summary: 'write a first machine to start from', load: () => import('./commands/init.ts') },
  { name: 'schema', summary: 'print a JSON Schema', load: () => import('./commands/schema.ts') },
  { name: 'doctor', summary: 'say what this machine can do', load: () => import('./commands/doctor.ts') },
];
