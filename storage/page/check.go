package page

import (
	"fmt"
	"slices"

	"gompho/internal/ids"
)

// Verify tells whether a page read from disk as block blk can be used: it is all zeros, or its header is
// sane and, with checksums, its checksum is right. The error says what is wrong.
func Verify(p Page, blk ids.BlockNumber, checksums bool) error {
	if p.IsNew() {
		if p.IsZero() {
			return nil
		}
		return fmt.Errorf("page header is not initialised but the page is not empty")
	}
	if checksums {
		if want, got := p.Checksum(blk), p.StoredChecksum(); got != want {
			return fmt.Errorf("page verification failed, calculated checksum %d but expected %d", want, got)
		}
	}
	return checkHeader(p)
}

func checkHeader(p Page) error {
	lower, upper, special := p.Lower(), p.Upper(), p.SpecialStart()
	switch {
	case le.Uint16(p[PosVersion:]) != LayoutVersion:
		return fmt.Errorf("unknown page layout version %d", le.Uint16(p[PosVersion:]))
	case lower < HeaderSize || lower > upper || upper > special || special > Size || special%8 != 0:
		return fmt.Errorf("corrupted page pointers: lower = %d, upper = %d, special = %d", lower, upper, special)
	}
	return nil
}

// Check looks at the whole page: header, every line pointer, items inside their area and apart from each other.
// A page whose bytes between header and special space are not items fails it when lower says otherwise.
func Check(p Page) error {
	if len(p) != Size {
		return fmt.Errorf("page of %d bytes", len(p))
	}
	if p.IsNew() {
		if !p.IsZero() {
			return fmt.Errorf("page header is not initialised but the page is not empty")
		}
		return nil
	}
	if err := checkHeader(p); err != nil {
		return err
	}
	if (p.Lower()-HeaderSize)%ItemIDSize != 0 {
		return fmt.Errorf("line pointers end at %d", p.Lower())
	}
	return checkItems(p)
}

func checkItems(p Page) error {
	n := p.MaxOffset()
	type span struct{ from, to int }
	var spans []span
	for o := ids.OffsetNumber(1); o <= n; o++ {
		id := p.ItemID(o)
		switch {
		case id.IsRedirected():
			if t := id.Redirect(); t < 1 || t > n || id.HasStorage() {
				return fmt.Errorf("line pointer %d redirects to %d of %d", o, t, n)
			}
		case id.HasStorage():
			if !id.IsUsed() {
				return fmt.Errorf("unused line pointer %d has %d bytes", o, id.Len())
			}
			if id.Offset()%8 != 0 || id.Offset() < p.Upper() || id.Offset()+id.Len() > p.SpecialStart() {
				return fmt.Errorf("item %d lies at %d..%d, outside %d..%d", o, id.Offset(), id.Offset()+id.Len(), p.Upper(), p.SpecialStart())
			}
			spans = append(spans, span{id.Offset(), id.Offset() + id.Len()})
		case id.IsNormal():
			return fmt.Errorf("normal line pointer %d has no item", o)
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	for i := 1; i < len(spans); i++ {
		if spans[i].from < spans[i-1].to {
			return fmt.Errorf("items overlap at %d", spans[i].from)
		}
	}
	return nil
}
