"""aiokafka behind the verbs of agent.ts: a line of JSON in, a line of JSON out."""

import asyncio
import json
import sys
from importlib.metadata import version

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError, for_code

bootstrap = {}
producers = {}
consumer = None
transactional = None
admin_client = None

ABILITIES = ['gzip', 'idempotent', 'static', 'timestamps', 'repeated-headers']
LARGE = 20_000_000


async def hello(bootstrapServers):
    bootstrap['bootstrap_servers'] = bootstrapServers
    return {'version': version('aiokafka'), 'can': [*VERBS, *ABILITIES]}


# Producing


async def produce(topic, records, codec='none', acks=-1, idempotent=False):
    key = (codec, acks, idempotent)
    if key not in producers:
        settings = {'compression_type': None if codec == 'none' else codec, 'enable_idempotence': idempotent, 'max_request_size': LARGE}
        producers[key] = AIOKafkaProducer(**bootstrap, **settings, acks='all' if acks == -1 else acks)
        await producers[key].start()
    return await send(producers[key], topic, records)


async def send(producer, topic, records):
    sent = []
    for record in records:
        headers = [(name, None if value is None else value.encode()) for name, value in record.get('headers', [])]
        options = {'partition': record.get('partition'), 'timestamp_ms': record.get('timestamp'), 'headers': headers}
        sent.append(await producer.send(topic, bytes_of(record.get('value')), bytes_of(record.get('key')), **options))
    delivered = await asyncio.gather(*sent)
    return [None if metadata is None else metadata.offset for metadata in delivered]


def bytes_of(text):
    return None if text is None else text.encode()


async def txn_open(transactionalId, timeoutMs=60_000):
    global transactional
    transactional = AIOKafkaProducer(**bootstrap, transactional_id=transactionalId, transaction_timeout_ms=timeoutMs)
    await transactional.start()


async def txn_offsets():
    positions = {partition: await consumer.position(partition) for partition in consumer.assignment()}
    await transactional.send_offsets_to_transaction(positions, consumer._group_id)


async def txn_close():
    """A producer that was fenced complains while it closes."""
    try:
        await transactional.stop()
    except KafkaError:
        pass


# Consuming


async def open_consumer(topic, group=None, assign=None, instanceId=None, committed=False, reset='earliest', **_):
    global consumer
    consumer = AIOKafkaConsumer(
        **bootstrap,
        group_id=group,
        group_instance_id=instanceId,
        enable_auto_commit=False,
        auto_offset_reset=reset,
        isolation_level='read_committed' if committed else 'read_uncommitted',
        heartbeat_interval_ms=500,
        max_partition_fetch_bytes=LARGE,
        partition_assignment_strategy=(RangePartitionAssignor,),
    )
    if assign is None:
        consumer.subscribe([topic])
        starting = asyncio.create_task(consumer.start())
        await asyncio.wait([starting], timeout=20)
        return
    await consumer.start()
    consumer.assign([TopicPartition(topic, place['partition']) for place in assign])
    for place in assign:
        await seek(TopicPartition(topic, place['partition']), place['at'])


async def seek(partition, at):
    if at == 'earliest':
        await consumer.seek_to_beginning(partition)
    elif at == 'latest':
        await consumer.seek_to_end(partition)
    elif isinstance(at, dict):
        found = await consumer.offsets_for_times({partition: at['timestamp']})
        consumer.seek(partition, found[partition].offset)
    else:
        consumer.seek(partition, at)
    await consumer.position(partition)


async def poll(ms):
    fetched = await consumer.getmany(timeout_ms=ms)
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


async def commit():
    await consumer.commit()


async def close():
    await consumer.stop()


# Administration


async def admin():
    global admin_client
    if admin_client is None:
        admin_client = AIOKafkaAdminClient(**bootstrap)
        await admin_client.start()
    return admin_client


def check(code):
    if code != 0:
        raise for_code(code)


async def create_topic(topic, partitions=1, configs={}):
    created = await (await admin()).create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])
    check(created.topic_errors[0][1])


async def describe_topic(topic):
    described = (await (await admin()).describe_topics([topic]))[0]
    check(described['error_code'])
    partitions = sorted(described['partitions'], key=lambda partition: partition['partition'])
    return [[each['partition'], each['leader'], len(each['replicas']), len(each['isr'])] for each in partitions]


async def list_topics():
    return await (await admin()).list_topics()


async def add_partitions(topic, total):
    grown = await (await admin()).create_partitions({topic: NewPartitions(total)})
    check(grown.topic_errors[0][1])


async def delete_topic(topic):
    deleted = await (await admin()).delete_topics([topic])
    check(deleted.topic_error_codes[0][1])


async def describe_configs(topic):
    described = await (await admin()).describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    code, _, _, _, entries = described[0].resources[0]
    check(code)
    return {entry[0]: f'{entry[1]} {entry[3]}' for entry in sorted(entries)}


async def alter_configs(topic, set={}):
    altered = await (await admin()).alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=set)])
    check(altered[0].resources[0][0])


async def delete_records(topic, partition, before):
    place = TopicPartition(topic, partition)
    return (await (await admin()).delete_records({place: RecordsToDelete(before_offset=before)}))[place]


async def list_groups():
    return [[group, '', protocol] for group, protocol in await (await admin()).list_consumer_groups()]


async def describe_group(group):
    described = (await (await admin()).describe_consumer_groups([group]))[0].groups[0]
    check(described[0])
    return {'state': described[2], 'assignor': described[4], 'members': [member[1] for member in described[5]]}


async def group_offsets(group, topic):
    offsets = await (await admin()).list_consumer_group_offsets(group)
    return {f'{place.topic}-{place.partition}': offset.offset for place, offset in offsets.items()}


async def describe_cluster():
    described = await (await admin()).describe_cluster()
    return {'nodes': len(described['brokers']), 'controller': described['controller_id']}


async def begin():
    await transactional.begin_transaction()


async def commit_transaction():
    await transactional.commit_transaction()


async def abort_transaction():
    await transactional.abort_transaction()


async def txn_send(topic, records):
    return await send(transactional, topic, records)


VERBS = {
    'hello': hello,
    'produce': produce,
    'open': open_consumer,
    'poll': poll,
    'commit': commit,
    'close': close,
    'txnOpen': txn_open,
    'txnBegin': begin,
    'txnSend': txn_send,
    'txnOffsets': txn_offsets,
    'txnCommit': commit_transaction,
    'txnAbort': abort_transaction,
    'txnClose': txn_close,
    'createTopic': create_topic,
    'describeTopic': describe_topic,
    'listTopics': list_topics,
    'addPartitions': add_partitions,
    'deleteTopic': delete_topic,
    'describeConfigs': describe_configs,
    'alterConfigs': alter_configs,
    'deleteRecords': delete_records,
    'listGroups': list_groups,
    'describeGroup': describe_group,
    'groupOffsets': group_offsets,
    'describeCluster': describe_cluster,
}


async def main():
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        request = json.loads(line)
        try:
            answer = {'ok': await asyncio.wait_for(VERBS[request.pop('verb')](**request), 40)}
        except Exception as failed:
            answer = {'error': f'{type(failed).__name__}: {failed}'}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
