package cachestore

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"
)

// A record in the file is, big endian:
//
//	4 bytes  CRC-32C of the key and all that follows
//	8 bytes  deadline, wall clock, Unix milliseconds
//	8 bytes  lifetime it was put with, milliseconds
//	the value
//
// The checksum is needed because bbolt has none on its data pages.
const recordHeader = 4 + 8 + 8

// maxLife bounds a lifetime that is read from the file.
const maxLife = 366 * 24 * time.Hour

var errRecord = errors.New("record is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func recordSum(key string, rest []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte(key), castagnoli), castagnoli, rest)
}

func encodeRecord(key string, value []byte, deadline time.Time, ttl time.Duration) []byte {
	b := make([]byte, recordHeader, recordHeader+len(value))
	binary.BigEndian.PutUint64(b[4:], uint64(deadline.UnixMilli()))
	binary.BigEndian.PutUint64(b[12:], uint64(milliseconds(ttl)))
	b = append(b, value...)
	binary.BigEndian.PutUint32(b, recordSum(key, b[4:]))
	return b
}

// decodeRecord returns a copy of the value, the lifetime it was put with and
// what is left of it. That is never more than the lifetime, whatever the wall
// clock did meanwhile, and zero or less when it has expired.
func decodeRecord(key string, b []byte, now time.Time) (value []byte, ttl, left time.Duration, err error) {
	if len(b) < recordHeader || len(b) > recordHeader+MaxValueSize ||
		binary.BigEndian.Uint32(b) != recordSum(key, b[4:]) {
		return nil, 0, 0, errRecord
	}
	life := int64(binary.BigEndian.Uint64(b[12:]))
	if life <= 0 || life > maxLife.Milliseconds() {
		return nil, 0, 0, errRecord
	}
	ttl = time.Duration(life) * time.Millisecond
	deadline, nowMS := int64(binary.BigEndian.Uint64(b[4:])), now.UnixMilli()
	if deadline <= nowMS {
		return nil, ttl, 0, nil
	}
	left = time.Duration(min(deadline-nowMS, life)) * time.Millisecond
	return append([]byte{}, b[recordHeader:]...), ttl, left, nil
}

// expired looks at the header only.
func expired(b []byte, now time.Time) bool {
	return len(b) < recordHeader || int64(binary.BigEndian.Uint64(b[4:])) <= now.UnixMilli()
}
