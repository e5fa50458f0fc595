package cachestore

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// The scripts read the clock of the server: those of the hosts differ. They leave what
// is too large on the server.
var (
	appendScript = redis.NewScript(`
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'value', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return id`)

	newestScript = redis.NewScript(`
local found = {}
for i, entry in ipairs(redis.call('XREVRANGE', KEYS[1], ARGV[1], '-', 'COUNT', ARGV[2])) do
  local fields, value = entry[2], 0
  for j = 1, #fields - 1, 2 do
    if fields[j] == 'value' then value = fields[j + 1] end
  end
  if value ~= 0 and #value > tonumber(ARGV[3]) then value = 1 end
  found[2 * i - 1], found[2 * i] = entry[1], value
end
return found`)

	markScript = redis.NewScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + ARGV[3], '+inf')
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`)

	markedScript = redis.NewScript(`
local time = redis.call('TIME')
local found = redis.call('ZREVRANGE', KEYS[1], 0, ARGV[1] - 1, 'WITHSCORES')
for i = 1, #found, 2 do
  if #found[i] > tonumber(ARGV[2]) then found[i] = '' end
end
found[#found + 1] = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
return found`)

	swapScript = redis.NewScript(`
local current = redis.call('GET', KEYS[1])
if (not current and ARGV[1] == '0') or (current and ARGV[1] == '1' and current == ARGV[2]) then
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
  return {1, ''}
end
if not current then return {0} end
if #current > tonumber(ARGV[5]) then return {0, 0} end
return {0, current}`)
)

// clockBack is how far a server's clock may fall behind its members', as after a
// failover, until their marks count as forged.
const clockBack = time.Minute

func (r *redisStore) Append(ctx context.Context, stream string, most int, value []byte) (string, error) {
	if err := checkLedger(value, StreamLife); err != nil {
		return "", err
	}
	id, err := appendScript.Run(ctx, r.client, []string{stream}, most, value, milliseconds(StreamLife)).Text()
	return id, wholeError(err)
}

func (r *redisStore) Newest(ctx context.Context, stream, before string, n int) ([]Appended, error) {
	last, err := lastBefore(before)
	if err != nil || n <= 0 {
		return nil, err
	}
	found, err := newestScript.Run(ctx, r.client, []string{stream}, last.String(), min(n, MaxNewest), MaxLedgerValue).Slice()
	if err != nil {
		return nil, wholeError(err)
	}
	entries := make([]Appended, 0, len(found)/2)
	for i := 0; i+1 < len(found); i += 2 {
		entry := Appended{}
		entry.ID, _ = found[i].(string)
		switch value := found[i+1].(type) {
		case string:
			entry.Value = []byte(value)
		case int64:
			if entry.Err = ErrNoValue; value == 1 {
				entry.Err = ErrLedgerValue
			}
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

func (r *redisStore) Mark(ctx context.Context, set, member string, keep time.Duration) error {
	if err := checkMember(member, keep); err != nil {
		return err
	}
	return wholeError(markScript.Run(ctx, r.client, []string{set}, member, milliseconds(keep), milliseconds(clockBack), MaxMembers).Err())
}

func (r *redisStore) Marked(ctx context.Context, set string, n int) ([]Member, error) {
	if n <= 0 {
		return nil, nil
	}
	found, err := markedScript.Run(ctx, r.client, []string{set}, min(n, MaxMembers), MaxMember).StringSlice()
	if err != nil || len(found)%2 == 0 {
		return nil, wholeError(err)
	}
	now, err := strconv.ParseFloat(found[len(found)-1], 64)
	if err != nil {
		return nil, fmt.Errorf("redis: the server's time: %w", err)
	}
	members := make([]Member, 0, len(found)/2)
	for i := 0; i+1 < len(found); i += 2 {
		members = append(members, readMember(found[i], found[i+1], now))
	}
	return members, nil
}

// readMember judges a member with its score, which anybody may have written.
func readMember(name, score string, now float64) Member {
	marked, err := strconv.ParseFloat(score, 64)
	age := now - marked
	switch {
	case name == "":
		return Member{Err: ErrMember}
	case err != nil || math.IsNaN(age) || age > float64(math.MaxInt64/int64(time.Millisecond)):
		return Member{Err: fmt.Errorf("marked at %q, which is no time", score)}
	}
	return Member{Name: name, Age: time.Duration(max(age, 0)) * time.Millisecond}
}

func (r *redisStore) Swap(ctx context.Context, key string, old, next []byte, ttl time.Duration) (bool, []byte, error) {
	if err := checkLedger(next, ttl); err != nil {
		return false, nil, err
	}
	known := 0
	if old != nil {
		known = 1
	}
	answer, err := swapScript.Run(ctx, r.client, []string{key}, known, old, next, milliseconds(ttl), MaxLedgerValue).Slice()
	switch {
	case err != nil:
		return false, nil, wholeError(err)
	case len(answer) < 2:
		return false, nil, nil
	case answer[0] == int64(1):
		return true, next, nil
	}
	current, ok := answer[1].(string)
	if !ok {
		return false, nil, ErrLedgerValue
	}
	return false, []byte(current), nil
}
