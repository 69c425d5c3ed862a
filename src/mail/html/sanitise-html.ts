import sanitize from 'sanitize-html';

import { htmlToText } from '../parse/html-to-text';
import { nestsDeeperThan } from './nesting';
import { withoutRemoteStyles } from './remote-styles';

export interface SanitiseOptions {
  /** Longer input is cut before it is read. */
  maxCharacters: number;
  /** `block` leaves out what would be fetched from elsewhere when the message is shown, and so tells the sender that it was. */
  remoteContent: 'block' | 'allow';
}

export interface SanitisedHtml {
  html: string;
  truncated: boolean;
  /** How many pictures and styles were left out. */
  blockedRemote: number;
}

// Browsers and sanitisers alike become slow, or overflow their stacks, with what nobody writes.
const maxNesting = 256;

/**
 * HTML of a message that is safe to show in a page of ours, in a sandboxed frame: no script, no handlers, no forms, no frames, nothing that
 * reaches outside the message but links, which open elsewhere and say nothing of where they came from. `cid:` references stay, for the
 * attachment they name. What nests too deep is shown as text.
 */
export function sanitiseHtml(html: string, { maxCharacters, remoteContent }: SanitiseOptions): SanitisedHtml {
  const truncated = html.length > maxCharacters;
  const input = html.slice(0, maxCharacters);
  if (nestsDeeperThan(input, maxNesting)) {
    return { html: `<pre>${escapeHtml(htmlToText(input, maxCharacters))}</pre>`, truncated, blockedRemote: 0 };
  }
  const blocked = { count: 0 };
  return { html: sanitize(input, optionsFor(remoteContent, blocked)), truncated, blockedRemote: blocked.count };
}

const allowedTags = [
  ...[
    'a',
    'abbr',
    'address',
    'article',
    'aside',
    'b',
    'bdi',
    'bdo',
    'big',
    'blockquote',
    'br',
    'caption',
    'center',
    'cite',
    'code',
  ],
  ...[
    'col',
    'colgroup',
    'dd',
    'del',
    'details',
    'dfn',
    'div',
    'dl',
    'dt',
    'em',
    'figcaption',
    'figure',
    'font',
    'footer',
    'h1',
    'h2',
  ],
  ...[
    'h3',
    'h4',
    'h5',
    'h6',
    'header',
    'hr',
    'i',
    'img',
    'ins',
    'kbd',
    'li',
    'main',
    'mark',
    'nav',
    'ol',
    'p',
    'pre',
    'q',
    's',
    'samp',
  ],
  ...[
    'section',
    'small',
    'span',
    'strike',
    'strong',
    'sub',
    'summary',
    'sup',
    'table',
    'tbody',
    'td',
    'tfoot',
    'th',
    'thead',
    'time',
  ],
  ...['tr', 'tt', 'u', 'ul', 'var', 'wbr'],
];

// Not `id` and `name`, which could shadow what the page itself uses, nor `class`, which could take on its looks.
const everywhere = ['align', 'bgcolor', 'color', 'dir', 'height', 'lang', 'style', 'title', 'valign', 'width'];

function optionsFor(remoteContent: 'block' | 'allow', blocked: { count: number }): sanitize.IOptions {
  return {
    allowedTags,
    allowedAttributes: {
      '*': everywhere,
      a: ['href', 'rel', 'target'],
      img: ['src', 'alt', 'border', 'hspace', 'vspace'],
      table: ['border', 'cellpadding', 'cellspacing'],
      td: ['colspan', 'rowspan', 'nowrap'],
      th: ['colspan', 'rowspan', 'nowrap'],
      col: ['span'],
      ol: ['start', 'type'],
      li: ['value'],
      font: ['face', 'size'],
      blockquote: ['type'],
    },
    allowedSchemes: ['http', 'https', 'mailto', 'tel'],
    allowedSchemesByTag: { img: remoteContent === 'allow' ? ['cid', 'data', 'http', 'https'] : ['cid', 'data'] },
    allowProtocolRelative: false,
    disallowedTagsMode: 'discard',
    nonTextTags: [
      'script',
      'style',
      'textarea',
      'option',
      'title',
      'noscript',
      'template',
      'xmp',
      'iframe',
      'noembed',
      'noframes',
    ],
    parseStyleAttributes: false,
    transformTags: {
      a: (tagName, attribs) => ({ tagName, attribs: linkOf(attribs) }),
      img: (tagName, attribs) => ({ tagName, attribs: pictureOf(attribs) }),
      '*': (tagName, attribs) => ({ tagName, attribs: styled(attribs) }),
    },
  };

  function styled(attribs: sanitize.Attributes): sanitize.Attributes {
    if (attribs['background'] !== undefined) blocked.count += 1;
    const { style, ...others } = attribs;
    if (style === undefined) return attribs;
    const { kept, removed } = withoutRemoteStyles(style, remoteContent);
    blocked.count += removed;
    return kept === '' ? others : { ...others, style: kept };
  }

  function pictureOf(attribs: sanitize.Attributes): sanitize.Attributes {
    const { src, ...others } = attribs;
    if (src === undefined) return attribs;
    const address = withoutControls(src);
    if (/^(?:cid:|data:image\/(?:png|jpe?g|gif|webp|bmp);base64,)/i.test(address)) return { ...others, src: address };
    if (remoteContent === 'allow' && /^https?:\/\//i.test(address)) return { ...others, src: address };
    blocked.count += 1;
    return others;
  }
}

/** A link without a host would lead into the page that shows the message. */
function linkOf({ href, ...others }: sanitize.Attributes): sanitize.Attributes {
  const address = withoutControls(href ?? '');
  const leadsOut = /^(?:https?:\/\/|mailto:|tel:)/i.test(address);
  const safe = { ...others, target: '_blank', rel: 'noopener noreferrer nofollow' };
  return leadsOut ? { ...safe, href: address } : safe;
}

/** Browsers ignore white space and controls in an address, so `java\tscript:` is one. */
function withoutControls(address: string): string {
  return address.replace(/[\0-\x20]+/g, '');
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
