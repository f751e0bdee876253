import { FlatMachineError } from '../errors.ts';
import type { Slot, SlotChange, SlotState } from './interfaces.ts';

/** Moves that `changeSlot` may make. `available → acquired` is `acquireSlot`'s alone; `seizeSlot` has its own rule. */
const MOVES: Record<SlotState, readonly SlotState[]> = {
  available: ['error'],
  acquired: ['executing', 'releasing', 'error'],
  executing: ['acquired', 'error'],
  releasing: ['available', 'error'],
  error: ['releasing'],
};

/** States in which a trajectory works in a slot and gets it back when it asks again. */
export const HELD_STATES: readonly SlotState[] = ['acquired', 'executing'];

/** States that keep an environment from being retired: somebody is using or cleaning the slot. */
export const BUSY_STATES: readonly SlotState[] = ['acquired', 'executing', 'releasing'];

/**
 * The slot after `change`. A slot that becomes available belongs to nobody and gets a new token, so that whoever reset it
 * can touch it no more.
 * @throws FlatMachineError `lease-lost` on a stale token, `illegal-slot-move` on a state outside `from` or a move that does not exist
 */
export function changedSlot(slot: Slot, token: number, from: readonly SlotState[], change: SlotChange): Slot {
  checkToken(slot, token);
  const to = change.state ?? slot.state;
  const legal = from.includes(slot.state) && (to === slot.state || MOVES[slot.state].includes(to));
  if (!legal) throw illegalMove(slot, to);
  const next: Slot = { ...slot, state: to };
  if (change.metadata !== undefined) next.metadata = change.metadata;
  if (change.trajectory_id !== undefined) next.trajectory_id = change.trajectory_id;
  if (to === 'available' && slot.state !== 'available') {
    next.trajectory_id = null;
    next.token = slot.token + 1;
  }
  return next;
}

/**
 * The slot after it was taken from its holder, or out of quarantine. `trajectory_id` stays, to say whose it was.
 * @throws FlatMachineError `lease-lost` on a stale token, `illegal-slot-move` when nobody holds it
 */
export function seizedSlot(slot: Slot, expectedToken: number): Slot {
  checkToken(slot, expectedToken);
  if (slot.state === 'available') throw illegalMove(slot, 'releasing');
  return { ...slot, state: 'releasing', token: slot.token + 1 };
}

/** The slot that was looked up. @throws FlatMachineError `not-found` when there was none */
export function requireSlot(slot: Slot | null | undefined, slotId: string): Slot {
  if (!slot) throw new FlatMachineError('not-found', `there is no slot ${slotId}`);
  return slot;
}

/** The error of a change to an environment that is gone or going. */
export function environmentGone(id: string): FlatMachineError {
  return new FlatMachineError('not-found', `environment ${id} is not recorded, or is being destroyed`, {
    remedy: 'Destroy the environment: nothing else will.',
  });
}

function checkToken(slot: Slot, token: number): void {
  if (slot.token === token) return;
  throw new FlatMachineError('lease-lost', `slot ${slot.slot_id} was taken over or released`, {
    details: { slot_id: slot.slot_id, token, current_token: slot.token },
  });
}

function illegalMove(slot: Slot, to: SlotState): FlatMachineError {
  return new FlatMachineError(
    'illegal-slot-move',
    `slot ${slot.slot_id} cannot go from ${slot.state} to ${to}`,
    { details: { slot_id: slot.slot_id, from: slot.state, to } },
  );
}
