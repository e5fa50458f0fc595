package main

import (
	"fmt"
	"log/slog"

	"storage_exporter/cachestore"
	"storage_exporter/config"
)

// newStore makes the store that the configuration names. That Redis cannot be
// reached is no error: it may come back.
func newStore(cfg *config.Config, metrics *cachestore.Metrics, logger *slog.Logger) (cachestore.Store, error) {
	var store cachestore.Store
	switch cfg.Cache.Store {
	case config.StoreFile:
		file, err := cachestore.OpenFile(cfg.Cache.Path, cachestore.FileConfig{Logger: logger})
		if err != nil {
			return nil, err
		}
		store = file
	case config.StoreRedis:
		redis, err := cachestore.NewRedis(redisConfig(cfg.Redis, logger))
		if err != nil {
			return nil, err
		}
		store = cachestore.NewBreaker(redis, cachestore.BreakerConfig{})
	case config.StoreMemory:
		store = cachestore.NewMemory()
	default:
		return nil, fmt.Errorf("cache.store: no store %q", cfg.Cache.Store)
	}
	return cachestore.NewInstrument(store, cfg.Cache.Store, metrics, logger), nil
}

func redisConfig(c config.Redis, logger *slog.Logger) cachestore.RedisConfig {
	rc := cachestore.RedisConfig{
		Mode: c.Mode, Addresses: c.Addresses, DB: c.DB, Timeout: c.Timeout, Logger: logger,
		Credentials: cachestore.RedisCredentials{Username: c.Username, Password: c.Password},
		Sentinel: cachestore.RedisSentinelConfig{
			Master:      c.MasterName,
			Credentials: cachestore.RedisCredentials{Username: c.SentinelUsername, Password: c.SentinelPassword},
		},
	}
	if c.TLS.Enabled {
		rc.TLS = &cachestore.RedisTLS{
			CAFile: c.TLS.CAFile, CertFile: c.TLS.CertFile, KeyFile: c.TLS.KeyFile,
			ServerName: c.TLS.ServerName, InsecureSkipVerify: c.TLS.InsecureSkipVerify,
		}
	}
	return rc
}
