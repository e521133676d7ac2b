/** Renders the pages of `docs/reference/` from the tables that the code itself reads. */
import { brokerConfigTable, brokerMetricTable } from '#broker';
import { adminConfigTable, consumerConfigTable, producerConfigTable } from '#client';
import { type ConfigKey, type ConfigTable, formatConfigValue, operatingErrors } from '#core';
import { Errors } from '#protocol';
import { topicConfigTable } from '#storage';
import { springKafkaTable } from '../../src/app/spring-kafka-table.ts';

/** The pages by file name. */
export const referencePages: Readonly<Record<string, () => string>> = {
  'spring-kafka.md': () =>
    configPage('spring.kafka.*', 'Keys of `application.yaml`, as in Spring Boot.', prefixed(springKafkaTable)),
  'broker.md': () =>
    configPage(
      'Broker',
      'Keys of `server.properties`; in `application.yaml` under `springtide.broker.`.',
      brokerConfigTable,
    ),
  'topics.md': () => configPage('Topics', 'Configs of a topic, set when it is made or altered.', topicConfigTable),
  'producer.md': () =>
    configPage('Producer', 'In `application.yaml` under `spring.kafka.producer.properties.`.', producerConfigTable),
  'consumer.md': () =>
    configPage('Consumer', 'In `application.yaml` under `spring.kafka.consumer.properties.`.', consumerConfigTable),
  'admin.md': () =>
    configPage('Admin', 'In `application.yaml` under `spring.kafka.admin.properties.`.', adminConfigTable),
  'metrics.md': metricsPage,
  'errors.md': errorsPage,
};

function prefixed(table: ConfigTable): ConfigTable {
  return Object.fromEntries(Object.entries(table).map(([key, row]) => [`spring.kafka.${key}`, row]));
}

function configPage(title: string, opening: string, table: ConfigTable): string {
  const rows = Object.entries(table)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, key]) => tableRow(`\`${name}\``, key.type, defaultText(key), docText(key)));
  return page(title, opening, ['key', 'type', 'default', 'meaning'], rows);
}

function docText(key: ConfigKey & { withoutEffect?: string }): string {
  const range = [key.min === undefined ? [] : [`≥ ${key.min}`], key.max === undefined ? [] : [`≤ ${key.max}`]]
    .flat()
    .join(', ');
  const choice = key.oneOf === undefined ? '' : key.oneOf.map((value) => `\`${value}\``).join(', ');
  const effect = key.withoutEffect === undefined ? '' : `No effect: ${key.withoutEffect}`;
  return [key.doc, choice && `One of ${choice}.`, range && `(${range})`, effect].filter(Boolean).join(' ');
}

function defaultText(key: ConfigKey): string {
  const text = formatConfigValue(key.default);
  return text === null || text === '' ? '' : `\`${text}\``;
}

function metricsPage(): string {
  const rows = brokerMetricTable.map(({ name, mbean, kind, labels, doc }) => {
    const jmx = mbean.startsWith('kafka.') ? `\`${mbean}\`` : '';
    return tableRow(`\`${name}\``, kind, labels.map((label) => `\`${label}\``).join(', '), doc, jmx);
  });
  const opening = [
    "What the broker tells at `springtide.broker.metrics.port` in the text format of Prometheus, and in process by `Broker.metrics()`. The names are Kafka's, as the configuration for Kafka of Prometheus's JMX exporter maps them: domain, type and name in lower case, a rate as the counter that it is the rate of. A summary has the quantiles 0.5, 0.75, 0.95, 0.98, 0.99 and 0.999 of the last five to ten minutes, and the sum and count of everything; times are milliseconds.",
    'Series of a topic go with the topic.',
  ].join('\n\n');
  return page('Metrics', opening, ['series', 'kind', 'labels', 'meaning', "Kafka's name over JMX"], rows);
}

function errorsPage(): string {
  const own = Object.entries(operatingErrors).map(([code, row]) =>
    tableRow(`\`${code}\``, '', yesNo(row.retriable), row.doc),
  );
  const wire = Object.values(Errors).map((row) =>
    tableRow(`\`${row.name}\``, String(row.code), yesNo(row.retriable), row.message),
  );
  const opening = 'The `code` of a `KafkaError`: first those of our own, then those of the protocol with their number.';
  return page('Errors', opening, ['code', 'number', 'retriable', 'meaning'], [...own, ...wire]);
}

function yesNo(value: boolean): string {
  return value ? 'yes' : '';
}

function page(title: string, opening: string, columns: string[], rows: string[]): string {
  const head = [tableRow(...columns), `|${columns.map(() => '---|').join('')}`];
  return [`# ${title}`, '', opening, '', ...head, ...rows, ''].join('\n');
}

function tableRow(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}
