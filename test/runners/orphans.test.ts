import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RunnerBench } from '../../src/conformance/index.ts';
import type { SlotUnderTest } from '../../src/conformance/runners/bench.ts';
import { describeWith } from '../helpers/components.ts';
import { runnersUnderTest } from '../helpers/runners.ts';
import { openPlace, type TestPlace } from './places.ts';
import { startWorker, useWorkers, type Worker } from './spawn-worker.ts';

for (const under of runnersUnderTest) {
  describeWith(under.name, `${under.name} without its orchestrator`, under.found, () => {
    let place: TestPlace;
    let bench: RunnerBench;
    let slot: SlotUnderTest;
    useWorkers();
    beforeAll(async () => {
      place = await openPlace(under);
      bench = new RunnerBench(place);
    });
    afterAll(async () => {
      await bench.close();
      expect(await place.dispose(), 'nothing is left').toEqual([]);
    });

    /** Another process that holds a new slot of the shared environment. */
    async function orchestrator(crashAt?: string): Promise<Worker> {
      slot = await bench.slot();
      return startWorker(under.name, place.stateDir, place.spec(slot.environment.id), crashAt);
    }

    const request = (execId: string, cmd: string, timeout?: number) => ({
      slotId: slot.id,
      token: slot.token,
      execId,
      cmd,
      ...(timeout === undefined ? {} : { timeout }),
    });

    /** Starts a command there, and returns once it has made the file `ready`. */
    async function underway(
      worker: Worker,
      command: ReturnType<typeof request>,
      ready: string,
    ): Promise<void> {
      const ended = worker.exec(command).then((result) => {
        throw new Error(`it has ended already: ${JSON.stringify(result)}`);
      });
      await Promise.race([ended, slot.sh(`until [ -e ${ready} ]; do sleep 0.02; done`)]);
    }

    it('a command whose orchestrator is killed ends by itself, and its result is collected', async () => {
      const worker = await orchestrator();
      // More output than a pipe holds, written while nobody is there to read it.
      const cmd =
        'echo run >>log; sleep 1; head -c 300000 /dev/zero | tr "\\0" a; echo end >&2; touch ended; exit 6';
      await underway(worker, request('c', cmd), 'log');
      await worker.kill();
      expect(await slot.sh('ls')).toBe('log\n');
      await slot.sh('until [ -e ended ]; do sleep 0.02; done; sleep 0.3');
      const next = await startWorker(under.name, place.stateDir, place.spec(slot.environment.id));
      const result = await next.exec(request('c', cmd));
      expect(result).toMatchObject({ returncode: 6, stderr: 'end\n', replayed: true, truncated: false });
      expect(result.stdout === 'a'.repeat(300_000)).toBe(true);
      expect(await slot.sh('cat log')).toBe('run\n');
    });

    it('a command whose orchestrator is killed is joined by the next', async () => {
      const worker = await orchestrator();
      const cmd = 'echo run >>log; echo early; sleep 2; echo late';
      await underway(worker, request('c', cmd), 'log');
      await worker.kill();
      const next = await startWorker(under.name, place.stateDir, place.spec(slot.environment.id));
      await next.call('openSlot', slot.id, 2);
      expect(await next.exec({ ...request('c', cmd), token: 2 })).toMatchObject({
        stdout: 'early\nlate\n',
        outcome: 'ok',
      });
      expect(await slot.with({ token: 2 }).sh('cat log')).toBe('run\n');
    });

    it('a timeout holds while no orchestrator lives', async () => {
      const worker = await orchestrator();
      const cmd = `echo partial; trap '' TERM; setsid sh -c 'while :; do echo x >>far; sleep 0.05; done' & while :; do echo x >>beat; sleep 0.05; done`;
      await underway(worker, request('c', cmd, 1.5), 'far');
      await worker.kill();
      await sleep(5000);
      // Dead before anybody asks for it.
      expect(await slot.beating('beat', 'far')).toEqual([]);
      const result = await slot.exec({ execId: 'c', cmd, timeout: 1.5 });
      expect(result).toMatchObject({
        outcome: 'timeout',
        timed_out: true,
        stdout: 'partial\n',
        replayed: true,
      });
      expect(result.duration_ms).toBeLessThan(5000);
    });

    for (const point of ['command.before-send', 'command.sent', 'command.finished']) {
      it(`a kill at ${point} neither loses the command nor runs it twice`, async () => {
        const worker = await orchestrator(point);
        const cmd = 'echo run >>log; sleep 0.3; echo out';
        worker.exec(request('c', cmd)).catch(() => {});
        expect(await worker.died).toBe('SIGKILL');
        expect(await slot.exec({ execId: 'c', cmd })).toMatchObject({ stdout: 'out\n', outcome: 'ok' });
        expect(await slot.sh('cat log')).toBe('run\n');
      });
    }

    it('killed at any moment, ten commands ran once each', async () => {
      const worker = await orchestrator();
      const commands = Array.from({ length: 10 }, (_, n) =>
        request(`c${n}`, `echo ${n} >>log; sleep 0.1; echo out ${n}`),
      );
      for (const command of commands) worker.exec(command).catch(() => {});
      await sleep(Math.random() * 60);
      await worker.kill();
      const results = await Promise.all(commands.map((command) => slot.environment.exec(command)));
      expect(results.map(({ stdout }) => stdout)).toEqual(commands.map((_, n) => `out ${n}\n`));
      expect(await slot.sh('sort log')).toBe(commands.map((_, n) => `${n}\n`).join(''));
    });

    it('a holder that was stopped and wakes after its slot was taken over can do nothing', async () => {
      const worker = await orchestrator();
      await worker.exec(request('first', 'touch first'));
      worker.signal('SIGSTOP');
      await slot.environment.openSlot(slot.id, 2);
      const late = [
        worker.exec(request('late', 'touch late')),
        worker.call('stopProcesses', slot.id, slot.token),
      ];
      const young = slot.with({ token: 2 });
      const { result } = await young.start({ cmd: 'touch going; sleep 1; echo out' }, 'going');
      worker.signal('SIGCONT');
      for (const work of late) await expect(work).rejects.toThrow('lease-lost');
      expect((await result).stdout).toBe('out\n');
      expect(await young.sh('ls')).toBe('first\ngoing\n');
    });

    it('an orchestrator killed while it creates leaves what the next one adopts', async () => {
      const spec = place.spec(bench.freshId());
      const first = await startWorker(under.name, place.stateDir, spec);
      await first.kill();
      const next = await startWorker(under.name, place.stateDir, spec);
      await next.call('openSlot', 's', 1);
      await next.call('destroy');
      expect(await place.runner.attach(spec.id)).toBe(null);
    });
  });
}
