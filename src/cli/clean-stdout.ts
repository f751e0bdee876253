import { Writable } from 'node:stream';
import type { View } from './render/view.ts';

/** Hooks may use `console`; what they print there is for people. Made when one does. */
export function keepStdoutClean(view: Pick<View, 'notice'>): void {
  const { console } = globalThis;
  let replaced: Console | null = null;
  const replace = () => {
    const toView = new Writable({
      decodeStrings: false,
      write: (chunk, _encoding, done) => {
        view.notice(String(chunk).replace(/\n$/, ''));
        done();
      },
    });
    return new console.Console({ stdout: toView, stderr: toView });
  };
  Object.defineProperty(globalThis, 'console', {
    configurable: true,
    get: () => {
      replaced ??= replace();
      return replaced;
    },
    set: (value: Console) => {
      replaced = value;
    },
  });
}
