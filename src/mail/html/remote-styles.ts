/**
 * What of a style attribute may be applied: declarations that fetch something, run something (old browsers), or would let the message leave
 * its place on the page are taken out whole.
 * `removed` counts those that would have fetched something.
 */
export function withoutRemoteStyles(
  style: string,
  remoteContent: 'block' | 'allow',
): { kept: string; removed: number } {
  // Escapes (CSS Syntax 4.3.7) and comments can hide a word from us and not from a browser. No mail needs them.
  const readable = style.replace(/\/\*[\s\S]*?(?:\*\/|$)/g, '');
  if (readable.includes('\\')) return { kept: '', removed: 1 };
  const kept: string[] = [];
  let removed = 0;
  for (const declaration of declarationsOf(readable)) {
    const lower = declaration.toLowerCase();
    if (fetches(lower) && remoteContent === 'block') removed += 1;
    else if (!isHarmful(lower)) kept.push(declaration.trim());
  }
  return { kept: kept.filter((declaration) => declaration !== '').join('; '), removed };
}

/**
 * Split at the semicolons that are not in brackets or quotes: `url(data:image/png;base64,...)`. What opens and does not close takes the rest
 * with it, so that nothing behind it can pass for a declaration of its own.
 */
function declarationsOf(style: string): string[] {
  const declarations: string[] = [];
  let closing = '';
  let start = 0;
  for (let at = 0; at < style.length; at += 1) {
    const character = style.charAt(at);
    if (closing !== '') {
      if (character === closing) closing = '';
    } else if (character === ';') {
      declarations.push(style.slice(start, at));
      start = at + 1;
    } else closing = closingOf(character);
  }
  return closing === '' ? [...declarations, style.slice(start)] : declarations;
}

function closingOf(character: string): string {
  if (character === '(') return ')';
  return character === '"' || character === "'" ? character : '';
}

function fetches(declaration: string): boolean {
  return /url\s*\(|image-set\s*\(|image\s*\(|src\s*\(|@import|cross-fade\s*\(/.test(declaration);
}

function isHarmful(declaration: string): boolean {
  if (/expression\s*\(|javascript:|vbscript:|behavior\s*:|-moz-binding|[<>]/.test(declaration)) return true;
  if (/url\s*\(/.test(declaration) && !/url\s*\(\s*["']?https?:\/\//.test(declaration)) return true;
  return /^\s*position\s*:\s*(?:fixed|sticky|absolute)/.test(declaration);
}
