import type { PartDescriptor } from '../../domain/message';
import { contentHeaderOf, type ContentHeader } from './content-header';
import { type ByteRange, type HeaderBlock, readHeaderBlock } from './header-block';
import { LimitBreach, type ParseLimits } from './limit-breach';
import { splitMultipart } from './split-multipart';

/** A part with the parameters of its Content-Type, which are not kept. */
export interface WalkedPart extends PartDescriptor {
  parameters: Record<string, string>;
}

export interface Walk {
  /** The message's own header. */
  header: HeaderBlock;
  /** Every part in the order of the bytes; the first is the message itself. Forwarded messages are one part and not looked into. */
  parts: WalkedPart[];
}

type WalkLimits = Pick<ParseLimits, 'maxParts' | 'maxDepth' | 'maxHeaderBytes'>;

interface Entity {
  range: ByteRange;
  section: string;
  depth: number;
  defaultType: string;
  /** Type of the multipart it stands in, null for the message. */
  container: string | null;
  firstChild: boolean;
}

/**
 * Finds the parts of a message in its bytes, decoding nothing but headers (RFC 2046 5.1). A multipart without parts counts as text.
 * @throws LimitBreach
 */
export function walkMessage(bytes: Buffer, limits: WalkLimits): Walk {
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const range = { start, end: bytes.length };
  const header = readHeaderBlock(bytes, range, limits.maxHeaderBytes);
  const parts: WalkedPart[] = [];
  const root = { range, section: '', depth: 0, defaultType: 'text/plain', container: null, firstChild: true };
  new Walker(bytes, limits, parts).visit(root, header);
  return { header, parts };
}

class Walker {
  constructor(
    private readonly bytes: Buffer,
    private readonly limits: WalkLimits,
    private readonly parts: WalkedPart[],
  ) {}

  visit(entity: Entity, header: HeaderBlock): void {
    const content = contentHeaderOf(header, entity.defaultType);
    const body = { start: header.bodyOffset, end: Math.max(header.bodyOffset, entity.range.end) };
    const children = content.contentType.startsWith('multipart/') ? this.childrenOf(content, body) : [];
    this.add(entity, content, { body, isMultipart: children.length > 0 });
    if (children.length === 0) return;
    if (entity.depth >= this.limits.maxDepth) throw new LimitBreach('too-deep', { maxDepth: this.limits.maxDepth });
    for (const [index, range] of children.entries()) {
      const child = {
        range,
        section: entity.section === '' ? String(index + 1) : `${entity.section}.${String(index + 1)}`,
        depth: entity.depth + 1,
        defaultType: content.contentType === 'multipart/digest' ? 'message/rfc822' : 'text/plain',
        container: content.contentType,
        firstChild: index === 0,
      };
      this.visit(child, readHeaderBlock(this.bytes, range, this.limits.maxHeaderBytes));
    }
  }

  private childrenOf(content: ContentHeader, body: ByteRange): ByteRange[] {
    const { maxParts } = this.limits;
    const children = splitMultipart(this.bytes, body, {
      boundary: content.parameters['boundary'] ?? '',
      maxParts: maxParts - this.parts.length,
    });
    if (children === 'too-many') throw new LimitBreach('too-many-parts', { maxParts });
    return children;
  }

  private add(
    entity: Entity,
    content: ContentHeader,
    { body, isMultipart }: { body: ByteRange; isMultipart: boolean },
  ) {
    const { maxParts } = this.limits;
    if (this.parts.length >= maxParts) throw new LimitBreach('too-many-parts', { maxParts });
    const { parameters, ...described } = content;
    const empty = content.contentType.startsWith('multipart/') && !isMultipart;
    this.parts.push({
      ...described,
      n: this.parts.length,
      section: entity.section === '' && !isMultipart ? '1' : entity.section,
      offset: body.start,
      length: body.end - body.start,
      role: isMultipart ? 'multipart' : roleOf(empty ? { ...content, contentType: 'text/plain' } : content, entity),
      kept: true,
      parameters,
    });
  }
}

/** RFC 8621 4.1.4: text is shown, unless it is meant as a file: said so, or named and not what its container begins with. */
function roleOf(content: ContentHeader, entity: Entity): PartDescriptor['role'] {
  const { contentType, disposition, filename } = content;
  if (contentType !== 'text/plain' && contentType !== 'text/html') return 'attachment';
  if (disposition === 'attachment') return 'attachment';
  if (filename !== null && !entity.firstChild && entity.container !== 'multipart/alternative') return 'attachment';
  return contentType === 'text/html' ? 'html' : 'text';
}
