package cephfs

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// maxAnswer bounds an answer of an admin socket, in bytes.
const maxAnswer = 4 << 20

// socketTime is how long an answer is waited for where there is less hurry.
const socketTime = 2 * time.Second

// errNonsense says that what answered is no Ceph process, or did not understand.
var errNonsense = errors.New("the admin socket's answer makes no sense")

// ask sends a command, which must change nothing, to a process's admin socket:
// JSON and a NUL. The answer is its length in four bytes, and JSON.
func ask(ctx context.Context, socket, command string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, socketTime)
	defer cancel()
	answer, err := exchange(ctx, socket, command)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // says more than "closed"
	}
	if err != nil {
		return nil, fmt.Errorf("ask %s for %q: %w", socket, command, err)
	}
	return answer, nil
}

func exchange(ctx context.Context, socket, command string) ([]byte, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	request, err := json.Marshal(map[string]string{"prefix": command})
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(append(request, 0)); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, cutShort(err)
	}
	length := binary.BigEndian.Uint32(size[:])
	if length > maxAnswer {
		return nil, fmt.Errorf("%w: it is to be %d bytes", errNonsense, length)
	}
	// What is announced need not come: memory grows with what does.
	answer, err := io.ReadAll(io.LimitReader(conn, int64(length)))
	if err != nil {
		return nil, err
	}
	if len(answer) < int(length) {
		return nil, cutShort(io.ErrUnexpectedEOF)
	}
	return answer, nil
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is cut short", errNonsense)
	}
	return err
}

// askFor decodes the answer into v.
func askFor(ctx context.Context, socket, command string, v any) error {
	answer, err := ask(ctx, socket, command)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, v); err != nil {
		return fmt.Errorf("%w: %q of %s: %w", errNonsense, command, socket, err)
	}
	return nil
}
