package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"

	"github.com/segmentio/kafka-go"
)

func createTopic(ctx context.Context, r *request) (any, error) {
	topic := kafka.TopicConfig{Topic: r.Topic, NumPartitions: max(r.Partitions, 1), ReplicationFactor: 1}
	for name, value := range r.Configs {
		topic.ConfigEntries = append(topic.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	created, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}})
	if err != nil {
		return nil, err
	}
	return nil, created.Errors[r.Topic]
}

func describeTopic(ctx context.Context, r *request) (any, error) {
	described, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{r.Topic}})
	if err != nil {
		return nil, err
	}
	topic := described.Topics[0]
	sort.Slice(topic.Partitions, func(a, b int) bool { return topic.Partitions[a].ID < topic.Partitions[b].ID })
	partitions := [][]int{}
	for _, each := range topic.Partitions {
		partitions = append(partitions, []int{each.ID, each.Leader.ID, len(each.Replicas), len(each.Isr)})
	}
	return partitions, topic.Error
}

func listTopics(ctx context.Context, r *request) (any, error) {
	described, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, topic := range described.Topics {
		names = append(names, topic.Name)
	}
	return names, nil
}

func addPartitions(ctx context.Context, r *request) (any, error) {
	grown, err := client.CreatePartitions(ctx, &kafka.CreatePartitionsRequest{
		Topics: []kafka.TopicPartitionsConfig{{Name: r.Topic, Count: r.Total}},
	})
	if err != nil {
		return nil, err
	}
	return nil, grown.Errors[r.Topic]
}

func deleteTopic(ctx context.Context, r *request) (any, error) {
	deleted, err := client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{r.Topic}})
	if err != nil {
		return nil, err
	}
	return nil, deleted.Errors[r.Topic]
}

func describeConfigs(ctx context.Context, r *request) (any, error) {
	described, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kafka.ResourceTypeTopic, ResourceName: r.Topic}},
	})
	if err != nil {
		return nil, err
	}
	configs := map[string]string{}
	for _, entry := range described.Resources[0].ConfigEntries {
		configs[entry.ConfigName] = fmt.Sprint(entry.ConfigValue, " ", entry.ConfigSource)
	}
	return configs, described.Resources[0].Error
}

func alterConfigs(ctx context.Context, r *request) (any, error) {
	var changes []kafka.IncrementalAlterConfigsRequestConfig
	for name, value := range r.Set {
		changes = append(changes, kafka.IncrementalAlterConfigsRequestConfig{Name: name, Value: value, ConfigOperation: kafka.ConfigOperationSet})
	}
	for _, name := range r.Delete {
		changes = append(changes, kafka.IncrementalAlterConfigsRequestConfig{Name: name, ConfigOperation: kafka.ConfigOperationDelete})
	}
	altered, err := client.IncrementalAlterConfigs(ctx, &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{
			{ResourceType: kafka.ResourceTypeTopic, ResourceName: r.Topic, Configs: changes},
		},
	})
	if err != nil {
		return nil, err
	}
	return nil, altered.Resources[0].Error
}

func listOffsets(ctx context.Context, r *request) (any, error) {
	at := kafka.FirstOffsetOf(r.Partition)
	var stamp struct{ Timestamp int64 }
	switch {
	case json.Unmarshal(r.At, &stamp) == nil:
		at.Timestamp = stamp.Timestamp
	case string(r.At) == `"latest"`:
		at = kafka.LastOffsetOf(r.Partition)
	}
	listed, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{r.Topic: {at}}})
	if err != nil {
		return nil, err
	}
	found := listed.Topics[r.Topic][0]
	for offset := range found.Offsets {
		return offset, found.Error
	}
	return max(found.FirstOffset, found.LastOffset), found.Error
}

func listGroups(ctx context.Context, r *request) (any, error) {
	listed, err := client.ListGroups(ctx, &kafka.ListGroupsRequest{})
	if err != nil {
		return nil, err
	}
	groups := [][]string{}
	for _, group := range listed.Groups {
		groups = append(groups, []string{group.GroupID, group.ProtocolType})
	}
	return groups, listed.Error
}

func describeGroup(ctx context.Context, r *request) (any, error) {
	described, err := client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{r.Group}})
	if err != nil {
		return nil, err
	}
	group := described.Groups[0]
	members := []int{}
	for _, member := range group.Members {
		members = append(members, len(member.MemberAssignments.Topics))
	}
	return map[string]any{"state": group.GroupState, "members": members}, group.Error
}

func groupOffsets(ctx context.Context, r *request) (any, error) {
	fetched, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: r.Group, Topics: map[string][]int{r.Topic: {0}}})
	if err != nil {
		return nil, err
	}
	offsets := map[string]int64{}
	for _, partition := range fetched.Topics[r.Topic] {
		if partition.CommittedOffset >= 0 {
			offsets[fmt.Sprint(r.Topic, "-", partition.Partition)] = partition.CommittedOffset
		}
	}
	return offsets, fetched.Error
}

func alterGroupOffsets(ctx context.Context, r *request) (any, error) {
	committed, err := client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: r.Group, GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{r.Topic: {{Partition: r.Partition, Offset: r.Offset}}},
	})
	if err != nil {
		return nil, err
	}
	return nil, committed.Topics[r.Topic][0].Error
}

func deleteGroupOffsets(ctx context.Context, r *request) (any, error) {
	deleted, err := client.OffsetDelete(ctx, &kafka.OffsetDeleteRequest{GroupID: r.Group, Topics: map[string][]int{r.Topic: {0}}})
	if err != nil {
		return nil, err
	}
	return nil, first(deleted.Error, deleted.Topics[r.Topic][0].Error)
}

func deleteGroup(ctx context.Context, r *request) (any, error) {
	deleted, err := client.DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{r.Group}})
	if err != nil {
		return nil, err
	}
	return nil, deleted.Errors[r.Group]
}

func describeCluster(ctx context.Context, r *request) (any, error) {
	described, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{}})
	if err != nil {
		return nil, err
	}
	return map[string]any{"nodes": len(described.Brokers), "controller": described.Controller.ID}, nil
}
