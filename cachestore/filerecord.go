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

// clockSlack is how far the wall clock may have been set back since a record was
// written without its age being in doubt.
const clockSlack = 2 * time.Second

// decodeRecord returns a copy of the value, the lifetime it was put with and
// what is left of it, which is never more than the lifetime. Nothing is left
// when it has expired, nor when the wall clock was set back meanwhile: then its
// age cannot be known.
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
	left = remaining(b, life, now)
	if left <= 0 {
		return nil, ttl, 0, nil
	}
	return append([]byte{}, b[recordHeader:]...), ttl, left, nil
}

// remaining is what is left of a record's life in milliseconds, zero when it
// has expired or its age cannot be known.
func remaining(header []byte, life int64, now time.Time) time.Duration {
	deadline, nowMS := int64(binary.BigEndian.Uint64(header[4:])), now.UnixMilli()
	if deadline <= nowMS || deadline-nowMS > life+clockSlack.Milliseconds() {
		return 0
	}
	return time.Duration(min(deadline-nowMS, life)) * time.Millisecond
}

// expired looks at the header only.
func expired(b []byte, now time.Time) bool {
	return len(b) < recordHeader || remaining(b, int64(binary.BigEndian.Uint64(b[12:])), now) <= 0
}
