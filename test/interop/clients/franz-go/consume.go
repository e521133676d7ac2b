package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	consumer   *kgo.Client
	assignment assigned
)

// What the consumer has, told by the client's own goroutines.
type assigned struct {
	sync.Mutex
	partitions map[string]map[int32]bool
}

func (a *assigned) change(isAssigned bool) func(context.Context, *kgo.Client, map[string][]int32) {
	return func(_ context.Context, _ *kgo.Client, changed map[string][]int32) {
		a.Lock()
		defer a.Unlock()
		for topic, partitions := range changed {
			for _, partition := range partitions {
				if a.partitions[topic] == nil {
					a.partitions[topic] = map[int32]bool{}
				}
				a.partitions[topic][partition] = isAssigned
			}
		}
	}
}

func (a *assigned) list() [][2]any {
	a.Lock()
	defer a.Unlock()
	list := [][2]any{}
	for topic, partitions := range a.partitions {
		for partition, isAssigned := range partitions {
			if isAssigned {
				list = append(list, [2]any{topic, partition})
			}
		}
	}
	return list
}

func open(ctx context.Context, r *request) (any, error) {
	assignment.partitions = map[string]map[int32]bool{}
	options := []kgo.Opt{kgo.FetchMaxWait(500 * time.Millisecond), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}
	if r.Reset == "latest" {
		options = append(options, kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()))
	}
	if r.Committed {
		options = append(options, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	if r.Assign != nil {
		options = append(options, direct(r)...)
	} else {
		options = append(options, grouped(r)...)
	}
	var err error
	if r.TransactionalID == "" {
		consumer, err = newClient(options...)
		return nil, err
	}
	return nil, openSession(r, options)
}

// Gives the transactional id to a session that reads and writes.
func openSession(r *request, options []kgo.Opt) (err error) {
	options = append(append(options, transactionOptions(r)...), kgo.RequireStableFetchOffsets())
	session, err = kgo.NewGroupTransactSession(withCommon(options)...)
	return err
}

func direct(r *request) []kgo.Opt {
	starts := map[int32]kgo.Offset{}
	for _, place := range r.Assign {
		starts[place.Partition] = offsetAt(place.At)
		assignment.change(true)(nil, nil, map[string][]int32{r.Topic: {place.Partition}})
	}
	return []kgo.Opt{kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{r.Topic: starts})}
}

func offsetAt(at json.RawMessage) kgo.Offset {
	var number int64
	var time struct{ Timestamp int64 }
	switch {
	case json.Unmarshal(at, &number) == nil:
		return kgo.NewOffset().At(number)
	case json.Unmarshal(at, &time) == nil:
		return kgo.NewOffset().AfterMilli(time.Timestamp)
	case string(at) == `"latest"`:
		return kgo.NewOffset().AtEnd()
	}
	return kgo.NewOffset().AtStart()
}

func grouped(r *request) []kgo.Opt {
	balancer := kgo.RangeBalancer()
	if r.Assignor == "cooperative-sticky" {
		balancer = kgo.CooperativeStickyBalancer()
	}
	options := []kgo.Opt{
		kgo.ConsumerGroup(r.Group), kgo.DisableAutoCommit(), kgo.Balancers(balancer),
		kgo.OnPartitionsAssigned(assignment.change(true)),
		kgo.OnPartitionsRevoked(assignment.change(false)),
		kgo.OnPartitionsLost(assignment.change(false)),
	}
	if r.Protocol == "consumer" {
		options = append(options, kgo.ServerSideBalancer())
	} else {
		options = append(options, kgo.HeartbeatInterval(500*time.Millisecond))
	}
	if r.InstanceID != "" {
		options = append(options, kgo.InstanceID(r.InstanceID))
	}
	if r.Pattern != "" {
		return append(options, kgo.ConsumeRegex(), kgo.ConsumeTopics(r.Pattern))
	}
	return append(options, kgo.ConsumeTopics(r.Topic))
}

func poll(ctx context.Context, r *request) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(r.Ms)*time.Millisecond)
	defer cancel()
	var fetches kgo.Fetches
	if session != nil {
		fetches = session.PollFetches(ctx)
	} else {
		fetches = consumer.PollFetches(ctx)
	}
	for _, failed := range fetches.Errors() {
		if !errors.Is(failed.Err, context.DeadlineExceeded) {
			return nil, failed.Err
		}
	}
	records := []record{}
	for _, read := range fetches.Records() {
		timestamp := read.Timestamp.UnixMilli()
		records = append(records, record{
			Topic: read.Topic, Partition: read.Partition, Offset: read.Offset, Timestamp: &timestamp,
			Key: text(read.Key), Value: text(read.Value), Headers: headers(read),
		})
	}
	return map[string]any{"records": records, "assignment": assignment.list()}, nil
}

func headers(read *kgo.Record) [][2]*string {
	headers := [][2]*string{}
	for _, header := range read.Headers {
		headers = append(headers, [2]*string{&header.Key, text(header.Value)})
	}
	return headers
}

func text(bytes []byte) *string {
	if bytes == nil {
		return nil
	}
	text := string(bytes)
	return &text
}

func commit(ctx context.Context, r *request) (any, error) {
	return nil, consumer.CommitUncommittedOffsets(ctx)
}

func closeConsumer(ctx context.Context, r *request) (any, error) {
	if session != nil {
		session.Close()
		session = nil
		return nil, nil
	}
	consumer.Close()
	return nil, nil
}
