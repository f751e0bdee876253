import type { SourceLocation } from '../../types.ts';
import type { Diagnostic } from '../interfaces.ts';
import type { LoadedMachine } from '../load.ts';
import type { ConfigPath, Part } from '../source-map.ts';
import { diagnostic } from './diagnostic.ts';
import { didYouMean, type Suggest, suggester } from './did-you-mean.ts';
import type { RuleCode } from './rules.ts';

/** Where and how a finding is reported. */
export interface FindingOptions {
  /** Default `value`. */
  part?: Part;
  /** Instead of the rule's. */
  remedy?: string | undefined;
}

/** Collects the findings of one run of the linter. */
export class Report {
  readonly found: Diagnostic[] = [];
  readonly loaded: LoadedMachine;
  readonly suggest: Suggest = suggester();

  constructor(loaded: LoadedMachine) {
    this.loaded = loaded;
  }

  /** A finding at a path of the configuration. */
  add(code: RuleCode, path: ConfigPath, message: string, options: FindingOptions = {}): void {
    this.addAt(code, this.loaded.locate(path, options.part ?? 'value'), message, options.remedy);
  }

  /** A finding at a place that is already known. */
  addAt(code: RuleCode, location: SourceLocation, message: string, remedy?: string): void {
    this.found.push(diagnostic(code, message, location, remedy));
  }

  /** `did you mean …?` for a name that is not among `candidates`. */
  meant(name: string, candidates: Iterable<string>): string | undefined {
    return didYouMean(this.suggest(name, candidates));
  }
}
