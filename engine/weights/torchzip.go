package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"vitrine/engine/internal/pickle"
)

// The layout since torch 1.6 is a zip archive without compression (PKWARE's APPNOTE.TXT;
// caffe2/serialize/inline_container.cc): NAME/data.pkl first, then NAME/data/KEY for each
// storage and a few small members in any order, then the directory. torch writes the sizes of
// members after them and in the directory. So while the file streams, the size of a
// storage is the one in the pickle; all others are held against it.

// What begins the parts of a zip archive.
const (
	zipMember      = "PK\x03\x04"
	zipDescriptor  = "PK\x07\x08"
	zipEntry       = "PK\x01\x02"
	zip64End       = "PK\x06\x06"
	zip64Locator   = "PK\x06\x07"
	zipEnd         = "PK\x05\x06"
	zip64Extra     = 1         // the id of the extra field with sizes of 8 bytes
	maxMemberName  = 1000      // bytes
	maxSmallMember = 100       // bytes of a member beside the pickle and the storages
	inZip64        = 1<<32 - 1 // in place of a size that the extra field has
)

var errTorchScript = errors.New("is a TorchScript archive, a program with its weights inside, which is not run; save the model's state dict, or as safetensors")

type zipLayout struct {
	folder   string // the names' first part, "archive/"
	storages map[string]*storage
	order    []*storage
	members  []member // that are whole
	open     *member  // whose bytes follow
}

// member is a file in the archive.
type member struct {
	name      string
	at        int64 // where its header begins
	size      int64 // -1 until it is known
	described bool  // its sizes follow it
	wide      bool  // with 8 bytes each
}

func (z *zipLayout) header(in *input, rules *stateDictRules) (pickle.Value, error) {
	if err := in.expect(zipMember); err != nil {
		return nil, err
	}
	m, err := z.begin(in)
	if err != nil {
		return nil, err
	}
	folder, ok := strings.CutSuffix(m.name, "data.pkl")
	if !ok || folder != "" && !strings.HasSuffix(folder, "/") {
		if strings.Contains(m.name, "/code/") || strings.HasSuffix(m.name, "constants.pkl") {
			return nil, errTorchScript
		}
		return nil, fmt.Errorf("is a zip archive that begins with %.100q, not with the data.pkl that torch.save puts first; save the state dict again with torch.save", m.name)
	}
	z.folder = folder
	start := in.at
	root, err := pickle.Read(in, rules)
	if err != nil {
		return nil, err
	}
	z.storages, z.order = rules.storages, rules.order
	return root, z.end(in, m, in.at-start)
}

func (z *zipLayout) next(in *input) (*storage, error) {
	if m := z.open; m != nil {
		z.open = nil
		if err := z.end(in, m, m.size); err != nil {
			return nil, err
		}
	}
	for {
		mark, err := in.record(4)
		if err != nil {
			return nil, err
		}
		if string(mark) == zipEntry {
			return nil, z.directory(in)
		}
		if string(mark) != zipMember {
			return nil, in.unexpected("the next member or the directory")
		}
		m, err := z.begin(in)
		if err != nil {
			return nil, err
		}
		name, ok := strings.CutPrefix(m.name, z.folder)
		key, isData := strings.CutPrefix(name, "data/")
		switch {
		case ok && isData:
			s := z.storages[key]
			if s == nil {
				return nil, fmt.Errorf("has the member %.100q, which its pickle names nowhere; the file is damaged", m.name)
			}
			if s.read || m.size >= 0 && m.size != s.bytes() {
				return nil, fmt.Errorf("has the member %.100q twice, or with %d bytes where its pickle says %d; the file is damaged", m.name, m.size, s.bytes())
			}
			m.size = s.bytes()
			z.open = m
			return s, nil
		case ok && strings.HasPrefix(name, "code/"), name == "constants.pkl":
			return nil, errTorchScript
		case ok && (name == "version" || name == "byteorder" || strings.HasPrefix(name, ".")):
			content, err := z.small(in, m)
			if err != nil {
				return nil, err
			}
			if name == "byteorder" && content != "little" {
				return nil, fmt.Errorf("has the byte order %.20q; supported is little", content)
			}
		default:
			return nil, fmt.Errorf("has the member %.100q, which torch.save does not write; the file is damaged", m.name)
		}
	}
}

// begin reads the header of a member after its mark.
func (z *zipLayout) begin(in *input) (*member, error) {
	m := &member{at: in.at - 4, size: -1}
	h, err := in.record(26)
	if err != nil {
		return nil, err
	}
	flags, method := le16(h[2:]), le16(h[4:])
	packed, size := int64(le32(h[14:])), int64(le32(h[18:]))
	nameLength, extraLength := le16(h[22:]), le16(h[24:])
	if nameLength > maxMemberName {
		return nil, fmt.Errorf("has a member whose name has %d bytes; the file is damaged", nameLength)
	}
	name, err := in.record(int(nameLength))
	if err != nil {
		return nil, err
	}
	m.name = string(name)
	extra, err := in.record(int(extraLength))
	if err != nil {
		return nil, err
	}
	if method != 0 || flags&1 != 0 {
		return nil, fmt.Errorf("has the member %.100q compressed or encrypted, which torch.save never does; save the state dict again with torch.save", m.name)
	}
	wide := extraField(extra, zip64Extra)
	m.wide = wide != nil
	if m.described = flags&8 != 0; m.described {
		return m, nil
	}
	if size == inZip64 && packed == inZip64 && len(wide) >= 16 {
		size, packed = int64(le64(wide)), int64(le64(wide[8:]))
	}
	if size != packed || size < 0 {
		return nil, fmt.Errorf("has the member %.100q with the sizes %d and %d, which must be equal; the file is damaged", m.name, size, packed)
	}
	m.size = size
	return m, nil
}

// end reads what follows a member of size bytes, and notes the member.
func (z *zipLayout) end(in *input, m *member, size int64) error {
	if m.size >= 0 && m.size != size {
		return fmt.Errorf("has the member %.100q of %d bytes, of which its pickle takes %d; the file is damaged", m.name, m.size, size)
	}
	if m.described {
		if err := in.expect(zipDescriptor); err != nil {
			return err
		}
		width := 8
		if m.wide {
			width = 16
		}
		d, err := in.record(4 + width) // a checksum, two sizes
		if err != nil {
			return err
		}
		packed, unpacked := uint64(le32(d[4:])), uint64(le32(d[8:]))
		if m.wide {
			packed, unpacked = le64(d[4:]), le64(d[12:])
		}
		if packed != uint64(size) || unpacked != uint64(size) {
			return fmt.Errorf("has the member %.100q of %d bytes, where %d are noted after it; the file is damaged", m.name, size, unpacked)
		}
	}
	m.size = size
	z.members = append(z.members, *m)
	return nil
}

// small reads a member that is neither the pickle nor a storage. Where its size follows
// it, it ends before what describes it.
func (z *zipLayout) small(in *input, m *member) (string, error) {
	var content []byte
	for int64(len(content)) != m.size {
		if len(content) > maxSmallMember {
			return "", fmt.Errorf("has more than %d bytes in the member %.100q; the file is damaged", maxSmallMember, m.name)
		}
		if m.size < 0 {
			if next, err := in.Peek(4); err == nil && string(next) == zipDescriptor {
				break
			}
		}
		c, err := in.ReadByte()
		if err != nil {
			return "", err
		}
		content = append(content, c)
	}
	return string(content), z.end(in, m, int64(len(content)))
}

// directory reads the rest of the file after the mark of the directory's first entry, and
// compares it with the members and the storages.
func (z *zipLayout) directory(in *input) error {
	for _, s := range z.order {
		if !s.read {
			name := "no tensor of the state dict"
			if len(s.views) > 0 {
				name = s.views[0].Name
			}
			return fmt.Errorf("lacks the storage %.100q, which holds %s; the file is damaged", s.key, shorten(name))
		}
	}
	begin := in.at - 4
	for i, m := range z.members {
		if i > 0 {
			if err := in.expect(zipEntry); err != nil {
				return err
			}
		}
		if err := m.compare(in); err != nil {
			return err
		}
	}
	end := in.at
	count, size := int64(len(z.members)), end-begin
	mark, err := in.record(4)
	wide := err == nil && string(mark) == zip64End
	if wide {
		var r []byte
		if r, err = in.record(52); err != nil {
			return err
		}
		if le64(r) != 44 || le64(r[20:]) != uint64(count) || le64(r[28:]) != uint64(count) || le64(r[36:]) != uint64(size) || le64(r[44:]) != uint64(begin) {
			return in.unexpected("the number, size and place of its members")
		}
		if err = in.expect(zip64Locator); err != nil {
			return err
		}
		if r, err = in.record(16); err != nil {
			return err
		}
		if le64(r[4:]) != uint64(end) {
			return in.unexpected("the place of the directory's end")
		}
		mark, err = in.record(4)
	}
	if err != nil {
		return err
	}
	r, err := in.record(18)
	if err != nil {
		return err
	}
	is := func(found, want, unknown int64) bool { return found == want || wide && found == unknown }
	if string(mark) != zipEnd || !is(int64(le16(r[6:])), count, 1<<16-1) || !is(int64(le32(r[8:])), size, inZip64) || !is(int64(le32(r[12:])), begin, inZip64) {
		return in.unexpected("the number, size and place of its members")
	}
	_, err = in.record(int(le16(r[16:]))) // a comment
	return err
}

// compare reads the directory's entry of a member after its mark, and compares the two.
func (m member) compare(in *input) error {
	h, err := in.record(42)
	if err != nil {
		return err
	}
	// The name is as long as that of the member, or another one.
	name, err := in.record(min(int(le16(h[24:])), maxMemberName))
	if err != nil {
		return err
	}
	extra, err := in.record(int(le16(h[26:])))
	if err != nil {
		return err
	}
	if _, err = in.record(int(le16(h[28:]))); err != nil { // a comment
		return err
	}
	// The extra field has, in this order, those of the three that the entry lacks.
	wide := extraField(extra, zip64Extra)
	value := func(short uint32) int64 {
		if short != inZip64 || len(wide) < 8 {
			return int64(short)
		}
		long := le64(wide)
		wide = wide[8:]
		return int64(long)
	}
	unpacked, packed := value(le32(h[20:])), value(le32(h[16:]))
	at := value(le32(h[38:]))
	if string(name) != m.name || packed != m.size || unpacked != m.size || at != m.at || le16(h[6:]) != 0 {
		return fmt.Errorf("its directory has %.100q with %d bytes at %d, where %.100q with %d bytes at %d was read; the file is damaged", name, unpacked, at, m.name, m.size, m.at)
	}
	return nil
}

// extraField returns the field with an id, nil where it is absent.
func extraField(extra []byte, id uint16) []byte {
	for len(extra) >= 4 {
		n := int(le16(extra[2:]))
		if n > len(extra)-4 {
			return nil
		}
		if le16(extra) == id {
			return extra[4 : 4+n]
		}
		extra = extra[4+n:]
	}
	return nil
}

// expect reads the mark that begins a part of the archive.
func (in *input) expect(mark string) error {
	found, err := in.record(4)
	if err == nil && string(found) != mark {
		err = in.unexpected(fmt.Sprintf("%q", mark))
	}
	return err
}

func (in *input) unexpected(want string) error {
	return fmt.Errorf("the zip archive has not %s at byte %d; the file is damaged: download it again", want, in.at)
}

func le16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
