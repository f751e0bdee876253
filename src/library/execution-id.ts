import { randomBytes } from 'node:crypto';

/** A new execution's id: the machine's name, made safe for container names and paths, and eight random characters. */
export function newExecutionId(machineName: string): string {
  const slug = machineName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 24);
  const random = [...randomBytes(8)].map((byte) => (byte % 36).toString(36)).join('');
  return `${slug || 'machine'}-${random}`;
}
