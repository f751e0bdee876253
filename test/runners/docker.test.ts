import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunnerBench } from '../../src/conformance/index.ts';
import type { SlotUnderTest } from '../../src/conformance/runners/bench.ts';
import { openChannel } from '../../src/runners/docker/channel.ts';
import { DockerClient } from '../../src/runners/docker/client.ts';
import { containerName, containerOptions } from '../../src/runners/docker/container.ts';
import { Frames } from '../../src/runners/docker/frames.ts';
import type { EnvironmentSpec } from '../../src/runners/interfaces.ts';
import { openRunner } from '../../src/runners/registry.ts';
import { temporaryDirectory } from '../helpers/cli.ts';
import { describeWith } from '../helpers/components.ts';
import { dockerApi, dockerSocket } from '../helpers/docker.ts';
import { runnersUnderTest } from '../helpers/runners.ts';
import { openPlace, type TestPlace } from './places.ts';

describe('frames of the daemon', () => {
  const frame = (kind: number, text: string) => {
    const header = Buffer.alloc(8);
    header[0] = kind;
    header.writeUInt32BE(Buffer.byteLength(text), 4);
    return Buffer.concat([header, Buffer.from(text)]);
  };
  const sent = Buffer.concat([frame(1, 'out one '), frame(2, 'err'), frame(1, ''), frame(1, 'out two')]);

  it.each([1, 2, 3, 7, 8, 9, 100])('are taken apart when they come in pieces of %i bytes', (size) => {
    const got = { out: '', err: '' };
    const frames = new Frames((isStderr, piece) => {
      got[isStderr ? 'err' : 'out'] += piece.toString();
    });
    for (let at = 0; at < sent.length; at += size) frames.take(sent.subarray(at, at + size));
    expect(got).toEqual({ out: 'out one out two', err: 'err' });
  });
});

describe('a daemon that is not there', () => {
  const open = (settings: { socket: string }) =>
    openRunner('docker', { stateDir: temporaryDirectory(), settings });

  it('is said so, with what to do', async () => {
    const runner = await open({ socket: '/nowhere/docker.sock' });
    const probe = await runner.probe();
    expect(probe).toMatchObject({ available: false, remedy: expect.stringContaining('Start Docker') });
    expect(probe.detail).toContain('/nowhere/docker.sock');
    for (const call of [
      () => runner.list({}),
      () => runner.attach('x'),
      () => runner.destroy('x'),
      () => runner.create({ id: 'x', image: 'y', labels: {} }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'runner-unavailable' });
    }
  });

  it('is not waited for when it hangs', { timeout: 20_000 }, async () => {
    const path = join(temporaryDirectory(), 'hang.sock');
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const probe = await (await open({ socket: path })).probe();
    expect(probe).toMatchObject({ available: false, detail: expect.stringContaining('within 5 s') });
    server.close();
  });

  it('is not looked for where it cannot be', async () => {
    await withDockerHost('ssh://somewhere', async () => {
      const probe = await (await openRunner('docker', { stateDir: temporaryDirectory() })).probe();
      expect(probe).toMatchObject({ available: false, detail: expect.stringContaining('ssh://somewhere') });
    });
  });
});

for (const under of runnersUnderTest) {
  if (under.name !== 'docker') continue;
  describeWith(under.name, 'what is particular to containers', under.found, () => {
    const images: string[] = [];
    let place: TestPlace;
    let bench: RunnerBench;
    beforeAll(async () => {
      place = await openPlace(under);
      bench = new RunnerBench(place);
    });
    afterAll(async () => {
      await bench.close();
      for (const image of images) await dockerApi(`/images/${image}?force=1`, { method: 'DELETE' });
      expect(await place.dispose(), 'nothing is left').toEqual([]);
    });

    const spec = (more: Partial<EnvironmentSpec> = {}): EnvironmentSpec & { image: string } => ({
      image: '',
      ...place.spec(bench.freshId()),
      ...more,
    });
    const slotOf = async (wanted: EnvironmentSpec): Promise<SlotUnderTest> =>
      bench.slot(bench.keep(await place.runner.create(wanted)));
    const inspect = (container: string) =>
      dockerApi(`/containers/${container}/json`) as Promise<Record<string, unknown>>;

    /** An image that differs from the usual one by lines of a Dockerfile. */
    async function imageWith(...changes: string[]): Promise<string> {
      const { Id } = await makeContainer({ Image: spec().image, Cmd: ['sh'] });
      const tag = bench.freshId();
      const lines = changes.map((line) => `&changes=${encodeURIComponent(line)}`).join('');
      await dockerApi(`/commit?container=${Id}&repo=flatmachine-test&tag=${tag}${lines}`, { method: 'POST' });
      await removeContainer(Id);
      images.push(`flatmachine-test:${tag}`);
      return `flatmachine-test:${tag}`;
    }

    it('an image’s entry point, user, directory and health check do not matter', async () => {
      const image = await imageWith(
        'ENTRYPOINT ["/bin/false"]',
        'CMD ["nothing"]',
        'USER nobody',
        'WORKDIR /somewhere',
        'ENV FROM_IMAGE=yes',
        'HEALTHCHECK --interval=1s CMD touch /checked',
      );
      const slot = await slotOf(spec({ image, env: { GIVEN: 'a "b" $c\nü' } }));
      expect(
        await slot.sh('id -u; pwd; echo "$FROM_IMAGE $GIVEN"; env | grep -c FLATMACHINE_SUPERVISOR || :'),
      ).toBe(`0\n${slot.workspace}\nyes a "b" $c\nü\n0\n`);
      const again = slot.with({ environment: await bench.again(slot.environment) });
      expect(await again.sh('echo "$GIVEN"; sleep 1.5; ls /checked 2>&1 || :')).toMatch(
        /^a "b" \$c\nü\nls: /,
      );
    });

    it('a command finds itself hardened', async () => {
      const slot = await slotOf(spec({ limits: { memory: 64 << 20, cpus: 0.5, pids: 99 } }));
      const status = await slot.sh('grep -E "NoNewPrivs|CapEff|CapBnd" /proc/self/status');
      // CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, KILL 5, SETGID 6, SETUID 7
      expect(status.replace(/\s+/g, ' ')).toBe(
        'CapEff: 00000000000000eb CapBnd: 00000000000000eb NoNewPrivs: 1 ',
      );
      expect(await slot.environment.describe()).toMatchObject({
        isolation: 'container',
        container: containerName(slot.environment.id),
        network: 'none',
        limits: { memory: 64 << 20, cpus: 0.5, pids: 99 },
      });
      const plain = await bench.environment();
      expect(await plain.describe()).toMatchObject({ limits: { memory: null, cpus: null, pids: 1024 } });
    });

    it('a container that was made but not started before a crash is started', async () => {
      const wanted = spec();
      const { Id } = await makeContainer(containerOptions(wanted), containerName(wanted.id));
      expect(await place.runner.attach(wanted.id)).toBeNull();
      expect(await place.runner.list({ owner: wanted.labels.owner as string })).toContainEqual({
        id: wanted.id,
        labels: wanted.labels,
        running: false,
      });
      const slot = await slotOf(wanted);
      expect(slot.environment.address).toBe(Id);
      expect(await slot.sh('echo up')).toBe('up\n');
    });

    it('created by many at once, it is one', async () => {
      const wanted = spec();
      const made = await Promise.all(Array.from({ length: 6 }, () => place.runner.create(wanted)));
      for (const one of made) bench.keep(one);
      expect(new Set(made.map(({ address }) => address)).size).toBe(1);
    });

    it('a container that died is neither attached to nor adopted, and can be removed', async () => {
      const slot = await slotOf(spec());
      const { environment } = slot;
      await dockerApi(`/containers/${environment.address}/kill`, { method: 'POST' });
      expect(await slot.exec('true')).toMatchObject({ outcome: 'sandbox_lost', blame: 'infra' });
      expect(await place.runner.attach(environment.id)).toBeNull();
      await expect(place.runner.create(spec({ id: environment.id }))).rejects.toMatchObject({
        code: 'create-failed',
        message: expect.stringContaining('dead (exited, exit code 137)'),
      });
      await place.runner.destroy(environment.id);
      expect(await (await slotOf(spec({ id: environment.id }))).sh('echo anew')).toBe('anew\n');
    });

    it('removed in mid-command, it is lost within seconds, and to whoever joined as well', async () => {
      const slot = await slotOf(spec());
      const { execId, result } = await slot.start({ cmd: 'touch going; sleep 60' }, 'going');
      const joined = slot
        .with({ environment: await bench.again(slot.environment) })
        .exec({ execId, cmd: 'true' });
      await sleep(200);
      const removed = performance.now();
      await removeContainer(slot.environment.address);
      const lost = { outcome: 'sandbox_lost', blame: 'infra', trainable: false, returncode: null };
      expect(await result).toMatchObject(lost);
      expect(await joined).toMatchObject(lost);
      expect(performance.now() - removed).toBeLessThan(5000);
    });

    it('a removal that others have begun is waited for', async () => {
      const environment = bench.keep(await place.runner.create(spec()));
      await Promise.all(Array.from({ length: 5 }, () => place.runner.destroy(environment.id)));
      await expect(inspect(environment.address)).rejects.toThrow('404');
    });

    it('a stranger’s container of that name is neither used nor removed', async () => {
      const wanted = spec();
      const name = containerName(wanted.id);
      await makeContainer({ Image: wanted.image, Cmd: ['sh'] }, name);
      try {
        await expect(place.runner.create(wanted)).rejects.toMatchObject({ code: 'create-failed' });
        await expect(place.runner.destroy(wanted.id)).rejects.toMatchObject({ code: 'invalid-id' });
        expect(await place.runner.attach(wanted.id)).toBeNull();
        expect(await inspect(name)).toMatchObject({ Name: `/${name}` });
      } finally {
        await removeContainer(name);
      }
    });

    it('an image that is missing, not named, or without a shell is said so, and nothing is left', async () => {
      const refused = async (image: string | undefined) => {
        const { image: _, ...rest } = spec();
        const wanted = image === undefined ? rest : { ...rest, image };
        const error = await place.runner.create(wanted).catch((thrown: unknown) => thrown);
        await expect(inspect(containerName(wanted.id))).rejects.toThrow('404');
        return error;
      };
      expect(await refused('flatmachine-test-missing:1')).toMatchObject({
        code: 'create-failed',
        message: expect.stringContaining('flatmachine-test-missing:1'),
        remedy: expect.stringContaining('docker pull flatmachine-test-missing:1'),
      });
      expect(await refused('flatmachine-snapshot:gone')).toMatchObject({
        code: 'create-failed',
        message: expect.stringContaining('was removed'),
      });
      expect(await refused('No Such:Image!')).toMatchObject({ code: 'create-failed' });
      expect(await refused(undefined)).toMatchObject({
        code: 'usage',
        remedy: expect.stringContaining('--input'),
      });
      await dockerApi('/images/create?fromSrc=-&repo=flatmachine-test-empty&tag=1', {
        method: 'POST',
        body: new Uint8Array(1024),
      });
      images.push('flatmachine-test-empty:1');
      expect(await refused('flatmachine-test-empty:1')).toMatchObject({
        code: 'create-failed',
        message: expect.stringContaining('/bin/sh'),
      });
    });

    it('a snapshot holds the files, is nobody else’s, and starts with an empty journal', async () => {
      const slot = await slotOf(spec());
      const { environment, id, token, workspace } = slot;
      await slot.sh('echo frozen >kept; echo root >/outside');
      const name = 'Odd.name_'.repeat(20);
      const snapshot = await environment.freeze(id, token, name, 'filesystem');
      images.push(snapshot.reference);
      await slot.sh('echo later >kept');
      const elsewhere = await openPlace(under);
      const others = await (await elsewhere.runner.attach(environment.id))?.freeze(
        id,
        token,
        name,
        'filesystem',
      );
      images.push(others?.reference as string);
      await elsewhere.dispose();
      expect(others?.reference).not.toBe(snapshot.reference);
      expect(await environment.freeze(id, token, name, 'filesystem')).toEqual(snapshot);
      const copy = await slotOf(spec({ image: snapshot.reference }));
      expect(await copy.sh(`cat ${workspace}/kept /outside; ls /var/lib/flatmachine/slots`)).toBe(
        `frozen\nroot\n${copy.id}\n`,
      );
      // whoever starts the image by hand has no environment
      const byHand = await makeContainer({ Image: snapshot.reference });
      const listed = await place.runner.list({});
      await removeContainer(byHand.Id);
      expect(listed.filter((found) => found.id === environment.id)).toHaveLength(1);
    });

    it('a file system whose workspaces are on a volume is not frozen without them', async () => {
      const slot = await slotOf(spec({ image: await imageWith('VOLUME /data') }));
      const { environment, id, token } = slot;
      await expect(environment.freeze(id, token, 'never', 'filesystem')).rejects.toMatchObject({
        code: 'capability',
        message: expect.stringContaining('/data'),
      });
      expect(await environment.freeze(id, token, bench.freshId(), 'workspace')).toMatchObject({
        level: 'workspace',
      });
    });

    it('with a bridge it has a network of its own, with `host` the host’s', async () => {
      const bridged = await slotOf(spec({ network: 'bridge' }));
      expect(await bridged.sh('ls /sys/class/net')).toContain('eth0');
      const open = await slotOf(spec({ network: 'host' }));
      expect(await open.sh('ls /sys/class/net')).not.toContain('eth0\nlo\n');
    });

    it('the daemon may be reached over TCP, and the setting `socket` goes before DOCKER_HOST', async () => {
      const path = dockerSocket() as string;
      const proxy = createServer({ allowHalfOpen: true }, (from) => {
        const to = connect({ path, allowHalfOpen: true });
        from.pipe(to).pipe(from);
        for (const socket of [from, to]) socket.on('error', () => [from, to].map((end) => end.destroy()));
      });
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      const { port } = proxy.address() as AddressInfo;
      try {
        await withDockerHost(`tcp://127.0.0.1:${port}`, async () => {
          const remote = await openRunner('docker', { stateDir: place.stateDir });
          expect((await remote.probe()).detail).toContain(`tcp://127.0.0.1:${port}`);
          const environment = await remote.create(spec());
          const slot = await bench.slot(environment);
          expect(await slot.sh('echo far; echo away >&2')).toBe('far\n');
          await environment.destroy();
        });
        await withDockerHost('tcp://127.0.0.1:1', async () => {
          const near = await openRunner('docker', { stateDir: place.stateDir, settings: { socket: path } });
          expect(await near.probe()).toMatchObject({ available: true });
        });
      } finally {
        proxy.close();
      }
    });

    it('why no channel can be opened is said', async () => {
      const slot = await slotOf(spec());
      const { address, id } = slot.environment;
      await slot.sh('mv /bin/sh /bin/other');
      const client = new DockerClient(undefined);
      const error = { code: 'supervisor', message: expect.stringContaining('/bin/sh') };
      await expect(openChannel(client, address, id)).rejects.toMatchObject(error);
    });

    it('a process leaves no supervisor behind when it goes', async () => {
      const slot = await slotOf(spec());
      for (let n = 0; n < 5; n++) {
        const again = slot.with({ environment: await bench.again(slot.environment) });
        await again.sh('true');
        await again.environment.close();
      }
      await sleep(500);
      const { Processes } = (await dockerApi(`/containers/${slot.environment.address}/top`)) as {
        Processes: string[][];
      };
      // init, the idle supervisor and its sleep, one server and its lane
      expect(Processes.length).toBeLessThanOrEqual(5);
    });
  });
}

/** Runs `work` with another DOCKER_HOST; the runner looks at it when it is opened and when it connects. */
async function withDockerHost(host: string, work: () => Promise<void>): Promise<void> {
  const before = process.env.DOCKER_HOST;
  process.env.DOCKER_HOST = host;
  try {
    await work();
  } finally {
    if (before === undefined) delete process.env.DOCKER_HOST;
    else process.env.DOCKER_HOST = before;
  }
}

async function makeContainer(options: object, name?: string): Promise<{ Id: string }> {
  const query = name === undefined ? '' : `?name=${name}`;
  return (await dockerApi(`/containers/create${query}`, { method: 'POST', body: options })) as { Id: string };
}

async function removeContainer(container: string): Promise<void> {
  await dockerApi(`/containers/${container}?force=1&v=1`, { method: 'DELETE' });
}
