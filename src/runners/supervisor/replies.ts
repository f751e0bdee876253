import { FlatMachineError } from '../../errors.ts';

/** The box knows nothing of the slot: it was never opened, or the box is another one by now. */
export class SlotUnopened extends FlatMachineError {
  constructor(slotId: string) {
    super('not-found', `slot ${slotId} was not opened in this environment`);
  }
}

/**
 * Checks a reply of the supervisor and gives the words after its first.
 * @param accepted the first words that mean success
 * @throws FlatMachineError `lease-lost` from a fence, `slot-dirty`, `unsafe-path`, `not-found`, `supervisor`
 */
export function checkReply(reply: string, slotId: string, what: string, ...accepted: string[]): string {
  const space = reply.indexOf(' ');
  const word = space < 0 ? reply : reply.slice(0, space);
  const rest = space < 0 ? '' : reply.slice(space + 1);
  if (accepted.includes(word)) return rest;
  switch (word) {
    case 'fenced':
      throw new FlatMachineError('lease-lost', `slot ${slotId} is held under the younger token ${rest}`, {
        details: { slot: slotId, token: Number(rest) },
      });
    case 'dirty':
      throw new FlatMachineError('slot-dirty', `slot ${slotId} still holds ${rest.trim()}`);
    case 'unsafe':
      throw new FlatMachineError(
        'unsafe-path',
        `${rest} is a link, which may lead out of the workspace of ${slotId}`,
      );
    case 'missing':
      throw new FlatMachineError('not-found', `there is no such file in slot ${slotId}`);
    case 'unopened':
      throw new SlotUnopened(slotId);
    default:
      throw new FlatMachineError(
        'supervisor',
        `the box could not ${what} in slot ${slotId}: ${rest || reply}`,
      );
  }
}
