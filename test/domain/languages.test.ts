import { acceptedLanguage } from '../../src/domain/languages';
import { languages } from '../../src/domain/languages';
import { stepTexts } from '../../src/domain/providers/steps';

test.each([
  [undefined, 'en'],
  ['', 'en'],
  ['de', 'de'],
  ['de-AT', 'de'],
  ['DE-ch, en;q=0.5', 'de'],
  ['fr, nl;q=0.8, en;q=0.9', 'en'],
  ['fr, nl;q=0.9, en;q=0.8', 'nl'],
  ['ro;q=0.1, de;q=0', 'ro'],
  ['de;q=nonsense, nl;q=0.2', 'nl'],
  ['fr, *', 'en'],
  ['den', 'en'],
  ['fr', 'en'],
])('who accepts %j is spoken to in %s', (header, language) => {
  expect(acceptedLanguage(header)).toBe(language);
});

test('a step says something of its own in each language', () => {
  for (const code of Object.keys(stepTexts.en) as (keyof typeof stepTexts.en)[]) {
    const texts = languages.map((language) => stepTexts[language][code]);
    expect([code, new Set(texts).size]).toEqual([code, languages.length]);
    for (const text of texts) expect(text).toMatch(/^\p{Lu}.*\.$/su);
  }
});
