const toCommonJs = [
  '@swc/jest',
  {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
  },
];

// Fastify's plugins and `inject` need these two, which are published as ES modules only; jest cannot require those as Node can.
const esModules = 'content-disposition|cookie';

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testTimeout: 120_000,
  maxWorkers: 3,
  // A worker that has run many files holds what they left; a new one starts in a second.
  workerIdleMemoryLimit: '1GB',
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.letterbook'],
  transform: { '^.+\\.ts$': toCommonJs, [`/node_modules/(${esModules})/.+\\.js$`]: toCommonJs },
  transformIgnorePatterns: [`/node_modules/(?!(${esModules})/)`],
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
};
