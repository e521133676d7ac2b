/**
 * Client telemetry ◇: which metrics clients are asked for, when they may push them, and what they say. Pure: subscriptions come in from
 * the metadata log, time as an argument. @see KIP-714
 */

export * from './client-figures.ts';
export * from './client-telemetry.ts';
export * from './config.ts';
export * from './otlp.ts';
export * from './subscription.ts';
export * from './telemetry-receiver.ts';
