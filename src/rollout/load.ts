import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { FlatMachineError } from '../errors.ts';
import type { ActionCall } from '../execution/interfaces.ts';
import { RUNNER_NAMES } from '../runners/registry.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import { assertCapable, chooseRunner } from './choose-runner.ts';
import type { RolloutSession } from './session.ts';
import { loadTask } from './task.ts';

/**
 * Reads and checks the task, the recording of the agent if one is named, and the runner before anything is created, and settles once which runner
 * and image the rollout uses: a resume goes on with the same.
 */
export async function load(session: RolloutSession, call: ActionCall): Promise<JsonObject> {
  const { settings, environment } = session;
  const path = taskPath(session, call.input.task);
  const task = await loadTask(path);
  const agent = text(call.input.agent, 'agent') ?? settings.agent;
  const turns = agent === null ? null : await task.recording(agent);
  await Promise.all([task.workspace(), task.tests()]);
  const image = text(call.input.image, 'image') ?? task.image ?? settings.image;
  const wanted = environment.options.runner ?? settings.runner;
  const runner =
    wanted === 'auto'
      ? await chooseRunner((name) => session.runner(name), RUNNER_NAMES, image)
      : await session.runner(wanted);
  assertCapable(runner, session.spec(image));
  if (runner.capabilities.isolation === 'none') {
    const message = `runner ${runner.name}: commands run without isolation, as this user`;
    call.emit({ type: 'log', level: 'warn', message });
  }
  return {
    path,
    name: task.name,
    description: task.description,
    agent,
    turns: turns?.length ?? 0,
    max_turns: Math.min(task.maxTurns, turns?.length ?? Number.POSITIVE_INFINITY),
    image,
    runner: runner.name,
    isolation: runner.capabilities.isolation,
    started_at: environment.clock.now(),
    secret: randomBytes(16).toString('hex'),
  };
}

function taskPath({ settings, environment }: RolloutSession, given: JsonValue | undefined): string {
  const named = text(given, 'task');
  if (named !== null) return resolve(environment.cwd, named);
  if (settings.task !== null) return resolve(environment.machineDir, settings.task);
  throw new FlatMachineError('usage', 'no task was named, and the machine has no default');
}

/** An optional text of the run's input. */
function text(value: JsonValue | undefined, name: string): string | null {
  if (value === undefined || value === null || value === '') return null;
  if (typeof value === 'string') return value;
  throw new FlatMachineError('usage', `"${name}" must be a text, not ${JSON.stringify(value).slice(0, 80)}`);
}
