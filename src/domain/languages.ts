/** The languages in which people are spoken to. */
export const languages = ['en', 'de', 'nl', 'ro'] as const;

export type Language = (typeof languages)[number];

interface Wish {
  range: string;
  quality: number;
}

/**
 * The language that an Accept-Language header (RFC 9110 12.5.4) asks for most; English where it asks for none of ours, or is absent.
 * A region is passed over: `de-AT` is German.
 */
export function acceptedLanguage(header: string | undefined): Language {
  const wishes = (header ?? '').slice(0, 1_000).split(',').map(wishOf);
  const best = wishes.filter(({ quality }) => quality > 0).sort((a, b) => b.quality - a.quality);
  for (const { range } of best) {
    if (range === '*') return 'en';
    const found = languages.find((language) => range === language || range.startsWith(`${language}-`));
    if (found !== undefined) return found;
  }
  return 'en';
}

function wishOf(text: string): Wish {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  const quality = weight === undefined ? 1 : Number(weight.slice(2));
  return { range, quality: Number.isFinite(quality) ? quality : 0 };
}
