import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { commandFactory } from '../../src/execution/agents/command.ts';
import type { AgentCall, AgentEnvironment } from '../../src/execution/agents/interfaces.ts';
import type { JsonObject } from '../../src/types.ts';
import { describeWith } from '../helpers/components.ts';
import { runnersUnderTest } from '../helpers/runners.ts';
import { type SlotBench, slotBench } from '../rollout/slot-bench.ts';

const environment: AgentEnvironment = { cwd: '/', env: {} };
const location = { file: 'm.yml', line: 7, column: 3 };

const agentOf = (config: JsonObject) =>
  commandFactory(
    { name: 'cli', type: 'command', config, file: null, dir: '/', profiles: null, location },
    environment,
  );

const local = runnersUnderTest.filter(({ name }) => name === 'local');

for (const runner of local) {
  describeWith(runner.name, 'a command agent', runner.found, () => {
    let slot: SlotBench;
    let streamed: string;
    let n = 10;
    beforeAll(async () => {
      slot = await slotBench(runner);
    });
    afterAll(() => slot.close());
    beforeEach(() => {
      streamed = '';
      n++;
    });

    const callOf = (bench: Pick<SlotBench, 'call' | 'sandbox'>, call = 'call.0'): AgentCall => ({
      ...bench.call(`bench.${n}`),
      call,
      ordinal: 0,
      index: 0,
      sessionId: null,
      sandbox: () => bench.sandbox(`bench.${n}`),
      stream: (text) => {
        streamed += text;
      },
    });
    const run = async (config: JsonObject, input: JsonObject = {}, context: JsonObject = {}) =>
      (await agentOf(config)).execute(input, context, callOf(slot));

    it('runs in the slot with what its templates say, streams, and gives its output as text', async () => {
      const config = {
        cmd: 'echo "{{ input.flag }} $TASK"; cat',
        env: { TASK: '{{ context.task }}', N: 'input.n' },
        stdin: 'input.data',
      };
      const input = { flag: '-v', data: { a: [1] }, n: 5 };
      const result = await run(config, input, { task: "it's; rm -rf /" });
      expect(result).toEqual({
        content: `-v it's; rm -rf /\n{"a":[1]}`,
        finish_reason: 'stop',
        metadata: { returncode: 0 },
      });
      expect(streamed).toBe(result.content);
    });

    it('gives JSON from all of its output, from the last line, or from a file', async () => {
      expect(await run({ cmd: `printf '{\\n"a": 1}'`, output: 'json' })).toMatchObject({ output: { a: 1 } });
      n++;
      expect(await run({ cmd: `echo thinking; echo '[1]'`, output: 'json' })).toMatchObject({
        output: { value: [1] },
      });
      n++;
      const file = { cmd: `mkdir -p out; echo '{"b": 2}' > out/r.json`, output: { file: 'out/r.json' } };
      expect(await run(file)).toMatchObject({ output: { b: 2 } });
      n++;
      expect(await run({ cmd: 'echo done > note', output: { file: 'note' } })).toMatchObject({
        content: 'done\n',
      });
      n++;
      for (const config of [
        { cmd: 'echo no', output: 'json' },
        { cmd: 'true', output: { file: 'absent.json' } },
      ]) {
        n++;
        await expect(run(config)).rejects.toMatchObject({ code: 'invalid-output' });
      }
    });

    it('fails with what it wrote, unless any exit code will do', async () => {
      await expect(run({ cmd: 'echo why >&2; exit 9' })).rejects.toMatchObject({
        code: 'agent',
        message: 'agent "cli" failed: exit code 9',
        details: { returncode: 9, output: 'why\n', status: null, retryable: true },
      });
      n++;
      expect(await run({ cmd: 'echo fine; exit 9', allow_nonzero: true })).toMatchObject({
        content: 'fine\n',
        metadata: { returncode: 9 },
      });
    });

    it('is ended at its timeout', async () => {
      await expect(run({ cmd: 'echo part; sleep 60', timeout: 0.3 })).rejects.toMatchObject({
        code: 'agent-timeout',
        details: { output: 'part\n', outcome: 'timeout' },
      });
    });

    it('is joined by a resume, and runs again for a retry', async () => {
      const agent = await agentOf({ cmd: 'echo ran >> runs; sleep 0.4; cat runs' });
      const first = agent.execute({}, {}, callOf(slot));
      while (
        !slot.events.some((event) => event.type === 'command_start' && event.exec_id === `bench.${n}.call.0`)
      )
        await new Promise((resolve) => setTimeout(resolve, 10));
      const second = agent.execute({}, {}, callOf(slot));
      expect(await second).toMatchObject({ content: 'ran\n' });
      expect(await first).toMatchObject({ content: 'ran\n' });
      expect(await agent.execute({}, {}, callOf(slot, 'call.1'))).toMatchObject({ content: 'ran\nran\n' });
    });

    it('says what is wrong with its config, and where', async () => {
      const problems: [JsonObject, string][] = [
        [{}, '"cmd" must be a text'],
        [{ cmd: 'x', comand: 'y' }, 'no field "comand"'],
        [{ cmd: 'x', timeout: 0 }, '"timeout"'],
        [{ cmd: 'x', output: 'yaml' }, '"output"'],
        [{ cmd: 'x', env: { A: 1 } }, '"env.A"'],
      ];
      for (const [config, message] of problems) {
        const failed = { code: 'invalid-machine', message: expect.stringContaining(message), location };
        await expect((async () => agentOf(config))()).rejects.toMatchObject(failed);
      }
    });
  });
}
