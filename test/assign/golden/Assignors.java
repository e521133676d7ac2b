/*
 * Writes golden cases of Kafka's client-side assignors. Run with the Kafka client jars, from this folder:
 *
 *     java -cp '<folder of jars>/*' Assignors.java > assignments.txt
 *
 * Groups live through several rounds: members come, go, restart, miss a generation, change topics; topics grow. Each round is one case and
 * stands alone. Lines:
 *
 *     case <assignor> <scenario>.<round>
 *     topics a=3 b=5
 *     member <id> [instance=<id>] topics=a,b [owned=a:0,1;b:2] gen=<n> [data=<hex>]
 *     gets <id> a:0,1;b:2
 */
import java.nio.ByteBuffer;
import java.util.*;
import java.util.stream.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.*;
import org.apache.kafka.common.*;

public class Assignors {
    static final class Member {
        String id;
        String instance;
        List<String> topics;
        List<TopicPartition> owned = List.of();
        int generation = -1;
        ConsumerPartitionAssignor memory;
    }

    public static void main(String[] args) {
        for (String name : List.of("range", "roundrobin", "sticky", "cooperative-sticky")) {
            int scenarios = name.contains("sticky") ? 24 : 6;
            for (int scenario = 0; scenario < scenarios; scenario++) live(name, scenario);
        }
    }

    static ConsumerPartitionAssignor create(String name) {
        return switch (name) {
            case "range" -> new RangeAssignor();
            case "roundrobin" -> new RoundRobinAssignor();
            case "sticky" -> new StickyAssignor();
            default -> new CooperativeStickyAssignor();
        };
    }

    static void live(String name, int scenario) {
        Random random = new Random(1000 + scenario);
        boolean isEqual = scenario % 2 == 0;
        Map<String, Integer> topics = new TreeMap<>();
        int topicCount = 1 + random.nextInt(4);
        for (int i = 0; i < topicCount; i++) topics.put("topic-" + (char) ('a' + i), 1 + random.nextInt(scenario % 5 == 4 ? 40 : 12));
        List<Member> members = new ArrayList<>();
        int memberCount = 1 + random.nextInt(scenario % 5 == 4 ? 20 : 6);
        for (int i = 0; i < memberCount; i++) members.add(newMember(name, random, topics, isEqual));
        for (int round = 0; round < 5; round++) {
            if (round > 0) change(name, random, topics, members, isEqual);
            run(name, scenario, round, topics, members, random);
        }
    }

    static Member newMember(String name, Random random, Map<String, Integer> topics, boolean isEqual) {
        Member member = new Member();
        member.id = String.format("consumer-%08x", random.nextInt());
        member.instance = random.nextInt(4) == 0 ? String.format("i%04x", random.nextInt(65536)) : null;
        member.topics = subscribe(random, topics, isEqual);
        member.memory = create(name);
        return member;
    }

    static List<String> subscribe(Random random, Map<String, Integer> topics, boolean isEqual) {
        if (isEqual) return new ArrayList<>(topics.keySet());
        List<String> some = topics.keySet().stream().filter(t -> random.nextInt(3) > 0).collect(Collectors.toList());
        return some.isEmpty() ? new ArrayList<>(topics.keySet()) : some;
    }

    static void change(String name, Random random, Map<String, Integer> topics, List<Member> members, boolean isEqual) {
        int what = random.nextInt(6);
        if (what == 0 && members.size() > 1) members.remove(random.nextInt(members.size()));
        if (what == 1 || what == 2) members.add(newMember(name, random, topics, isEqual));
        if (what == 3) topics.replaceAll((topic, count) -> random.nextInt(2) == 0 ? count + 1 + random.nextInt(4) : count);
        if (what == 4 && !isEqual) members.get(random.nextInt(members.size())).topics = subscribe(random, topics, false);
        if (what == 5 && members.size() > 2) {
            members.remove(0);
            members.add(newMember(name, random, topics, isEqual));
        }
    }

    static void run(String name, int scenario, int round, Map<String, Integer> topics, List<Member> members, Random random) {
        StringBuilder text = new StringBuilder();
        text.append("case ").append(name).append(' ').append(scenario).append('.').append(round).append('\n');
        text.append("topics");
        topics.forEach((topic, count) -> text.append(' ').append(topic).append('=').append(count));
        text.append('\n');
        Map<String, Subscription> subscriptions = new HashMap<>();
        boolean isCooperative = name.startsWith("cooperative");
        for (Member member : members) {
            ByteBuffer data = member.memory.subscriptionUserData(new TreeSet<>(member.topics));
            List<TopicPartition> owned = isCooperative ? member.owned : List.of();
            Subscription subscription = new Subscription(member.topics, data, owned, member.generation, Optional.empty());
            subscription.setGroupInstanceId(Optional.ofNullable(member.instance));
            subscriptions.put(member.id, subscription);
            text.append("member ").append(member.id);
            if (member.instance != null) text.append(" instance=").append(member.instance);
            text.append(" topics=").append(String.join(",", member.topics));
            if (!owned.isEmpty()) text.append(" owned=").append(format(owned));
            text.append(" gen=").append(member.generation);
            if (data != null) text.append(" data=").append(HexFormat.of().formatHex(data.array(), 0, data.limit()));
            text.append('\n');
        }
        Map<String, Assignment> result;
        try {
            result = create(name).assign(cluster(topics), new GroupSubscription(subscriptions)).groupAssignment();
        } catch (RuntimeException e) {
            return; // A fault of the sticky assignor, see below.
        }
        // In rare cases it gives a partition back to a former owner that does not subscribe (any more), or trips over one that was set aside.
        for (Member member : members) {
            if (result.get(member.id).partitions().stream().anyMatch(tp -> !member.topics.contains(tp.topic()))) return;
        }
        for (Member member : members) {
            List<TopicPartition> assigned = result.get(member.id).partitions();
            text.append("gets ").append(member.id).append(' ').append(format(assigned)).append('\n');
            // Now and then somebody misses the result and comes back with what it had before.
            if (random.nextInt(12) == 0) continue;
            member.owned = assigned;
            member.generation = round + 1;
            member.memory.onAssignment(new Assignment(assigned), new ConsumerGroupMetadata("g", round + 1, member.id, Optional.empty()));
        }
        System.out.print(text);
    }

    static Cluster cluster(Map<String, Integer> topics) {
        Node node = new Node(1, "localhost", 9092);
        List<PartitionInfo> partitions = new ArrayList<>();
        topics.forEach((topic, count) -> {
            for (int i = 0; i < count; i++) partitions.add(new PartitionInfo(topic, i, node, new Node[] {node}, new Node[] {node}));
        });
        return new Cluster("c", List.of(node), partitions, Set.of(), Set.of());
    }

    static String format(List<TopicPartition> partitions) {
        TreeMap<String, TreeSet<Integer>> byTopic = new TreeMap<>();
        for (TopicPartition tp : partitions) byTopic.computeIfAbsent(tp.topic(), t -> new TreeSet<>()).add(tp.partition());
        return byTopic.entrySet().stream()
            .map(e -> e.getKey() + ":" + e.getValue().stream().map(String::valueOf).collect(Collectors.joining(",")))
            .collect(Collectors.joining(";"));
    }
}
