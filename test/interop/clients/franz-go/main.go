// franz-go behind the verbs of agent.ts: a line of JSON in, a line of JSON out.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const verbTimeout = 30 * time.Second

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
	Pattern          string            `json:"pattern"`
	Group            string            `json:"group"`
	Assign           []place           `json:"assign"`
	Protocol         string            `json:"protocol"`
	Assignor         string            `json:"assignor"`
	InstanceID       string            `json:"instanceId"`
	Committed        bool              `json:"committed"`
	Reset            string            `json:"reset"`
	Ms               int               `json:"ms"`
	TransactionalID  string            `json:"transactionalId"`
	TimeoutMs        int               `json:"timeoutMs"`
	Partitions       int32             `json:"partitions"`
	Total            int               `json:"total"`
	Configs          map[string]string `json:"configs"`
	Set              map[string]string `json:"set"`
	Delete           []string          `json:"delete"`
	Partition        int32             `json:"partition"`
	Before           int64             `json:"before"`
	Offset           int64             `json:"offset"`
	At               json.RawMessage   `json:"at"`
}

type verb func(ctx context.Context, r *request) (any, error)

var verbs = map[string]verb{
	"produce": produce, "open": open, "poll": poll, "commit": commit, "close": closeConsumer,
	"txnOpen": txnOpen, "txnBegin": txnBegin, "txnSend": txnSend, "txnOffsets": txnOffsets,
	"txnCommit": txnEnd(kgo.TryCommit), "txnAbort": txnEnd(kgo.TryAbort), "txnClose": txnClose,
	"createTopic": createTopic, "describeTopic": describeTopic, "listTopics": listTopics,
	"addPartitions": addPartitions, "deleteTopic": deleteTopic,
	"describeConfigs": describeConfigs, "alterConfigs": alterConfigs,
	"deleteRecords": deleteRecords, "listOffsets": listOffsets,
	"listGroups": listGroups, "describeGroup": describeGroup, "groupOffsets": groupOffsets,
	"alterGroupOffsets": alterGroupOffsets, "deleteGroupOffsets": deleteGroupOffsets, "deleteGroup": deleteGroup,
	"describeCluster": describeCluster,
}

var abilities = []string{"gzip", "snappy", "lz4", "zstd", "idempotent", "cooperative-sticky", "static", "consumer-protocol", "timestamps", "repeated-headers"}

var bootstrapServers string

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var r request
		if in.Decode(&r) != nil {
			return
		}
		answer := map[string]any{}
		if ok, err := run(&r); err != nil {
			answer["error"] = err.Error()
		} else {
			answer["ok"] = ok
		}
		out.Encode(answer)
	}
}

func run(r *request) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), verbTimeout)
	defer cancel()
	if r.Verb == "hello" {
		bootstrapServers = r.BootstrapServers
		can := abilities
		for name := range verbs {
			can = append(can, name)
		}
		return map[string]any{"version": version(), "can": can}, nil
	}
	return verbs[r.Verb](ctx, r)
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/twmb/franz-go" {
			return module.Version
		}
	}
	return "unknown"
}

func newClient(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(withCommon(options)...)
}

func withCommon(options []kgo.Opt) []kgo.Opt {
	common := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(bootstrapServers, ",")...),
		kgo.WithLogger(kgo.BasicLogger(os.Stderr, kgo.LogLevelWarn, nil)),
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(20_000_000),
		kgo.FetchMaxPartitionBytes(20_000_000),
	}
	return append(common, options...)
}

var adminClient *kadm.Client

func admin() *kadm.Client {
	if adminClient == nil {
		client, err := newClient()
		if err != nil {
			panic(fmt.Sprint("no admin client: ", err))
		}
		adminClient = kadm.NewClient(client)
	}
	return adminClient
}
