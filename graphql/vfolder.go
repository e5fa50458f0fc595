package graphql

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	graphql "github.com/graph-gophers/graphql-go"
)

// Folders finds the volumes that a folder is on.
type Folders interface {
	// Find returns the names of this host's volumes that hold the folder, which is 32
	// digits. err says which volumes could not be asked; names may be there all the
	// same.
	Find(ctx context.Context, id string) (names []string, err error)
}

// folderNode is a folder as it is shown.
type folderNode struct {
	Id            graphql.ID //nolint:revive,staticcheck // the library finds a field by the schema's name
	Name          *string
	Host          *string
	StorageHealth *volumeRow
}

var errNoFolderID = errors.New("id must be a UUID, or the global id of a folder")

type idArgs struct{ ID string }

// VfolderNode is a folder of this host's volumes; nil where there is none.
func (q query) VfolderNode(ctx context.Context, args idArgs) (*folderNode, error) {
	r := requestOf(ctx)
	id, err := folderID(args.ID)
	if err != nil {
		return nil, err
	}
	if r.folders.Add(1) > maxFolders {
		return nil, fmt.Errorf("at most %d folders are looked for in a query", maxFolders)
	}
	r.changes.Store(true)
	names, err := q.folders.Find(ctx, id)
	if len(names) == 0 {
		return nil, err
	}
	local := r.view.proxies[0].ProxyName
	host := local + ":" + names[0]
	node := &folderNode{Id: graphql.ID(args.ID), Host: &host, StorageHealth: r.view.byHost[host]}
	if node.StorageHealth == nil {
		node.StorageHealth = unknownVolume(local, names[0])
	}
	return node, nil
}

// Vfolder_node is VfolderNode.
func (q query) Vfolder_node(ctx context.Context, args idArgs) (*folderNode, error) { //nolint:revive,staticcheck // named by the schema
	return q.VfolderNode(ctx, args)
}

// folderID reads the ways to name a folder: a UUID with or without dashes, and the
// base64 of one behind the name of its type.
func folderID(text string) (string, error) {
	if len(text) > 200 {
		return "", errNoFolderID
	}
	if global, err := base64.StdEncoding.DecodeString(text); err == nil {
		for _, kind := range []string{"VirtualFolderNode:", "VFolder:"} {
			if id, ok := strings.CutPrefix(string(global), kind); ok {
				text = id
			}
		}
	}
	if len(text) == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-' {
		text = strings.ReplaceAll(text, "-", "")
	}
	if _, err := hex.DecodeString(text); err != nil || len(text) != 32 {
		return "", errNoFolderID
	}
	return strings.ToLower(text), nil
}
