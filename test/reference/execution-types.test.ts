import { describe, expect, it } from 'vitest';
import { lintMachine, loadMachineObject } from '../../src/machine/index.ts';
import type { JsonObject, JsonValue } from '../../src/types.ts';
import { machineOf } from '../helpers/machine.ts';
import { oneState, outputOf, run, script } from './helpers.ts';

/** One agent call under a strategy, with the answers the agent will give. */
const asking = (execution: JsonObject, answers: JsonValue[], rest: JsonObject = {}) =>
  oneState({ agent: 'writer', execution, ...rest }, { agents: { writer: script(...answers) } });
const limited = { error: { code: 'rate-limit', message: 'slow down' } };

describe('execution types', () => {
  it('case 42: retry waits and tries again', async () => {
    const data = asking({ type: 'retry', backoffs: [0.04, 0.04], jitter: 0 }, [limited, limited, 'third']);
    const started = performance.now();
    const result = await run(data);
    expect(result).toMatchObject({ status: 'completed', output: { content: 'third' } });
    const took = performance.now() - started;
    expect(took).toBeGreaterThanOrEqual(78);
    expect(took).toBeLessThan(5000);
  });

  it('case 43: once retries are used up the error keeps its type, and on_error routes it', async () => {
    const data = asking({ type: 'retry', backoffs: [0.001], jitter: 0 }, [limited, limited, 'too late']);
    expect(await run(data)).toMatchObject({
      status: 'failed',
      error: { error_type: 'RateLimitError', details: { attempts: 2 } },
    });
    const routed = asking({ type: 'retry', backoffs: [] }, [limited], {
      on_error: { RateLimitError: 'end' },
    });
    expect(await run(routed)).toMatchObject({
      status: 'completed',
      context: { last_error_type: 'RateLimitError' },
    });
  });

  it('case 44: no backoffs, one attempt; an empty answer is tried again where that is asked for', async () => {
    expect(await run(asking({ type: 'retry', backoffs: [] }, [limited, 'second']))).toMatchObject({
      status: 'failed',
    });
    const empty = { content: '', cost: 0.5 };
    const retried = asking({ type: 'retry', backoffs: [0.001], retry_on_empty: true }, [
      empty,
      { content: 'full', cost: 0.25 },
    ]);
    const total = {
      states: {
        ...(retried.states as JsonObject),
        end: {
          type: 'final',
          output: {
            out: 'context.out',
            cost: 'context.machine.total_cost',
            calls: 'context.machine.total_api_calls',
          },
        },
      },
    };
    expect(await outputOf({ ...retried, ...total })).toEqual({
      out: { content: 'full' },
      cost: 0.75,
      calls: 2,
    });
  });

  it('case 45: parallel keeps the order of calls and drops failures; none left is an error', async () => {
    const samples = { type: 'parallel', n_samples: 3 };
    expect(
      await outputOf(
        asking(samples, [{ output: { n: 0 }, cost: 1 }, limited, { output: { n: 2 }, cost: 2 }]),
      ),
    ).toEqual({
      results: [{ n: 0 }, { n: 2 }],
      count: 2,
    });
    expect(await run(asking(samples, [limited, limited, limited]))).toMatchObject({
      status: 'failed',
      error: { error_type: 'NoSuccessError' },
    });
  });

  const answer = (text: string): JsonObject => ({ output: { answer: text, z: 1 } });

  it('case 46: mdap votes by canonical JSON and stops at the margin', async () => {
    const votes = ['A', 'B', 'A', 'B', 'A', 'A', 'A', 'B', 'B', 'B'].map(answer);
    votes[2] = { output: { z: 1, answer: 'A' } };
    // A leads by 3 only after the seventh sample; three votes it has after the fifth.
    const data = asking({ type: 'mdap_voting', k_margin: 3, max_candidates: 10 }, votes);
    const ended = {
      states: {
        ...(data.states as JsonObject),
        end: { type: 'final', output: { out: 'context.out', calls: 'context.machine.total_api_calls' } },
      },
    };
    expect(await outputOf({ ...data, ...ended })).toEqual({ out: { answer: 'A', z: 1 }, calls: 7 });
    const split = ['B', 'A', 'B', 'A', 'C'].map(answer);
    expect(await outputOf(asking({ type: 'mdap_voting', k_margin: 3, max_candidates: 5 }, split))).toEqual({
      answer: 'B',
      z: 1,
    });
  });

  it('case 47: samples that the agent’s parsing and validation refuse do not count', async () => {
    const metadata = {
      parsing: { answer: { pattern: 'answer: (\\d+)', type: 'int' } },
      validation: { type: 'object', properties: { answer: { maximum: 100 } } },
    };
    const agents = {
      writer: {
        type: 'script',
        config: { answers: ['no idea', 'answer: 999', 'answer: 42', 'answer: 42'], metadata },
      },
    };
    const data = oneState(
      { agent: 'writer', execution: { type: 'mdap_voting', k_margin: 2, max_candidates: 4 } },
      { agents },
    );
    expect(await outputOf(data)).toEqual({ answer: 42 });
  });

  it('case 48: an unknown execution type is refused before anything runs', async () => {
    const data = asking({ type: 'guess' }, ['x'], { on_error: { UnknownExecutionTypeError: 'end' } });
    const loaded = await loadMachineObject(machineOf(data), { dir: '.' });
    const found = lintMachine(loaded, { knownExecutionTypes: [] }).map(({ code }) => code);
    expect(found).toEqual(['unknown-execution-type']);
    await expect(run(data)).rejects.toMatchObject({ code: 'invalid-machine' });
  });
});
