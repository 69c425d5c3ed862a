// Loaded into a worker that is measured: on SIGUSR2 it collects what is garbage and writes down what is left.
const { renameSync, writeFileSync } = require('node:fs');

process.on('SIGUSR2', () => {
  for (let turn = 0; turn < 3; turn++) globalThis.gc?.();
  const file = process.env.LETTERBOOK_BENCH_MEMORY;
  writeFileSync(`${file}.new`, JSON.stringify(process.memoryUsage()));
  renameSync(`${file}.new`, file);
});
