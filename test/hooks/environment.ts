import type { EventDraft } from '../../src/events.ts';
import type { HookEnvironment } from '../../src/execution/interfaces.ts';
import { systemClock } from '../../src/types.ts';
import { memory } from '../helpers/machine.ts';

/** What a hook's factory is given outside of a run, and what it emits. */
export async function hookEnvironment(
  over: Partial<HookEnvironment> = {},
): Promise<{ environment: HookEnvironment; emitted: EventDraft[] }> {
  const emitted: EventDraft[] = [];
  const environment: HookEnvironment = {
    machineDir: '/',
    cwd: '/',
    stateDir: '/nowhere',
    executionId: 'e-1',
    machineName: 'test',
    backends: await memory(),
    clock: systemClock,
    options: {},
    emit: (event) => emitted.push(event),
    ...over,
  };
  return { environment, emitted };
}
