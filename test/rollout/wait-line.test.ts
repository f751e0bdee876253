import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type WaitBounds, WaitLine } from '../../src/rollout/wait-line.ts';

function bounds(part: Partial<WaitBounds> = {}): WaitBounds {
  const timeout = part.timeout ?? 5;
  const deadline = performance.now() + timeout * 1000;
  return { signal: new AbortController().signal, timeout, deadline, onWaiting: () => {}, ...part };
}

describe('a line of waiters', () => {
  it('serves in the order of coming', async () => {
    const line = new WaitLine();
    const served: number[] = [];
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const ticket = line.join(bounds());
        await ticket.turn();
        await delay(index % 3);
        served.push(index);
        ticket.leave();
      }),
    );
    expect(served).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect(line.length).toBe(0);
  });

  it('tells everybody behind of the new position', async () => {
    const line = new WaitLine();
    const first = line.join(bounds());
    const second = line.join(bounds());
    const positions: number[] = [];
    const third = line.join(bounds({ onWaiting: (position) => positions.push(position) }));
    const turn = third.turn();
    await delay(5);
    first.leave();
    await delay(5);
    second.leave();
    await turn;
    expect(positions).toEqual([3, 2]);
    third.leave();
  });

  it('wakes the first at once when nudged', async () => {
    const line = new WaitLine();
    const ticket = line.join(bounds());
    await ticket.turn();
    const started = performance.now();
    const pause = ticket.pause('all are in use');
    line.nudge();
    await pause;
    expect(performance.now() - started).toBeLessThan(20);
  });

  it('ends by its timeout, whatever the place, and lets the others move up', async () => {
    const line = new WaitLine();
    const first = line.join(bounds());
    await first.turn();
    const second = line.join(bounds({ timeout: 0.03 }));
    const third = line.join(bounds());
    await expect(second.turn()).rejects.toMatchObject({ code: 'acquire-timeout', details: { position: 2 } });
    second.leave();
    first.leave();
    await third.turn();
    third.leave();
  });

  it('ends by its signal with the reason', async () => {
    const line = new WaitLine();
    const controller = new AbortController();
    const ticket = line.join(bounds({ signal: controller.signal }));
    await ticket.turn();
    const pause = ticket.pause('all are in use');
    controller.abort(new Error('enough'));
    await expect(pause).rejects.toThrow('enough');
    ticket.leave();
    expect(line.length).toBe(0);
  });
});
