/** The producer suite on our broker, in this process and over TCP. */
import { afterAll, describe } from '@jest/globals';
import { tcpTransport } from '#net';
import { EmbeddedKafka } from '#testing';
import { producerSuite } from './suite/producer.ts';

const started: EmbeddedKafka[] = [];

afterAll(() => Promise.all(started.map((kafka) => kafka.close())));

describe('on our broker', () => {
  producerSuite(async () => {
    const kafka = await EmbeddedKafka.start();
    started.push(kafka);
    return kafka;
  });
});

describe('on our broker, over TCP', () => {
  producerSuite(async () => {
    const kafka = await EmbeddedKafka.start({ tcp: true });
    started.push(kafka);
    return { bootstrapServers: kafka.bootstrapServers, transport: tcpTransport() };
  });
});
