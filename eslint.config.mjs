import js from '@eslint/js';
import jest from 'eslint-plugin-jest';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Every global of the Node that runs this, for files that are not type-checked. */
const nodeGlobals = Object.fromEntries(Object.getOwnPropertyNames(globalThis).map((name) => [name, 'readonly']));

const noEnums = { selector: 'TSEnumDeclaration', message: 'Write a union of strings.' };
const namedExports = { selector: 'ExportDefaultDeclaration', message: 'Export by name.' };
const noEnvironment = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'Only src/config reads the environment; take the value as an argument.',
};
const noModuleMocks = {
  selector: "CallExpression[callee.object.name='jest'][callee.property.name=/^(mock|doMock|unstable_mockModule)$/]",
  message: 'Pass a fake as an argument.',
};
const notAboutShould = { test: ['\\bshould\\b', 'State the fact.'], it: ['\\bshould\\b', 'State the fact.'] };

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', '.letterbook/', 'src/db/generated/', 'test/replay/']),
  {
    // A rule that is wrong is changed here, with its reason, never switched off in a file.
    linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' },
  },
  js.configs.recommended,
  {
    rules: {
      'no-sequences': 'error',
      // Mail and protocols have control characters, and a pattern must be able to name them.
      'no-control-regex': 'off',
      'max-depth': ['error', 3],
      complexity: ['error', 12],
    },
  },
  {
    files: ['**/*.{mjs,cjs,js}'],
    languageOptions: {
      globals: nodeGlobals,
    },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: { sourceType: 'commonjs' },
  },
  {
    // Scripts talk to a person at a terminal and are not compiled.
    files: ['scripts/**/*.mjs'],
    rules: { 'max-lines': ['error', 300] },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: false }],
      // A number in a sentence reads the same with and without String() around it.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `() => socket.destroy()` and `return done(error)` hide nothing: the value is not used.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // `while (true)` says that a loop is left from inside.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // A name that begins with `_` has to be there and is not looked at; what is taken out before `...rest` likewise.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // `void (await store())` says that the answer is left aside on purpose.
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      // `[...text]` gives code points, and is written where those are meant.
      '@typescript-eslint/no-misused-spread': ['error', { allow: [{ from: 'lib', name: 'string' }, 'string'] }],
      '@typescript-eslint/max-params': ['error', { max: 3 }],
      'no-console': 'error',
      'max-lines': ['error', 300],
      // Comments give reasons and sources; nobody should leave one out to stay under a number.
      'max-lines-per-function': ['error', { max: 60, skipComments: true, skipBlankLines: true }],
      'no-restricted-syntax': ['error', noEnums, namedExports],
    },
  },
  {
    files: ['src/**/*.ts'],
    // The entry points hand the environment to src/config.
    ignores: ['src/config/**', 'src/server.ts', 'src/worker.ts', 'src/verify.ts', 'src/bootstrap.ts'],
    rules: { 'no-restricted-syntax': ['error', noEnums, namedExports, noEnvironment] },
  },
  {
    // The sandbox has no Node, and activities are reached through proxies. dependency-cruiser holds the same; this says it in the editor.
    files: ['src/workflows/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^node:', message: 'Workflows run in a sandbox without Node.' },
            {
              group: ['**/activities/**'],
              allowTypeImports: true,
              message: 'Import the type, and use proxyActivities.',
            },
            {
              group: ['zod'],
              message: 'Module state in the workflow bundle multiplies the memory of every cached workflow.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    extends: [jest.configs['flat/recommended']],
    rules: {
      'jest/valid-title': ['error', { mustNotMatch: notAboutShould }],
      // `until` waits for a fact and throws where it does not come.
      'jest/expect-expect': ['error', { assertFunctionNames: ['expect', 'expect*', 'assert*', 'fc.assert', 'until'] }],
      'jest/no-disabled-tests': 'error',
      'jest/no-commented-out-tests': 'error',
      'no-restricted-syntax': ['error', noEnums, namedExports, noModuleMocks],
      // A table of facts about one thing is one file and one describe, however many there are.
      'max-lines': ['error', 600],
      'max-lines-per-function': 'off',
      // describe, test, and the property of fast-check are three levels already.
      'max-depth': ['error', 4],
      // The columns of a table of cases are parameters; a factory with a default for each field decides nothing.
      '@typescript-eslint/max-params': 'off',
      complexity: 'off',
      // A value that is missing makes the test fail, which is what it is for.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Fakes answer with promises because the real thing does.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // Settings files of tools, which want a default export and are outside tsconfig.json.
    files: ['*.config.ts', 'scripts/**/*.ts'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { 'no-restricted-syntax': ['error', noEnums], 'no-console': 'off' },
  },
);
