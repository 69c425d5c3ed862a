/** One address of a header. `address` is as it came, decoded; `key` is its normal form for matching, null where it has none. */
export interface MailAddress {
  name: string;
  address: string;
  key: string | null;
}

/** Where an address stands in a message. */
export type AddressRole = 'from' | 'sender' | 'reply-to' | 'to' | 'cc' | 'bcc' | 'delivered-to';

/** What a message is, beside a letter from a person. */
export type MessageMark =
  | 'auto-reply' // RFC 3834 Auto-Submitted, X-Autoreply ...
  | 'bounce' // RFC 3464 delivery status notification
  | 'mailing-list' // RFC 2919, RFC 2369
  | 'bulk' // Precedence: bulk
  | 'invitation' // text/calendar with a METHOD
  | 'signed' // S/MIME or PGP signature
  | 'encrypted' // S/MIME or PGP container
  | 'tnef' // winmail.dat
  | 'forwarded-as-attachment' // message/rfc822 part
  | 'headers-only'; // too large: only the header was fetched

/** One MIME part as the walk saw it: where its body lies in the raw bytes, and how to decode it. */
export interface PartDescriptor {
  /** Position in the walk, from 0; what `/attachments/{n}` counts. */
  n: number;
  /** Section number of RFC 9051 6.4.5, e.g. `1.2`. */
  section: string;
  contentType: string;
  charset: string | null;
  encoding: 'identity' | 'base64' | 'quoted-printable';
  disposition: 'attachment' | 'inline' | null;
  filename: string | null;
  contentId: string | null;
  /** First byte of the body, and number of its encoded bytes, in the kept raw bytes. */
  offset: number;
  length: number;
  /** `multipart`: only a container. `text`, `html`: a body shown. `attachment`: everything else, also inline images. */
  role: 'multipart' | 'text' | 'html' | 'attachment';
  /** false where the policy kept no bytes of this part. */
  kept: boolean;
}

/** Everything that recording needs to know of a message, small enough to pass between threads. */
export interface ParsedMessage {
  /** Decimal Message-ID with its angle brackets, cleaned; null where there is none. */
  messageIdHeader: string | null;
  /** Ids of References and In-Reply-To, oldest first, each with angle brackets, at most maxReferences. */
  references: string[];
  /** The Date header as an instant, null where it cannot be read. */
  sentAt: Date | null;
  subject: string;
  from: MailAddress[];
  sender: MailAddress[];
  replyTo: MailAddress[];
  to: MailAddress[];
  cc: MailAddress[];
  bcc: MailAddress[];
  /** Delivered-To, X-Original-To, Envelope-To. */
  deliveredTo: MailAddress[];
  /** Plain text to show and search: of the text parts, else made from HTML. NUL and lone surrogates removed. */
  text: string;
  textTruncated: boolean;
  parts: PartDescriptor[];
  marks: MessageMark[];
  /** Lower-case hex SHA-256: the identity of product B4, see identity.ts. */
  messageKey: string;
}

/** What reading one message came to. A limit or a crash is an answer here, not an exception: the next message goes on. */
export type ParseOutcome =
  | { kind: 'parsed'; message: ParsedMessage }
  | {
      kind: 'unreadable';
      /** too-many-parts, too-deep, header-too-large, parse-timeout, parse-memory, thread-died, parser-error */
      code: string;
      /** Numbers and limit names only. */
      detail: Record<string, number | string>;
      /** From the bounded header scan, where it could be read. */
      messageIdHeader: string | null;
    };
