package browser

import (
	"encoding/json"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
)

// Node is a thing of the page as those hear it who do not see.
type Node struct {
	Role, Name string
	Within     string // the names around it
}

// Tree is all that is heard, in order.
func (t *Tab) Tree() ([]Node, error) {
	got, err := chromedp.Call(t.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		return nil, err
	}
	word := func(v *accessibility.Value) (s string) {
		if v != nil {
			_ = json.Unmarshal(v.Value, &s)
		}
		return s
	}
	around := map[accessibility.NodeID]string{}
	var list []Node
	for _, n := range got.Nodes {
		name := word(n.Name)
		within := around[n.ParentID]
		around[n.NodeID] = within
		if name != "" {
			around[n.NodeID] = name + " < " + within
		}
		if !n.Ignored {
			list = append(list, Node{word(n.Role), name, within})
		}
	}
	return list, nil
}
