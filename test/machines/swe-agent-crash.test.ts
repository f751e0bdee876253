import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageRoot } from '../../src/package-root.ts';
import type { JsonObject } from '../../src/types.ts';
import { build, type CliOptions } from '../helpers/cli.ts';
import { describeWith } from '../helpers/components.ts';
import { type ModelAnswer, type ModelServer, startModelServer } from '../helpers/model-server.ts';
import { RolloutPlace, resultOf } from '../helpers/rollout-place.ts';
import { runnersUnderTest } from '../helpers/runners.ts';

const machine = join(packageRoot(), 'machines', 'swe-agent.yml');

const bash = (command: string) => ({ name: 'bash', arguments: { command } });

/** Each command leaves a line, and the edit would not be the same when made twice. */
const ANSWERS: ModelAnswer[] = [
  {
    text: 'Begin.',
    tool_calls: [
      bash('echo one >> log'),
      { name: 'edit_file', arguments: { path: 'file', old_string: 'x', new_string: 'xx' } },
    ],
  },
  { text: 'On.', tool_calls: [bash('echo two >> log; sleep 0.4; echo three >> log')] },
  { text: 'Done.' },
];

const TASK = {
  description: 'Do as you are told.',
  workspace: { file: 'x\n' },
  verify: { cmd: 'test "$(cat log | tr "\\n" " ")$(cat file)" = "one two three xx"' },
};

for (const runner of runnersUnderTest.filter(({ name }) => name !== 'docker')) {
  describeWith(runner.name, `kill -9 of a model at work on ${runner.name}`, runner.found, () => {
    const places: RolloutPlace[] = [];
    const models: ModelServer[] = [];
    beforeAll(build);
    afterAll(async () => {
      for (const model of models) await model.close();
      for (const place of places) place.dispose();
    });

    async function begin(env: CliOptions['env'] = {}, answers = ANSWERS) {
      const place = new RolloutPlace(runner, { machine });
      places.push(place);
      const model = await startModelServer({ answers, by: 'turn' });
      models.push(model);
      const input = { model: 'm', base_url: model.url, task: place.task('t', TASK) };
      const running = await place.start('r', input, { env: { OPENAI_API_KEY: 'none', ...env } });
      return { place, model, running };
    }

    /** Resumes it and looks at what everybody saw. @param requests that the model is to have had in all */
    async function resume({ place, model }: Awaited<ReturnType<typeof begin>>, requests: number) {
      const resumed = await (await place.command(['resume', 'r'], { OPENAI_API_KEY: 'none' })).ended;
      expect(resultOf(resumed) as JsonObject).toMatchObject({
        reward: 1,
        outcome: 'ok',
        answer: 'Done.',
        turns: 3,
        tool_calls: 3,
        stop: 'answer',
      });
      const asked = model.requests;
      expect(asked).toHaveLength(requests);
      const last = asked.at(-1)!.body.messages!;
      expect(last.map(({ role }) => role)).toEqual([
        'system',
        'user',
        'assistant',
        'tool',
        'tool',
        'assistant',
        'tool',
      ]);
      expect(await place.leftovers()).toEqual([]);
    }

    it.concurrent('left alone, it asks once per turn', { timeout: 30_000 }, async () => {
      const begun = await begin();
      expect(resultOf(await begun.running.ended)).toMatchObject({ reward: 1 });
      await resume(begun, 3);
    });

    it.concurrent('in the middle of a turn: what was answered is not asked again', {
      timeout: 30_000,
    }, async () => {
      const slow = ANSWERS.map((answer, n) => (n === 1 ? { ...answer, delay: 600 } : answer));
      const begun = await begin({}, slow);
      while (begun.model.requests.length < 2) await delay(20);
      begun.running.child.kill('SIGKILL');
      expect(await begun.running.ended).toMatchObject({ signal: 'SIGKILL' });
      await resume(begun, 4);
    });

    it.concurrent('in the middle of a command: it is joined', { timeout: 30_000 }, async () => {
      const begun = await begin();
      await begun.running.saw(/\$ echo two/);
      begun.running.child.kill('SIGKILL');
      expect(await begun.running.ended).toMatchObject({ signal: 'SIGKILL' });
      await resume(begun, 3);
    });

    const points =
      runner.name === 'local'
        ? ['call.before#2', 'call.made#2', 'call.journaled#2'].concat([
            'tool.before#2',
            'tool.ran#1',
            'tool.ran#2',
            'tool.ran#3',
            'tool.journaled#2',
          ])
        : ['tool.ran#2'];
    for (const point of points) {
      it.concurrent(`at ${point}: every command and edit is made once`, { timeout: 30_000 }, async () => {
        const begun = await begin({ FLATMACHINE_CRASH_AT: point });
        expect(await begun.running.ended).toMatchObject({ signal: 'SIGKILL' });
        // An answer that was not journaled yet is the one thing that is asked for again.
        await resume(begun, point.startsWith('call.made') ? 4 : 3);
      });
    }
  });
}
