import type { PartDescriptor } from '../../domain/message';

/** How the bytes of a message are read: functions of the mail adapter, which this layer is handed. */
export interface MessageContent {
  /** The content of a part, or of a piece of one that can be decoded alone. */
  decodePart: (body: Buffer, part: Pick<PartDescriptor, 'encoding'>) => Buffer;
  /** HTML that may be shown, made beside the main thread; null where the message has none, `too-hard` where that takes more than it may. */
  showHtml: (wish: {
    raw: Buffer;
    parts: PartDescriptor[];
    maxCharacters: number;
    remoteContent: 'block' | 'allow';
  }) => Promise<{ html: string; truncated: boolean; blockedRemote: number } | 'too-hard' | null>;
}
