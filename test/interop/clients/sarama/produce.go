package main

import (
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

var codecs = map[string]sarama.CompressionCodec{
	"gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy, "lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

var producers = map[string]sarama.SyncProducer{}

func produce(r *request) (any, error) {
	acks := sarama.WaitForAll
	if r.Acks != nil {
		acks = sarama.RequiredAcks(*r.Acks)
	}
	producer, err := producerFor(r, acks)
	if err != nil {
		return nil, err
	}
	offsets, err := send(producer, r)
	if acks == sarama.NoResponse {
		return nil, err
	}
	return offsets, err
}

func producerFor(r *request, acks sarama.RequiredAcks) (sarama.SyncProducer, error) {
	name := fmt.Sprint(r.Codec, acks, r.Idempotent)
	if producer := producers[name]; producer != nil {
		return producer, nil
	}
	config := newConfig()
	config.Producer.Compression = codecs[r.Codec]
	config.Producer.RequiredAcks = acks
	if r.Idempotent {
		config.Producer.Idempotent = true
		config.Net.MaxOpenRequests = 1
	}
	producer, err := sarama.NewSyncProducer(bootstrapServers, config)
	if err == nil {
		producers[name] = producer
	}
	return producer, err
}

func send(producer sarama.SyncProducer, r *request) (any, error) {
	var messages []*sarama.ProducerMessage
	for _, sent := range r.Records {
		message := &sarama.ProducerMessage{Topic: r.Topic, Partition: sent.Partition, Key: encoder(sent.Key), Value: encoder(sent.Value)}
		if sent.Timestamp != nil {
			message.Timestamp = time.UnixMilli(*sent.Timestamp)
		}
		for _, header := range sent.Headers {
			message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(*header[0]), Value: bytes(header[1])})
		}
		messages = append(messages, message)
	}
	if err := producer.SendMessages(messages); err != nil {
		return nil, err
	}
	offsets := []int64{}
	for _, message := range messages {
		offsets = append(offsets, message.Offset)
	}
	return offsets, nil
}

func encoder(text *string) sarama.Encoder {
	if text == nil {
		return nil
	}
	return sarama.StringEncoder(*text)
}

func bytes(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}

var transactional sarama.SyncProducer

func txnOpen(r *request) (any, error) {
	config := newConfig()
	config.Producer.Idempotent = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Transaction.ID = r.TransactionalID
	if r.TimeoutMs != 0 {
		config.Producer.Transaction.Timeout = time.Duration(r.TimeoutMs) * time.Millisecond
	}
	config.Net.MaxOpenRequests = 1
	producer, err := sarama.NewSyncProducer(bootstrapServers, config)
	transactional = producer
	return nil, err
}

func txnBegin(r *request) (any, error) { return nil, transactional.BeginTxn() }

func txnSend(r *request) (any, error) { return send(transactional, r) }

func txnOffsets(r *request) (any, error) {
	offsets := map[string][]*sarama.PartitionOffsetMetadata{}
	for at, offset := range reading.positions() {
		position := &sarama.PartitionOffsetMetadata{Partition: at.partition, Offset: offset, LeaderEpoch: -1}
		offsets[at.topic] = append(offsets[at.topic], position)
	}
	member := sarama.NewConsumerGroupMetadataFromSession(reading.session, reading.group, nil)
	return nil, transactional.AddOffsetsToTxnWithGroupMetadata(offsets, member)
}

func txnCommit(r *request) (any, error) { return nil, transactional.CommitTxn() }

func txnAbort(r *request) (any, error) { return nil, transactional.AbortTxn() }

// A producer that was fenced complains while it closes.
func txnClose(r *request) (any, error) {
	transactional.Close()
	return nil, nil
}
