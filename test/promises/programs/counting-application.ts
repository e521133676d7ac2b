/**
 * An application whose listener, three consumers, enters each record into the journal `JOURNAL` when it is handled, as
 * `<partition> <offset>`, and prints `handled` so that a test looks there. With `app.send` it first sends so many. It runs from
 * source, where decorators are plain functions called by hand.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Acknowledgment,
  Application,
  ConsumerRecord,
  KafkaAdmin,
  KafkaListener,
  KafkaTemplate,
  TopicBuilder,
} from '#app';
import { JournalWriter } from '../../processes/journal.ts';

const journal = new JournalWriter(process.env.JOURNAL ?? '');

class Counting {
  async onRecord(record: ConsumerRecord<string, string>, acknowledgment?: Acknowledgment): Promise<void> {
    if (record.offset % 3 === 0) await sleep(2);
    journal.write(`${record.partition} ${record.offset}`);
    process.stdout.write('handled\n');
    void acknowledgment?.acknowledge();
  }
}

const ackMode = process.env.ACK_MODE ?? 'batch';
const types = ackMode.startsWith('manual') ? [ConsumerRecord, Acknowledgment] : [ConsumerRecord];
Reflect.defineMetadata('design:paramtypes', types, Counting.prototype, 'onRecord');
const descriptor = Object.getOwnPropertyDescriptor(Counting.prototype, 'onRecord') as PropertyDescriptor;
KafkaListener({ id: 'counting', topics: 'counted', concurrency: 3, ackMode, autoStartup: '${app.listens:true}' })(
  Counting.prototype,
  'onRecord',
  descriptor,
);

const context = await Application.run(Counting);
const count = Number(context.environment.getProperty('app.send') ?? 0);
if (count > 0) {
  await context.get(KafkaAdmin).createOrModifyTopics(TopicBuilder.name('counted').partitions(3).build());
  const template = context.get<KafkaTemplate<string, string>>(KafkaTemplate);
  for (let index = 0; index < count; index++) template.send('counted', index % 3, `${index}`, `record ${index}`);
  await template.flush();
  process.stdout.write('sent all\n');
}
