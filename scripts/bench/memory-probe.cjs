// Loaded into a worker that is measured: on SIGUSR2 it collects what is garbage and writes down what is left.
const { renameSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const file = join(tmpdir(), `letterbook-bench-memory-${process.pid}.json`);

process.on('SIGUSR2', () => {
  for (let turn = 0; turn < 3; turn++) globalThis.gc?.();
  writeFileSync(`${file}.new`, JSON.stringify(process.memoryUsage()));
  renameSync(`${file}.new`, file);
});
