package zpool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"storage_exporter/internal/outside"
)

const (
	maxDepth = 64      // zpool nests a dozen levels
	maxNodes = 1 << 20 // some forty for each vdev
)

// node is a JSON value that keeps the order of its members, which is zpool's
// order of vdevs. What has another shape than expected reads as absent.
type node struct {
	text  string // of a string, number or boolean
	keys  []string
	items []node // members, by keys; elements, without keys
}

// parseTree reads one JSON document.
func parseTree(b []byte) (node, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	nodes := 0
	root, err := readNode(d, 0, &nodes)
	if err != nil {
		return node{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return node{}, errors.New("something follows the document")
	}
	return root, nil
}

func readNode(d *json.Decoder, depth int, nodes *int) (node, error) {
	if *nodes++; *nodes > maxNodes || depth > maxDepth {
		return node{}, fmt.Errorf("more than %d values, or deeper than %d", maxNodes, maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return node{}, err
	}
	var n node
	switch t := token.(type) {
	case string:
		n.text = t
	case json.Number:
		n.text = t.String()
	case bool:
		n.text = strconv.FormatBool(t)
	case json.Delim:
		for d.More() {
			if t == '{' {
				key, err := d.Token()
				if err != nil {
					return node{}, err
				}
				n.keys = append(n.keys, key.(string))
			}
			item, err := readNode(d, depth+1, nodes)
			if err != nil {
				return node{}, err
			}
			n.items = append(n.items, item)
		}
		_, err = d.Token() // the closing one
	}
	return n, err
}

// get is a member, the zero node if there is none.
func (n node) get(key string) node {
	for i, k := range n.keys {
		if k == key {
			return n.items[i]
		}
	}
	return node{}
}

// members calls f for each member of an object.
func (n node) members(f func(key string, value node) error) error {
	for i, k := range n.keys {
		if err := f(k, n.items[i]); err != nil {
			return err
		}
	}
	return nil
}

func (n node) str() string    { return outside.Text(n.text) }
func (n node) count() *uint64 { return parseCount(n.text) }
