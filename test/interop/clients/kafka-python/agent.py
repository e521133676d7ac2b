"""kafka-python behind the verbs of agent.ts: a line of JSON in, a line of JSON out."""

import json
import sys
import time
from importlib.metadata import version

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic, OffsetSpec, OffsetTimestamp
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.structs import OffsetAndMetadata

bootstrap = {}
producers = {}
consumer = None
transactional = None
admin_client = None

ABILITIES = ['gzip', 'snappy', 'lz4', 'zstd', 'idempotent', 'cooperative-sticky', 'static', 'timestamps', 'repeated-headers']
ASSIGNORS = {'range': RangePartitionAssignor, 'cooperative-sticky': CooperativeStickyAssignor}
TIMEOUT_S = 30
LARGE = 20_000_000


def hello(bootstrapServers):
    bootstrap.update(bootstrap_servers=bootstrapServers)
    return {'version': version('kafka-python'), 'can': [*VERBS, *ABILITIES]}


# Producing


def produce(topic, records, codec='none', acks=-1, idempotent=False):
    key = (codec, acks, idempotent)
    if key not in producers:
        settings = {'compression_type': None if codec == 'none' else codec, 'enable_idempotence': idempotent, 'max_request_size': LARGE}
        producers[key] = KafkaProducer(**bootstrap, **settings, acks='all' if acks == -1 else acks)
    return send(producers[key], topic, records)


def send(producer, topic, records):
    sent = []
    for record in records:
        headers = [(name, None if value is None else value.encode()) for name, value in record.get('headers', [])]
        options = {'partition': record.get('partition'), 'timestamp_ms': record.get('timestamp'), 'headers': headers}
        sent.append(producer.send(topic, bytes_of(record.get('value')), bytes_of(record.get('key')), **options))
    producer.flush(TIMEOUT_S)
    delivered = [future.get(TIMEOUT_S) for future in sent]
    return None if any(metadata.offset < 0 for metadata in delivered) else [metadata.offset for metadata in delivered]


def bytes_of(text):
    return None if text is None else text.encode()


def txn_open(transactionalId, timeoutMs=60_000):
    global transactional
    transactional = KafkaProducer(**bootstrap, transactional_id=transactionalId, transaction_timeout_ms=timeoutMs)
    transactional.init_transactions()


def txn_offsets():
    positions = {partition: OffsetAndMetadata(consumer.position(partition), '', -1) for partition in consumer.assignment()}
    transactional.send_offsets_to_transaction(positions, consumer.group_metadata())


# Consuming


def open_consumer(topic, pattern=None, group=None, assign=None, assignor='range', instanceId=None, committed=False, reset='earliest', **_):
    global consumer
    consumer = KafkaConsumer(
        **bootstrap,
        group_id=group,
        group_instance_id=instanceId,
        enable_auto_commit=False,
        auto_offset_reset=reset,
        isolation_level='read_committed' if committed else 'read_uncommitted',
        heartbeat_interval_ms=500,
        metadata_max_age_ms=1000,
        max_partition_fetch_bytes=LARGE,
        partition_assignment_strategy=[ASSIGNORS[assignor]],
    )
    if assign is None:
        consumer.subscribe(**({'pattern': pattern} if pattern else {'topics': [topic]}))
        return
    consumer.assign([TopicPartition(topic, place['partition']) for place in assign])
    for place in assign:
        seek(TopicPartition(topic, place['partition']), place['at'])


def seek(partition, at):
    if at == 'earliest':
        consumer.seek_to_beginning(partition)
    elif at == 'latest':
        consumer.seek_to_end(partition)
    elif isinstance(at, dict):
        consumer.seek(partition, consumer.offsets_for_times({partition: at['timestamp']})[partition].offset)
    else:
        consumer.seek(partition, at)
    consumer.position(partition)


def poll(ms):
    fetched = consumer.poll(ms)
    records = [read(record) for records in fetched.values() for record in records]
    return {'records': records, 'assignment': [[place.topic, place.partition] for place in consumer.assignment()]}


def read(record):
    return {
        'topic': record.topic,
        'partition': record.partition,
        'offset': record.offset,
        'timestamp': record.timestamp,
        'key': text(record.key),
        'value': text(record.value),
        'headers': [[name, text(value)] for name, value in record.headers],
    }


def text(value):
    return None if value is None else value.decode()


# Administration


def admin():
    global admin_client
    if admin_client is None:
        admin_client = KafkaAdminClient(**bootstrap)
    return admin_client


def create_topic(topic, partitions=1, configs={}):
    admin().create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])


def describe_topic(topic):
    described = admin().describe_topics([topic])[0]
    partitions = sorted(described['partitions'], key=lambda partition: partition['partition_index'])
    return [[each['partition_index'], each['leader_id'], len(each['replica_nodes']), len(each['isr_nodes'])] for each in partitions]


def add_partitions(topic, total):
    admin().create_partitions({topic: total})


def describe_configs(topic):
    described = admin().describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter='all')['topic'][topic]
    if not described:
        raise ValueError('no such topic, of which the client says nothing')
    return {name: f"{entry['value']} {entry['config_source']}" for name, entry in sorted(described.items())}


def alter_configs(topic, set={}, delete=[]):
    changes = {**{name: (AlterConfigOp.SET, value) for name, value in set.items()}, **{name: (AlterConfigOp.DELETE, None) for name in delete}}
    altered = admin().alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=changes)], raise_on_unknown=False)
    if altered['topic'][topic] != 'OK':
        raise ValueError(altered['topic'][topic])


def delete_records(topic, partition, before):
    place = TopicPartition(topic, partition)
    return admin().delete_records({place: before})[place]['low_watermark']


def list_offsets(topic, partition, at):
    place = TopicPartition(topic, partition)
    specs = {'earliest': OffsetSpec.EARLIEST, 'latest': OffsetSpec.LATEST, 'max-timestamp': OffsetSpec.MAX_TIMESTAMP}
    spec = OffsetTimestamp(at['timestamp']) if isinstance(at, dict) else specs[at]
    return admin().list_partition_offsets({place: spec})[place].offset


def list_groups():
    return [[group['group_id'], group['group_type'], group['group_state']] for group in admin().list_groups()]


def describe_group(group):
    described = admin().describe_groups([group])[group]
    members = [[member['client_host'], member['member_assignment']['assigned_partitions']] for member in described['members']]
    return {'state': described['group_state'], 'assignor': described['protocol_data'], 'members': [len(assigned) for _, assigned in members]}


def group_offsets(group, topic):
    offsets = admin().list_group_offsets({group: None})[group]
    return {f'{place.topic}-{place.partition}': offset.offset for place, offset in offsets.items()}


def only(errors):
    """All that is refused of one thing is its error."""
    for error in errors.values():
        if isinstance(error, type) and error.errno != 0:
            raise error()


def alter_group_offsets(group, topic, partition, offset):
    only(admin().alter_group_offsets(group, {TopicPartition(topic, partition): OffsetAndMetadata(offset, '', -1)}))


def delete_group_offsets(group, topic):
    only(admin().delete_group_offsets(group, [TopicPartition(topic, 0)]))


def delete_group(group):
    deleted = admin().delete_groups([group])
    if deleted[group] != 'OK':
        raise ValueError(deleted[group])


def describe_cluster():
    described = admin().describe_cluster()
    return {'nodes': len(described['brokers']), 'controller': described['controller_id']}


VERBS = {
    'hello': hello,
    'produce': produce,
    'open': open_consumer,
    'poll': poll,
    'commit': lambda: consumer.commit(),
    'close': lambda: consumer.close(autocommit=False),
    'txnOpen': txn_open,
    'txnBegin': lambda: transactional.begin_transaction(),
    'txnSend': lambda topic, records: send(transactional, topic, records),
    'txnOffsets': txn_offsets,
    'txnCommit': lambda: transactional.commit_transaction(),
    'txnAbort': lambda: transactional.abort_transaction(),
    'txnClose': lambda: transactional.close(TIMEOUT_S),
    'createTopic': create_topic,
    'describeTopic': describe_topic,
    'listTopics': lambda: admin().list_topics(),
    'addPartitions': add_partitions,
    'deleteTopic': lambda topic: admin().delete_topics([topic]),
    'describeConfigs': describe_configs,
    'alterConfigs': alter_configs,
    'deleteRecords': delete_records,
    'listOffsets': list_offsets,
    'listGroups': list_groups,
    'describeGroup': describe_group,
    'groupOffsets': group_offsets,
    'alterGroupOffsets': alter_group_offsets,
    'deleteGroupOffsets': delete_group_offsets,
    'deleteGroup': delete_group,
    'describeCluster': describe_cluster,
}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {'ok': VERBS[request.pop('verb')](**request)}
    except Exception as failed:
        answer = {'error': f'{type(failed).__name__}: {failed}'}
    print(json.dumps(answer), flush=True)
