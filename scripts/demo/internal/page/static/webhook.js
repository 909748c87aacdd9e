// Standard Webhooks: a receiver's part, in a browser.

import { decode } from './json.js';

/** verify reports whether a message {id, timestamp, signature, body} was signed with the secret. */
export async function verify({ id, timestamp, signature, body }, secret) {
  const raw = secret.startsWith('whsec_') ? decode(secret.slice('whsec_'.length)) : new TextEncoder().encode(secret);
  const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  for (const one of signature.split(' ')) { // there may be several, while a secret is replaced
    const [version, value] = one.split(',');
    const mac = version === 'v1' && decode(value ?? '');
    if (mac && await crypto.subtle.verify('HMAC', key, mac, signed)) return true; // in constant time
  }
  return false;
}
