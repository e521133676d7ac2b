/**
 * `npm run bench [-- startup send listen end-to-end] [--rounds 3] [--records 500000] [--alone]`
 *
 *     whole brokers, beside Apache Kafka where its jars are: `brokers.ts`
 *
 * `npm run bench -- storage [append sync read recovery open idle background scale] [--rounds 5] [--full] [--dir folder]`
 *
 *     the storage engine alone, beside bare loops over the same files: `storage/run.ts`
 *
 * `npm run bench -- compare broker [start produce consume kcat latency connections partitions] [--rounds 3] [--full] [--only text]`
 *
 *     our broker, Apache Kafka and a bare Node process under the same clients: `compare/broker/run.ts`
 */
if (process.argv[2] === 'storage') await import('./storage/run.ts');
else if (process.argv[2] === 'compare') await import('./compare/run.ts');
else await import('./brokers.ts');

export {};
