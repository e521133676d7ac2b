import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.errors.InvalidMetadataException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.LeaderChangeMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;

/**
 * Kafka's own view of bytes. Run with its jars on the class path: java -cp "libs/*" Golden.java MODE
 *
 *   golden   prints batches that Kafka builds, as JSON of base64: test/protocol/golden/batches.json
 *   errors   prints "code name retriable invalidMetadata message" of every error, separated by tabs
 *   records  reads lines of base64, each some batches of ours, and prints what Kafka finds in them
 *   echo     reads lines "class version base64", decodes with Kafka's generated class and prints what it encodes again
 */
public class Golden {
  static final long TIMESTAMP = 1_795_244_830_482L;

  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "golden" -> golden();
      case "errors" -> errors();
      case "records" -> eachLine(Golden::records);
      case "echo" -> eachLine(Golden::echo);
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  interface Answer {
    String of(String line) throws Exception;
  }

  static void eachLine(Answer answer) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    StringBuilder out = new StringBuilder();
    for (String line; (line = in.readLine()) != null; ) {
      String text;
      try {
        text = answer.of(line);
      } catch (Throwable e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        text = "!" + cause.toString().replace('\n', ' ');
      }
      out.append(text).append('\n');
    }
    System.out.print(out);
  }

  static void errors() {
    for (Errors error : Errors.values()) {
      System.out.println(String.join("\t", String.valueOf(error.code()), error.name(),
          String.valueOf(error.exception() instanceof RetriableException),
          String.valueOf(error.exception() instanceof InvalidMetadataException)));
    }
  }

  static void golden() {
    StringBuilder out = new StringBuilder("{\n");
    for (String codec : new String[] {"none", "gzip", "snappy", "lz4", "zstd"}) {
      put(out, "small-" + codec, small(codec));
      put(out, "large-" + codec, large(codec));
    }
    put(out, "append-time", appendTime());
    put(out, "commit-marker", marker(ControlRecordType.COMMIT));
    put(out, "abort-marker", marker(ControlRecordType.ABORT));
    put(out, "leader-change", leaderChange());
    out.setLength(out.length() - 2);
    System.out.println(out.append("\n}"));
  }

  static void put(StringBuilder out, String name, MemoryRecords records) {
    byte[] bytes = new byte[records.sizeInBytes()];
    records.buffer().duplicate().get(bytes);
    out.append("  \"").append(name).append("\": \"").append(Base64.getEncoder().encodeToString(bytes)).append("\",\n");
  }

  static MemoryRecordsBuilder builder(String codec, TimestampType type, long producerId, boolean transactional) {
    short epoch = (short) (producerId < 0 ? -1 : 3);
    int sequence = producerId < 0 ? -1 : 17;
    return MemoryRecords.builder(
        ByteBuffer.allocate(1 << 20), (byte) 2, Compression.of(codec).build(), type, 42L, TIMESTAMP + 1000,
        producerId, epoch, sequence, transactional, 5);
  }

  /** Headers, nulls, empty bytes, text beyond ASCII, timestamps that go back. */
  static MemoryRecords small(String codec) {
    MemoryRecordsBuilder builder = builder(codec, TimestampType.CREATE_TIME, 4_000_000_000L, true);
    builder.append(TIMESTAMP, bytes("key"), bytes("value"));
    builder.append(TIMESTAMP + 70_000_000_000L, bytes("a"), null, new Header[] {new RecordHeader("h1", bytes("x"))});
    builder.append(TIMESTAMP - 5, null, bytes(""), new Header[] {
      new RecordHeader("größe", bytes("ü")), new RecordHeader("null", (byte[]) null), new RecordHeader("", bytes(""))
    });
    builder.append(TIMESTAMP, bytes(""), null);
    return builder.build();
  }

  /** Long enough for several blocks of snappy and LZ4; its beginning does not compress. */
  static MemoryRecords large(String codec) {
    MemoryRecordsBuilder builder = builder(codec, TimestampType.CREATE_TIME, -1, false);
    int state = 1;
    for (int i = 0; i < 150; i++) {
      byte[] value = new byte[500];
      for (int j = 0; j < value.length; j++) {
        state = state * 1103515245 + 12345;
        value[j] = i < 10 ? (byte) (state >>> 16) : (byte) ('a' + j % 7);
      }
      builder.append(TIMESTAMP + i, bytes("key-" + i), value);
    }
    return builder.build();
  }

  static MemoryRecords appendTime() {
    MemoryRecordsBuilder builder = builder("none", TimestampType.LOG_APPEND_TIME, -1, false);
    builder.append(TIMESTAMP, bytes("k"), bytes("v"));
    builder.append(TIMESTAMP + 1, bytes("k"), bytes("w"));
    return builder.build();
  }

  static MemoryRecords marker(ControlRecordType type) {
    return MemoryRecords.withEndTransactionMarker(
        42L, TIMESTAMP, 5, 4_000_000_000L, (short) 3, new EndTransactionMarker(type, 9));
  }

  static MemoryRecords leaderChange() {
    LeaderChangeMessage message = new LeaderChangeMessage().setVersion((short) 0).setLeaderId(1)
        .setVoters(java.util.List.of(new LeaderChangeMessage.Voter().setVoterId(1)))
        .setGrantingVoters(java.util.List.of(new LeaderChangeMessage.Voter().setVoterId(1)));
    return MemoryRecords.withLeaderChangeMessage(42L, TIMESTAMP, 5, ByteBuffer.allocate(256), message);
  }

  static String records(String line) {
    MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(Base64.getDecoder().decode(line)));
    StringBuilder out = new StringBuilder();
    for (MutableRecordBatch batch : records.batches()) {
      batch.ensureValid();
      out.append(batch.compressionType()).append(' ').append(batch.baseOffset()).append(' ').append(batch.lastOffset())
          .append(' ').append(batch.producerId()).append(' ').append(batch.producerEpoch()).append(' ')
          .append(batch.baseSequence()).append(' ').append(batch.maxTimestamp()).append(' ')
          .append(batch.isTransactional()).append(' ').append(batch.isControlBatch()).append(';');
      for (Record record : batch) {
        record.ensureValid();
        out.append(record.offset()).append(' ').append(record.timestamp()).append(' ')
            .append(base64(record.key())).append(' ').append(base64(record.value()));
        for (Header header : record.headers()) {
          ByteBuffer value = header.value() == null ? null : ByteBuffer.wrap(header.value());
          out.append(' ').append(base64(ByteBuffer.wrap(bytes(header.key())))).append('=').append(base64(value));
        }
        out.append(';');
      }
    }
    return out.toString();
  }

  static String echo(String line) throws Exception {
    String[] parts = line.split(" ", -1);
    short version = Short.parseShort(parts[1]);
    ByteBuffer buffer = ByteBuffer.wrap(Base64.getDecoder().decode(parts[2]));
    Message message = (Message) Class.forName(parts[0]).getConstructor().newInstance();
    message.read(new ByteBufferAccessor(buffer), version);
    if (buffer.hasRemaining()) return "!" + buffer.remaining() + " bytes left";
    ByteBuffer written = MessageUtil.toByteBufferAccessor(message, version).buffer();
    byte[] bytes = new byte[written.remaining()];
    written.get(bytes);
    return Base64.getEncoder().encodeToString(bytes);
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static String base64(ByteBuffer buffer) {
    if (buffer == null) return "null";
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return Base64.getEncoder().encodeToString(bytes);
  }
}
