package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

type partition struct {
	topic     string
	partition int32
}

// What the client's own goroutines hand to the verbs: of each partition that it has, what has arrived and where reading goes on.
type received struct {
	sync.Mutex
	group   string
	session sarama.ConsumerGroupSession
	arrived map[partition][]*sarama.ConsumerMessage
	next    map[partition]int64
	stop    func() error
}

var reading *received

// Fills it with what comes from a partition until there is no more of it.
func (r *received) take(from partition, messages <-chan *sarama.ConsumerMessage) {
	r.Lock()
	r.arrived[from] = nil
	r.Unlock()
	for message := range messages {
		r.Lock()
		r.arrived[from] = append(r.arrived[from], message)
		r.Unlock()
	}
	r.Lock()
	delete(r.arrived, from)
	delete(r.next, from)
	r.Unlock()
}

func (r *received) positions() map[partition]int64 {
	r.Lock()
	defer r.Unlock()
	positions := map[partition]int64{}
	for from, offset := range r.next {
		positions[from] = offset
	}
	return positions
}

func (r *received) Setup(session sarama.ConsumerGroupSession) error {
	r.Lock()
	defer r.Unlock()
	r.session = session
	return nil
}

func (r *received) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (r *received) ConsumeClaim(_ sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	r.take(partition{claim.Topic(), claim.Partition()}, claim.Messages())
	return nil
}

func open(r *request) (any, error) {
	reading = &received{group: r.Group, arrived: map[partition][]*sarama.ConsumerMessage{}, next: map[partition]int64{}}
	config := newConfig()
	if r.Reset == "latest" {
		config.Consumer.Offsets.Initial = sarama.OffsetNewest
	}
	if r.Committed {
		config.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	if r.Assign != nil {
		return nil, readDirectly(reading, config, r)
	}
	strategy := sarama.NewBalanceStrategyRange()
	if r.Assignor == "cooperative-sticky" {
		strategy = sarama.NewBalanceStrategyCooperativeSticky()
	}
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy}
	config.Consumer.Group.InstanceId = r.InstanceID
	return nil, readAsMember(reading, config, r)
}

func readDirectly(to *received, config *sarama.Config, r *request) error {
	client, err := sarama.NewClient(bootstrapServers, config)
	if err != nil {
		return err
	}
	to.stop = client.Close
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return err
	}
	to.stop = func() error { return errors.Join(consumer.Close(), client.Close()) }
	for _, place := range r.Assign {
		offset, err := offsetAt(client, r.Topic, place)
		if err != nil {
			return err
		}
		from, err := consumer.ConsumePartition(r.Topic, place.Partition, offset)
		if err != nil {
			return err
		}
		go complain(from.Errors())
		go to.take(partition{r.Topic, place.Partition}, from.Messages())
		stop := to.stop
		to.stop = func() error { return errors.Join(from.Close(), stop()) }
	}
	return nil
}

func offsetAt(client sarama.Client, topic string, at place) (int64, error) {
	var number int64
	var time struct{ Timestamp int64 }
	switch {
	case json.Unmarshal(at.At, &number) == nil:
		return number, nil
	case json.Unmarshal(at.At, &time) == nil:
		return client.GetOffset(topic, at.Partition, time.Timestamp)
	case string(at.At) == `"latest"`:
		return client.GetOffset(topic, at.Partition, sarama.OffsetNewest)
	}
	return sarama.OffsetOldest, nil
}

func readAsMember(to *received, config *sarama.Config, r *request) error {
	group, err := sarama.NewConsumerGroup(bootstrapServers, r.Group, config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	to.stop = func() error {
		cancel()
		<-ended
		return group.Close()
	}
	go complain(group.Errors())
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			if err := group.Consume(ctx, []string{r.Topic}, to); err != nil {
				os.Stderr.WriteString(err.Error() + "\n")
				time.Sleep(100 * time.Millisecond)
			}
		}
	}()
	return nil
}

func complain[E error](failures <-chan E) {
	for failed := range failures {
		os.Stderr.WriteString(failed.Error() + "\n")
	}
}

func poll(r *request) (any, error) {
	deadline := time.Now().Add(time.Duration(r.Ms) * time.Millisecond)
	records := []record{}
	for len(records) == 0 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
		records = reading.drain()
	}
	reading.Lock()
	defer reading.Unlock()
	assignment := [][2]any{}
	for from := range reading.arrived {
		assignment = append(assignment, [2]any{from.topic, from.partition})
	}
	return map[string]any{"records": records, "assignment": assignment}, nil
}

// What has arrived, which the next commit counts as read.
func (r *received) drain() []record {
	r.Lock()
	defer r.Unlock()
	records := []record{}
	for from, messages := range r.arrived {
		for _, message := range messages {
			timestamp := message.Timestamp.UnixMilli()
			records = append(records, record{
				Topic: message.Topic, Partition: message.Partition, Offset: message.Offset, Timestamp: &timestamp,
				Key: text(message.Key), Value: text(message.Value), Headers: headers(message),
			})
			r.next[from] = message.Offset + 1
			if r.session != nil {
				r.session.MarkMessage(message, "")
			}
		}
		r.arrived[from] = nil
	}
	return records
}

func headers(message *sarama.ConsumerMessage) [][2]*string {
	headers := [][2]*string{}
	for _, header := range message.Headers {
		headers = append(headers, [2]*string{text(header.Key), text(header.Value)})
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

func commit(r *request) (any, error) {
	reading.session.Commit()
	return nil, nil
}

func closeConsumer(r *request) (any, error) {
	return nil, reading.stop()
}
