package cachestore

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
)

// Why calls fail: the label reason of storage_cache_store_errors_total.
const (
	reasonTimeout    = "timeout"
	reasonConnection = "connection"
	reasonAuth       = "auth"
	reasonReadOnly   = "readonly"
	reasonFull       = "full"
	reasonOther      = "other"
)

var reasons = []string{reasonTimeout, reasonConnection, reasonAuth, reasonReadOnly, reasonFull, reasonOther}

// refusal is a kind of answer by which a server keeps itself from being used.
type refusal struct {
	words  []string // of the error; the first refusal that has one of them counts
	reason string
	remedy string
}

// noRights are the words by which a server refuses what the user may not do, by itself
// or within a script.
var noRights = []string{"NOPERM", "The user executing the script can't"}

// refusals of Redis 6 and later and of Valkey.
var serverRefusals = []refusal{
	{[]string{"WRONGPASS", "invalid password"}, reasonAuth, "set redis.username and redis.password as the server has them"},
	{[]string{"NOAUTH", "AUTH <password> called without any password", "Client sent AUTH, but no password is set"}, reasonAuth,
		"set redis.password if the server wants one, and none if it wants none"},
	{noRights, reasonAuth, "give the user the commands and keys that docs/redis.md lists"},
	{[]string{errCredentials.Error()}, reasonAuth, "make the password file readable for the exporter's user"},
	{[]string{"READONLY"}, reasonReadOnly, "name the master in redis.addresses, or use the mode sentinel"},
	{[]string{"MISCONF"}, reasonReadOnly, "the server cannot save to its disk and takes no writes: see its log"},
	{[]string{"NOREPLICAS"}, reasonReadOnly, "the server has fewer replicas than min-replicas-to-write wants"},
	{[]string{"OOM"}, reasonFull, "raise the server's maxmemory, or set its maxmemory-policy to volatile-ttl"},
	{[]string{ErrFull.Error()}, reasonFull, "watch fewer drives and volumes, or use Redis"},
	{[]string{"DB index is out of range"}, reasonOther, "set redis.db below what `databases` is in the server's configuration"},
	{[]string{"cluster support disabled"}, reasonOther, "the server is no cluster: set redis.mode to single"},
	{[]string{"MOVED"}, reasonOther, "the server is part of a cluster: set redis.mode to cluster"},
	{[]string{"CLUSTERDOWN"}, reasonOther, "the cluster does not serve all of its slots: see CLUSTER INFO"},
	{[]string{"LOADING"}, reasonOther, "the server is reading its file; this ends by itself"},
	{[]string{"MASTERDOWN"}, reasonConnection, "the replica has lost its master"},
}

// judge says why a call failed and what to do about it.
func judge(err error) (reason, remedy string) {
	text := err.Error()
	for _, r := range serverRefusals {
		for _, w := range r.words {
			if strings.Contains(text, w) {
				return r.reason, r.remedy
			}
		}
	}
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return reasonTimeout, "see whether the server is overloaded or cut off"
	case errors.Is(err, ErrUnavailable):
		return reasonConnection, "see whether the server runs and redis.addresses and redis.tls are right"
	}
	return reasonOther, "see the server's log"
}

// troubles is what keeps a store from being used: reads and writes apart, as a server
// that refuses the ones may well do the others, and the nodes of a cluster apart.
type troubles struct {
	logger *slog.Logger
	nodeOf func(key string) string

	mu     sync.Mutex // guards the fields below
	failed map[place]failure
	lost   map[string]int  // calls in a row that got no answer, by node
	logged map[string]bool // the reasons of the trouble that were logged
}

// place is what a failure says something about: calls of a kind, or of one without
// rights, on a node. The node is empty where there is only one, or the breaker is open.
type place struct{ kind, node string }

// failure is the last outcome of calls that failed.
type failure struct {
	err error
	key string // one of those that it was about
}

func newTroubles(logger *slog.Logger) *troubles {
	return &troubles{
		logger: logger, nodeOf: func(string) string { return "" },
		failed: make(map[place]failure), lost: make(map[string]int), logged: make(map[string]bool),
	}
}

// kindOf is what a call must be allowed to do on a server.
func kindOf(op string) string {
	switch op {
	case "set", "claim", "append", "mark", "swap":
		return "write"
	case "newest", "marked":
		return "get"
	default: // a release is granted where there is nothing to delete
		return op
	}
}

// failedKind is what a call that failed says about others. Where the user has no right
// to its commands, those that he has a right to do not end the trouble.
func failedKind(op string, err error) string {
	if slices.ContainsFunc(noRights, func(words string) bool { return strings.Contains(err.Error(), words) }) {
		return op
	}
	return kindOf(op)
}

// note takes the outcome of a call, and says whether the store can be used. The
// beginning and the end of a trouble are logged, not what is between.
func (t *troubles) note(op string, keys []string, err error) (usable bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.answered(op, keys)
		return len(t.failed) == 0
	}
	err = causeOf(err)
	if errors.Is(err, ErrOpen) {
		t.failed[place{kind: kindOf(op)}] = failure{err: err}
		return false
	}
	key := keyOf(err, keys)
	node := ""
	if key != "" {
		node = t.nodeOf(key)
	}
	t.failed[place{failedKind(op, err), node}] = failure{err, key}
	reason, remedy := judge(err)
	sort := reason
	if errors.Is(err, ErrUnavailable) {
		if t.lost[node]++; t.lost[node] < maxFailures {
			return false // may be chance
		}
		sort = ErrUnavailable.Error() // a server that is lost is silent now and refuses then
	} else {
		delete(t.lost, node)
	}
	if !t.logged[sort] {
		t.logged[sort] = true
		t.logger.Warn("cache store cannot be used, going on without it", "reason", reason, "remedy", remedy, "err", err)
	}
	return false
}

// keyOf is the key that an error is about, of those of the call.
func keyOf(err error, keys []string) string {
	var of *ofKey
	switch {
	case errors.As(err, &of):
		return of.key
	case len(keys) > 0:
		return keys[0]
	}
	return ""
}

// answered ends the trouble of this kind of call on the nodes that have answered, and
// of the others that one without an answer had. A node that was replaced has answered
// when the one has that has its keys now.
func (t *troubles) answered(op string, keys []string) {
	if len(t.failed) == 0 && len(t.lost) == 0 {
		return
	}
	nodes := map[string]bool{"": len(keys) == 0}
	for _, key := range keys {
		nodes[t.nodeOf(key)] = true
	}
	maps.DeleteFunc(t.lost, func(node string, _ int) bool { return nodes[node] })
	maps.DeleteFunc(t.failed, func(p place, f failure) bool {
		if errors.Is(f.err, ErrOpen) {
			return true
		}
		return (f.key == "" || nodes[t.nodeOf(f.key)]) && (p.kind == op || p.kind == kindOf(op) || errors.Is(f.err, ErrUnavailable))
	})
	if len(t.failed) > 0 {
		return
	}
	clear(t.lost)
	if len(t.logged) > 0 {
		clear(t.logged)
		t.logger.Info("cache store is available again")
	}
}
