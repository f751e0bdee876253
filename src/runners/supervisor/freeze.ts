import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FlatMachineError } from '../../errors.ts';
import { type Channel, LINE_ONLY } from './channel.ts';
import { requestLine } from './quote.ts';
import { checkReply } from './replies.ts';

/** Largest workspace that is archived. */
const LARGEST = 16 * 1024 ** 3;

/**
 * Streams a slot's workspace into `directory/NAME.tar`, which is there whole or not at all; what is there already is returned.
 * @returns the archive's path
 * @throws FlatMachineError `too-large` beyond 16 GiB, `supervisor` when tar fails
 */
export async function archiveWorkspace(
  openChannel: () => Promise<Channel>,
  slotId: string,
  token: number,
  directory: string,
  name: string,
): Promise<string> {
  const path = join(directory, `${name}.tar`);
  if (existsSync(path)) return path;
  await mkdir(directory, { recursive: true });
  const partial = `${path}.${process.pid}.${Date.now()}.partial`;
  const channel = await openChannel();
  try {
    await receive(channel, slotId, token, partial);
    const file = await open(partial);
    await file.sync();
    await file.close();
    await rename(partial, path);
    return path;
  } finally {
    channel.close();
    await rm(partial, { force: true });
  }
}

async function receive(channel: Channel, slotId: string, token: number, path: string): Promise<void> {
  const file = createWriteStream(path);
  const written = new Promise<void>((resolve, reject) => file.once('close', resolve).once('error', reject));
  // the write error is thrown below; until then it must not count as unhandled
  written.catch(() => {});
  let first = '';
  let status = '';
  let size = 0;
  try {
    await channel.request(requestLine('archive', slotId, token), {
      line: (text) => {
        if (first === '') {
          first = text;
          return text === 'ok' ? { bytes: 0, last: false } : LINE_ONLY;
        }
        const [bytes = 0, end] = text.split(' ').map(Number);
        if (bytes > 0) return { bytes, last: false };
        status = String(end);
        return LINE_ONLY;
      },
      bytes: (chunk) => {
        size += chunk.length;
        if (size > LARGEST) channel.close();
        else file.write(chunk);
      },
    });
  } catch (thrown) {
    if (size > LARGEST)
      throw new FlatMachineError('too-large', `the workspace of ${slotId} is larger than ${LARGEST} bytes`);
    throw thrown;
  } finally {
    file.end();
  }
  await written;
  checkReply(first, slotId, 'archive the workspace', 'ok');
  if (status !== '0') throw new FlatMachineError('supervisor', `tar failed with ${status} in slot ${slotId}`);
}
