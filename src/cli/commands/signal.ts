import { crashPoint } from '../../crash-points.ts';
import type { CommandSetup } from '../commands.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stderr } from '../io.ts';
import { readJson } from '../options.ts';
import { counted, oneLine } from '../render/text.ts';
import { noStore, withStore } from '../store.ts';

interface SignalOptions {
  backend?: string;
}

/** `signal CHANNEL JSON` */
export const setup: CommandSetup = (command) => {
  command
    .argument('<channel>', 'the channel')
    .argument('<json>', 'what to send: JSON itself, @FILE, or - for stdin')
    .option('--backend <url>', 'where executions are kept')
    .addHelpText(
      'after',
      '\nEvery execution that waits on the channel gets it; if none does, the first that comes. `flatmachine worker --signals` resumes them, or `flatmachine resume ID`.',
    );
  return signal;
};

async function signal(channel: string, json: string, options: SignalOptions): Promise<ExitCode> {
  const data = await readJson(json, 'the signal');
  return withStore(options.backend, noStore, async (store) => {
    const { signal_id } = await store.signals.send(channel, data);
    crashPoint('signal.sent');
    const given = (await store.signals.waits(channel)).filter((wait) => wait.signal_id === signal_id);
    const what = `signal ${signal_id} on ${oneLine(channel)}`;
    const became =
      given.length === 0
        ? 'queued, nobody waits on this channel yet'
        : `handed to ${counted(given.length, 'execution')}`;
    stderr.write(`${what}: ${became}\n`);
    return EXIT.ok;
  });
}
