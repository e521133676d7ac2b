// kafka-go behind the verbs of agent.ts: a line of JSON in, a line of JSON out.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

const verbTimeout = 30 * time.Second

type record struct {
	Topic     string       `json:"topic"`
	Partition int          `json:"partition"`
	Offset    int64        `json:"offset"`
	Timestamp *int64       `json:"timestamp"`
	Key       *string      `json:"key"`
	Value     *string      `json:"value"`
	Headers   [][2]*string `json:"headers"`
}

type place struct {
	Partition int             `json:"partition"`
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
	Group            string            `json:"group"`
	Assign           []place           `json:"assign"`
	Committed        bool              `json:"committed"`
	Reset            string            `json:"reset"`
	Ms               int               `json:"ms"`
	Partitions       int               `json:"partitions"`
	Total            int32             `json:"total"`
	Configs          map[string]string `json:"configs"`
	Set              map[string]string `json:"set"`
	Delete           []string          `json:"delete"`
	Partition        int               `json:"partition"`
	Offset           int64             `json:"offset"`
	At               json.RawMessage   `json:"at"`
}

type verb func(ctx context.Context, r *request) (any, error)

var verbs = map[string]verb{
	"produce": produce, "open": open, "poll": poll, "commit": commit, "close": closeConsumer,
	"createTopic": createTopic, "describeTopic": describeTopic, "listTopics": listTopics,
	"addPartitions": addPartitions, "deleteTopic": deleteTopic,
	"describeConfigs": describeConfigs, "alterConfigs": alterConfigs, "listOffsets": listOffsets,
	"listGroups": listGroups, "describeGroup": describeGroup, "groupOffsets": groupOffsets,
	"alterGroupOffsets": alterGroupOffsets, "deleteGroupOffsets": deleteGroupOffsets, "deleteGroup": deleteGroup,
	"describeCluster": describeCluster,
}

var abilities = []string{"gzip", "snappy", "lz4", "zstd", "timestamps", "repeated-headers"}

var brokers []string
var client *kafka.Client

func main() {
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

// Of many refusals the first one, which begins with its number and name.
func words(err error) string {
	var many kafka.WriteErrors
	if errors.As(err, &many) {
		for _, one := range many {
			if one != nil {
				return one.Error()
			}
		}
	}
	return err.Error()
}

func run(r *request) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), verbTimeout)
	defer cancel()
	if r.Verb == "hello" {
		brokers = strings.Split(r.BootstrapServers, ",")
		client = &kafka.Client{Addr: kafka.TCP(brokers...), Timeout: verbTimeout, Transport: newTransport()}
		can := abilities
		for name := range verbs {
			can = append(can, name)
		}
		return map[string]any{"version": version(), "can": can}, nil
	}
	return verbs[r.Verb](ctx, r)
}

func newTransport() *kafka.Transport {
	return &kafka.Transport{MetadataTTL: 200 * time.Millisecond}
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/segmentio/kafka-go" {
			return module.Version
		}
	}
	return "unknown"
}

// The first thing that is wrong.
func first(problems ...error) error {
	for _, problem := range problems {
		if problem != nil {
			return problem
		}
	}
	return nil
}
