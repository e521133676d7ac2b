/*
 * Writes golden records of __consumer_offsets in every version. Run with the jars of the Kafka broker, from this folder:
 *
 *     java -cp '<folder of jars>/*' Records.java > records.txt
 *
 * Lines: <what> v<version> <key hex> <value hex>
 */
import java.util.*;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.*;
import org.apache.kafka.coordinator.group.generated.*;

public class Records {
    public static void main(String[] args) {
        for (short version = 0; version <= 4; version++) {
            OffsetCommitValue value = new OffsetCommitValue().setOffset(42).setMetadata("m€").setCommitTimestamp(1700000000123L);
            if (version == 1) value.setExpireTimestamp(1700000600123L);
            if (version >= 3) value.setLeaderEpoch(7);
            if (version >= 4) value.setTopicId(Uuid.fromString("mRyrmX9VTIWsDvx7xZs5Zw"));
            print("offset", version, key((short) 1, new OffsetCommitKey().setGroup("group").setTopic("topic").setPartition(3)), value);
        }
        byte[] legacyKey = key((short) 0, new LegacyOffsetCommitKey().setGroup("group").setTopic("topic").setPartition(3));
        print("offset", (short) 0, legacyKey, new OffsetCommitValue().setOffset(42).setMetadata("m€").setCommitTimestamp(1700000000123L));
        for (short version = 0; version <= 4; version++) {
            GroupMetadataValue.MemberMetadata first = member("a-1", "hello", "0001");
            GroupMetadataValue.MemberMetadata second = member("b-2", "", "");
            if (version >= 1) first.setRebalanceTimeout(300000);
            if (version >= 1) second.setRebalanceTimeout(60000);
            if (version >= 3) second.setGroupInstanceId("i1");
            GroupMetadataValue value = new GroupMetadataValue().setProtocolType("consumer").setGeneration(5).setProtocol("range")
                .setLeader("a-1").setMembers(List.of(first, second));
            if (version >= 2) value.setCurrentStateTimestamp(1700000000123L);
            print("group", version, key((short) 2, new GroupMetadataKey().setGroup("group")), value);
        }
    }

    static GroupMetadataValue.MemberMetadata member(String id, String subscription, String assignment) {
        return new GroupMetadataValue.MemberMetadata().setMemberId(id).setClientId("client").setClientHost("/127.0.0.1")
            .setSessionTimeout(45000).setSubscription(subscription.getBytes()).setAssignment(HexFormat.of().parseHex(assignment));
    }

    static byte[] key(short type, Message key) {
        byte[] bytes = MessageUtil.toVersionPrefixedBytes((short) 0, key);
        bytes[0] = (byte) (type >> 8);
        bytes[1] = (byte) type;
        return bytes;
    }

    static void print(String what, short version, byte[] key, Message value) {
        HexFormat hex = HexFormat.of();
        System.out.println(what + " v" + version + " " + hex.formatHex(key) + " " + hex.formatHex(MessageUtil.toVersionPrefixedBytes(version, value)));
    }
}
