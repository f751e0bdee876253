import { describe, expect, it } from 'vitest';
import type { SlotState } from '../../src/backends/interfaces.ts';
import { changedSlot } from '../../src/backends/slot-rules.ts';
import { moveSlot, SLOT_MOVES, type SlotMove } from '../../src/rollout/slot.ts';

const STATES: SlotState[] = ['available', 'acquired', 'executing', 'releasing', 'error'];

describe('the state machine of a slot', () => {
  it('goes round as the seed says', () => {
    const moves: SlotMove[] = ['acquire', 'start', 'finish', 'release', 'clean'];
    const seen: SlotState[] = ['available'];
    for (const move of moves) seen.push(moveSlot(seen.at(-1) as SlotState, move));
    expect(seen).toEqual(['available', 'acquired', 'executing', 'acquired', 'releasing', 'available']);
  });

  it('goes into quarantine from anywhere, and out of it only to be reset', () => {
    for (const state of STATES) expect(moveSlot(state, 'quarantine')).toBe('error');
    const ways = (Object.keys(SLOT_MOVES) as SlotMove[]).filter((move) =>
      SLOT_MOVES[move].from.includes('error'),
    );
    expect(ways.sort()).toEqual(['quarantine', 'seize']);
    expect(moveSlot(moveSlot('error', 'seize'), 'clean')).toBe('available');
  });

  it('refuses every other move, naming it', () => {
    for (const move of Object.keys(SLOT_MOVES) as SlotMove[]) {
      for (const state of STATES.filter((state) => !SLOT_MOVES[move].from.includes(state))) {
        expect(() => moveSlot(state, move)).toThrow(
          expect.objectContaining({
            code: 'illegal-slot-move',
            message: `a slot that is ${state} cannot ${move}`,
          }),
        );
      }
    }
  });

  it('agrees with what the stores enforce', () => {
    const row = {
      slot_id: 's',
      alloc_id: 'e',
      container_addr: '',
      workspace_dir: '',
      trajectory_id: 't',
      metadata: {},
      pool: 'p',
      token: 1,
    };
    for (const move of ['start', 'finish', 'release', 'clean', 'quarantine'] as const) {
      const { from, to } = SLOT_MOVES[move];
      for (const state of STATES) {
        const change = () => changedSlot({ ...row, state }, 1, from, { state: to });
        if (from.includes(state)) expect(change().state).toBe(to);
        else expect(change).toThrow(expect.objectContaining({ code: 'illegal-slot-move' }));
      }
    }
  });
});
