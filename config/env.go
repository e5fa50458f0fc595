package config

import (
	"net"
	"strconv"
	"strings"
	"time"
)

const redisPort = "6379"

// readEnvironment reads the variables that go before the file. An empty
// variable counts as not set.
func (l *loader) readEnvironment() {
	l.readRedisAddress()
	if s, from := l.variable("REDIS_DB"); s != "" {
		l.setText("redis.db", from, s)
	}
	if s, from := l.variable("REDIS_PASSWORD"); s != "" {
		l.setText("redis.password", from, s)
	}
	l.readSeconds("SMART_CACHE_TTL", "smart.ttl")
	l.readSeconds("SMART_POLL_INTERVAL", "smart.interval")
}

func (l *loader) readSeconds(name, key string) {
	s, from := l.variable(name)
	if s == "" {
		return
	}
	d, err := parseSeconds(s)
	if err != nil {
		l.refuse(key, from, err)
		return
	}
	*l.fields[key].at.(*time.Duration) = d
	l.origins[key] = from
}

func (l *loader) variable(name string) (string, origin) {
	s, _ := l.env(name)
	return s, origin{layer: fromEnv, name: name}
}

// readRedisAddress puts REDIS_HOST and REDIS_PORT together.
func (l *loader) readRedisAddress() {
	host, fromHost := l.variable("REDIS_HOST")
	port, fromPort := l.variable("REDIS_PORT")
	host, port = strings.TrimSpace(host), strings.TrimSpace(port)
	switch n, err := strconv.Atoi(port); {
	case port == "":
		port = redisPort
	case host == "" && strings.Contains(port, "://"):
		return // Kubernetes and Docker set it for a service that is named redis
	case strings.Contains(port, "://"):
		l.problemAt("REDIS_PORT", fromPort, "must be a port: Kubernetes and Docker set this variable for a service named redis; set it to %s, or switch service links off", redisPort)
		return
	case err != nil || n < 1 || n > 65535:
		l.problemAt("REDIS_PORT", fromPort, "must be a port, 1 to 65535")
		return
	case host == "":
		l.warn(fromPort, "has no effect without REDIS_HOST")
	}
	if host == "" {
		return
	}
	if strings.Contains(host, ":") && net.ParseIP(host) == nil || strings.Contains(host, "/") {
		l.problemAt("REDIS_HOST", fromHost, "must be a host name or an IP address alone: write the port in REDIS_PORT")
		return
	}
	l.setText("redis.addresses", fromHost, net.JoinHostPort(host, port))
}
