import type { PartDescriptor } from '../../domain/message';

/** How the bytes of a message are read: functions of the mail adapter, which this layer is handed. */
export interface MessageContent {
  /** The content of a part, or of a piece of one that can be decoded alone. */
  decodePart: (body: Buffer, part: Pick<PartDescriptor, 'encoding'>) => Buffer;
  /** The HTML as it came; null where the message has none. */
  readHtml: (raw: Buffer, parts: PartDescriptor[]) => string | null;
  /** HTML that may be shown. */
  sanitiseHtml: (
    html: string,
    options: { maxCharacters: number; remoteContent: 'block' | 'allow' },
  ) => { html: string; truncated: boolean; blockedRemote: number };
}
