package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// What is read of a topic: by readers of partitions, directly or for a generation of a group.
type received struct {
	sync.Mutex
	topic      string
	generation *kafka.Generation
	arrived    map[int][]kafka.Message
	next       map[int]int64
	stop       func() error
}

var reading *received

func open(ctx context.Context, r *request) (any, error) {
	reading = &received{topic: r.Topic, arrived: map[int][]kafka.Message{}, next: map[int]int64{}}
	if r.Assign == nil {
		return nil, readAsMember(reading, r)
	}
	running, cancel := context.WithCancel(context.Background())
	var readers sync.WaitGroup
	for _, place := range r.Assign {
		reader := newReader(r, place.Partition)
		if err := seek(ctx, reader, place.At); err != nil {
			cancel()
			return nil, err
		}
		readers.Add(1)
		go func() {
			defer readers.Done()
			reading.take(running, place.Partition, reader)
		}()
	}
	reading.stop = func() error {
		cancel()
		readers.Wait()
		return nil
	}
	return nil, nil
}

func newReader(r *request, partition int) *kafka.Reader {
	config := kafka.ReaderConfig{
		Brokers: brokers, Topic: r.Topic, Partition: partition, MaxWait: 500 * time.Millisecond, MaxBytes: 20_000_000,
		ReadBackoffMin: 10 * time.Millisecond,
	}
	if r.Committed {
		config.IsolationLevel = kafka.ReadCommitted
	}
	return kafka.NewReader(config)
}

func seek(ctx context.Context, reader *kafka.Reader, at json.RawMessage) error {
	var number int64
	var stamp struct{ Timestamp int64 }
	switch {
	case json.Unmarshal(at, &number) == nil:
		return reader.SetOffset(number)
	case json.Unmarshal(at, &stamp) == nil:
		return reader.SetOffsetAt(ctx, time.UnixMilli(stamp.Timestamp))
	case string(at) == `"latest"`:
		return reader.SetOffset(kafka.LastOffset)
	}
	return reader.SetOffset(kafka.FirstOffset)
}

// Fills it with what comes from a partition until `ctx` ends.
func (r *received) take(ctx context.Context, partition int, reader *kafka.Reader) {
	r.Lock()
	r.arrived[partition] = nil
	r.Unlock()
	for {
		message, err := reader.FetchMessage(ctx)
		if err != nil {
			break
		}
		r.Lock()
		r.arrived[partition] = append(r.arrived[partition], message)
		r.Unlock()
	}
	reader.Close()
	r.Lock()
	delete(r.arrived, partition)
	delete(r.next, partition)
	r.Unlock()
}

func readAsMember(to *received, r *request) error {
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: r.Group, Brokers: brokers, Topics: []string{r.Topic}, HeartbeatInterval: 500 * time.Millisecond,
		GroupBalancers: []kafka.GroupBalancer{kafka.RangeGroupBalancer{}}, StartOffset: kafka.FirstOffset,
		JoinGroupBackoff: 100 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	to.stop = group.Close
	go func() {
		for {
			generation, err := group.Next(context.Background())
			if errors.Is(err, kafka.ErrGroupClosed) {
				return
			}
			if err != nil {
				os.Stderr.WriteString(err.Error() + "\n")
				continue
			}
			to.Lock()
			to.generation = generation
			to.Unlock()
			for _, assigned := range generation.Assignments[r.Topic] {
				generation.Start(func(ctx context.Context) {
					reader := newReader(r, assigned.ID)
					reader.SetOffset(assigned.Offset)
					to.take(ctx, assigned.ID, reader)
				})
			}
		}
	}()
	return nil
}

func poll(ctx context.Context, r *request) (any, error) {
	deadline := time.Now().Add(time.Duration(r.Ms) * time.Millisecond)
	records := []record{}
	for len(records) == 0 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
		records = reading.drain()
	}
	reading.Lock()
	defer reading.Unlock()
	assignment := [][2]any{}
	for partition := range reading.arrived {
		assignment = append(assignment, [2]any{reading.topic, partition})
	}
	return map[string]any{"records": records, "assignment": assignment}, nil
}

// What has arrived, which the next commit counts as read.
func (r *received) drain() []record {
	r.Lock()
	defer r.Unlock()
	records := []record{}
	for partition, messages := range r.arrived {
		for _, message := range messages {
			timestamp := message.Time.UnixMilli()
			records = append(records, record{
				Topic: message.Topic, Partition: partition, Offset: message.Offset, Timestamp: &timestamp,
				Key: text(message.Key), Value: text(message.Value), Headers: headers(message),
			})
			r.next[partition] = message.Offset + 1
		}
		r.arrived[partition] = nil
	}
	return records
}

func headers(message kafka.Message) [][2]*string {
	headers := [][2]*string{}
	for _, header := range message.Headers {
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
	reading.Lock()
	offsets := map[int]int64{}
	for partition, offset := range reading.next {
		offsets[partition] = offset
	}
	generation := reading.generation
	reading.Unlock()
	return nil, generation.CommitOffsets(map[string]map[int]int64{reading.topic: offsets})
}

func closeConsumer(ctx context.Context, r *request) (any, error) {
	return nil, reading.stop()
}
