import { describe, expect, it } from 'vitest';
import type { HookFactory, MachineHooks } from '../../src/execution/interfaces.ts';
import { FlatMachine } from '../../src/flatmachine.ts';
import { createRunHooks } from '../../src/hooks/run-hooks.ts';
import { builtinHooks } from '../../src/library/builtin-hooks.ts';
import type { JsonObject } from '../../src/types.ts';
import { load, machineOf } from '../helpers/machine.ts';
import { hookEnvironment } from './environment.ts';

/** Hooks that write down every call, one instance per making. */
function recording() {
  const calls: string[] = [];
  let instances = 0;
  const factory: HookFactory = (args) => {
    const name = `${args.as ?? 'x'}${++instances}`;
    const say = (what: string) => {
      calls.push(`${name} ${what}`);
    };
    return {
      onMachineStart: () => say('start'),
      onMachineEnd: () => say('end'),
      onStateEnter: (state) => say(`enter ${state}`),
      onTransition: (from, to) => say(`${from}->${to}`),
      onExecutionEnd: () => say('execution end'),
      close: () => say('close'),
    };
  };
  return { calls, factory };
}

const states = (hooks: JsonObject) => ({
  a: { type: 'initial', transitions: [{ to: 'z' }], ...hooks },
  z: { type: 'final' },
});

async function registered(name: string, factory: HookFactory) {
  const hooks = builtinHooks();
  hooks.register({ name, actions: null, load: async () => factory });
  return hooks;
}

describe('the hooks of a run', () => {
  it('makes the same reference once, wherever it stands, and calls it once', async () => {
    const { calls, factory } = recording();
    const machine = await load(
      {
        hooks: ['test', { name: 'test' }],
        lifecycle_hooks: 'test',
        states: states({ hooks: ['test', { name: 'test', args: { as: 'own' } }] }),
      },
      factory,
    );
    await machine.execute();
    expect(calls).toEqual([
      'x1 start',
      'x1 enter a',
      'own2 enter a',
      'x1 a->z',
      'own2 a->z',
      'x1 enter z',
      'x1 end',
      'x1 execution end',
      'own2 execution end',
      'x1 close',
      'own2 close',
    ]);
  });

  it('calls lifecycle hooks at the start and the end alone', async () => {
    const { calls, factory } = recording();
    const machine = await load({ hooks: [], lifecycle_hooks: 'test', states: states({}) }, factory);
    await machine.execute();
    expect(calls).toEqual(['x1 start', 'x1 end', 'x1 execution end', 'x1 close']);
  });

  it('makes every execution its own instances, with their own copy of the arguments', async () => {
    const seen: unknown[] = [];
    const machine = await load(
      { hooks: { name: 'test', args: { list: [] } }, states: states({}) },
      (args) => {
        (args.list as number[]).push(1);
        seen.push(args.list);
        return {};
      },
    );
    await machine.execute();
    await machine.execute();
    expect(seen).toEqual([[1], [1]]);
  });

  it('makes all before anything is stored, and closes those it made when one cannot be made', async () => {
    const { calls, factory } = recording();
    const machine = await load(
      {
        hooks: ['test', { name: 'webhook', args: { url: 'nothing' } }],
        states: states({}),
      },
      factory,
    );
    await expect(machine.execute({}, { id: 'half' })).rejects.toMatchObject({ code: 'hook-load' });
    expect(calls).toEqual(['x1 close']);
    expect(await machine.backends.persistence.latest('half')).toBeNull();
  });

  it('costs nothing when there are none: one shared constant for all states', async () => {
    const machine = await FlatMachine.load(machineOf({ states: states({}) }), { backend: 'memory' });
    const { environment } = await hookEnvironment();
    const one = await createRunHooks(builtinHooks(), machine.machine, environment);
    const other = await createRunHooks(builtinHooks(), machine.machine, environment);
    expect(one).toBe(other);
    expect(one.forState('a')).toBe(one.forState('z'));
    expect(one.forState('a')).toBe(one.machine);
    expect(one.onEvent).toBeUndefined();
  });

  it('tells every hook of the end, and reports all failures together', async () => {
    const hooks = await registered('bad', ({ n }) => ({
      close: () => {
        throw new Error(`close ${n}`);
      },
    }));
    const machine = await FlatMachine.load(
      machineOf({
        hooks: [1, 2].map((n) => ({ name: 'bad', args: { n } })),
        states: states({}),
      }),
      { backend: 'memory', hooks },
    );
    const { environment } = await hookEnvironment();
    const made = await createRunHooks(hooks, machine.machine, environment);
    await expect(made.close()).rejects.toThrow('close 1; Error: close 2');
  });

  it('suggests the hook that was probably meant', async () => {
    const { environment } = await hookEnvironment();
    const location = { file: 'm.yml', line: 3, column: 5 };
    const made = builtinHooks().make({ kind: 'named', name: 'webhok', args: {}, location }, environment);
    await expect(made).rejects.toMatchObject({
      code: 'hook-load',
      location,
      remedy: 'Did you mean `webhook`?',
    });
  });
});

describe('events', () => {
  it('reach the hooks of the machine everywhere, those of a state in that state', async () => {
    const told: Record<string, string[]> = { all: [], own: [] };
    const machine = await load(
      {
        hooks: { name: 'test', args: { as: 'all' } },
        states: states({ hooks: { name: 'test', args: { as: 'own' } } }),
      },
      ({ as }) => ({
        onEvent: (event) => void told[String(as)]?.push(`${event.type} ${event.state ?? '-'}`),
      }),
    );
    await machine.execute();
    expect(told.own).toEqual(told.all?.filter((line) => line.endsWith(' a')));
    expect(told.all).toContain('execution_end z');
    expect(told.own).toContain('state_enter a');
  });

  it('stop for hooks that throw at one, and the run goes on', async () => {
    let times = 0;
    const messages: string[] = [];
    const machine = await load(
      { states: states({}) },
      {
        onEvent: () => {
          times++;
          throw new Error('not again');
        },
      },
    );
    const result = await machine.execute(
      {},
      { onEvent: (event) => event.type === 'log' && messages.push(event.message) },
    );
    expect(result.status).toBe('completed');
    expect(times).toBe(1);
    expect(messages).toEqual(['hooks: onEvent threw and is told of nothing more: not again']);
  });

  it('survive hooks that reject at one, against the interface', async () => {
    const onEvent = (async () => {
      throw new Error('not in time');
    }) as () => void;
    const machine = await load({ states: states({}) }, { onEvent });
    const result = await machine.execute();
    expect(result.status).toBe('completed');
  });
});

describe('errors of hooks', () => {
  const routed = async (hooks: MachineHooks) => {
    const machine = await load(
      {
        hooks: [],
        context: { kept: true },
        states: {
          a: {
            type: 'initial',
            hooks: 'test',
            on_error: { HookTrouble: 'saved' },
            transitions: [{ to: 'z' }],
          },
          z: { type: 'final', output: { by: 'a' } },
          saved: {
            type: 'final',
            output: {
              state: 'context.last_error_state',
              message: 'context.last_error',
              kept: 'context.kept',
            },
          },
        },
      },
      hooks,
    );
    return (await machine.execute()).output;
  };
  const trouble = () => {
    throw Object.assign(new Error('trouble'), { name: 'HookTrouble' });
  };
  const rejecting = async () => trouble();

  it.each<[string, MachineHooks]>([
    ['onStateEnter', { onStateEnter: trouble }],
    ['onStateEnter, async', { onStateEnter: rejecting }],
    ['onStateExit', { onStateExit: rejecting }],
    ['onTransition', { onTransition: rejecting }],
  ])('of a state are routed by on_error: %s', async (_method, hooks) => {
    expect(await routed(hooks)).toEqual({ state: 'a', message: 'trouble', kept: true });
  });
});
