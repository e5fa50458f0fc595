package redistest

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// Cluster is three masters without replicas.
type Cluster struct {
	Nodes []*Server
}

const clusterSlots = 16384

// StartCluster returns when all nodes call the cluster well. It keeps
// serving the slots that are left when a node is lost.
func StartCluster(tb testing.TB) *Cluster {
	tb.Helper()
	c := &Cluster{Nodes: make([]*Server, 3)}
	for i := range c.Nodes {
		c.Nodes[i] = Start(tb, Options{Config: []string{
			"cluster-enabled yes", "cluster-config-file nodes.conf",
			"cluster-node-timeout 1000", "cluster-require-full-coverage no",
		}})
	}
	for i, node := range c.Nodes {
		first, last := i*clusterSlots/len(c.Nodes), (i+1)*clusterSlots/len(c.Nodes)-1
		node.Do("CLUSTER", "ADDSLOTSRANGE", first, last)
		node.Do("CLUSTER", "SET-CONFIG-EPOCH", i+1)
		for _, other := range c.Nodes[:i] {
			host, port, _ := net.SplitHostPort(other.Addr)
			node.Do("CLUSTER", "MEET", host, port)
		}
	}
	for _, node := range c.Nodes {
		Until(tb, 15*time.Second, "the cluster to be well", func() bool {
			info := fmt.Sprint(node.Do("CLUSTER", "INFO"))
			return strings.Contains(info, "cluster_state:ok") &&
				strings.Contains(info, "cluster_slots_ok:16384") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	return c
}

// Addrs are those of the nodes.
func (c *Cluster) Addrs() []string { return addrs(c.Nodes) }

func addrs(servers []*Server) []string {
	all := make([]string, len(servers))
	for i, s := range servers {
		all[i] = s.Addr
	}
	return all
}

// Until waits for a condition, which is asked every 20 ms.
func Until(tb testing.TB, limit time.Duration, what string, ok func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	tb.Fatalf("waited %s for %s", limit, what)
}
