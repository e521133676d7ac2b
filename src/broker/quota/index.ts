/**
 * Quotas ◇: rates and buckets that say how long a client is to be silent. Pure: limits come in from the metadata log, time as an
 * argument; muting is the connection's business.
 */
export * from './client-quotas.ts';
export * from './config.ts';
