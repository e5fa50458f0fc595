package cachestore

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"
)

// The file is fileMagic, then the records, then an end. A record is, big endian:
//
//	4 bytes  CRC-32C of all that follows
//	4 bytes  length of the key
//	4 bytes  length of the value
//	8 bytes  deadline, wall clock, Unix milliseconds
//	8 bytes  lifetime it was put with, milliseconds
//	the key and the value
//
// The end looks like a record with the key length endOfRecords; instead of the
// length of the value it has the number of records. Another format gets
// another fileMagic.
const (
	fileMagic    = "storage_exporter snapshots 2\n"
	recordHeader = 4 + 4 + 4 + 8 + 8
	endOfRecords = math.MaxUint32
)

// maxLife bounds a lifetime that is read from the file.
const maxLife = 366 * 24 * time.Hour

// errDamaged says that the file's content makes no sense.
var errDamaged = errors.New("damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodeHeader is what stands before a record's key and value.
func encodeHeader(key string, value []byte, deadline time.Time, ttl time.Duration) []byte {
	b := make([]byte, recordHeader)
	binary.BigEndian.PutUint32(b[4:], uint32(len(key)))
	binary.BigEndian.PutUint32(b[8:], uint32(len(value)))
	binary.BigEndian.PutUint64(b[12:], uint64(deadline.UnixMilli()))
	binary.BigEndian.PutUint64(b[20:], uint64(milliseconds(ttl)))
	sum := crc32.Checksum(b[4:], castagnoli)
	sum = crc32.Update(sum, castagnoli, []byte(key))
	binary.BigEndian.PutUint32(b, crc32.Update(sum, castagnoli, value))
	return b
}

// encodeEnd is what stands after the last of count records.
func encodeEnd(count uint32) []byte {
	b := make([]byte, recordHeader)
	binary.BigEndian.PutUint32(b[4:], endOfRecords)
	binary.BigEndian.PutUint32(b[8:], count)
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	return b
}

// readRecords calls each with the records that are whole and alive, up to its
// first error. size is that of the whole file: nothing larger is believed. The
// error is errDamaged if anything was wrong.
func readRecords(file io.Reader, size int64, now time.Time, each func(key string, value []byte, ttl, left time.Duration) error) error {
	r := bufio.NewReaderSize(file, 1<<16)
	magic := make([]byte, len(fileMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != fileMagic {
		return fmt.Errorf("%w: not a cache file of this format", errDamaged)
	}
	size -= int64(len(fileMagic))
	var bad error
	for count := uint32(0); ; count++ {
		header := make([]byte, recordHeader)
		if _, err := io.ReadFull(r, header); err != nil {
			return fmt.Errorf("%w: cut short after %d records: %w", errDamaged, count, err)
		}
		size -= recordHeader
		keyLen, valueLen := binary.BigEndian.Uint32(header[4:]), binary.BigEndian.Uint32(header[8:])
		if keyLen == endOfRecords {
			if string(header) != string(encodeEnd(count)) || size != 0 {
				return fmt.Errorf("%w: wrong end after %d records", errDamaged, count)
			}
			return bad
		}
		if valueLen > MaxValueSize || int64(keyLen)+int64(valueLen) > size {
			return fmt.Errorf("%w: length of record %d", errDamaged, count)
		}
		size -= int64(keyLen) + int64(valueLen)
		body := make([]byte, keyLen+valueLen)
		if _, err := io.ReadFull(r, body); err != nil {
			return fmt.Errorf("%w: cut short after %d records: %w", errDamaged, count, err)
		}
		ttl, left, ok := checkRecord(header, body, now)
		switch {
		case !ok:
			bad = fmt.Errorf("%w: record %d", errDamaged, count)
		case left > 0:
			if err := each(string(body[:keyLen]), body[keyLen:], ttl, left); err != nil {
				return err
			}
		}
	}
}

// clockSlack is how far the wall clock may have been set back since a record was
// written without its age being in doubt.
const clockSlack = 2 * time.Second

// checkRecord returns the lifetime a record was put with and what is left of it,
// which is never more than the lifetime. Nothing is left when it has expired,
// nor when the wall clock was set back meanwhile: then its age cannot be known.
func checkRecord(header, body []byte, now time.Time) (ttl, left time.Duration, ok bool) {
	sum := crc32.Update(crc32.Checksum(header[4:], castagnoli), castagnoli, body)
	life := int64(binary.BigEndian.Uint64(header[20:]))
	if binary.BigEndian.Uint32(header) != sum || life <= 0 || life > maxLife.Milliseconds() {
		return 0, 0, false
	}
	ttl = time.Duration(life) * time.Millisecond
	deadline, nowMS := int64(binary.BigEndian.Uint64(header[12:])), now.UnixMilli()
	if deadline <= nowMS || deadline-nowMS > life+clockSlack.Milliseconds() {
		return ttl, 0, true
	}
	return ttl, time.Duration(min(deadline-nowMS, life)) * time.Millisecond, true
}
