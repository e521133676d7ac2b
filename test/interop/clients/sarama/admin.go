package main

import (
	"encoding/json"
	"fmt"
	"sort"

	"github.com/IBM/sarama"
)

var adminClient sarama.ClusterAdmin

func admin() sarama.ClusterAdmin {
	if adminClient == nil {
		client, err := sarama.NewClusterAdmin(bootstrapServers, newConfig())
		if err != nil {
			panic(fmt.Sprint("no admin client: ", err))
		}
		adminClient = client
	}
	return adminClient
}

func createTopic(r *request) (any, error) {
	detail := &sarama.TopicDetail{NumPartitions: max(r.Partitions, 1), ReplicationFactor: 1, ConfigEntries: map[string]*string{}}
	for name, value := range r.Configs {
		detail.ConfigEntries[name] = &value
	}
	return nil, admin().CreateTopic(r.Topic, detail, false)
}

func describeTopic(r *request) (any, error) {
	topics, err := admin().DescribeTopics([]string{r.Topic})
	if err != nil {
		return nil, err
	}
	if topics[0].Err != sarama.ErrNoError {
		return nil, topics[0].Err
	}
	partitions := topics[0].Partitions
	sort.Slice(partitions, func(a, b int) bool { return partitions[a].ID < partitions[b].ID })
	described := [][]int32{}
	for _, each := range partitions {
		described = append(described, []int32{each.ID, each.Leader, int32(len(each.Replicas)), int32(len(each.Isr))})
	}
	return described, nil
}

func listTopics(r *request) (any, error) {
	topics, err := admin().ListTopics()
	names := []string{}
	for name := range topics {
		names = append(names, name)
	}
	return names, err
}

func addPartitions(r *request) (any, error) {
	return nil, admin().CreatePartitions(r.Topic, r.Total, nil, false)
}

func deleteTopic(r *request) (any, error) {
	return nil, admin().DeleteTopic(r.Topic)
}

func describeConfigs(r *request) (any, error) {
	entries, err := admin().DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: r.Topic})
	configs := map[string]string{}
	for _, entry := range entries {
		configs[entry.Name] = entry.Value + " " + entry.Source.String()
	}
	return configs, err
}

func alterConfigs(r *request) (any, error) {
	changes := map[string]sarama.IncrementalAlterConfigsEntry{}
	for name, value := range r.Set {
		changes[name] = sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}
	}
	for _, name := range r.Delete {
		changes[name] = sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationDelete}
	}
	return nil, admin().IncrementalAlterConfig(sarama.TopicResource, r.Topic, changes, false)
}

// The new begin of the log, of which the client itself says nothing.
func deleteRecords(r *request) (any, error) {
	if err := admin().DeleteRecords(r.Topic, map[int32]int64{r.Partition: r.Before}); err != nil {
		return nil, err
	}
	return offsetOf(r.Topic, r.Partition, sarama.OffsetOldest)
}

func listOffsets(r *request) (any, error) {
	var time struct{ Timestamp int64 }
	switch {
	case json.Unmarshal(r.At, &time) == nil:
		return offsetOf(r.Topic, r.Partition, time.Timestamp)
	case string(r.At) == `"latest"`:
		return offsetOf(r.Topic, r.Partition, sarama.OffsetNewest)
	}
	return offsetOf(r.Topic, r.Partition, sarama.OffsetOldest)
}

func offsetOf(topic string, partition int32, at int64) (any, error) {
	listed, err := admin().ListOffsets(map[string]map[int32]int64{topic: {partition: at}}, nil)
	if err != nil {
		return nil, err
	}
	found := listed[topic][partition]
	if found.Err != sarama.ErrNoError {
		return nil, found.Err
	}
	return found.Offset, nil
}

func listGroups(r *request) (any, error) {
	listed, err := admin().ListConsumerGroups()
	groups := [][]string{}
	for group, protocolType := range listed {
		groups = append(groups, []string{group, protocolType})
	}
	return groups, err
}

func describeGroup(r *request) (any, error) {
	described, err := admin().DescribeConsumerGroups([]string{r.Group})
	if err != nil {
		return nil, err
	}
	group := described[0]
	members := [][]any{}
	for _, member := range group.Members {
		assignment, err := member.GetMemberAssignment()
		if err != nil {
			return nil, err
		}
		members = append(members, []any{member.ClientId, len(assignment.Topics)})
	}
	if group.Err != sarama.ErrNoError {
		return nil, group.Err
	}
	return map[string]any{"state": group.State, "assignor": group.Protocol, "members": members}, nil
}

func groupOffsets(r *request) (any, error) {
	fetched, err := admin().ListConsumerGroupOffsets(r.Group, nil)
	if err != nil {
		return nil, err
	}
	offsets := map[string]int64{}
	for topic, partitions := range fetched.Blocks {
		for partition, block := range partitions {
			offsets[fmt.Sprint(topic, "-", partition)] = block.Offset
		}
	}
	return offsets, nil
}

func alterGroupOffsets(r *request) (any, error) {
	offsets := map[string]map[int32]sarama.OffsetAndMetadata{r.Topic: {r.Partition: {Offset: r.Offset, LeaderEpoch: -1}}}
	_, err := admin().AlterConsumerGroupOffsets(r.Group, offsets, nil)
	return nil, err
}

func deleteGroupOffsets(r *request) (any, error) {
	return nil, admin().DeleteConsumerGroupOffset(r.Group, r.Topic, 0)
}

func deleteGroup(r *request) (any, error) {
	return nil, admin().DeleteConsumerGroup(r.Group)
}

func describeCluster(r *request) (any, error) {
	brokers, controller, err := admin().DescribeCluster()
	return map[string]any{"nodes": len(brokers), "controller": controller}, err
}
