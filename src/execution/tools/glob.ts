/** Whether a text matches a glob as a whole: `*` = any text, `?` = any character, the rest as it stands. */
export function matchesGlob(text: string, glob: string): boolean {
  const escaped = glob.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\*+/g, '.*').replaceAll('?', '.')}$`, 's').test(text);
}
