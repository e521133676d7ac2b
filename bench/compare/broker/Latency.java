import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Milliseconds from send to poll, as JSON: {@code Latency <bootstrap> <topic> <records> <records a second, 0: one at a time>}. The time
 * of a record that could not be sent when it was due counts from when it was due. The first fifth, when the JVM is cold, is not counted.
 */
public class Latency {
    private static final int RECORD_BYTES = 100;

    public static void main(String[] args) throws Exception {
        String topic = args[1];
        int count = Integer.parseInt(args[2]);
        int uncounted = count / 5;
        long intervalNanos = args[3].equals("0") ? 0 : 1_000_000_000L / Long.parseLong(args[3]);
        double[] millis = new double[count];
        Semaphore next = new Semaphore(0);
        try (var consumer = new KafkaConsumer<byte[], byte[]>(
                 Map.of("bootstrap.servers", args[0]), new ByteArrayDeserializer(), new ByteArrayDeserializer());
             var producer = new KafkaProducer<byte[], byte[]>(
                 Map.of("bootstrap.servers", args[0], "linger.ms", 0, "acks", "all"),
                 new ByteArraySerializer(), new ByteArraySerializer())) {
            var partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            consumer.position(partition);
            producer.partitionsFor(topic);
            Thread sender = new Thread(() -> send(producer, topic, count, intervalNanos, next));
            sender.start();
            for (int received = 0; received < count;) {
                for (var record : consumer.poll(Duration.ofSeconds(10))) {
                    millis[received++] = (System.nanoTime() - ByteBuffer.wrap(record.value()).getLong()) / 1e6;
                    next.release();
                }
            }
            sender.join();
        }
        double[] sorted = Arrays.copyOfRange(millis, uncounted, count);
        Arrays.sort(sorted);
        System.out.printf(java.util.Locale.ROOT, "{\"p50\":%.3f,\"p99\":%.3f,\"p99.9\":%.3f}%n",
            at(sorted, 0.5), at(sorted, 0.99), at(sorted, 0.999));
    }

    private static void send(
            KafkaProducer<byte[], byte[]> producer, String topic, int count, long intervalNanos, Semaphore next) {
        long due = System.nanoTime();
        for (int sent = 0; sent < count; sent++) {
            if (intervalNanos == 0) {
                if (sent > 0) next.acquireUninterruptibly();
                due = System.nanoTime();
            } else {
                due += intervalNanos;
                while (System.nanoTime() < due) java.util.concurrent.locks.LockSupport.parkNanos(due - System.nanoTime());
            }
            byte[] value = new byte[RECORD_BYTES];
            ByteBuffer.wrap(value).putLong(due);
            producer.send(new ProducerRecord<>(topic, value));
        }
    }

    private static double at(double[] sorted, double share) {
        return sorted[Math.min(sorted.length - 1, (int) (share * sorted.length))];
    }
}
