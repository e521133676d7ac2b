package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var producers = map[string]*kgo.Client{}

func produce(ctx context.Context, r *request) (any, error) {
	producer, err := producerFor(r)
	if err != nil {
		return nil, err
	}
	return send(ctx, producer.ProduceSync, r)
}

func producerFor(r *request) (*kgo.Client, error) {
	acks := -1
	if r.Acks != nil {
		acks = *r.Acks
	}
	name := fmt.Sprint(r.Codec, acks, r.Idempotent)
	if producer := producers[name]; producer != nil {
		return producer, nil
	}
	codecs := map[string]kgo.CompressionCodec{
		"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	codec, isCompressed := codecs[r.Codec]
	if !isCompressed {
		codec = kgo.NoCompression()
	}
	options := []kgo.Opt{kgo.ProducerBatchCompression(codec)}
	if !r.Idempotent {
		levels := map[int]kgo.Acks{0: kgo.NoAck(), 1: kgo.LeaderAck(), -1: kgo.AllISRAcks()}
		options = append(options, kgo.RequiredAcks(levels[acks]), kgo.DisableIdempotentWrite())
	}
	producer, err := newClient(options...)
	producers[name] = producer
	return producer, err
}

type sender func(ctx context.Context, records ...*kgo.Record) kgo.ProduceResults

func send(ctx context.Context, to sender, r *request) (any, error) {
	var records []*kgo.Record
	for _, sent := range r.Records {
		record := &kgo.Record{Topic: r.Topic, Partition: sent.Partition, Key: bytes(sent.Key), Value: bytes(sent.Value)}
		if sent.Timestamp != nil {
			record.Timestamp = time.UnixMilli(*sent.Timestamp)
		}
		for _, header := range sent.Headers {
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: *header[0], Value: bytes(header[1])})
		}
		records = append(records, record)
	}
	if err := to(ctx, records...).FirstErr(); err != nil {
		return nil, err
	}
	offsets := []int64{}
	for _, record := range records {
		offsets = append(offsets, record.Offset)
	}
	return offsets, nil
}

func bytes(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}

// A transaction is of a producer alone, or of a session that consumes as a member of a group, too.
var (
	transactional *kgo.Client
	session       *kgo.GroupTransactSession
)

func transactionOptions(r *request) []kgo.Opt {
	timeout := time.Minute
	if r.TimeoutMs != 0 {
		timeout = time.Duration(r.TimeoutMs) * time.Millisecond
	}
	return []kgo.Opt{kgo.TransactionalID(r.TransactionalID), kgo.TransactionTimeout(timeout)}
}

func txnOpen(ctx context.Context, r *request) (any, error) {
	client, err := newClient(transactionOptions(r)...)
	if err != nil {
		return nil, err
	}
	transactional = client
	_, _, err = client.ProducerID(ctx)
	return nil, err
}

func txnBegin(ctx context.Context, r *request) (any, error) {
	if session != nil {
		return nil, session.Begin()
	}
	return nil, transactional.BeginTransaction()
}

func txnSend(ctx context.Context, r *request) (any, error) {
	if session != nil {
		return send(ctx, session.ProduceSync, r)
	}
	return send(ctx, transactional.ProduceSync, r)
}

// The end of a session's transaction adds what the session polled.
func txnOffsets(ctx context.Context, r *request) (any, error) {
	return nil, nil
}

func txnEnd(how kgo.TransactionEndTry) verb {
	return func(ctx context.Context, r *request) (any, error) {
		if session == nil {
			return nil, transactional.EndTransaction(ctx, how)
		}
		isCommitted, err := session.End(ctx, how)
		if err == nil && isCommitted != bool(how) {
			err = fmt.Errorf("ABORTED: the group rebalanced")
		}
		return nil, err
	}
}

func txnClose(ctx context.Context, r *request) (any, error) {
	transactional.CloseAllowingRebalance()
	transactional = nil
	return nil, nil
}
