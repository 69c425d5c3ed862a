/** A piece of an address header (RFC 5322 3.2). `text` is without its quotes, brackets or parentheses. */
export interface AddressToken {
  kind: 'atom' | 'quoted' | 'angle' | 'comment' | 'group' | 'separator';
  text: string;
  spaceBefore: boolean;
}

const delimiters = new Set([',', ';', ':', '<', '"', '(']);
const encodedWord = /=\?[^?\s]+\?[bq]\?[^?\s]*\?=/iy;
const space = /\s/;

/** Takes an address header apart. What opens and never closes is taken as it stands, so no input fails and none is read twice. */
export function tokensOf(header: string): AddressToken[] {
  return new Tokenizer(header).read();
}

class Tokenizer {
  private readonly tokens: AddressToken[] = [];
  private at = 0;
  private spaceBefore = false;
  /** Kinds whose closing character does not come any more; looking for it again and again would be quadratic. */
  private readonly unclosed = new Set<string>();

  constructor(private readonly text: string) {}

  read(): AddressToken[] {
    while (this.at < this.text.length) {
      const character = this.text.charAt(this.at);
      if (space.test(character)) {
        this.spaceBefore = true;
        this.at += 1;
      } else if (character === ',' || character === ';') this.push('separator', character, this.at + 1);
      else if (character === ':') this.push('group', '', this.at + 1);
      else if (!this.readEnclosed(character)) this.readAtom();
    }
    return this.tokens;
  }

  private push(kind: AddressToken['kind'], text: string, end: number): void {
    this.tokens.push({ kind, text, spaceBefore: this.spaceBefore });
    this.spaceBefore = false;
    this.at = end;
  }

  /** Reads a quoted string, an angle address or a comment; false where none begins here, or it does not end. */
  private readEnclosed(character: string): boolean {
    if (!['"', '<', '('].includes(character) || this.unclosed.has(character)) return false;
    const enclosed = character === '(' ? this.comment() : character === '"' ? this.quoted() : this.angle();
    if (enclosed === null) {
      this.unclosed.add(character);
      return false;
    }
    this.push(character === '(' ? 'comment' : character === '"' ? 'quoted' : 'angle', enclosed.text, enclosed.end);
    return true;
  }

  private quoted(): { text: string; end: number } | null {
    const pieces: string[] = [];
    let start = this.at + 1;
    for (let at = start; at < this.text.length; at += 1) {
      const character = this.text[at];
      if (character === '"') return { text: pieces.join('') + this.text.slice(start, at), end: at + 1 };
      if (character !== '\\') continue;
      pieces.push(this.text.slice(start, at));
      start = at + 1;
      at += 1;
    }
    return null;
  }

  /** Brackets in a quoted local part do not count. */
  private angle(): { text: string; end: number } | null {
    let inQuotes = false;
    for (let at = this.at + 1; at < this.text.length; at += 1) {
      const character = this.text[at];
      if (character === '\\' && inQuotes) at += 1;
      else if (character === '"') inQuotes = !inQuotes;
      else if (character === '>' && !inQuotes) return { text: this.text.slice(this.at + 1, at), end: at + 1 };
    }
    const end = this.text.indexOf('>', this.at);
    return end < 0 ? null : { text: this.text.slice(this.at + 1, end), end: end + 1 };
  }

  private comment(): { text: string; end: number } | null {
    let depth = 0;
    for (let at = this.at; at < this.text.length; at += 1) {
      const character = this.text[at];
      if (character === '\\') at += 1;
      else if (character === '(') depth += 1;
      else if (character === ')' && (depth -= 1) === 0) return { text: this.text.slice(this.at + 1, at), end: at + 1 };
    }
    return null;
  }

  /** Everything up to white space or a delimiter; an encoded word is one even with a comma in it, which senders write. */
  private readAtom(): void {
    const start = this.at;
    let at = start;
    while (at < this.text.length) {
      encodedWord.lastIndex = at;
      if (this.text.startsWith('=?', at) && encodedWord.test(this.text)) {
        at = encodedWord.lastIndex;
        continue;
      }
      const character = this.text.charAt(at);
      // An opening character that begins nothing is one of the atom's own.
      const delimits = delimiters.has(character) && !this.unclosed.has(character);
      if (at > start && (delimits || space.test(character))) break;
      at += 1;
    }
    this.push('atom', this.text.slice(start, at), at);
  }
}
