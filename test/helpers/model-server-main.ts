/**
 * The model server as a process: the script as JSON in argument 1; writes its URL, one line, and serves until it is ended.
 * @see startModelProcess
 */
import { type ModelScript, startModelServer } from './model-server.ts';

const { url } = await startModelServer(JSON.parse(process.argv[2] as string) as ModelScript);
process.stdout.write(`${url}\n`);
