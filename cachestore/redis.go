package cachestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisStore keeps values in Redis; the calls come bounded.
type redisStore struct {
	client  redis.UniversalClient
	mode    string
	timeout time.Duration
	claim   *redis.Script
	release *redis.Script
}

const (
	claimScript = `
local holder = redis.call('GET', KEYS[1])
if not holder then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 1
end
return 0`
	releaseScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0`
)

// NewRedis makes a store in a Redis or Valkey of version 6 or later, which other
// processes may share. Its user needs the commands PTTL, GETRANGE, SET, GET,
// PEXPIRE, DEL, EVAL, EVALSHA and those of the scripts on its keys, and TIME, PING and
// CLIENT SETNAME; in a cluster also CLUSTER SLOTS and COMMAND. docs/redis.md has them all.
//
// It checks the configuration and connects when it is first called, so that a Redis
// that is down does not fail the start.
func NewRedis(cfg RedisConfig) (Store, error) {
	var errs []error
	wrong := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("redis."+key+" "+format, args...))
	}
	tlsConfig := cfg.CheckUse(wrong)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultRedisTimeout)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	redis.SetLogger(libraryLog{cfg.Logger}) // the library has one for the whole process
	client, err := newRedisClient(cfg, tlsConfig)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	r := &redisStore{
		client:  client,
		mode:    cfg.Mode,
		timeout: cfg.Timeout,
		claim:   redis.NewScript(claimScript),
		release: redis.NewScript(releaseScript),
	}
	return &wrapped{Store: r, around: r.bounded}, nil
}

// bounded gives a call the store's own timeout. A caller who has left asks nothing.
func (r *redisStore) bounded(ctx context.Context, _ string, _ []string, call func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	return call(ctx)
}

// nodeOf is the node of a cluster that serves a key, by what the library knows.
func (r *redisStore) nodeOf(key string) string {
	cluster, ok := r.client.(*redis.ClusterClient)
	if !ok {
		return ""
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // where nothing is known yet, nobody is asked
	node, err := cluster.MasterForKey(ctx, key)
	if err != nil {
		return ""
	}
	return node.Options().Addr
}

// Get asks for all keys in one pipeline, in a cluster in one for each node;
// there a node out of reach costs its own keys only.
func (r *redisStore) Get(ctx context.Context, keys ...string) ([]Item, error) {
	lives := make([]*redis.DurationCmd, len(keys))
	values := make([]*redis.StringCmd, len(keys))
	return r.ask(ctx, len(keys), func(pipe redis.Pipeliner, i int) {
		// The life comes first: should the key be put anew in between, then
		// the new value looks too old, where the old one would look new.
		lives[i] = pipe.PTTL(ctx, keys[i])
		values[i] = getValue(ctx, pipe, keys[i], MaxValueSize)
	}, func(i int) Item { return readItem(lives[i], values[i], MaxValueSize) })
}

// Changed asks for the lives of all keys first, then for the values that the
// caller does not have.
func (r *redisStore) Changed(ctx context.Context, known ...Known) ([]Item, error) {
	lives := make([]*redis.DurationCmd, len(known))
	items, err := r.ask(ctx, len(known), func(pipe redis.Pipeliner, i int) {
		lives[i] = pipe.PTTL(ctx, known[i].Key)
	}, func(i int) Item { return readLife(lives[i]) })
	if err != nil {
		return nil, err
	}
	var changed []int
	for i, now := 0, time.Now(); i < len(items); i++ {
		if items[i].TTL > 0 && !known[i].has(now, items[i].TTL) {
			changed = append(changed, i)
		}
	}
	values := make([]*redis.StringCmd, len(changed))
	news, err := r.ask(ctx, len(changed), func(pipe redis.Pipeliner, n int) {
		k := known[changed[n]]
		values[n] = getValue(ctx, pipe, k.Key, k.most())
	}, func(n int) Item { return readItem(lives[changed[n]], values[n], known[changed[n]].most()) })
	if err != nil {
		return nil, err
	}
	for n, i := range changed {
		items[i] = news[n]
	}
	return items, nil
}

// getValue bounds what a foreign value can cost. One byte more than is allowed
// shows that there was more.
func getValue(ctx context.Context, pipe redis.Pipeliner, key string, most int) *redis.StringCmd {
	return pipe.GetRange(ctx, key, 0, int64(most))
}

// ask makes n items with one pipeline, in which queue puts the commands of each.
func (r *redisStore) ask(ctx context.Context, n int, queue func(pipe redis.Pipeliner, i int), read func(i int) Item) ([]Item, error) {
	items := make([]Item, n)
	if n == 0 {
		return items, nil
	}
	pipe := r.client.Pipeline()
	for i := range n {
		queue(pipe, i)
	}
	_, err := pipe.Exec(ctx)
	if err != nil && r.mode != RedisCluster && !isReply(err) {
		return nil, wholeError(err)
	}
	answered, failed := false, false
	for i := range items {
		items[i] = read(i)
		failed = failed || items[i].Err != nil
		answered = answered || items[i].Err == nil || IsKeyError(items[i].Err)
	}
	switch {
	case !answered:
		return nil, items[0].Err
	case err != nil && !failed:
		// Refused before a command was sent, as with a wrong password: the
		// library then leaves the commands as if they were answered with nothing.
		return nil, wholeError(err)
	}
	return items, nil
}

// readLife judges the remaining life of one key.
func readLife(life *redis.DurationCmd) Item {
	const noKey, noExpiry = -2, -1 // as the library gives them, without a unit
	switch ttl := life.Val(); {
	case life.Err() != nil:
		return Item{Err: wholeError(life.Err())}
	case ttl == noKey:
		return Item{}
	case ttl == noExpiry:
		return Item{Err: ErrNoExpiry}
	case ttl < 0:
		return Item{Err: fmt.Errorf("remaining life of %d", ttl)}
	default:
		return Item{TTL: ttl}
	}
}

// readItem judges what was answered for one key.
func readItem(life *redis.DurationCmd, value *redis.StringCmd, most int) Item {
	item := readLife(life)
	body, err := value.Bytes() // the library's own buffer, which nobody changes
	switch {
	case life.Err() == nil && err != nil:
		return Item{Err: wholeError(err)}
	case item.Err != nil || item.TTL == 0:
		return item
	case len(body) > most:
		return Item{Err: ErrTooLarge}
	case len(body) == 0 && item.TTL < emptyLife:
		return Item{} // it expired between the two commands
	case len(body) == 0:
		body = []byte{} // nil would mean that there is no such key
	}
	item.Value = body
	return item
}

// emptyLife is the life below which an empty value is taken for one that has
// just expired.
const emptyLife = 100 * time.Millisecond

// Set puts all items in one pipeline, in a cluster in one for each node; there
// a node out of reach costs its own items only. A server that is out of memory
// or read-only refuses them.
func (r *redisStore) Set(ctx context.Context, items ...SetItem) error {
	pipe := r.client.Pipeline()
	sent := make([]redis.Cmder, len(items))
	var errs refusals
	for i, it := range items {
		if err := checkItem(it.Value, it.TTL); err != nil {
			errs.add(it.Key, err)
			continue
		}
		sent[i] = pipe.Do(ctx, "SET", it.Key, it.Value, "PX", milliseconds(it.TTL))
	}
	_, err := pipe.Exec(ctx)
	if err != nil && r.mode != RedisCluster && !isReply(err) {
		return wholeError(err)
	}
	failed := false
	for i, cmd := range sent {
		if cmd != nil {
			failed = failed || cmd.Err() != nil
			errs.add(items[i].Key, wholeError(cmd.Err()))
		}
	}
	if err != nil && !failed {
		return wholeError(err) // refused before a command was sent; see Get
	}
	return errs.err(len(items))
}

// Claim is one command where the key is free, as it mostly is. Otherwise a
// script on the one key, so that it works in every mode, says whose it is.
func (r *redisStore) Claim(ctx context.Context, key, holder string, ttl time.Duration) (bool, error) {
	if err := checkItem(nil, ttl); err != nil {
		return false, err
	}
	switch err := r.client.Do(ctx, "SET", key, holder, "NX", "PX", milliseconds(ttl)).Err(); {
	case err == nil:
		return true, nil
	case !errors.Is(err, redis.Nil):
		return false, wholeError(err)
	}
	held, err := r.claim.Run(ctx, r.client, []string{key}, holder, milliseconds(ttl)).Bool()
	return held, wholeError(err)
}

// Release deletes the claim if it is still the holder's.
func (r *redisStore) Release(ctx context.Context, key, holder string) error {
	return wholeError(r.release.Run(ctx, r.client, []string{key}, holder).Err())
}

// Ping asks the server, in a cluster any one of the nodes.
func (r *redisStore) Ping(ctx context.Context) error {
	return wholeError(r.client.Ping(ctx).Err())
}

// Close closes the connections.
func (r *redisStore) Close() error {
	if err := r.client.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}

// milliseconds rounds up: a life of zero would be refused.
func milliseconds(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

// wholeError puts the store's own errors around the library's.
func wholeError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, redis.ErrClosed):
		return ErrClosed
	case errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrPoolExhausted):
		return fmt.Errorf("redis: %w", ErrBusy)
	case isLost(err) && !errors.Is(err, ErrUnavailable):
		return fmt.Errorf("redis: %w: %w", ErrUnavailable, err)
	default:
		return fmt.Errorf("redis: %w", err)
	}
}

// isReply says whether the server answered, with whatever error.
func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// isLost says whether there was no answer. What is neither a reply nor our
// own doing is: refused, reset, timed out, not trusted.
func isLost(err error) bool {
	return err != nil && !isReply(err) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, errCredentials) &&
		!errors.Is(err, redis.ErrClosed) && !errors.Is(err, redis.ErrPoolTimeout) && !errors.Is(err, redis.ErrPoolExhausted)
}

// IsKeyError says whether an error is about this key and no other.
func IsKeyError(err error) bool {
	return errors.Is(err, ErrNoExpiry) || errors.Is(err, ErrTooLarge) || redis.HasErrorPrefix(err, "WRONGTYPE")
}
