import { beforeEach, describe, expect, test } from 'vitest';
import { Pause } from '../../../src/execution/pause.ts';
import { Bench, Recorded, text } from './agent-work.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});

const votes = (letters: string) => [...letters].map((move) => ({ output: { move } }));

describe('mdap_voting', () => {
  test.each([
    { letters: 'AAA', k: 3, winner: 'A', samples: 3 },
    { letters: 'ABAAA', k: 3, winner: 'A', samples: 5 },
    { letters: 'ABABAAA', k: 3, winner: 'A', samples: 7 },
    { letters: 'A', k: 1, winner: 'A', samples: 1 },
    { letters: 'ABBB', k: 2, winner: 'B', samples: 4 },
  ])('case 46: $letters with k=$k is decided after $samples', async ({ letters, k, winner, samples }) => {
    const agent = new Recorded(votes(letters));
    const { output } = await bench.run(agent, { execution: { type: 'mdap_voting', k_margin: k } });
    expect(output).toEqual({ move: winner });
    expect(agent.asked).toHaveLength(samples);
  });

  test('asks for as many at once as are needed at least, and never for one too many', async () => {
    const agent = new Recorded(votes('ABAAA'));
    await bench.run(agent, { execution: { type: 'mdap_voting' } });
    expect(agent.most).toBe(3);
  });

  test('case 46: the order of keys does not matter', async () => {
    const agent = new Recorded([{ output: { a: 1, b: 2 } }, { output: { b: 2, a: 1 } }]);
    await bench.run(agent, { execution: { type: 'mdap_voting', k_margin: 2 } });
    expect(agent.asked).toHaveLength(2);
  });

  test.each([
    { letters: 'ABABA', winner: 'A' },
    { letters: 'BAAB', winner: 'B' },
    { letters: 'ABCBC', winner: 'B' },
  ])(
    'case 46: at max_candidates the plurality wins, of equal ones the first: $letters',
    async ({ letters, winner }) => {
      const execution = { type: 'mdap_voting', max_candidates: letters.length };
      const { output } = await bench.run(new Recorded(votes(letters)), { execution });
      expect(output).toEqual({ move: winner });
    },
  );

  test('case 47: parsing with types makes the candidate; what does not match is flagged', async () => {
    const metadata = {
      parsing: { move: { pattern: 'move:\\s*(\\S+)', type: 'int' }, why: 'because (.*)' },
      validation: { properties: { move: { minimum: 1 } } },
    };
    const agent = new Recorded(
      [
        text('move: 7\nbecause of\nthis'),
        text('move: x because'),
        text('I do not know'),
        text('move: 0 because no'),
        text('so move: 7 because of\nthis'),
      ],
      metadata,
    );
    const { output } = await bench.run(agent, { execution: { type: 'mdap_voting', k_margin: 2 } });
    expect(output).toEqual({ move: 7, why: 'of\nthis' });
    const voting = bench.events.find((event) => event.type === 'log');
    expect(voting).toMatchObject({
      data: { samples: 5, votes: [2], red_flags: { format_error: 2, validation_failed: 1 } },
    });
  });

  test('long answers are flagged, by the provider’s count where there is one', async () => {
    const agent = new Recorded([
      text('x'.repeat(41)),
      text('short', { usage: { output_tokens: 11 } }),
      text('yes', { usage: { output_tokens: 10 } }),
    ]);
    const execution = { type: 'mdap_voting', k_margin: 1, max_response_tokens: 10 };
    expect((await bench.run(agent, { execution })).output).toEqual({ content: 'yes' });
  });

  test('the agent’s bounds hold where the state sets none', async () => {
    const metadata = { k_margin: 1, max_candidates: 2 };
    const agent = new Recorded(votes('AB'), metadata);
    await bench.run(agent, { execution: { type: 'mdap_voting' } });
    expect(agent.asked).toHaveLength(1);
    bench = await Bench.open();
    const both = new Recorded(votes('AB'), metadata);
    await bench.run(both, { execution: { type: 'mdap_voting', k_margin: 2 } });
    expect(both.asked).toHaveLength(2);
  });

  test('no vote is an error that says why', async () => {
    const metadata = { validation: { required: ['move'] } };
    const agent = new Recorded([new Error('down'), text('?'), {}], metadata);
    const error = await bench
      .run(agent, { execution: { type: 'mdap_voting', max_candidates: 3 } })
      .catch((e) => e);
    expect(error).toMatchObject({ code: 'no-consensus', name: 'NoConsensusError' });
    expect(error.details).toMatchObject({
      samples: 3,
      red_flags: { validation_failed: 1, empty_response: 1 },
      failures: [{ sample: 0, message: 'down' }],
    });
  });

  test.each([
    { parsing: { a: '(' } },
    { parsing: { a: { pattern: 'x', type: 'date' } } },
    { parsing: ['a'] },
    { validation: { type: 'nonsense' } },
    { validation: 'x' },
    { k_margin: 0 },
  ])('metadata that cannot be used is an error before anything is asked: %o', async (metadata) => {
    const agent = new Recorded(votes('AAA'), metadata);
    await expect(bench.run(agent, { execution: { type: 'mdap_voting' } })).rejects.toMatchObject({
      code: 'usage',
    });
    expect(agent.asked).toEqual([]);
  });

  test('patterns of both kinds take linear time', async () => {
    const metadata = {
      parsing: { a: '((?:a+)+)$' },
      validation: { properties: { a: { pattern: '^(a+)+$' } } },
    };
    const evil = 'a'.repeat(200);
    const agent = new Recorded([text(`${evil}!`), text(evil), text(`${evil}!`)], metadata);
    const started = performance.now();
    const execution = { type: 'mdap_voting', k_margin: 1, max_candidates: 3 };
    await bench.run(agent, { execution });
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test('never more calls than the budget has', async () => {
    const agent = new Recorded(votes('ABABABABAB'));
    await expect(
      bench.run(agent, { execution: { type: 'mdap_voting' }, limits: { calls: 4 } }),
    ).rejects.toBeInstanceOf(Pause);
    expect(agent.asked).toHaveLength(4);
    const richer = new Recorded(votes('ABABABAAAA'));
    await bench.run(richer, { execution: { type: 'mdap_voting' }, limits: { calls: 10 } });
    expect(richer.asked).not.toContain('call.3');
    expect(richer.asked).toContain('call.4');
  });
});
