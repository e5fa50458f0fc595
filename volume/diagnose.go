package volume

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// Diagnose says what an error of a health check means for the volume: offline
// where nothing answers, unavailable where it cannot be determined.
func Diagnose(err error) (Status, string) {
	if unanswered(err) {
		return Offline, err.Error()
	}
	return Unavailable, err.Error()
}

// knowing is an error that knows whether nothing answered, as those of rest do.
type knowing interface {
	error
	Unanswered() bool
}

func unanswered(err error) bool {
	if e, ok := errors.AsType[knowing](err); ok {
		return e.Unanswered()
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	for _, no := range []error{
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.EHOSTDOWN,
		syscall.ENETUNREACH, syscall.ENETDOWN,
	} {
		if errors.Is(err, no) {
			return true
		}
	}
	// A name that cannot be resolved is a mistake or another server's fault: the
	// volume itself was not asked.
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return false
	}
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
