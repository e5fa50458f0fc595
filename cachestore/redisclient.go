package cachestore

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// What the library would do by default is meant for an application that
// cannot live without its Redis: wait and try again, for seconds. Here every
// call has one attempt and one short timeout, and somebody who can go on
// without an answer.
const (
	redisClientName  = "storage_exporter"
	redisPoolSize    = 4
	redisMaxConns    = 8
	redisPoolTimeout = 100 * time.Millisecond
	noRetries        = -1
	noPipelinePool   = -1
	// clusterReload bounds how long a replaced master is asked in vain.
	clusterReload = 5 * time.Second
)

func newRedisClient(cfg RedisConfig, tlsConfig *tls.Config) (redis.UniversalClient, error) {
	options := redis.UniversalOptions{
		Addrs: cfg.Addresses, DB: cfg.DB, ClientName: redisClientName, TLSConfig: tlsConfig,
		CredentialsProviderContext: func(context.Context) (string, string, error) {
			password, err := cfg.Credentials.password()
			return cfg.Credentials.Username, password, err
		},
		DialTimeout: cfg.Timeout, ReadTimeout: cfg.Timeout, WriteTimeout: cfg.Timeout, ContextTimeoutEnabled: true,
		// A second attempt on a hung node of a cluster would outlive the call, and
		// the library then also drops the answers of the healthy nodes. So a key on
		// the move between nodes is a miss until the slots are reloaded.
		MaxRetries: noRetries, MaxRedirects: noRetries, DialerRetries: 1,
		PoolSize: redisPoolSize, MaxActiveConns: redisMaxConns, PoolTimeout: redisPoolTimeout, PipelinePoolSize: noPipelinePool,
		// Not for sentinels, where the library turns them off by itself.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	switch cfg.Mode {
	case RedisSingle:
		return redis.NewClient(options.Simple()), nil
	case RedisSentinel:
		password, err := cfg.Sentinel.Credentials.password()
		if err != nil {
			return nil, err
		}
		options.MasterName, options.SentinelUsername, options.SentinelPassword = cfg.Sentinel.Master, cfg.Sentinel.Credentials.Username, password
		return redis.NewFailoverClient(options.Failover()), nil
	case RedisCluster:
		cluster := options.Cluster()
		cluster.ClusterStateReloadInterval = clusterReload
		cluster.DisableRoutingPolicies = true
		cluster.NewClient = func(opt *redis.Options) *redis.Client {
			opt.Limiter = &nodeGate{address: opt.Addr}
			return redis.NewClient(opt)
		}
		return redis.NewClusterClient(cluster), nil
	}
	return nil, fmt.Errorf("mode %q is none of single, sentinel, cluster", cfg.Mode)
}

// libraryLog takes the library's own remarks, which it would print to stderr.
type libraryLog struct{ logger *slog.Logger }

func (l libraryLog) Printf(ctx context.Context, format string, args ...any) {
	if l.logger.Enabled(ctx, slog.LevelDebug) {
		l.logger.DebugContext(ctx, "redis client library", "remark", fmt.Sprintf(format, args...))
	}
}
