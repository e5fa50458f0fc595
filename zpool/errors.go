package zpool

import "errors"

var (
	// ErrPermission says that the exporter may not ask the kernel for pools.
	ErrPermission = errors.New("permission denied; run as root, or give the exporter read and write access to /dev/zfs")
	// ErrNoDevice says that ZFS is loaded but cannot be asked.
	ErrNoDevice = errors.New("no /dev/zfs; in a container, pass the device in")
	// ErrRefused says that zpool ran and gave up.
	ErrRefused = errors.New("zpool gave up")
	// ErrBadOutput says that what zpool printed is not a whole status.
	ErrBadOutput = errors.New("not zpool's status")
)
