const HEADER = 8;

/** Takes apart what the daemon sends of a process without a terminal: frames of stdout and of stderr, with a header each. */
export class Frames {
  readonly #sink: (isStderr: boolean, piece: Buffer) => void;
  readonly #header = Buffer.alloc(HEADER);
  #headerBytes = 0;
  #bytesLeft = 0;

  /** @param sink gets each piece as it comes, not copied and not held back until its frame is whole */
  constructor(sink: (isStderr: boolean, piece: Buffer) => void) {
    this.#sink = sink;
  }

  take(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#bytesLeft > 0) {
        const piece = chunk.subarray(at, at + this.#bytesLeft);
        at += piece.length;
        this.#bytesLeft -= piece.length;
        this.#sink(this.#header[0] === 2, piece);
        continue;
      }
      const copied = chunk.copy(this.#header, this.#headerBytes, at, at + HEADER - this.#headerBytes);
      at += copied;
      this.#headerBytes += copied;
      if (this.#headerBytes < HEADER) return;
      this.#headerBytes = 0;
      this.#bytesLeft = this.#header.readUInt32BE(4);
    }
  }
}
