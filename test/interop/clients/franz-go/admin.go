package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
)

func createTopic(ctx context.Context, r *request) (any, error) {
	configs := map[string]*string{}
	for name, value := range r.Configs {
		configs[name] = &value
	}
	partitions := r.Partitions
	if partitions == 0 {
		partitions = 1
	}
	_, err := admin().CreateTopic(ctx, partitions, -1, configs, r.Topic)
	return nil, err
}

func describeTopic(ctx context.Context, r *request) (any, error) {
	topics, err := admin().ListTopics(ctx, r.Topic)
	if err != nil {
		return nil, err
	}
	if err := topics[r.Topic].Err; err != nil {
		return nil, err
	}
	described := [][]int32{}
	for _, partition := range topics[r.Topic].Partitions.Sorted() {
		described = append(described, []int32{partition.Partition, partition.Leader, int32(len(partition.Replicas)), int32(len(partition.ISR))})
	}
	return described, nil
}

func listTopics(ctx context.Context, r *request) (any, error) {
	topics, err := admin().ListTopics(ctx)
	return topics.Names(), err
}

func addPartitions(ctx context.Context, r *request) (any, error) {
	grown, err := admin().UpdatePartitions(ctx, r.Total, r.Topic)
	if err == nil {
		err = grown.Error()
	}
	return nil, err
}

func deleteTopic(ctx context.Context, r *request) (any, error) {
	_, err := admin().DeleteTopic(ctx, r.Topic)
	return nil, err
}

func describeConfigs(ctx context.Context, r *request) (any, error) {
	described, err := admin().DescribeTopicConfigs(ctx, r.Topic)
	if err != nil {
		return nil, err
	}
	configs := map[string]string{}
	for _, config := range described[0].Configs {
		configs[config.Key] = config.MaybeValue() + " " + config.Source.String()
	}
	return configs, described[0].Err
}

func alterConfigs(ctx context.Context, r *request) (any, error) {
	var changes []kadm.AlterConfig
	for name, value := range r.Set {
		changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value})
	}
	for _, name := range r.Delete {
		changes = append(changes, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: name})
	}
	altered, err := admin().AlterTopicConfigs(ctx, changes, r.Topic)
	if err != nil {
		return nil, err
	}
	return nil, altered[0].Err
}

func deleteRecords(ctx context.Context, r *request) (any, error) {
	offsets := kadm.Offsets{}
	offsets.AddOffset(r.Topic, r.Partition, r.Before, -1)
	deleted, err := admin().DeleteRecords(ctx, offsets)
	if err != nil {
		return nil, err
	}
	found, _ := deleted.Lookup(r.Topic, r.Partition)
	return found.LowWatermark, found.Err
}

func listOffsets(ctx context.Context, r *request) (any, error) {
	var time struct{ Timestamp int64 }
	var listed kadm.ListedOffsets
	var err error
	switch {
	case json.Unmarshal(r.At, &time) == nil:
		listed, err = admin().ListOffsetsAfterMilli(ctx, time.Timestamp, r.Topic)
	case string(r.At) == `"latest"`:
		listed, err = admin().ListEndOffsets(ctx, r.Topic)
	case string(r.At) == `"max-timestamp"`:
		listed, err = admin().ListMaxTimestampOffsets(ctx, r.Topic)
	default:
		listed, err = admin().ListStartOffsets(ctx, r.Topic)
	}
	if err != nil {
		return nil, err
	}
	found, _ := listed.Lookup(r.Topic, r.Partition)
	return found.Offset, found.Err
}

func listGroups(ctx context.Context, r *request) (any, error) {
	listed, err := admin().ListGroups(ctx)
	groups := [][]string{}
	for _, group := range listed.Sorted() {
		groups = append(groups, []string{group.Group, group.ProtocolType, group.State})
	}
	return groups, err
}

func describeGroup(ctx context.Context, r *request) (any, error) {
	described, err := admin().DescribeGroups(ctx, r.Group)
	if err != nil {
		return nil, err
	}
	group := described[r.Group]
	members := [][]any{}
	for _, member := range group.Members {
		consumer, isConsumer := member.Assigned.AsConsumer()
		if !isConsumer {
			return nil, fmt.Errorf("UNREADABLE: the assignment of a member")
		}
		members = append(members, []any{member.ClientID, len(consumer.Topics)})
	}
	return map[string]any{"state": group.State, "assignor": group.Protocol, "members": members}, group.Err
}

func groupOffsets(ctx context.Context, r *request) (any, error) {
	fetched, err := admin().FetchOffsets(ctx, r.Group)
	offsets := map[string]int64{}
	for topic, partitions := range fetched {
		for partition, offset := range partitions {
			offsets[fmt.Sprint(topic, "-", partition)] = offset.At
		}
	}
	return offsets, err
}

func alterGroupOffsets(ctx context.Context, r *request) (any, error) {
	offsets := kadm.Offsets{}
	offsets.AddOffset(r.Topic, r.Partition, r.Offset, -1)
	return nil, admin().CommitAllOffsets(ctx, r.Group, offsets)
}

func deleteGroupOffsets(ctx context.Context, r *request) (any, error) {
	set := kadm.TopicsSet{}
	set.Add(r.Topic, 0)
	deleted, err := admin().DeleteOffsets(ctx, r.Group, set)
	if err == nil {
		err = deleted.Error()
	}
	return nil, err
}

func deleteGroup(ctx context.Context, r *request) (any, error) {
	_, err := admin().DeleteGroup(ctx, r.Group)
	return nil, err
}

func describeCluster(ctx context.Context, r *request) (any, error) {
	metadata, err := admin().BrokerMetadata(ctx)
	return map[string]any{"nodes": len(metadata.Brokers), "controller": metadata.Controller}, err
}
