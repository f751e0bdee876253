import type { Channel } from './channel.ts';
import { quote } from './quote.ts';
import type { CommandRecord, StreamRecord } from './record.ts';

const BLOCK = 4096;

/** What is kept of a stream, ready to be shown. */
export interface KeptStream {
  head: Buffer;
  tail: Buffer;
  /** Bytes between the two that were dropped. */
  dropped: number;
}

interface Piece {
  file: string;
  skip: number;
  /** Bytes that come. */
  size: number;
  /** Bytes of these, at the front, that are not wanted: files are read from a block's start. */
  surplus: number;
}

/**
 * Fetches what a finished command wrote: per stream the head file, and of the two tail files the last half of `keep` bytes.
 * Nothing is asked of the box when there is nothing.
 * @throws ChannelClosed
 */
export async function fetchOutput(
  channel: Channel,
  slotId: string,
  execId: string,
  record: CommandRecord,
  keep: number,
): Promise<{ stdout: KeptStream; stderr: KeptStream }> {
  const pieces = [...piecesOf('o', record.stdout, keep), ...piecesOf('e', record.stderr, keep)];
  const chunks: Buffer[] = [];
  const bytes = pieces.reduce((sum, piece) => sum + piece.size, 0);
  if (bytes > 0) {
    const wanted = pieces.filter((piece) => piece.size > 0);
    const files = wanted.map((piece) => `${quote(piece.file)} ${piece.skip}`).join(' ');
    await channel.request(`output ${quote(slotId)} ${quote(execId)} ${files}\n`, {
      line: () => ({ bytes, last: true }),
      bytes: (chunk) => chunks.push(Buffer.from(chunk)),
    });
  }
  const all = Buffer.concat(chunks);
  const [oHead, oOlder, oNewer, eHead, eOlder, eNewer] = cut(all, pieces) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  return {
    stdout: kept(record.stdout, oHead, Buffer.concat([oOlder, oNewer])),
    stderr: kept(record.stderr, eHead, Buffer.concat([eOlder, eNewer])),
  };
}

/** Always three: head, older tail, newer tail; empty ones have size 0. */
function piecesOf(name: 'o' | 'e', stream: StreamRecord, keep: number): Piece[] {
  const tail = keep - Math.floor(keep / 2);
  const newer = Math.min(stream.newer, tail);
  const older = Math.min(stream.older, tail - newer);
  return [
    { file: name, skip: 0, size: stream.head, surplus: 0 },
    lastOf(`${name}${3 - stream.which}`, stream.older, older),
    lastOf(`${name}${stream.which}`, stream.newer, newer),
  ];
}

function lastOf(file: string, size: number, wanted: number): Piece {
  if (wanted === 0) return { file, skip: 0, size: 0, surplus: 0 };
  const skip = Math.floor((size - wanted) / BLOCK);
  return { file, skip, size: size - skip * BLOCK, surplus: size - wanted - skip * BLOCK };
}

function cut(all: Buffer, pieces: readonly Piece[]): Buffer[] {
  let at = 0;
  return pieces.map(({ size, surplus }) => {
    const piece = all.subarray(at + surplus, at + size);
    at += size;
    return piece;
  });
}

function kept(stream: StreamRecord, head: Buffer, tail: Buffer): KeptStream {
  return { head, tail, dropped: Math.max(0, stream.total - head.length - tail.length) };
}

/** The stream as text: UTF-8, undecodable bytes replaced, the gap named where there is one. */
export function streamText({ head, tail, dropped }: KeptStream): string {
  if (dropped === 0) return Buffer.concat([head, tail]).toString('utf8');
  return `${head.toString('utf8')}\n[... ${dropped} bytes left out ...]\n${tail.toString('utf8')}`;
}
