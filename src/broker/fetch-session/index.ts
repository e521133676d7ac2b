/**
 * Fetch sessions ◇: what a client fetches again and again, kept so that it sends, and is sent, only what changed. Pure: time and the
 * numbers of sessions come in as arguments. @see KIP-227
 */
export * from './fetch-partition.ts';
export * from './fetch-session.ts';
export * from './fetch-session-cache.ts';
