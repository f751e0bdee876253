import { connect } from 'node:net';

/** Whether something on this port of loopback answers `question` with `answer`, within a second. */
export function answers(port: number, question: string, answer: RegExp): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (found: boolean) => {
      socket.destroy();
      resolve(found);
    };
    socket.setTimeout(1000, () => end(false));
    socket.on('error', () => end(false));
    socket.on('close', () => resolve(false));
    socket.on('connect', () => socket.write(question));
    socket.on('data', (chunk) => end(answer.test(chunk.toString('latin1'))));
  });
}
