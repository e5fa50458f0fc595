package demo

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
)

// port is one of the loopback interface. While it is held nobody can listen there, and who
// connects is refused.
type port struct {
	address string
	number  int
	fd      int // -1 while it is not held
}

// hold takes a free port.
func hold() (*port, error) {
	p := &port{fd: -1}
	return p, p.hold()
}

// hold takes the port again, once what listened there has ended.
func (p *port) hold() error {
	if p.fd >= 0 {
		return nil
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	p.fd = fd
	// Past connections may linger, but nobody else is let in.
	for _, reuse := range []int{1, 0} {
		if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, reuse); err != nil {
			p.free()
			return os.NewSyscallError("setsockopt", err)
		}
		if reuse == 0 {
			continue
		}
		if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: p.number, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			p.free()
			return fmt.Errorf("port %d: %w", p.number, os.NewSyscallError("bind", err))
		}
	}
	name, err := syscall.Getsockname(fd)
	at, ok := name.(*syscall.SockaddrInet4)
	if err != nil || !ok {
		p.free()
		return os.NewSyscallError("getsockname", err)
	}
	p.number, p.address = at.Port, net.JoinHostPort("127.0.0.1", strconv.Itoa(at.Port))
	return nil
}

// free lets others listen there.
func (p *port) free() {
	if p != nil && p.fd >= 0 {
		_ = syscall.Close(p.fd)
		p.fd = -1
	}
}
