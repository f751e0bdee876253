import { randomBytes } from 'node:crypto';

const thisProcess = randomBytes(9).toString('base64url');
let drawn = 0;

/** A name for one write that nobody else has ever drawn: what is asked again after a connection broke is known by it. No white space. */
export function drawNonce(): string {
  return `${thisProcess}.${(++drawn).toString(36)}`;
}
