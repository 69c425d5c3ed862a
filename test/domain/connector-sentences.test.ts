import { connectorSentence, connectorStateSentence, readSentence } from '../../src/domain/connector-sentences';
import { connectorTextsEn } from '../../src/domain/connector-words/en';
import { languages } from '../../src/domain/languages';

const codes = Object.keys(connectorTextsEn.errors);

test.each(languages)('what is wrong with a CRM is a sentence of its own in %s', (language) => {
  const sentences = [
    ...[...codes, 'what may come'].map((code) => connectorSentence(code, language)),
    ...(['paused', 'first', 'inStep'] as const).map((state) => connectorStateSentence(state, language)),
  ];
  expect(new Set(sentences).size).toBe(codes.length + 4);
  for (const sentence of sentences) expect(sentence).toMatch(/^[^{}]+\.$/);
});

test.each(languages)('what came of a first page is told with its numbers in %s', (language) => {
  expect(readSentence({ count: 12, unreadable: 0 }, language)).toMatch(/^[^{}]*12[^{}]+\.$/);
  expect(readSentence({ count: 12, unreadable: 5 }, language)).toMatch(/^[^{}]*12[^{}]+ 5 [^{}]+\.$/);
});

test('a German is told in German', () => {
  expect(connectorSentence('timed-out', 'de')).toBe(
    'Das CRM hat nicht rechtzeitig geantwortet. Es wird wieder versucht.',
  );
});
