import assert from 'node:assert/strict';
import { beating, refused } from './bench.ts';
import type { RunnerCase } from './place.ts';

/** Who may use a slot, and how it is made ready for the next one. */
export const slotCases: readonly RunnerCase[] = [
  {
    name: 'opening a slot again keeps what is in it',
    async run(bench) {
      const slot = await bench.slot();
      await slot.upload({ kept: 'yes' });
      assert.equal(await slot.environment.openSlot(slot.id, slot.token), slot.workspace);
      assert.equal(await slot.environment.openSlot(slot.id, slot.token + 1), slot.workspace);
      assert.equal(await slot.with({ token: slot.token + 1 }).sh('cat kept'), 'yes');
    },
  },
  {
    name: 'a slot that was not opened cannot be used',
    async run(bench) {
      const slot = await bench.slot();
      await refused(slot.environment.exec({ slotId: 'never-opened', token: 1, execId: 'x', cmd: 'true' }));
      await refused(slot.environment.upload('never-opened', 1, [{ path: 'x', content: Buffer.from('x') }]));
    },
  },
  {
    name: 'an older token is refused everywhere, from every process',
    async run(bench) {
      const old = await bench.slot();
      const { environment, id } = old;
      await old.exec({ execId: 'mine', cmd: 'echo mine' });
      await environment.openSlot(id, 12);
      const young = old.with({ token: 12 });
      await young.upload({ file: 'f' });
      for (const stale of [old, old.with({ environment: await bench.again(environment), token: 11 })]) {
        await refused(stale.exec('touch trace'), 'lease-lost');
        await refused(stale.exec({ execId: 'mine', cmd: 'touch trace' }), 'lease-lost');
        await refused(stale.exec({ cmd: 'touch trace', stdin: Buffer.from('x') }), 'lease-lost');
        await refused(stale.upload({ trace: 't' }), 'lease-lost');
        await refused(stale.download('file'), 'lease-lost');
        await refused(stale.cancel('mine'), 'lease-lost');
        await refused(stale.stopProcesses(), 'lease-lost');
        await refused(stale.environment.openSlot(id, stale.token), 'lease-lost');
        await refused(stale.environment.resetSlot(id, stale.token), 'lease-lost');
      }
      assert.equal(await young.sh('ls'), 'file\n');
    },
  },
  {
    name: 'an older token cannot freeze',
    needs: ({ freeze }) => freeze.includes('workspace'),
    async run(bench) {
      const { environment, id } = await bench.slot();
      await environment.openSlot(id, 2);
      await refused(environment.freeze(id, 1, 'stale', 'workspace'), 'lease-lost');
    },
  },
  {
    name: 'a younger holder takes over the running command, which the older one can no longer end',
    async run(bench) {
      const old = await bench.slot();
      const cmd = 'echo run >>log; sleep 1; echo out';
      const { execId, result } = await old.start({ cmd }, 'log');
      await old.environment.openSlot(old.id, 2);
      const young = old.with({ environment: await bench.again(old.environment), token: 2 });
      await refused(old.cancel(execId), 'lease-lost');
      assert.equal((await young.exec({ execId, cmd })).stdout, 'out\n');
      assert.equal(await young.sh('cat log'), 'run\n');
      // The older one was only listening: it may hear the end or be told that it is out.
      await result.catch((error: unknown) => refused(Promise.reject(error), 'lease-lost'));
    },
  },
  {
    name: 'of two who open a slot at once, the younger token wins',
    async run(bench) {
      const slot = await bench.slot();
      const other = await bench.again(slot.environment);
      for (let token = 10; token < 30; token += 2) {
        await Promise.allSettled([
          slot.environment.openSlot(slot.id, token),
          other.openSlot(slot.id, token + 1),
        ]);
        await refused(slot.with({ token }).exec('true'), 'lease-lost');
        assert.equal(await slot.with({ token: token + 1 }).sh('echo in'), 'in\n');
      }
    },
  },
  {
    name: 'slots of one name in two environments are strangers',
    async run(bench) {
      const mine = await bench.slot(await bench.box());
      const { id } = mine;
      const box = await bench.box();
      const other = mine.with({ environment: box, workspace: await box.openSlot(id, 1) });
      const { result } = await other.start(
        { execId: 'same', cmd: `(${beating('beat')}) & ${beating('front')}` },
        'front',
      );
      assert.equal(
        (await mine.exec({ execId: 'same', cmd: beating('front'), timeout: 0.3 })).outcome,
        'timeout',
      );
      await mine.stopProcesses();
      await mine.environment.resetSlot(id, 1);
      assert.deepEqual(await other.beating('beat', 'front'), ['beat', 'front']);
      await mine.environment.destroy();
      assert.deepEqual(await other.beating('beat'), ['beat'], 'after the first environment is gone');
      await other.stopProcesses();
      await result;
    },
  },
  {
    name: 'a reset empties workspace and journal, and ends what runs',
    async run(bench) {
      const slot = await bench.slot();
      const neighbour = await bench.slot();
      await neighbour.upload({ file: 'stays' });
      await slot.exec({ execId: 'known', cmd: 'echo first' });
      await slot.upload({ '.hidden': 'h', '..odd': 'o', 'a b/c\nd': 'e', '-rf': 'f' });
      await slot.sh(`mkdir -p locked/in; touch locked/in/f; chmod 000 locked/in locked; ln -s / root; mkfifo pipe
        (cd locked 2>/dev/null; cd ..; ${beating('beat')}) >/dev/null 2>&1 &`);
      const { result } = await slot.start({ cmd: 'touch going; sleep 60' }, 'going');
      await slot.environment.resetSlot(slot.id, slot.token);
      await result.catch(() => {
        // Its journal is gone: whether the waiting one still hears of its end is not promised.
      });
      const next = slot.with({ token: slot.token + 1 });
      assert.equal(await slot.environment.openSlot(slot.id, next.token), slot.workspace);
      assert.equal(await next.sh('ls -A'), '');
      const again = await next.exec({ execId: 'known', cmd: 'echo second' });
      assert.deepEqual([again.stdout, again.replayed], ['second\n', false]);
      assert.equal(await next.sh('sleep 0.3; ls -A'), '', 'the daemon is gone');
      assert.equal(await next.stopProcesses(), 0);
      assert.equal(await neighbour.sh('cat file'), 'stays');
      await refused(slot.exec('true'), 'lease-lost');
    },
  },
  {
    name: 'a reset does not follow links',
    async run(bench) {
      const slot = await bench.slot();
      const neighbour = await bench.slot();
      await neighbour.upload({ 'd/file': 'stays' });
      await slot.sh(`ln -s ${neighbour.workspace}/d link; ln -s ${neighbour.workspace} whole`);
      await slot.environment.resetSlot(slot.id, slot.token);
      assert.equal(await neighbour.sh('cat d/file'), 'stays');
    },
  },
  {
    name: 'a frozen workspace is kept under its name',
    needs: ({ freeze }) => freeze.includes('workspace'),
    async run(bench) {
      const slot = await bench.slot();
      const { environment, id, token } = slot;
      await slot.upload({ 'd/kept ü': 'first', '.hidden': 'h', empty: '' });
      const name = `frozen-${bench.freshId()}`;
      const snapshot = await environment.freeze(id, token, name, 'workspace');
      assert.deepEqual([snapshot.level, snapshot.runner], ['workspace', bench.place.runner.name]);
      await slot.sh('rm -r d; touch later');
      assert.deepEqual(await environment.freeze(id, token, name, 'workspace'), snapshot);
      assert.deepEqual((await bench.place.filesIn(snapshot)).toSorted(), ['.hidden', 'd/kept ü', 'empty']);
    },
  },
  {
    name: 'a snapshot is removed, once and again, and what is none is left alone',
    needs: ({ freeze }) => freeze.length > 0,
    async run(bench) {
      const { runner } = bench.place;
      for (const level of runner.capabilities.freeze) {
        const { environment, id, token } = await bench.slot();
        const name = `removed-${bench.freshId()}`;
        const snapshot = await environment.freeze(id, token, name, level);
        await runner.removeSnapshot(snapshot);
        await runner.removeSnapshot(snapshot);
        assert.deepEqual(await environment.freeze(id, token, name, level), snapshot);
        await runner.removeSnapshot(snapshot);
        await refused(runner.removeSnapshot({ ...snapshot, reference: '/etc/hostname' }), 'unsafe-path');
      }
    },
  },
  {
    name: 'a freeze that the runner cannot do is refused',
    needs: ({ freeze }) => !freeze.includes('memory'),
    async run(bench) {
      const { environment, id, token } = await bench.slot();
      await refused(environment.freeze(id, token, 'memory', 'memory'), 'capability');
    },
  },
];
