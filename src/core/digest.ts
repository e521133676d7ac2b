/** The digests that Kafka's authentication and our checks need, synchronous. */
import { createHmac, hash, pbkdf2Sync, timingSafeEqual } from 'node:crypto';

export type DigestName = 'md5' | 'sha1' | 'sha256' | 'sha512';

export function digest(name: DigestName, bytes: Uint8Array): Buffer {
  return hash(name, bytes, 'buffer');
}

/** The first words of the digest, little-endian, as many as `into` has room for: 0.4 µs for a short key, and no garbage but a string. */
export function digestWords(name: DigestName, bytes: Uint8Array, into: Uint32Array): void {
  const text = hash(name, bytes, 'latin1');
  for (let word = 0, at = 0; word < into.length; word++, at += 4) {
    into[word] =
      text.charCodeAt(at) |
      (text.charCodeAt(at + 1) << 8) |
      (text.charCodeAt(at + 2) << 16) |
      (text.charCodeAt(at + 3) << 24);
  }
}

export function hmac(name: DigestName, key: Uint8Array, bytes: Uint8Array): Buffer {
  return createHmac(name, key).update(bytes).digest();
}

/** PBKDF2 as SCRAM uses it (RFC 5802 `Hi`). Takes milliseconds: its cost is its purpose. */
export function pbkdf2(name: DigestName, password: Uint8Array, salt: Uint8Array, iterations: number): Buffer {
  return pbkdf2Sync(password, salt, iterations, digest(name, Buffer.alloc(0)).length, name);
}

/** Compares without telling by its duration where the first difference is. */
export function isEqualConstantTime(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}
