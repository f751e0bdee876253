// A process that holds an environment, as an orchestrator does: one JSON request per line in, one answer per line out.
import { createInterface } from 'node:readline';
import { FlatMachineError } from '../../src/errors.ts';
import type { EnvironmentSpec } from '../../src/runners/interfaces.ts';
import { openRunner } from '../../src/runners/registry.ts';

/** A call of a method of the environment. */
export interface WorkerRequest {
  id: number;
  method: 'openSlot' | 'exec' | 'upload' | 'stopProcesses' | 'destroy';
  args: unknown[];
}

/** What the process says: that it is ready, or what a call came to. */
export type WorkerReply = { ready: true } | { id: number; value: unknown } | { id: number; code: string };

const [name = '', stateDir = '', spec = ''] = process.argv.slice(2);

function say(message: WorkerReply): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

const environment = await (await openRunner(name, { stateDir })).create(JSON.parse(spec) as EnvironmentSpec);
createInterface({ input: process.stdin }).on('line', (line) => {
  const request = JSON.parse(line) as WorkerRequest;
  const work = environment[request.method] as (...args: unknown[]) => Promise<unknown>;
  work.apply(environment, request.args).then(
    (value) => say({ id: request.id, value }),
    (error: unknown) =>
      say({ id: request.id, code: error instanceof FlatMachineError ? error.code : String(error) }),
  );
});
say({ ready: true });
