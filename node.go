package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// hostFingerprint stands for this host among those that share a store: the node's
// name, else the machine id, else the id of this boot. It is never empty.
func hostFingerprint(nodeName, rootfs, procfs string) string {
	if nodeName != "" {
		return nodeFingerprint(nodeName)
	}
	for _, f := range []struct{ kind, path string }{
		{"machine", filepath.Join(rootfs, "etc/machine-id")},
		{"machine", filepath.Join(rootfs, "var/lib/dbus/machine-id")},
		{"boot", filepath.Join(procfs, "sys/kernel/random/boot_id")},
	} {
		raw, err := os.ReadFile(f.path)
		if id := bytes.TrimSpace(raw); err == nil && len(id) > 0 && len(id) <= 64 && string(id) != "uninitialized" {
			return f.kind + ":" + string(id)
		}
	}
	return "process:" + rand.Text()
}

// hostName is this host as people know it.
func hostName(nodeName string) string {
	if nodeName != "" {
		return nodeName
	}
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

func nodeFingerprint(name string) string { return "node:" + name }

// observerName names this process among all that share the store.
func observerName() string {
	return fmt.Sprintf("%s/%d/%s", hostName(""), os.Getpid(), strings.ToLower(rand.Text()[:8]))
}
