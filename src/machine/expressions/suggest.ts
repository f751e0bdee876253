import { suggester } from '../lint/did-you-mean.ts';

/** The remedy for a name that does not exist: the candidate that was probably meant, else `otherwise`. */
export function didYouMean(name: string, candidates: Iterable<string>, otherwise: string): string {
  const near = suggester()(name, candidates);
  return near === null ? otherwise : `Did you mean \`${near}\`?`;
}
