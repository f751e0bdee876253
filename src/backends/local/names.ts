import { createHash } from 'node:crypto';

/** Longest name that is made, well below the 143 bytes that encrypted file systems allow. */
const MAX_NAME = 140;

/** Characters kept, for people, of what is too long. */
const KEPT = 70;

const ESCAPED = /[^a-z0-9_.-]|^\.|\.$/gu;

/**
 * The name of the file for any text: an id, a key, the path of a result. Different texts have different names, on file systems that ignore case or
 * normalise Unicode too: a name has `a-z 0-9 _ - .` as they are, everything else as `%` and the hex digits of its UTF-8, and begins and ends
 * with no dot. What would be longer than 140 characters is its beginning, `~` and a SHA-256.
 */
export function fileName(text: string): string {
  if (text === '') return '~';
  const encoded = text.replace(ESCAPED, escapeCharacter);
  if (encoded.length <= MAX_NAME) return encoded;
  return `${encoded.slice(0, KEPT)}~${createHash('sha256').update(encoded).digest('hex')}`;
}

/** The text of a name that {@link fileName} made; null when the name is not enough to tell, or nobody's. */
export function textOf(name: string): string | null {
  if (name.includes('~')) return null;
  try {
    const text = decodeURIComponent(name);
    return fileName(text) === name ? text : null;
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) as number;
  // Half of a surrogate pair has no UTF-8.
  if (code >= 0xd800 && code <= 0xdfff) return `%u${code.toString(16)}`;
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}
