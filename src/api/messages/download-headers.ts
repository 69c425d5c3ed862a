import type { PartDescriptor } from '../../domain/message';

// What a browser shows without running anything. Even these come as downloads.
const harmlessTypes = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'application/pdf', 'text/plain']);

/** Headers with which bytes of strangers may leave the server: a download that no browser runs. */
export function downloadHeaders(file: { contentType: string; filename: string }): Record<string, string> {
  return {
    'content-type': file.contentType,
    'content-disposition': dispositionOf(file.filename),
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  };
}

/** The content type under which an attachment is served; what could be run is only bytes. */
export function servedType({ contentType }: Pick<PartDescriptor, 'contentType'>): string {
  const type = contentType.toLowerCase();
  return harmlessTypes.has(type) ? type : 'application/octet-stream';
}

/** The name that an attachment is saved under. */
export function attachmentName({ filename, n }: Pick<PartDescriptor, 'filename' | 'n'>): string {
  return filename === null || filename.trim() === '' ? `attachment-${String(n)}` : filename;
}

const maxNameCharacters = 200;

/** RFC 6266 4: the name in ASCII for old clients, and as it is (RFC 8187 3.2). Without path, controls and what turns text round. */
function dispositionOf(filename: string): string {
  const name = [...filename.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '').replace(/[/\\]/g, '_')]
    .slice(-maxNameCharacters)
    .join('');
  const ascii = name.replace(/[^\x20-\x7e]/g, '_').replace(/["%]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
