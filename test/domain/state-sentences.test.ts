import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { connectorTextsEn } from '../../src/domain/connector-words/en';
import { connectCodes } from '../../src/domain/failure';
import { languages, type Language } from '../../src/domain/languages';
import { mailboxStates } from '../../src/domain/mailbox-state';
import { noticeKinds } from '../../src/domain/notice';
import {
  codeSentence,
  noticeSentence,
  remedyFor,
  removalsRemedy,
  stateSentence,
} from '../../src/domain/state-sentences';
import { reasonCodes } from '../../src/domain/state-words/words';

test('every code of a connection has its sentence', () => {
  for (const code of connectCodes) {
    expect(codeSentence(code, 'en')).toMatch(/[.]/);
    expect(codeSentence(code, 'en')).not.toContain(`failed: ${code}`);
  }
});

test('a state without a code speaks for itself', () => {
  expect(stateSentence('paused', null, 'en')).toBe('It was paused.');
  expect(remedyFor('paused', null, 'en')).toContain('resume');
  expect(remedyFor('live', null, 'en')).toBeNull();
});

test('a code says more than its state, and its remedy goes first', () => {
  expect(stateSentence('backing-off', 'disk-low', 'en')).toContain('disk');
  expect(remedyFor('backing-off', 'disk-low', 'en')).toContain('Make room');
  expect(remedyFor('auth-required', 'login-refused', 'en')).toContain('PATCH');
});

test('a code that nobody has words for is told as itself, and its state explains', () => {
  expect(codeSentence('something-new', 'en')).toContain('something-new');
  expect(stateSentence('needs-attention', 'something-new', 'en')).toContain('person');
});

const needsSomebody = ['auth-required', 'needs-attention', 'paused', 'stopped'] as const;

describe.each(languages)('in %s', (language) => {
  test('every state with every reason has a sentence, and a remedy where somebody must act', () => {
    for (const state of mailboxStates) {
      for (const code of [null, ...reasonCodes]) {
        expect(stateSentence(state, code, language)).toMatch(/^\p{Lu}.*\.$/u);
        const remedy = remedyFor(state, code, language);
        if (needsSomebody.some((one) => one === state) && remedy === null)
          throw new Error(`${state}: nobody knows what to do`);
        expect(remedy ?? 'Nothing.').toMatch(/^\p{Lu}.*\.$/u);
      }
    }
    expect(removalsRemedy(language)).toMatch(/^\p{Lu}.*\/removals\/keep.*\.$/u);
  });

  test('no two reasons and no two states say the same', () => {
    const sentences = [
      ...mailboxStates.map((state) => stateSentence(state, null, language)),
      ...reasonCodes.map((code) => codeSentence(code, language)),
      ...noticeKinds.flatMap((kind) =>
        (['raised', 'well', 'stopped'] as const).map((now) => noticeSentence(kind, now, language)),
      ),
    ];
    expect(new Set(sentences).size).toBe(sentences.length);
  });
});

test('a notice that ends because its mailbox is stopped says so, and not that it is well', () => {
  const stopped = { en: /stopped/, de: /beendet/, nl: /gestopt/, ro: /oprită/ };
  for (const language of languages) {
    for (const kind of noticeKinds) expect(noticeSentence(kind, 'stopped', language)).toMatch(stopped[language]);
  }
});

test('no sentence of one language was left in another', () => {
  const all = (language: Language) => reasonCodes.map((code) => codeSentence(code, language));
  for (const language of languages.filter((one) => one !== 'en')) {
    expect(all(language).filter((sentence) => all('en').includes(sentence))).toEqual([]);
  }
});

/** Codes that end an operation, a message or an attempt to watch, and never become the reason of a state. */
const noReasons = ['parser-error', 'too-many-parts', 'superseded', 'not-running', 'push-ended', 'slot-lost'];

test('every code that a failure of a round can have is in the list', () => {
  const root = join(__dirname, '..', '..', 'src');
  const files = ['mail', 'activities'].flatMap((part) =>
    readdirSync(join(root, part), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.includes('parse/') && !file.includes('shard/'))
      .map((file) => join(root, part, file)),
  );
  const written =
    /(?:\bcode: |\bdecision\('[a-z-]+', |(?<!Set\()\['(?:busy|refused|gone|credentials|unreachable|cursor-lost)', )'([a-z-]+)'/g;
  const codes = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(written)].map(([, code = '']) => code));
  expect(codes.length).toBeGreaterThan(60);
  // What is wrong with a connector has words of its own.
  const known: readonly string[] = [...reasonCodes, ...noReasons, ...Object.keys(connectorTextsEn.errors)];
  expect([...new Set(codes)].filter((code) => !known.includes(code))).toEqual([]);
});
