"""confluent-kafka (librdkafka) behind the verbs of agent.ts: a line of JSON in, a line of JSON out."""

import json
import sys
import time

import confluent_kafka
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, OffsetSpec

bootstrap = {}
producers = {}
consumer = None
transactional = None
admin_client = None

TIMEOUT_S = 30
PLACES = {'earliest': confluent_kafka.OFFSET_BEGINNING, 'latest': confluent_kafka.OFFSET_END}
ABILITIES = ['gzip', 'snappy', 'lz4', 'zstd', 'idempotent', 'cooperative-sticky', 'static', 'consumer-protocol', 'timestamps', 'repeated-headers']


def hello(bootstrapServers):
    bootstrap.update({'bootstrap.servers': bootstrapServers, 'log_level': 5})
    version = f'{confluent_kafka.__version__} librdkafka {confluent_kafka.libversion()[0]}'
    return {'version': version, 'can': [*VERBS, *ABILITIES]}


# Producing


def produce(topic, records, codec='none', acks=-1, idempotent=False):
    key = (codec, acks, idempotent)
    if key not in producers:
        settings = {'compression.type': codec, 'acks': acks, 'enable.idempotence': idempotent, 'message.max.bytes': 20_000_000}
        producers[key] = Producer({**bootstrap, **settings})
    return send(producers[key], topic, records)


def send(producer, topic, records):
    delivered = [None] * len(records)

    def report(index):
        def on_delivery(error, message):
            delivered[index] = (error, message)

        return on_delivery

    for index, record in enumerate(records):
        options = {name: record[name] for name in ('partition', 'timestamp') if record.get(name) is not None}
        headers = [(name, None if value is None else value.encode()) for name, value in record.get('headers', [])]
        value, key = record.get('value'), record.get('key')
        producer.produce(topic, value, key, headers=headers, on_delivery=report(index), **options)
    producer.flush(TIMEOUT_S)
    for error, _ in delivered:
        if error is not None:
            raise KafkaException(error)
    return [message.offset() for _, message in delivered]


def txn_open(transactionalId, timeoutMs=60_000):
    global transactional
    transactional = Producer({**bootstrap, 'transactional.id': transactionalId, 'transaction.timeout.ms': timeoutMs})
    transactional.init_transactions(TIMEOUT_S)


def txn_offsets():
    positions = consumer.position(consumer.assignment())
    transactional.send_offsets_to_transaction(positions, consumer.consumer_group_metadata(), TIMEOUT_S)


def txn_close():
    global transactional
    transactional = None


# Consuming


def open_consumer(topic, pattern=None, group=None, assign=None, protocol='classic', assignor='range', instanceId=None,
                  committed=False, reset='earliest', **_):
    global consumer
    settings = {
        'group.id': group or 'alone',
        'group.protocol': protocol,
        'enable.auto.commit': False,
        'auto.offset.reset': reset,
        'isolation.level': 'read_committed' if committed else 'read_uncommitted',
        'topic.metadata.refresh.interval.ms': 1000,
        'fetch.message.max.bytes': 20_000_000,
        'message.max.bytes': 20_000_000,
    }
    if instanceId is not None:
        settings['group.instance.id'] = instanceId
    if protocol == 'classic':
        settings.update({'partition.assignment.strategy': assignor, 'heartbeat.interval.ms': 500})
    consumer = Consumer({**bootstrap, **settings})
    if assign is not None:
        consumer.assign([TopicPartition(topic, place['partition'], start(topic, place)) for place in assign])
    else:
        consumer.subscribe([f'^{pattern}'] if pattern else [topic])


def start(topic, place):
    at = place['at']
    if isinstance(at, dict):
        found = consumer.offsets_for_times([TopicPartition(topic, place['partition'], at['timestamp'])], TIMEOUT_S)
        return found[0].offset
    if at == 'latest':
        return consumer.get_watermark_offsets(TopicPartition(topic, place['partition']), TIMEOUT_S)[1]
    return PLACES.get(at, at)


def poll(ms):
    deadline = time.monotonic() + ms / 1000
    records = []
    while not records and time.monotonic() < deadline:
        for message in consumer.consume(1000, max(0, min(0.1, deadline - time.monotonic()))):
            if message.error() is not None:
                raise KafkaException(message.error())
            records.append(read(message))
    return {'records': records, 'assignment': [[place.topic, place.partition] for place in consumer.assignment()]}


def read(message):
    return {
        'topic': message.topic(),
        'partition': message.partition(),
        'offset': message.offset(),
        'timestamp': message.timestamp()[1],
        'key': text(message.key()),
        'value': text(message.value()),
        'headers': [[name, text(value)] for name, value in message.headers() or []],
    }


def text(value):
    return None if value is None else value.decode()


def commit():
    consumer.commit(asynchronous=False)


def close():
    consumer.close()


# Administration


def admin():
    global admin_client
    if admin_client is None:
        admin_client = AdminClient({**bootstrap, 'topic.metadata.refresh.interval.ms': 1000})
    return admin_client


def only(futures):
    return list(futures.values())[0].result(TIMEOUT_S)


def create_topic(topic, partitions=1, configs={}):
    only(admin().create_topics([NewTopic(topic, partitions, config=configs)]))


def describe_topic(topic):
    described = admin().list_topics(topic, TIMEOUT_S).topics[topic]
    if described.error is not None:
        raise KafkaException(described.error)
    partitions = sorted(described.partitions.values(), key=lambda partition: partition.id)
    return [[partition.id, partition.leader, len(partition.replicas), len(partition.isrs)] for partition in partitions]


def list_topics():
    return list(admin().list_topics(timeout=TIMEOUT_S).topics)


def add_partitions(topic, total):
    only(admin().create_partitions([NewPartitions(topic, total)]))


def delete_topic(topic):
    only(admin().delete_topics([topic]))


def describe_configs(topic):
    entries = only(admin().describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]))
    return {name: f'{entry.value} {entry.source}' for name, entry in sorted(entries.items())}


def alter_configs(topic, set={}, delete=[]):
    entries = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in set.items()]
    entries += [ConfigEntry(name, None, incremental_operation=AlterConfigOpType.DELETE) for name in delete]
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
    only(admin().incremental_alter_configs([resource]))


def delete_records(topic, partition, before):
    return only(admin().delete_records([TopicPartition(topic, partition, before)])).low_watermark


def list_offsets(topic, partition, at):
    if isinstance(at, dict):
        spec = OffsetSpec.for_timestamp(at['timestamp'])
    else:
        spec = {'earliest': OffsetSpec.earliest, 'latest': OffsetSpec.latest, 'max-timestamp': OffsetSpec.max_timestamp}[at]()
    return only(admin().list_offsets({TopicPartition(topic, partition): spec})).offset


def list_groups():
    groups = admin().list_consumer_groups(request_timeout=TIMEOUT_S).result(TIMEOUT_S).valid
    return [[group.group_id, group.type.name, group.state.name] for group in groups]


def describe_group(group):
    described = only(admin().describe_consumer_groups([group]))
    members = [[member.client_id, len(member.assignment.topic_partitions)] for member in described.members]
    return {
        'state': described.state.name,
        'type': described.type.name,
        'assignor': described.partition_assignor,
        'members': members,
    }


def group_offsets(group, topic):
    found = only(admin().list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))
    return {f'{place.topic}-{place.partition}': place.offset for place in found.topic_partitions}


def alter_group_offsets(group, topic, partition, offset):
    places = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, partition, offset)])
    only(admin().alter_consumer_group_offsets([places]))


def delete_group(group):
    only(admin().delete_consumer_groups([group]))


def describe_cluster():
    described = admin().describe_cluster().result(TIMEOUT_S)
    return {'nodes': len(described.nodes), 'controller': described.controller.id}


VERBS = {
    'hello': hello,
    'produce': produce,
    'open': open_consumer,
    'poll': poll,
    'commit': commit,
    'close': close,
    'txnOpen': txn_open,
    'txnBegin': lambda: transactional.begin_transaction(),
    'txnSend': lambda topic, records: send(transactional, topic, records),
    'txnOffsets': txn_offsets,
    'txnCommit': lambda: transactional.commit_transaction(TIMEOUT_S),
    'txnAbort': lambda: transactional.abort_transaction(TIMEOUT_S),
    'txnClose': txn_close,
    'createTopic': create_topic,
    'describeTopic': describe_topic,
    'listTopics': list_topics,
    'addPartitions': add_partitions,
    'deleteTopic': delete_topic,
    'describeConfigs': describe_configs,
    'alterConfigs': alter_configs,
    'deleteRecords': delete_records,
    'listOffsets': list_offsets,
    'listGroups': list_groups,
    'describeGroup': describe_group,
    'groupOffsets': group_offsets,
    'alterGroupOffsets': alter_group_offsets,
    'deleteGroup': delete_group,
    'describeCluster': describe_cluster,
}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {'ok': VERBS[request.pop('verb')](**request)}
    except KafkaException as refused:
        answer = {'error': f'{refused.args[0].name()}: {refused.args[0].str()}'}
    except Exception as failed:
        answer = {'error': f'{type(failed).__name__}: {failed}'}
    print(json.dumps(answer), flush=True)
