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
	credentials := func(context.Context) (string, string, error) {
		password, err := cfg.Credentials.password()
		return cfg.Credentials.Username, password, err
	}
	switch cfg.Mode {
	case RedisSingle:
		return redis.NewClient(&redis.Options{
			Addr: cfg.Addresses[0], DB: cfg.DB, ClientName: redisClientName, TLSConfig: tlsConfig,
			CredentialsProviderContext: credentials,
			DialTimeout:                cfg.Timeout, ReadTimeout: cfg.Timeout, WriteTimeout: cfg.Timeout, ContextTimeoutEnabled: true,
			MaxRetries: noRetries, DialerRetries: 1,
			PoolSize: redisPoolSize, MaxActiveConns: redisMaxConns, PoolTimeout: redisPoolTimeout, PipelinePoolSize: noPipelinePool,
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		}), nil
	case RedisSentinel:
		sentinelPassword, err := cfg.Sentinel.Credentials.password()
		if err != nil {
			return nil, err
		}
		// The library turns maintenance notifications off by itself here.
		return redis.NewFailoverClient(&redis.FailoverOptions{
			SentinelAddrs: cfg.Addresses, MasterName: cfg.Sentinel.Master,
			SentinelUsername: cfg.Sentinel.Credentials.Username, SentinelPassword: sentinelPassword,
			DB: cfg.DB, ClientName: redisClientName, TLSConfig: tlsConfig,
			CredentialsProviderContext: credentials,
			DialTimeout:                cfg.Timeout, ReadTimeout: cfg.Timeout, WriteTimeout: cfg.Timeout, ContextTimeoutEnabled: true,
			MaxRetries: noRetries, DialerRetries: 1,
			PoolSize: redisPoolSize, MaxActiveConns: redisMaxConns, PoolTimeout: redisPoolTimeout, PipelinePoolSize: noPipelinePool,
		}), nil
	case RedisCluster:
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: cfg.Addresses, ClientName: redisClientName, TLSConfig: tlsConfig,
			CredentialsProviderContext: credentials,
			DialTimeout:                cfg.Timeout, ReadTimeout: cfg.Timeout, WriteTimeout: cfg.Timeout, ContextTimeoutEnabled: true,
			// A second attempt on a hung node would outlive the call, and the
			// library then also drops the answers of the healthy nodes. So a key
			// on the move between nodes is a miss until the slots are reloaded.
			MaxRedirects: noRetries, MaxRetries: noRetries, DialerRetries: 1,
			PoolSize: redisPoolSize, MaxActiveConns: redisMaxConns, PoolTimeout: redisPoolTimeout, PipelinePoolSize: noPipelinePool,
			MaintNotificationsConfig:   &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
			ClusterStateReloadInterval: clusterReload,
			DisableRoutingPolicies:     true,
			NewClient: func(opt *redis.Options) *redis.Client {
				opt.Limiter = &nodeGate{address: opt.Addr}
				return redis.NewClient(opt)
			},
		}), nil
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
