/*
 * Writes golden cases of Kafka's assignors of the group coordinator. Run with the jars of Kafka's broker, from this folder:
 *
 *     java -cp '<folder of jars>/*' ServerAssignors.java > server-assignments.txt
 *
 * Groups live through several rounds: members come, go and change topics; topics grow. Each round is one case and stands alone. Members are
 * given in the order of their ids. Lines as those of Assignors.java, with `had=` for what a member was to have before.
 */
import java.util.*;
import java.util.stream.*;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.coordinator.group.api.assignor.*;
import org.apache.kafka.coordinator.group.assignor.*;
import org.apache.kafka.coordinator.group.modern.*;

public class ServerAssignors {
    static final class Member {
        String id;
        String instance;
        TreeSet<Integer> topics = new TreeSet<>();
        Map<Uuid, Set<Integer>> had = Map.of();
    }

    public static void main(String[] args) {
        for (String name : List.of("range", "uniform")) {
            for (int scenario = 0; scenario < 24; scenario++) live(name, scenario);
        }
    }

    static Uuid topic(int index) {
        return new Uuid(0x1111111111111111L * (index + 1), 77 + index);
    }

    static void live(String name, int scenario) {
        Random random = new Random(500 + scenario);
        boolean isEqual = scenario % 2 == 0;
        int topicCount = 1 + random.nextInt(5);
        int[] counts = new int[topicCount];
        for (int i = 0; i < topicCount; i++) counts[i] = 1 + random.nextInt(scenario % 5 == 4 ? 40 : 12);
        TreeMap<String, Member> members = new TreeMap<>();
        int memberCount = 1 + random.nextInt(scenario % 5 == 4 ? 20 : 6);
        for (int i = 0; i < memberCount; i++) add(members, random, topicCount, isEqual);
        for (int round = 0; round < 6; round++) {
            if (round > 0) change(members, random, counts, isEqual);
            run(name, scenario + "." + round, counts, members);
        }
    }

    static void add(Map<String, Member> members, Random random, int topicCount, boolean isEqual) {
        Member member = new Member();
        member.id = "m" + String.format("%04d", random.nextInt(10000));
        if (random.nextInt(4) == 0) member.instance = "i" + random.nextInt(1000);
        subscribe(member, random, topicCount, isEqual);
        members.put(member.id, member);
    }

    static void subscribe(Member member, Random random, int topicCount, boolean isEqual) {
        member.topics.clear();
        for (int i = 0; i < topicCount; i++) if (isEqual || random.nextInt(3) > 0) member.topics.add(i);
    }

    static void change(TreeMap<String, Member> members, Random random, int[] counts, boolean isEqual) {
        int kind = random.nextInt(isEqual ? 3 : 4);
        List<String> ids = new ArrayList<>(members.keySet());
        if (kind == 0 && members.size() > 1) members.remove(ids.get(random.nextInt(ids.size())));
        else if (kind <= 1) add(members, random, counts.length, isEqual);
        else if (kind == 2) counts[random.nextInt(counts.length)] += 1 + random.nextInt(4);
        else subscribe(members.get(ids.get(random.nextInt(ids.size()))), random, counts.length, isEqual);
    }

    static void run(String name, String round, int[] counts, TreeMap<String, Member> members) {
        System.out.println("case " + name + " " + round);
        System.out.println("topics " + IntStream.range(0, counts.length).mapToObj(i -> topic(i) + "=" + counts[i]).collect(Collectors.joining(" ")));
        Map<String, MemberSubscriptionAndAssignmentImpl> specs = new LinkedHashMap<>();
        Map<Uuid, Map<Integer, String>> owners = new HashMap<>();
        Set<Set<Integer>> subscriptions = new HashSet<>();
        for (Member member : members.values()) {
            String topics = member.topics.stream().map(i -> topic(i).toString()).collect(Collectors.joining(","));
            System.out.println("member " + member.id + (member.instance == null ? "" : " instance=" + member.instance) + " topics=" + topics + " had=" + text(member.had));
            Set<Uuid> ids = member.topics.stream().map(ServerAssignors::topic).collect(Collectors.toCollection(LinkedHashSet::new));
            specs.put(member.id, new MemberSubscriptionAndAssignmentImpl(Optional.empty(), Optional.ofNullable(member.instance), ids, new Assignment(Collections.unmodifiableMap(member.had))));
            member.had.forEach((id, partitions) -> partitions.forEach(p -> owners.computeIfAbsent(id, k -> new HashMap<>()).put(p, member.id)));
            subscriptions.add(member.topics);
        }
        Map<Uuid, Integer> byId = new HashMap<>();
        for (int i = 0; i < counts.length; i++) byId.put(topic(i), counts[i]);
        SubscribedTopicDescriber describer = new SubscribedTopicDescriber() {
            @Override public int numPartitions(Uuid id) { return byId.getOrDefault(id, -1); }
            @Override public Set<String> racksForPartition(Uuid id, int partition) { return Set.of(); }
        };
        SubscriptionType type = subscriptions.size() <= 1 ? SubscriptionType.HOMOGENEOUS : SubscriptionType.HETEROGENEOUS;
        ConsumerGroupPartitionAssignor assignor = name.equals("range") ? new RangeAssignor() : new UniformAssignor();
        GroupAssignment result = assignor.assign(new GroupSpecImpl(specs, type, owners), describer);
        for (Member member : members.values()) {
            MemberAssignment own = result.members().get(member.id);
            Map<Uuid, Set<Integer>> had = new TreeMap<>();
            if (own != null) own.partitions().forEach((id, partitions) -> { if (!partitions.isEmpty()) had.put(id, new TreeSet<>(partitions)); });
            member.had = had;
            System.out.println("gets " + member.id + " " + text(had));
        }
    }

    static String text(Map<Uuid, Set<Integer>> partitions) {
        return partitions.entrySet().stream().sorted(Comparator.comparing(e -> e.getKey().toString()))
            .map(e -> e.getKey() + ":" + e.getValue().stream().sorted().map(String::valueOf).collect(Collectors.joining(",")))
            .collect(Collectors.joining(";"));
    }
}
