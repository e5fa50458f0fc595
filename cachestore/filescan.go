package cachestore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// A damaged page can make bbolt loop or allocate until the process is killed,
// which nothing can recover from: it trusts its pages, and they have no
// checksums. So a file is scanned before bbolt gets it. The scan follows the
// tree of bbolt's format, version 2, in the machine's byte order, and believes
// nothing.
const (
	pageHeader    = 16 // id u64, flags u16, count u16, overflow u32
	pageElement   = 16 // branch: pos, ksize u32, page u64; leaf: flags, pos, ksize, vsize u32
	bucketHeader  = 16 // root page u64 (0: the page follows), sequence u64
	branchPage    = 0x01
	leafPage      = 0x02
	freelistPage  = 0x10
	bucketElement = 0x01
	maxKeySize    = 32768
	metaMagic     = 0xED0CDAED
	metaVersion   = 2
	metaSize      = 64
)

// span is where the keys of a page must lie: from low up to high, which is
// nil for no bound.
type span struct{ low, high []byte }

func (sp span) contains(key []byte) bool {
	return bytes.Compare(sp.low, key) <= 0 && (sp.high == nil || bytes.Compare(key, sp.high) < 0)
}

type fileScan struct {
	file     io.ReaderAt
	pageSize uint64
	pages    uint64 // how many the newest meta page knows of
	seen     []bool // by page, so that a page has one parent
	each     func(key string, record []byte) error
	bad      error // the first damage
}

// scanFile calls each with all records that can be reached, a record being
// valid during the call only. The error is errDamaged if anything was wrong.
func scanFile(file io.ReaderAt, size int64, each func(key string, record []byte) error) error {
	s := &fileScan{file: file, pageSize: uint64(os.Getpagesize()), each: each}
	root, free, err := s.meta(uint64(size))
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	s.walk(root, span{}, nil)
	if err := s.freelist(free); err != nil {
		s.damaged(err)
	}
	if s.bad != nil {
		return fmt.Errorf("%w: %w", errDamaged, s.bad)
	}
	return nil
}

// meta finds the newest meta page, as bbolt does, and returns the root page and
// the page that lists the free ones.
func (s *fileScan) meta(size uint64) (root, free uint64, err error) {
	var newest []byte
	for id := range uint64(2) {
		m := make([]byte, metaSize)
		if _, err := s.file.ReadAt(m, int64(id*s.pageSize)+pageHeader); err != nil {
			continue
		}
		sum := fnv.New64a()
		_, _ = sum.Write(m[:56])
		if u32(m) != metaMagic || u32(m[4:]) != metaVersion || uint64(u32(m[8:])) != s.pageSize || u64(m[56:]) != sum.Sum64() {
			continue
		}
		if newest == nil || u64(m[48:]) > u64(newest[48:]) {
			newest = m
		}
	}
	if newest == nil {
		return 0, 0, errors.New("no valid meta page")
	}
	s.pages = u64(newest[40:])
	if s.pages < 3 || s.pages > size/s.pageSize {
		return 0, 0, fmt.Errorf("%d pages in %d bytes", s.pages, size)
	}
	s.seen = make([]bool, s.pages)
	s.seen[0], s.seen[1] = true, true
	return u64(newest[16:]), u64(newest[32:]), nil
}

// freelist holds the list of free pages against the pages in use, or bbolt
// would write over those. It must come last.
func (s *fileScan) freelist(id uint64) error {
	page, err := s.page(id)
	if err != nil {
		return err
	}
	if u16(page[8:]) != freelistPage {
		return errors.New("list of free pages has a wrong header")
	}
	ids, count := page[pageHeader:], uint64(u16(page[10:]))
	if count == 0xFFFF { // more than fit into the header's field
		ids, count = ids[8:], u64(ids)
	}
	if count > uint64(len(ids)/8) {
		return errors.New("list of free pages is too long")
	}
	for i := range count {
		free := u64(ids[i*8:])
		if free >= s.pages || s.seen[free] {
			return fmt.Errorf("page %d cannot be free", free)
		}
		s.seen[free] = true
	}
	return nil
}

// page reads a page with its overflow, once.
func (s *fileScan) page(id uint64) ([]byte, error) {
	if id >= s.pages {
		return nil, fmt.Errorf("page %d of %d", id, s.pages)
	}
	header := make([]byte, pageHeader)
	if _, err := s.file.ReadAt(header, int64(id*s.pageSize)); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	more := uint64(u32(header[12:]))
	if u64(header) != id || more >= s.pages-id || more*s.pageSize > recordHeader+MaxValueSize+maxKeySize+2*s.pageSize {
		return nil, fmt.Errorf("page %d has a wrong header", id)
	}
	for i := id; i <= id+more; i++ {
		if s.seen[i] {
			return nil, fmt.Errorf("page %d is used twice", i)
		}
		s.seen[i] = true
	}
	page := make([]byte, (more+1)*s.pageSize)
	if _, err := s.file.ReadAt(page, int64(id*s.pageSize)); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	return page, nil
}

func (s *fileScan) damaged(err error) {
	if s.bad == nil {
		s.bad = err
	}
}

// walk follows a page. bucket is nil on the pages that list the buckets.
// Every page is entered once, so that the recursion ends.
func (s *fileScan) walk(id uint64, keys span, bucket []byte) {
	page, err := s.page(id)
	if err != nil {
		s.damaged(err)
		return
	}
	s.elements(page, id, keys, bucket)
}

func (s *fileScan) elements(page []byte, id uint64, keys span, bucket []byte) {
	flags, count := u16(page[8:]), int(u16(page[10:]))
	if flags != branchPage && flags != leafPage || flags == branchPage && count == 0 || pageHeader+count*pageElement > len(page) {
		s.damaged(fmt.Errorf("page %d has flags %#x and %d elements", id, flags, count))
		return
	}
	for i := range count {
		key, value, ok := element(page, i, flags)
		if !ok || !keys.contains(key) || i > 0 && bytes.Equal(keys.low, key) {
			s.damaged(fmt.Errorf("page %d, element %d is out of bounds or order", id, i))
			continue
		}
		keys.low = key
		e := page[pageHeader+i*pageElement:]
		if flags == leafPage {
			s.leaf(u32(e), key, value, bucket)
			continue
		}
		below := keys
		if next, _, ok := element(page, i+1, flags); ok && i+1 < count {
			below.high = next
		}
		s.walk(u64(e[8:]), below, bucket)
	}
}

// element finds the key and value of element i; a branch has no values.
func element(page []byte, i int, flags uint16) (key, value []byte, ok bool) {
	at := pageHeader + i*pageElement
	if at+pageElement > len(page) {
		return nil, nil, false
	}
	e := page[at:]
	pos, ksize, vsize := u32(e), u32(e[4:]), uint32(0)
	if flags == leafPage {
		pos, ksize, vsize = u32(e[4:]), u32(e[8:]), u32(e[12:])
	}
	start := uint64(at) + uint64(pos)
	split, end := start+uint64(ksize), start+uint64(ksize)+uint64(vsize)
	if end > uint64(len(page)) || ksize > maxKeySize || ksize == 0 {
		return nil, nil, false
	}
	return page[start:split], page[split:end], true
}

// leaf is a bucket on the pages that list them, else a record.
func (s *fileScan) leaf(flags uint32, key, value, bucket []byte) {
	switch isBucket := flags == bucketElement; {
	case bucket != nil && flags == 0:
		if !bytes.Equal(bucket, recordsBucket) {
			return // of another version of this program
		}
		if err := s.each(string(key), value); err != nil {
			s.damaged(fmt.Errorf("key %q: %w", key, err))
		}
	case bucket != nil || !isBucket || len(value) < bucketHeader:
		s.damaged(fmt.Errorf("element %q is no record and no bucket", key))
	case u64(value) != 0:
		s.walk(u64(value), span{}, key)
	case len(value) < bucketHeader+pageHeader || u16(value[bucketHeader+8:]) != leafPage:
		s.damaged(fmt.Errorf("bucket %q has no page", key))
	default:
		s.elements(value[bucketHeader:], 0, span{}, key)
	}
}

func u16(b []byte) uint16 { return binary.NativeEndian.Uint16(b) }
func u32(b []byte) uint32 { return binary.NativeEndian.Uint32(b) }
func u64(b []byte) uint64 { return binary.NativeEndian.Uint64(b) }
