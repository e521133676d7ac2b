import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * What programs do with Kafka's own transactional producer, told line by line, so that two brokers can be compared.
 * Arguments: bootstrap servers, and a name that every topic, group and transactional id begins with.
 */
public final class Transactions {
    private static final Duration POLL = Duration.ofMillis(200);
    private static final Duration AWAIT = Duration.ofMinutes(2);

    private final String servers;
    private final String name;

    private Transactions(String servers, String name) {
        this.servers = servers;
        this.name = name;
    }

    public static void main(String[] args) throws Exception {
        try {
            new Transactions(args[0], args[1]).run();
        } catch (Exception error) {
            error.printStackTrace();
            System.exit(1);
        }
    }

    private void run() throws Exception {
        outcomes();
        fence();
        timeout();
        many();
        exactlyOnce("classic");
        exactlyOnce("consumer");
        zombie();
        System.out.println("end");
    }

    private interface Step {
        void run() throws Exception;
    }

    /** Prints what came of it: the class of the error, or of its cause. */
    private static void tell(String what, Step step) {
        String outcome = "done";
        try {
            step.run();
        } catch (Exception error) {
            outcome = error.getClass().getSimpleName();
            if (error.getClass() == org.apache.kafka.common.KafkaException.class && error.getCause() != null)
                outcome += " by " + error.getCause().getClass().getSimpleName();
        }
        System.out.println(what + ": " + outcome);
    }

    private void outcomes() throws Exception {
        String topic = topic("outcomes", 2);
        try (KafkaProducer<String, String> producer = producer("outcomes", 60_000)) {
            producer.initTransactions();
            for (int n = 0; n < 6; n++) {
                producer.beginTransaction();
                for (int i = 0; i <= n; i++) producer.send(new ProducerRecord<>(topic, i % 2, null, n + "." + i));
                sendAll(producer);
                if (n % 3 == 1) producer.abortTransaction();
                else producer.commitTransaction();
            }
            producer.beginTransaction();
            producer.commitTransaction();
            producer.beginTransaction();
            producer.abortTransaction();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, 0, null, "open")).get();
            show("committed", read(topic, "read_committed"));
            show("all", read(topic, "read_uncommitted"));
            producer.commitTransaction();
            show("committed", read(topic, "read_committed"));
        }
    }

    private void fence() throws Exception {
        String topic = topic("fence", 1);
        try (KafkaProducer<String, String> first = producer("fence", 60_000);
                KafkaProducer<String, String> second = producer("fence", 60_000)) {
            first.initTransactions();
            first.beginTransaction();
            first.send(new ProducerRecord<>(topic, "first")).get();
            second.initTransactions();
            second.beginTransaction();
            second.send(new ProducerRecord<>(topic, "second"));
            tell("the fenced producer sends", () -> {
                try {
                    first.send(new ProducerRecord<>(topic, "fenced")).get();
                } catch (java.util.concurrent.ExecutionException error) {
                    throw (Exception) error.getCause();
                }
            });
            tell("the fenced producer commits", first::commitTransaction);
            tell("the second producer commits", second::commitTransaction);
        }
        show("after the fence", read(topic, "read_committed"));
        try (Admin admin = admin(); KafkaProducer<String, String> third = producer("fence", 60_000)) {
            third.initTransactions();
            third.beginTransaction();
            third.send(new ProducerRecord<>(topic, "third")).get();
            admin.fenceProducers(List.of(id("fence"))).all().get();
            tell("a producer fenced by an operator commits", third::commitTransaction);
        }
        show("after an operator's fence", read(topic, "read_committed"));
    }

    private void timeout() throws Exception {
        String topic = topic("timeout", 1);
        try (KafkaProducer<String, String> producer = producer("timeout", 3000)) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, "late")).get();
            await("the transaction times out", () -> stateOf(id("timeout")) == TransactionState.COMPLETE_ABORT);
            tell("a commit after the timeout", producer::commitTransaction);
        }
        try (KafkaProducer<String, String> producer = producer("timeout", 60_000)) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, "in time"));
            producer.commitTransaction();
        }
        show("after the timeout", read(topic, "read_committed"));
        try (KafkaProducer<String, String> producer = producer("too long", 3_600_000)) {
            tell("a timeout above what the broker allows", producer::initTransactions);
        }
    }

    /** Transactions one after another, without a pause, on many partitions. */
    private void many() throws Exception {
        String topic = topic("many", 8);
        try (KafkaProducer<String, String> producer = producer("many", 60_000)) {
            producer.initTransactions();
            for (int n = 0; n < 100; n++) {
                producer.beginTransaction();
                for (int i = 0; i < 20; i++) producer.send(new ProducerRecord<>(topic, i % 8, null, n + "." + i));
                sendAll(producer);
                if (n % 4 == 3) producer.abortTransaction();
                else producer.commitTransaction();
            }
        }
        Map<Integer, List<String>> committed = read(topic, "read_committed");
        long count = committed.values().stream().mapToInt(List::size).sum();
        long distinct = committed.values().stream().flatMap(List::stream).distinct().count();
        System.out.println("many: " + count + " records, " + distinct + " of them distinct");
    }

    /** Consume, transform, produce; some attempts abort, and once the program is replaced by another while a transaction is open. */
    private void exactlyOnce(String protocol) throws Exception {
        String from = topic("from-" + protocol, 2);
        String to = topic("to-" + protocol, 2);
        try (KafkaProducer<String, String> producer = producer("fill", 60_000)) {
            producer.initTransactions();
            for (int n = 0; n < 30; n++) {
                producer.beginTransaction();
                for (int i = 0; i < 4; i++) producer.send(new ProducerRecord<>(from, i % 2, null, n + "." + i));
                sendAll(producer);
                if (n % 5 == 4) producer.abortTransaction();
                else producer.commitTransaction();
            }
        }
        String group = id("group-" + protocol);
        transform(from, to, group, protocol, 40, false);
        transform(from, to, group, protocol, Integer.MAX_VALUE, true);
        List<String> sent = read(from, "read_committed").values().stream().flatMap(List::stream).sorted().toList();
        List<String> got = read(to, "read_committed").values().stream().flatMap(List::stream).sorted().toList();
        List<String> expected = sent.stream().map(value -> "<" + value + ">").sorted().toList();
        System.out.println("exactly once (" + protocol + "): " + got.size() + " records, " + got.equals(expected));
        try (Admin admin = admin()) {
            Map<TopicPartition, OffsetAndMetadata> offsets =
                    admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
            System.out.println("offsets of " + offsets.size() + " partitions");
        }
    }

    /** @param isLast reads to the end; else it leaves its last transaction open after so many records, with its offsets in it */
    private void transform(String from, String to, String group, String protocol, int countMax, boolean isLast)
            throws Exception {
        Properties properties = consumerProperties("read_committed");
        properties.put("group.id", group);
        properties.put("group.protocol", protocol);
        properties.put("auto.offset.reset", "earliest");
        properties.put("max.poll.records", "7");
        KafkaProducer<String, String> producer = producer("transform", 60_000);
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(properties)) {
            producer.initTransactions();
            consumer.subscribe(List.of(from));
            int count = 0;
            int attempts = 0;
            awaitMarkers();
            while (!isRead(consumer)) {
                var records = consumer.poll(POLL);
                if (records.isEmpty()) continue;
                producer.beginTransaction();
                records.forEach(record -> producer.send(
                        new ProducerRecord<>(to, record.partition(), null, "<" + record.value() + ">")));
                Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
                for (TopicPartition partition : records.partitions())
                    offsets.put(partition, new OffsetAndMetadata(consumer.position(partition)));
                producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
                count += records.count();
                if (count > countMax) {
                    producer.flush();
                    break;
                }
                if (++attempts % 3 == 2) {
                    producer.abortTransaction();
                    rewind(consumer, records.partitions());
                } else {
                    producer.commitTransaction();
                }
            }
        } finally {
            // Nothing is waited for: a transaction that is open stays open, and what comes after has to fence it.
            producer.close(Duration.ZERO);
        }
    }

    /** Whether the consumer has its partitions, and what is committed in them is behind it: nothing writes there any more. */
    private static boolean isRead(KafkaConsumer<String, String> consumer) {
        Map<TopicPartition, Long> ends = consumer.endOffsets(consumer.assignment());
        return !ends.isEmpty() && ends.entrySet().stream().allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
    }

    private static void rewind(KafkaConsumer<String, String> consumer, Collection<TopicPartition> partitions) {
        Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(new java.util.HashSet<>(partitions));
        for (TopicPartition partition : partitions) {
            OffsetAndMetadata offset = committed.get(partition);
            if (offset == null) consumer.seekToBeginning(List.of(partition));
            else consumer.seek(partition, offset.offset());
        }
    }

    /** Offsets of a member that the group no longer has. */
    @SuppressWarnings("removal")
    private void zombie() throws Exception {
        String topic = topic("zombie", 1);
        try (KafkaProducer<String, String> producer = producer("zombie", 60_000)) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, "zombie"));
            Map<TopicPartition, OffsetAndMetadata> offsets =
                    Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(1));
            ConsumerGroupMetadata stale =
                    new ConsumerGroupMetadata(id("group-classic"), 77, "nobody", java.util.Optional.empty());
            tell("offsets of a zombie", () -> {
                producer.sendOffsetsToTransaction(offsets, stale);
                producer.commitTransaction();
            });
            tell("its abort", producer::abortTransaction);
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, "alive"));
            producer.sendOffsetsToTransaction(offsets, new ConsumerGroupMetadata(id("group-simple")));
            tell("offsets of nobody in particular", producer::commitTransaction);
        }
        show("after the zombie", read(topic, "read_committed"));
    }

    private static void show(String what, Map<Integer, List<String>> values) {
        System.out.println(what + ": " + values);
    }

    /** By partition: every value up to what is the end at that isolation level. */
    private Map<Integer, List<String>> read(String topic, String isolation) throws Exception {
        Map<Integer, List<String>> values = new TreeMap<>();
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(consumerProperties(isolation))) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                    .map(info -> new TopicPartition(topic, info.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            awaitMarkers();
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            for (TopicPartition partition : partitions) values.put(partition.partition(), new ArrayList<>());
            while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition)))
                consumer.poll(POLL).forEach(record -> values.get(record.partition()).add(record.value()));
        }
        return values;
    }

    /** Waits until no transaction that has been decided lacks a marker. */
    private void awaitMarkers() throws Exception {
        try (Admin admin = admin()) {
            await("markers are written", () -> admin.listTransactions().all().get().stream()
                    .noneMatch(listing -> listing.state().toString().startsWith("Prepare")));
        }
    }

    private TransactionState stateOf(String transactionalId) throws Exception {
        try (Admin admin = admin()) {
            return admin.describeTransactions(List.of(transactionalId)).description(transactionalId).get().state();
        }
    }

    private static void await(String what, Callable<Boolean> isSo) throws Exception {
        long deadline = System.nanoTime() + AWAIT.toNanos();
        while (!isSo.call()) {
            if (System.nanoTime() > deadline) throw new IllegalStateException("not after " + AWAIT + ": " + what);
            Thread.sleep(50);
        }
    }

    /**
     * Before a transaction is ended. What is not sent yet would not be sent any more where it is aborted. And the producer looks for records
     * that wait before it locks its state: when it is ended just then, the end is sent before them, and they go into the next transaction.
     */
    private static void sendAll(KafkaProducer<String, String> producer) {
        producer.flush();
    }

    private String id(String of) {
        return name + "-" + of;
    }

    private String topic(String of, int partitions) throws Exception {
        String topic = id(of);
        try (Admin admin = admin()) {
            admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1))).all().get();
        }
        return topic;
    }

    private Admin admin() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", servers);
        return Admin.create(properties);
    }

    private KafkaProducer<String, String> producer(String of, int timeoutMs) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", servers);
        properties.put("transactional.id", id(of));
        properties.put("transaction.timeout.ms", Integer.toString(timeoutMs));
        return new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
    }

    private Properties consumerProperties(String isolation) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", servers);
        properties.put("isolation.level", isolation);
        properties.put("enable.auto.commit", "false");
        properties.put("key.deserializer", StringDeserializer.class.getName());
        properties.put("value.deserializer", StringDeserializer.class.getName());
        return properties;
    }
}
