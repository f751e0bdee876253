import { type ErrorCode, FlatMachineError } from '../../errors.ts';
import type { SourceLocation } from '../../types.ts';

/** A piece of template or expression text, and where it stands in its file. */
export class Source {
  readonly text: string;
  readonly at: SourceLocation;
  readonly code: ErrorCode;

  /**
   * @param at place of the first character of `text`; for a block scalar that is the first character of its first line,
   *   whose indentation the later lines share
   * @param code of the errors that {@link fail} makes
   */
  constructor(text: string, at: SourceLocation, code: 'template-error' | 'expression-error') {
    this.text = text;
    this.at = at;
    this.code = code;
  }

  /** The place in the file of the character at `offset`. */
  locate(offset: number): SourceLocation {
    let line = this.at.line;
    let lineStart = 0;
    for (let i = this.text.indexOf('\n'); i !== -1 && i < offset; i = this.text.indexOf('\n', i + 1)) {
      line++;
      lineStart = i + 1;
    }
    return { file: this.at.file, line, column: this.at.column + offset - lineStart };
  }

  /** An error at `offset`, to be thrown. */
  fail(message: string, offset: number, remedy?: string, cause?: unknown): FlatMachineError {
    return new FlatMachineError(this.code, message, {
      location: this.locate(offset),
      ...(remedy === undefined ? {} : { remedy }),
      ...(cause === undefined ? {} : { cause }),
    });
  }
}
