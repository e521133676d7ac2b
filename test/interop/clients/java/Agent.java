import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/** The Java clients behind the verbs of agent.ts: a line of JSON in, a line of JSON out. */
public class Agent {
  static final ObjectMapper json = new ObjectMapper();
  static final Map<String, Verb> verbs = new HashMap<>();
  static final Map<String, KafkaProducer<String, String>> producers = new HashMap<>();
  static String bootstrapServers;
  static KafkaConsumer<String, String> consumer;
  static KafkaProducer<String, String> transactional;
  static Admin admin;

  interface Verb {
    Object run(JsonNode args) throws Exception;
  }

  public static void main(String[] unused) throws Exception {
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    addVerbs();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = in.readLine()) != null; ) out.println(json.writeValueAsString(answer(json.readTree(line))));
    Runtime.getRuntime().halt(0);
  }

  static Map<String, Object> answer(JsonNode request) {
    Map<String, Object> answer = new HashMap<>();
    try {
      answer.put("ok", verbs.get(request.get("verb").asText()).run(request));
    } catch (Exception thrown) {
      Throwable cause = thrown instanceof ExecutionException ? thrown.getCause() : thrown;
      answer.put("error", cause.getClass().getSimpleName() + ": " + cause.getMessage());
    }
    return answer;
  }

  static void addVerbs() {
    verbs.put("hello", Agent::hello);
    verbs.put("produce", args -> send(producer(args), args));
    verbs.put("open", Agent::open);
    verbs.put("poll", Agent::poll);
    verbs.put("commit", args -> run(() -> consumer.commitSync()));
    verbs.put("close", args -> run(() -> consumer.close()));
    verbs.put("txnOpen", args -> run(() -> transactional = transactionalProducer(args)));
    verbs.put("txnBegin", args -> run(() -> transactional.beginTransaction()));
    verbs.put("txnSend", args -> send(transactional, args));
    verbs.put("txnOffsets", args -> run(() -> transactional.sendOffsetsToTransaction(positions(), consumer.groupMetadata())));
    verbs.put("txnCommit", args -> run(() -> transactional.commitTransaction()));
    verbs.put("txnAbort", args -> run(() -> transactional.abortTransaction()));
    verbs.put("txnClose", args -> run(() -> transactional.close(Duration.ZERO)));
    verbs.put("createTopic", Agent::createTopic);
    verbs.put("describeTopic", Agent::describeTopic);
    verbs.put("listTopics", args -> admin().listTopics().names().get());
    verbs.put("addPartitions", args -> admin().createPartitions(Map.of(topic(args), NewPartitions.increaseTo(args.get("total").asInt()))).all().get());
    verbs.put("deleteTopic", args -> admin().deleteTopics(List.of(topic(args))).all().get());
    verbs.put("describeConfigs", Agent::describeConfigs);
    verbs.put("alterConfigs", Agent::alterConfigs);
    verbs.put("deleteRecords", Agent::deleteRecords);
    verbs.put("listOffsets", Agent::listOffsets);
    verbs.put("listGroups", Agent::listGroups);
    verbs.put("describeGroup", Agent::describeGroup);
    verbs.put("groupOffsets", Agent::groupOffsets);
    verbs.put("alterGroupOffsets", Agent::alterGroupOffsets);
    verbs.put("deleteGroupOffsets", args -> admin().deleteConsumerGroupOffsets(group(args), Set.of(new TopicPartition(topic(args), 0))).all().get());
    verbs.put("deleteGroup", args -> admin().deleteConsumerGroups(List.of(group(args))).all().get());
    verbs.put("describeCluster", Agent::describeCluster);
  }

  static Object hello(JsonNode args) {
    bootstrapServers = args.get("bootstrapServers").asText();
    List<String> can = new ArrayList<>(verbs.keySet());
    can.addAll(List.of("gzip", "snappy", "lz4", "zstd", "idempotent", "cooperative-sticky", "static", "consumer-protocol", "pattern", "timestamps", "repeated-headers"));
    return Map.of("version", AppInfoParser.getVersion(), "can", can);
  }

  static Object run(Runnable action) {
    action.run();
    return null;
  }

  static String topic(JsonNode args) {
    return args.get("topic").asText();
  }

  static String group(JsonNode args) {
    return args.get("group").asText();
  }

  static Properties properties(Object... keysAndValues) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrapServers);
    for (int i = 0; i < keysAndValues.length; i += 2) properties.put(keysAndValues[i], keysAndValues[i + 1]);
    return properties;
  }

  // Producing

  static KafkaProducer<String, String> producer(JsonNode args) {
    String codec = args.path("codec").asText("none");
    String acks = args.path("acks").asText("-1");
    boolean isIdempotent = args.path("idempotent").asBoolean(false);
    return producers.computeIfAbsent(codec + acks + isIdempotent, key -> newProducer(properties(
        "compression.type", codec, "acks", acks, "enable.idempotence", isIdempotent, "max.request.size", 20_000_000, "linger.ms", 5)));
  }

  static KafkaProducer<String, String> transactionalProducer(JsonNode args) {
    KafkaProducer<String, String> producer = newProducer(properties(
        "transactional.id", args.get("transactionalId").asText(), "transaction.timeout.ms", args.path("timeoutMs").asInt(60_000)));
    producer.initTransactions();
    return producer;
  }

  static KafkaProducer<String, String> newProducer(Properties properties) {
    return new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
  }

  static List<Long> send(KafkaProducer<String, String> producer, JsonNode args) throws Exception {
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    for (JsonNode record : args.get("records")) sent.add(producer.send(toSend(topic(args), record)));
    producer.flush();
    List<Long> offsets = new ArrayList<>();
    for (Future<RecordMetadata> metadata : sent) offsets.add(metadata.get().offset());
    return offsets;
  }

  static ProducerRecord<String, String> toSend(String topic, JsonNode record) {
    List<Header> headers = new ArrayList<>();
    for (JsonNode header : record.path("headers")) {
      String value = text(header.get(1));
      headers.add(new RecordHeader(header.get(0).asText(), value == null ? null : value.getBytes(StandardCharsets.UTF_8)));
    }
    Integer partition = record.hasNonNull("partition") ? record.get("partition").asInt() : null;
    Long timestamp = record.hasNonNull("timestamp") ? record.get("timestamp").asLong() : null;
    return new ProducerRecord<>(topic, partition, timestamp, text(record.get("key")), text(record.get("value")), headers);
  }

  static String text(JsonNode node) {
    return node == null || node.isNull() ? null : node.asText();
  }

  // Consuming

  static Object open(JsonNode args) {
    Properties properties = properties("auto.offset.reset", args.path("reset").asText("earliest"), "enable.auto.commit", false,
        "isolation.level", args.path("committed").asBoolean() ? "read_committed" : "read_uncommitted", "max.partition.fetch.bytes", 20_000_000);
    if (args.hasNonNull("group")) properties.put("group.id", group(args));
    if (args.hasNonNull("instanceId")) properties.put("group.instance.id", args.get("instanceId").asText());
    boolean isNew = args.path("protocol").asText().equals("consumer");
    properties.put("group.protocol", isNew ? "consumer" : "classic");
    if (!isNew) {
      properties.put("heartbeat.interval.ms", 500);
      boolean isCooperative = args.path("assignor").asText().equals("cooperative-sticky");
      String assignor = isCooperative ? "CooperativeStickyAssignor" : "RangeAssignor";
      properties.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer." + assignor);
    }
    consumer = new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer());
    if (args.hasNonNull("pattern")) consumer.subscribe(new SubscriptionPattern(args.get("pattern").asText()));
    else if (args.hasNonNull("assign")) assign(topic(args), args.get("assign"));
    else consumer.subscribe(List.of(topic(args)));
    return null;
  }

  static void assign(String topic, JsonNode places) {
    Map<TopicPartition, JsonNode> starts = new HashMap<>();
    for (JsonNode place : places) starts.put(new TopicPartition(topic, place.get("partition").asInt()), place.get("at"));
    consumer.assign(starts.keySet());
    starts.forEach((partition, at) -> {
      if (at.isNumber()) consumer.seek(partition, at.asLong());
      else if (at.isObject()) consumer.seek(partition, consumer.offsetsForTimes(Map.of(partition, at.get("timestamp").asLong())).get(partition).offset());
      else if (at.asText().equals("latest")) consumer.seekToEnd(List.of(partition));
      else consumer.seekToBeginning(List.of(partition));
      consumer.position(partition);
    });
  }

  static Object poll(JsonNode args) {
    List<Map<String, Object>> records = new ArrayList<>();
    for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(args.get("ms").asLong()))) records.add(read(record));
    List<List<Object>> assignment = new ArrayList<>();
    for (TopicPartition partition : consumer.assignment()) assignment.add(List.of(partition.topic(), partition.partition()));
    return Map.of("records", records, "assignment", assignment);
  }

  static Map<String, Object> read(ConsumerRecord<String, String> record) {
    Map<String, Object> read = new HashMap<>();
    read.put("topic", record.topic());
    read.put("partition", record.partition());
    read.put("offset", record.offset());
    read.put("timestamp", record.timestamp());
    read.put("key", record.key());
    read.put("value", record.value());
    List<List<String>> headers = new ArrayList<>();
    for (Header header : record.headers())
      headers.add(Arrays.asList(header.key(), header.value() == null ? null : new String(header.value(), StandardCharsets.UTF_8)));
    read.put("headers", headers);
    return read;
  }

  static Map<TopicPartition, OffsetAndMetadata> positions() {
    Map<TopicPartition, OffsetAndMetadata> positions = new HashMap<>();
    for (TopicPartition partition : consumer.assignment()) positions.put(partition, new OffsetAndMetadata(consumer.position(partition)));
    return positions;
  }

  // Administration

  static Admin admin() {
    if (admin == null) admin = Admin.create(properties());
    return admin;
  }

  static Object createTopic(JsonNode args) throws Exception {
    Map<String, String> configs = new HashMap<>();
    args.path("configs").fields().forEachRemaining(config -> configs.put(config.getKey(), config.getValue().asText()));
    NewTopic topic = new NewTopic(topic(args), Optional.of(args.path("partitions").asInt(1)), Optional.empty()).configs(configs);
    return admin().createTopics(List.of(topic)).all().get();
  }

  static Object describeTopic(JsonNode args) throws Exception {
    List<Object> partitions = new ArrayList<>();
    for (TopicPartitionInfo partition : admin().describeTopics(List.of(topic(args))).allTopicNames().get().get(topic(args)).partitions())
      partitions.add(List.of(partition.partition(), partition.leader().id(), partition.replicas().size(), partition.isr().size()));
    return partitions;
  }

  static ConfigResource resource(JsonNode args) {
    return new ConfigResource(ConfigResource.Type.TOPIC, topic(args));
  }

  static Object describeConfigs(JsonNode args) throws Exception {
    Map<String, Object> configs = new TreeMap<>();
    for (ConfigEntry entry : admin().describeConfigs(List.of(resource(args))).all().get().get(resource(args)).entries())
      configs.put(entry.name(), entry.value() + " " + entry.source());
    return configs;
  }

  static Object alterConfigs(JsonNode args) throws Exception {
    List<AlterConfigOp> ops = new ArrayList<>();
    args.path("set").fields().forEachRemaining(config ->
        ops.add(new AlterConfigOp(new ConfigEntry(config.getKey(), config.getValue().asText()), AlterConfigOp.OpType.SET)));
    for (JsonNode name : args.path("delete")) ops.add(new AlterConfigOp(new ConfigEntry(name.asText(), ""), AlterConfigOp.OpType.DELETE));
    return admin().incrementalAlterConfigs(Map.of(resource(args), ops)).all().get();
  }

  static Object deleteRecords(JsonNode args) throws Exception {
    TopicPartition partition = new TopicPartition(topic(args), args.get("partition").asInt());
    return admin().deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(args.get("before").asLong())))
        .lowWatermarks().get(partition).get().lowWatermark();
  }

  static Object listOffsets(JsonNode args) throws Exception {
    TopicPartition partition = new TopicPartition(topic(args), args.get("partition").asInt());
    OffsetSpec spec = args.get("at").isObject() ? OffsetSpec.forTimestamp(args.get("at").get("timestamp").asLong())
        : args.get("at").asText().equals("latest") ? OffsetSpec.latest()
        : args.get("at").asText().equals("max-timestamp") ? OffsetSpec.maxTimestamp() : OffsetSpec.earliest();
    return admin().listOffsets(Map.of(partition, spec)).partitionResult(partition).get().offset();
  }

  static Object listGroups(JsonNode args) throws Exception {
    List<Object> groups = new ArrayList<>();
    for (var group : admin().listGroups().all().get())
      groups.add(List.of(group.groupId(), group.type().map(Object::toString).orElse(""), group.groupState().map(Object::toString).orElse("")));
    return groups;
  }

  static Object describeGroup(JsonNode args) throws Exception {
    ConsumerGroupDescription group = admin().describeConsumerGroups(List.of(group(args))).all().get().get(group(args));
    List<Object> members = new ArrayList<>();
    for (MemberDescription member : group.members())
      members.add(List.of(member.clientId().replaceAll("\\d+", "N"), member.assignment().topicPartitions().size()));
    return Map.of("state", group.groupState().toString(), "type", group.type().toString(), "assignor", group.partitionAssignor(), "members", members);
  }

  static Object groupOffsets(JsonNode args) throws Exception {
    Map<String, Object> offsets = new TreeMap<>();
    admin().listConsumerGroupOffsets(group(args)).partitionsToOffsetAndMetadata().get()
        .forEach((partition, offset) -> offsets.put(partition.toString(), offset == null ? null : offset.offset()));
    return offsets;
  }

  static Object alterGroupOffsets(JsonNode args) throws Exception {
    TopicPartition partition = new TopicPartition(topic(args), args.get("partition").asInt());
    return admin().alterConsumerGroupOffsets(group(args), Map.of(partition, new OffsetAndMetadata(args.get("offset").asLong()))).all().get();
  }

  static Object describeCluster(JsonNode args) throws Exception {
    var cluster = admin().describeCluster();
    return Map.of("nodes", cluster.nodes().get().size(), "controller", cluster.controller().get().id());
  }
}
