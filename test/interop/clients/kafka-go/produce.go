package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

var codecs = map[string]kafka.Compression{"gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd}

var writers = map[string]*kafka.Writer{}

// The partition that a message is meant for.
func given(message kafka.Message, _ ...int) int { return message.WriterData.(int) }

func produce(ctx context.Context, r *request) (any, error) {
	acks := kafka.RequireAll
	if r.Acks != nil {
		acks = kafka.RequiredAcks(*r.Acks)
	}
	var messages []kafka.Message
	for _, sent := range r.Records {
		message := kafka.Message{Topic: r.Topic, WriterData: sent.Partition, Key: bytes(sent.Key), Value: bytes(sent.Value)}
		if sent.Timestamp != nil {
			message.Time = time.UnixMilli(*sent.Timestamp)
		}
		for _, header := range sent.Headers {
			message.Headers = append(message.Headers, kafka.Header{Key: *header[0], Value: bytes(header[1])})
		}
		messages = append(messages, message)
	}
	return nil, write(ctx, writerFor(r.Codec, acks), messages)
}

// The client knows topics as they were at most MetadataTTL ago, and asks no earlier for those it does not know.
func write(ctx context.Context, writer *kafka.Writer, messages []kafka.Message) error {
	for {
		err := writer.WriteMessages(ctx, messages...)
		if !errors.Is(err, kafka.UnknownTopicOrPartition) || ctx.Err() != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func writerFor(codec string, acks kafka.RequiredAcks) *kafka.Writer {
	name := fmt.Sprint(codec, acks)
	if writers[name] == nil {
		writers[name] = &kafka.Writer{
			Addr: kafka.TCP(brokers...), Balancer: kafka.BalancerFunc(given), BatchTimeout: 5 * time.Millisecond,
			BatchBytes: 20_000_000, RequiredAcks: acks, Compression: codecs[codec], Transport: newTransport(),
		}
	}
	return writers[name]
}

func bytes(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}
