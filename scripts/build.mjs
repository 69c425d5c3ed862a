// @ts-check
// Makes what runs: `npm run build`. Needs nothing but Node; gets the packages first.
import { build } from './lib/build.mjs';
import { SetupError } from './lib/setup-error.mjs';
import { Terminal } from './lib/terminal.mjs';

const terminal = new Terminal();
try {
  await build(terminal);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  terminal.line(error.message);
  process.exitCode = 1;
}
