import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assignBlame } from '../../src/rollout/blame.ts';
import { assertCapable, chooseRunner } from '../../src/rollout/choose-runner.ts';
import { tail } from '../../src/rollout/command.ts';
import { homeOf, poolName, storeOf, storeProcessLives } from '../../src/rollout/identity.ts';
import { rolloutSettings } from '../../src/rollout/settings.ts';
import { verdict } from '../../src/rollout/verify.ts';
import type { Outcome, Runner } from '../../src/runners/interfaces.ts';

describe('the verdict', () => {
  const cases: [
    verifier: Outcome,
    returncode: number | null,
    turn: Outcome,
    reward: number | null,
    outcome: Outcome,
    blame: string | null,
  ][] = [
    ['ok', 0, 'ok', 1, 'ok', null],
    ['ok', 0, 'nonzero', 1, 'ok', null],
    ['ok', 0, 'timeout', 1, 'timeout', 'policy'],
    ['nonzero', 1, 'ok', 0, 'nonzero', 'policy'],
    ['nonzero', 1, 'timeout', 0, 'timeout', 'policy'],
    ['nonzero', 1, 'oom', 0, 'oom', 'policy'],
    ['nonzero', 127, 'ok', null, 'nonzero', 'grader'],
    ['nonzero', 126, 'timeout', null, 'nonzero', 'grader'],
    ['timeout', null, 'ok', null, 'timeout', 'grader'],
    ['oom', 137, 'ok', null, 'oom', 'grader'],
    ['output_capped', null, 'nonzero', null, 'output_capped', 'grader'],
  ];
  for (const [verifier, returncode, turn, reward, outcome, blame] of cases) {
    it(`of a verifier that ended ${verifier} (${returncode}) after a turn that ended ${turn}`, () => {
      const trainable = blame !== 'grader';
      expect(verdict({ outcome: verifier, returncode }, turn)).toEqual({ reward, outcome, blame, trainable });
    });
  }

  it('of a failed infrastructure is none, and it is never a zero', () => {
    const of = (type: string) => assignBlame({ last_error_type: type, last_error: 'why' });
    const none = { reward: null, blame: 'infra', trainable: false, error: 'why' };
    expect(of('SandboxLostError')).toEqual({ ...none, outcome: 'sandbox_lost' });
    expect(of('EnvironmentCreateError')).toEqual({ ...none, outcome: 'create_failed' });
    expect(of('AcquireTimeoutError')).toEqual({ ...none, outcome: 'create_failed' });
    expect(() => of('TypeError')).toThrow(/no error of type "TypeError"/);
    expect(() => of('constructor')).toThrow(/"constructor"/);
  });
});

describe('the arguments of the hooks', () => {
  it('have defaults', () => {
    expect(rolloutSettings({})).toEqual({
      runner: 'auto',
      image: null,
      network: null,
      limits: null,
      slotsPerEnvironment: 1,
      min: 0,
      max: 4,
      acquireTimeout: 300,
      task: null,
      agent: null,
    });
  });

  for (const [args, message] of [
    [{ max: 0 }, /"max" must be a whole number of at least 1, not 0/],
    [{ min: -1 }, /"min" must be a whole number of at least 0/],
    [{ slots: 2 }, /unknown field "slots"/],
    [{ network: 'wifi' }, /"network" must be one of none, host, bridge/],
    [{ limits: { memory: '1g' } }, /limits: "memory" must be a number above 0, not "1g"/],
    [{ acquire_timeout: 0 }, /"acquire_timeout" must be a number above 0/],
  ] as const) {
    it(`refuse ${JSON.stringify(args)}`, () => {
      expect(() => rolloutSettings(args)).toThrow(
        expect.objectContaining({ code: 'usage', message: expect.stringMatching(message) }),
      );
    });
  }
});

/** What choosing looks at. */
function offer(name: string, images: boolean, available: boolean): Runner {
  const capabilities = {
    isolation: 'none',
    freeze: [],
    limits: ['pids'],
    network: ['none'],
    images,
    remote: false,
    sharedFiles: true,
  };
  return {
    name,
    capabilities,
    probe: async () => ({ available, detail: 'not installed' }),
  } as unknown as Runner;
}

describe('choosing a runner', () => {
  const names = ['boxes', 'spaces', 'plain'];
  const among = (boxes: boolean, spaces: boolean) => (name: string) =>
    ({
      boxes: offer('boxes', true, boxes),
      spaces: offer('spaces', false, spaces),
      plain: offer('plain', false, true),
    })[name] as Runner;

  it('takes the first that works, those that need an image only with one', async () => {
    expect((await chooseRunner(among(true, true), names, null)).name).toBe('spaces');
    expect((await chooseRunner(among(true, false), names, null)).name).toBe('plain');
    expect((await chooseRunner(among(true, true), names, 'busybox')).name).toBe('boxes');
  });

  it('never leaves the image out in silence', async () => {
    await expect(chooseRunner(among(false, true), names, 'busybox')).rejects.toMatchObject({
      code: 'runner-unavailable',
      message: expect.stringMatching(/boxes: not installed; spaces: cannot use the image busybox/),
    });
  });

  it('checks what is asked against what it can do', () => {
    const runner = offer('plain', false, true);
    assertCapable(runner, { network: 'none', limits: { pids: 10 } });
    expect(() => assertCapable(offer('boxes', true, true), {})).toThrow(
      'boxes makes its environments from an image',
    );
    expect(() =>
      assertCapable(runner, { image: 'x', network: 'bridge', limits: { memory: 1, pids: 1 } }),
    ).toThrow('the runner plain cannot do the image x, network: bridge, a limit on memory');
  });
});

describe('identity', () => {
  it('of a pool is its configuration, wherever it is said', () => {
    const identity = {
      name: 'r',
      runner: 'docker',
      spec: { image: 'a', network: 'none' as const },
      slotsPerEnvironment: 1,
      stateDir: '/x',
    };
    const same = { ...identity, spec: { network: 'none' as const, image: 'a' } };
    expect(poolName(same)).toBe(poolName(identity));
    const names = [
      identity,
      { ...identity, runner: 'local' },
      { ...identity, spec: { image: 'b' } },
      { ...identity, slotsPerEnvironment: 2 },
      { ...identity, stateDir: '/y' },
    ].map(poolName);
    expect(new Set(names).size).toBe(5);
  });

  it('of a state directory survives links and relative paths', () => {
    const dir = mkdtempSync(join(tmpdir(), 'home-'));
    symlinkSync(dir, `${dir}-link`);
    expect(homeOf(`${dir}-link`)).toBe(homeOf(dir));
    const before = homeOf(`${dir}-link/state`);
    mkdirSync(join(dir, 'state'));
    expect([homeOf(`${dir}-link/state`), homeOf(join(dir, 'state'))]).toEqual([before, before]);
    expect(homeOf(join(dir, '..', dir.split('/').at(-1) as string))).toBe(homeOf(dir));
    rmSync(`${dir}-link`);
    rmSync(dir, { recursive: true });
  });

  it('of a store that dies with its process is that process', () => {
    const store = storeOf({ durability: 'none', url: 'memory' });
    expect(storeProcessLives(store)).toBe(true);
    expect(storeProcessLives(store.replace(/\d+$/, '1'))).toBe(false);
    expect(storeProcessLives('process:999999999:1')).toBe(false);
    expect(storeProcessLives(storeOf({ durability: 'power-loss', url: 'sqlite:x' }))).toBe(null);
  });
});

it('the tail of an output is bounded in bytes and never cuts a character', () => {
  expect(tail('short')).toBe('short');
  const text = 'é€😀'.repeat(2000);
  const kept = tail(text);
  expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(4096);
  expect(text.endsWith(kept)).toBe(true);
});
