import type { Slot, SlotBackend, SlotChange, SlotState } from '../backends/interfaces.ts';
import { FlatMachineError, isFlatMachineError } from '../errors.ts';

/** What can happen to a slot. */
export type SlotMove =
  | 'acquire'
  | 'take-over'
  | 'start'
  | 'finish'
  | 'release'
  | 'seize'
  | 'clean'
  | 'quarantine';

/** One row of the table of moves. */
export interface SlotRule {
  readonly from: readonly SlotState[];
  readonly to: SlotState;
}

/**
 * The slot's state machine: `available → acquired → executing → acquired → releasing → available`, and `error` from anywhere, which is left only
 * to be reset again. `take-over` is the same trajectory after a crash; `seize` takes a slot from one that is over, or out of quarantine.
 */
export const SLOT_MOVES: Readonly<Record<SlotMove, SlotRule>> = {
  acquire: { from: ['available'], to: 'acquired' },
  'take-over': { from: ['acquired', 'executing'], to: 'acquired' },
  start: { from: ['acquired'], to: 'executing' },
  finish: { from: ['executing'], to: 'acquired' },
  release: { from: ['acquired'], to: 'releasing' },
  seize: { from: ['acquired', 'executing', 'releasing', 'error'], to: 'releasing' },
  clean: { from: ['releasing'], to: 'available' },
  quarantine: { from: ['available', 'acquired', 'executing', 'releasing', 'error'], to: 'error' },
};

/**
 * The state after `move`.
 * @throws FlatMachineError `illegal-slot-move`
 */
export function moveSlot(state: SlotState, move: SlotMove): SlotState {
  const rule = SLOT_MOVES[move];
  if (rule.from.includes(state)) return rule.to;
  throw new FlatMachineError('illegal-slot-move', `a slot that is ${state} cannot ${move}`, {
    details: { state, move, from: [...rule.from] },
  });
}

/**
 * Makes a move of a slot that this process holds, in the store.
 * @returns the slot after it
 * @throws FlatMachineError `illegal-slot-move` · `lease-lost` when somebody else has it by now · `sandbox-lost` when it is recorded no more
 */
export async function makeMove(
  slots: SlotBackend,
  slot: Slot,
  move: SlotMove,
  change: Omit<SlotChange, 'state'> = {},
): Promise<Slot> {
  const state = moveSlot(slot.state, move);
  try {
    return await slots.changeSlot(slot.slot_id, slot.token, SLOT_MOVES[move].from, { ...change, state });
  } catch (cause) {
    if (!isFlatMachineError(cause, 'not-found')) throw cause;
    // Somebody found its environment dead and forgot it.
    throw new FlatMachineError('sandbox-lost', `slot ${slot.slot_id} is gone with its environment`, {
      cause,
    });
  }
}
