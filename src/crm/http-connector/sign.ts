import { createHmac } from 'node:crypto';

/**
 * The header by which a CRM knows that a push is ours and new: the moment (seconds since 1970) and, in hex, HMAC-SHA256 (RFC 2104) with the
 * secret over `<moment>.<body>`. Who has an old push cannot pass it off as a new one, if the CRM refuses moments that are minutes away.
 */
export function signatureOf(secret: string, body: string, nowMs: number): string {
  const moment = String(Math.floor(nowMs / 1_000));
  return `t=${moment},v1=${createHmac('sha256', secret).update(`${moment}.${body}`).digest('hex')}`;
}
