// sarama behind the verbs of agent.ts: a line of JSON in, a line of JSON out.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

type record struct {
	Topic     string       `json:"topic"`
	Partition int32        `json:"partition"`
	Offset    int64        `json:"offset"`
	Timestamp *int64       `json:"timestamp"`
	Key       *string      `json:"key"`
	Value     *string      `json:"value"`
	Headers   [][2]*string `json:"headers"`
}

type place struct {
	Partition int32           `json:"partition"`
	At        json.RawMessage `json:"at"`
}

// The arguments of all verbs.
type request struct {
	Verb             string            `json:"verb"`
	BootstrapServers string            `json:"bootstrapServers"`
	Topic            string            `json:"topic"`
	Records          []record          `json:"records"`
	Codec            string            `json:"codec"`
	Acks             *int              `json:"acks"`
	Idempotent       bool              `json:"idempotent"`
	Group            string            `json:"group"`
	Assign           []place           `json:"assign"`
	Assignor         string            `json:"assignor"`
	InstanceID       string            `json:"instanceId"`
	Committed        bool              `json:"committed"`
	Reset            string            `json:"reset"`
	Ms               int               `json:"ms"`
	TransactionalID  string            `json:"transactionalId"`
	TimeoutMs        int               `json:"timeoutMs"`
	Partitions       int32             `json:"partitions"`
	Total            int32             `json:"total"`
	Configs          map[string]string `json:"configs"`
	Set              map[string]string `json:"set"`
	Delete           []string          `json:"delete"`
	Partition        int32             `json:"partition"`
	Before           int64             `json:"before"`
	Offset           int64             `json:"offset"`
	At               json.RawMessage   `json:"at"`
}

type verb func(r *request) (any, error)

var verbs = map[string]verb{
	"produce": produce, "open": open, "poll": poll, "commit": commit, "close": closeConsumer,
	"txnOpen": txnOpen, "txnBegin": txnBegin, "txnSend": txnSend, "txnOffsets": txnOffsets,
	"txnCommit": txnCommit, "txnAbort": txnAbort, "txnClose": txnClose,
	"createTopic": createTopic, "describeTopic": describeTopic, "listTopics": listTopics,
	"addPartitions": addPartitions, "deleteTopic": deleteTopic,
	"describeConfigs": describeConfigs, "alterConfigs": alterConfigs,
	"deleteRecords": deleteRecords, "listOffsets": listOffsets,
	"listGroups": listGroups, "describeGroup": describeGroup, "groupOffsets": groupOffsets,
	"alterGroupOffsets": alterGroupOffsets, "deleteGroupOffsets": deleteGroupOffsets, "deleteGroup": deleteGroup,
	"describeCluster": describeCluster,
}

var abilities = []string{"gzip", "snappy", "lz4", "zstd", "idempotent", "cooperative-sticky", "static", "timestamps", "repeated-headers"}

var bootstrapServers []string

func main() {
	sarama.Logger = log.New(os.Stderr, "", 0)
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var r request
		if in.Decode(&r) != nil {
			return
		}
		answer := map[string]any{}
		if ok, err := run(&r); err != nil {
			answer["error"] = words(err)
		} else {
			answer["ok"] = ok
		}
		out.Encode(answer)
	}
}

func run(r *request) (any, error) {
	if r.Verb == "hello" {
		bootstrapServers = strings.Split(r.BootstrapServers, ",")
		can := abilities
		for name := range verbs {
			can = append(can, name)
		}
		return map[string]any{"version": version(), "can": can}, nil
	}
	return verbs[r.Verb](r)
}

// What the broker refuses begins with the number of its error: all of sarama's words for them begin the same.
func words(err error) string {
	var code sarama.KError
	var many sarama.ProducerErrors
	if errors.As(err, &many) {
		return words(many[0].Err)
	}
	if errors.As(err, &code) {
		return fmt.Sprintf("%d: %s", int16(code), err)
	}
	return err.Error()
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/IBM/sarama" {
			return module.Version
		}
	}
	return "unknown"
}

func newConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.ClientID = "sarama-agent"
	config.Metadata.RefreshFrequency = time.Second
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Return.Successes = true
	config.Producer.MaxMessageBytes = 20_000_000
	config.Consumer.Return.Errors = true
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
	return config
}
