import { decodeHTML } from 'entities';

/** What stands before and after an element, if it does not stand there already. */
const breaks = new Map<string, string>([
  ...'div tr li dt dd table ul ol hr section article header footer'.split(' ').map((name) => [name, '\n'] as const),
  ...'p h1 h2 h3 h4 h5 h6 blockquote pre'.split(' ').map((name) => [name, '\n\n'] as const),
  ...'td th'.split(' ').map((name) => [name, ' '] as const),
]);

/** Elements whose content is not text (HTML 13.2.5.1 and the head). */
const silent = new Set(['script', 'style', 'title', 'template', 'noframes', 'iframe', 'xmp']);

/**
 * The readable text of HTML: tags out, blocks on their own lines, entities decoded. It is for search and previews, so it knows no layout.
 * Reads every character at most a fixed number of times, whatever the nesting, and stops when there is enough text.
 */
export function htmlToText(html: string, maxCharacters: number): string {
  return new TextReader(html, maxCharacters).read();
}

class TextReader {
  private readonly pieces: string[] = [];
  private length = 0;
  private at = 0;
  /** Whether a quote in a tag was found not to close; after that, tags end at the next `>`. */
  private quotesBroken = false;

  constructor(
    private readonly html: string,
    private readonly maxCharacters: number,
  ) {}

  read(): string {
    while (this.at < this.html.length && this.length < this.maxCharacters) {
      const tag = this.html.indexOf('<', this.at);
      const end = tag < 0 ? this.html.length : tag;
      if (end > this.at) this.addText(this.html.slice(this.at, Math.min(end, this.at + this.maxCharacters * 8)));
      this.at = end;
      if (tag >= 0) this.readTag();
    }
    return this.pieces
      .join('')
      .replace(/ ?\n ?/g, '\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim()
      .slice(0, this.maxCharacters);
  }

  private addText(text: string): void {
    const collapsed = decodeHTML(text.replace(/[ \t\r\n\f]+/g, ' ')).replace(/[ \u00a0]+/g, ' ');
    const last = this.pieces.at(-1);
    const repeatsSpace = collapsed.startsWith(' ') && (last === undefined || last.endsWith(' ') || last.endsWith('\n'));
    this.add(repeatsSpace ? collapsed.slice(1) : collapsed);
  }

  private add(piece: string): void {
    if (piece === '') return;
    this.pieces.push(piece);
    this.length += piece.length;
  }

  private addBreak(wanted: string): void {
    const last = this.pieces.at(-1) ?? '\n\n';
    const stands = last.endsWith(wanted) || (wanted === ' ' && last.endsWith('\n'));
    if (!stands) this.add(last.endsWith('\n') ? '\n' : wanted);
  }

  private readTag(): void {
    const start = this.at;
    if (this.html.startsWith('<!--', start)) {
      this.skipPast('-->', start + 4);
      return;
    }
    const next = this.html.charAt(start + 1);
    if (!/[a-z/!?]/i.test(next)) {
      this.add('<'); // HTML 13.2.5.6: not a tag
      this.at = start + 1;
      return;
    }
    const name = /^\/?([a-z][a-z0-9]*)/i.exec(this.html.slice(start + 1, start + 20))?.[1]?.toLowerCase() ?? '';
    this.at = this.tagEnd(start + 1);
    if (name === 'br') this.add('\n');
    else this.addBreak(breaks.get(name) ?? '');
    if (next !== '/' && silent.has(name)) this.skipElement(name);
  }

  /** The offset after the `>` that ends a tag; one in a quoted attribute value does not. */
  private tagEnd(start: number): number {
    const plain = this.html.indexOf('>', start);
    if (plain < 0) return this.html.length;
    if (this.quotesBroken) return plain + 1;
    let quote = '';
    for (let at = start; at < this.html.length; at += 1) {
      const character = this.html.charAt(at);
      if (quote !== '') {
        if (character === quote) quote = '';
      } else if (character === '>') return at + 1;
      else if ((character === '"' || character === "'") && this.html.charAt(at - 1) === '=') quote = character;
    }
    this.quotesBroken = true;
    return plain + 1;
  }

  private skipElement(name: string): void {
    const close = new RegExp(`</${name}`, 'gi');
    close.lastIndex = this.at;
    this.at = close.exec(this.html)?.index ?? this.html.length;
  }

  private skipPast(end: string, from: number): void {
    const found = this.html.indexOf(end, from);
    this.at = found < 0 ? this.html.length : found + end.length;
  }
}
