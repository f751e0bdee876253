import assert from 'node:assert/strict';
import { refused } from './bench.ts';
import type { RunnerCase } from './place.ts';

/** What a caller is told when the box is gone, milliseconds at most. */
const PROMPT = 10_000;

/** How boxes come, are found again, and go. */
export const environmentCases: readonly RunnerCase[] = [
  {
    name: 'the runner says that it can be used here',
    async run({ place: { runner } }) {
      const probe = await runner.probe();
      assert.equal(probe.available, true, `${probe.detail} ${probe.remedy}`);
      assert.ok(probe.detail.length > 0);
    },
  },
  {
    name: 'creating it twice adopts what is there',
    async run(bench) {
      const { runner } = bench.place;
      const slot = await bench.slot(await bench.box());
      await slot.upload({ file: 'kept' });
      const spec = bench.place.spec(slot.environment.id);
      for (const other of [runner, await bench.place.reopen()]) {
        const twin = bench.keep(await other.create(spec));
        assert.equal(twin.address, slot.environment.address);
        assert.equal(await slot.with({ environment: twin }).sh('cat file'), 'kept');
      }
      const listed = await runner.list({ flatmachine: '1' });
      assert.equal(listed.filter(({ id }) => id === spec.id).length, 1);
    },
  },
  {
    name: 'created by two at once, it is one',
    async run(bench) {
      const spec = bench.place.spec(bench.freshId());
      const other = await bench.place.reopen();
      const twins = await Promise.all([bench.place.runner.create(spec), other.create(spec)]);
      for (const twin of twins) bench.keep(twin);
      const [first, second] = twins;
      const slot = await bench.slot(first);
      await slot.upload({ file: 'common' });
      assert.equal(await slot.with({ environment: second }).sh('cat file'), 'common');
    },
  },
  {
    name: 'what is unknown is not found, and nothing is started for it',
    async run({ place: { runner }, freshId }) {
      const id = freshId();
      assert.equal(await runner.attach(id), null);
      await runner.destroy(id);
      assert.deepEqual(
        (await runner.list({ flatmachine: '1' })).filter((found) => found.id === id),
        [],
      );
    },
  },
  {
    name: 'it is found by its labels',
    async run(bench) {
      const spec = bench.place.spec(bench.freshId());
      spec.labels = { ...spec.labels, odd: 'a b=ü"$(x)\'', mark: spec.id };
      bench.keep(await bench.place.runner.create(spec));
      const other = await bench.place.reopen();
      const listed = await other.list({ flatmachine: '1', mark: spec.id });
      assert.deepEqual(listed, [{ id: spec.id, labels: spec.labels, running: true }]);
      assert.deepEqual(await other.list({ mark: 'nobody' }), []);
      assert.deepEqual(await other.list({ mark: spec.id, flatmachine: '2' }), []);
      assert.ok((await other.list({})).some(({ id }) => id === spec.id));
    },
  },
  {
    name: 'it tells what it is',
    async run(bench) {
      const environment = await bench.environment();
      assert.equal(environment.runner, bench.place.runner.name);
      const facts = await environment.describe();
      assert.deepEqual(JSON.parse(JSON.stringify(facts)), facts);
      assert.ok(Object.keys(facts).length > 0);
    },
  },
  {
    name: 'destroyed, it is gone, with what ran in it; destroying it again is fine',
    async run(bench) {
      const { runner } = bench.place;
      const slot = await bench.slot(await bench.box());
      const { environment } = slot;
      const { result } = await slot.start({ cmd: 'touch going; sleep 60' }, 'going');
      const other = await bench.again(environment);
      await environment.destroy();
      assert.equal((await result).outcome, 'sandbox_lost');
      await environment.destroy();
      await other.destroy();
      await runner.destroy(environment.id);
      assert.equal(await runner.attach(environment.id), null);
      assert.deepEqual(
        (await runner.list({})).filter(({ id }) => id === environment.id),
        [],
      );
      assert.deepEqual((await slot.exec('true')).outcome, 'sandbox_lost');
      for (const box of [environment, other]) {
        await refused(box.openSlot('s', 1), 'sandbox-lost');
        await refused(box.upload(slot.id, 1, [{ path: 'x', content: Buffer.from('x') }]), 'sandbox-lost');
        await refused(box.download(slot.id, 1, 'x'), 'sandbox-lost');
        await refused(box.stopProcesses(slot.id, 1), 'sandbox-lost');
        await refused(box.resetSlot(slot.id, 1), 'sandbox-lost');
      }
    },
  },
  {
    name: 'destroyed by its id, running or not known to this process',
    async run(bench) {
      const environment = await bench.box();
      await (await bench.place.reopen()).destroy(environment.id);
      assert.equal(await bench.place.runner.attach(environment.id), null);
    },
  },
  {
    name: 'after it was destroyed, the id makes a new one',
    async run(bench) {
      const first = await bench.slot(await bench.box());
      await first.upload({ file: 'old' });
      await first.environment.destroy();
      const second = await bench.slot(await bench.box(first.environment.id));
      assert.equal(await second.sh('ls -A; ls .. | wc -l'), '1\n');
    },
  },
  {
    name: 'closing it ends nothing',
    async run(bench) {
      const slot = await bench.slot(await bench.box());
      const { execId } = await slot.start({ cmd: 'echo run >>log; sleep 0.5; echo out' }, 'log');
      await slot.environment.close();
      await slot.environment.close();
      const again = slot.with({ environment: await bench.again(slot.environment) });
      assert.equal((await again.exec({ execId, cmd: 'false' })).stdout, 'out\n');
    },
  },
  {
    name: 'a box that is taken away in mid-command is the infrastructure’s fault, at once',
    async run(bench) {
      const slot = await bench.slot(await bench.box());
      const { environment } = slot;
      const { result } = await slot.start({ cmd: 'echo partial; touch going; sleep 60' }, 'going');
      const killed = performance.now();
      await bench.place.killBox(environment);
      const { outcome, blame, trainable, returncode, timed_out } = await result;
      const took = performance.now() - killed;
      assert.deepEqual(
        { outcome, blame, trainable, returncode, timed_out },
        { outcome: 'sandbox_lost', blame: 'infra', trainable: false, returncode: null, timed_out: false },
      );
      assert.ok(took < PROMPT, `it took ${Math.round(took)} ms`);
      assert.equal((await slot.exec('true')).outcome, 'sandbox_lost');
      await refused(environment.openSlot('s', 1), 'sandbox-lost');
      assert.equal(await (await bench.place.reopen()).attach(environment.id), null);
      const listed = (await bench.place.runner.list({ flatmachine: '1' })).find(
        ({ id }) => id === environment.id,
      );
      assert.notEqual(listed?.running, true);
      await bench.place.runner.destroy(environment.id);
      assert.ok((await bench.place.runner.list({})).every(({ id }) => id !== environment.id));
    },
  },
  {
    name: 'ids that are no ids are refused',
    async run(bench) {
      for (const id of ['', '..', '../x', 'a/b', 'A', 'a b', 'a\nb', 'x'.repeat(64)]) {
        await refused(bench.place.runner.create({ ...bench.place.spec('x'), id }));
      }
    },
  },
  {
    name: 'an image that is not there is `create_failed`, and nothing is left behind',
    needs: ({ images }) => images,
    async run(bench) {
      const spec = { ...bench.place.spec(bench.freshId()), image: 'flatmachine-test-missing:local' };
      await refused(bench.place.runner.create(spec), 'create-failed');
      assert.ok((await bench.place.runner.list({})).every(({ id }) => id !== spec.id));
    },
  },
];
