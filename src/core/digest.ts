/** The digests that Kafka's authentication and our checks need, synchronous. */
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';

export type DigestName = 'md5' | 'sha1' | 'sha256' | 'sha512';

export function digest(name: DigestName, bytes: Uint8Array): Buffer {
  return createHash(name).update(bytes).digest();
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
