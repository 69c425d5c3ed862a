import { languages } from '../../src/domain/languages';
import { suggestionSentence } from '../../src/domain/suggestion-words';

const reasons = ['same-thread', 'same-address', 'same-name', 'same-domain'] as const;

test.each(languages)('every reason has a sentence of its own in %s', (language) => {
  const sentences = reasons.map((reason) => suggestionSentence(reason, language));
  expect(new Set(sentences).size).toBe(reasons.length);
  for (const sentence of sentences) expect(sentence).toMatch(/\.$/);
});

test('no language says it in the words of another', () => {
  const sentences = languages.flatMap((language) => reasons.map((reason) => suggestionSentence(reason, language)));
  expect(new Set(sentences).size).toBe(languages.length * reasons.length);
});
