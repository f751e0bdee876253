/** Whether a text matches a glob as a whole: `*` = any text, `?` = any character, the rest as it stands. In time of the product of their lengths. */
export function matchesGlob(text: string, glob: string): boolean {
  let [at, place] = [0, 0];
  /** The last `*`, and up to where it takes the text; -1 = there was none. */
  let [star, taken] = [-1, 0];
  while (at < text.length) {
    if (glob[place] === '*') [star, taken] = [place++, at];
    else if (glob[place] === '?' || glob[place] === text[at]) [at, place] = [at + 1, place + 1];
    else if (star >= 0) [at, place] = [++taken, star + 1];
    else return false;
  }
  while (glob[place] === '*') place++;
  return place === glob.length;
}
