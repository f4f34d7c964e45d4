package locks

// Mode is the strength of a lock. The table-level modes of SQL are these eight; every other kind of tag
// uses a few of them.
type Mode uint8

// The modes, weakest first, with PostgreSQL's numbers.
const (
	NoLock Mode = iota
	AccessShare
	RowShare
	RowExclusive
	ShareUpdateExclusive
	Share
	ShareRowExclusive
	Exclusive
	AccessExclusive
	numModes
)

// Mask is a set of modes, bit m for mode m.
type Mask uint16

// Bit returns the set that holds m alone.
func (m Mode) Bit() Mask { return 1 << m }

// Has reports whether the set holds m.
func (s Mask) Has(m Mode) bool { return s&m.Bit() != 0 }

const (
	bAS  = Mask(1 << AccessShare)
	bRS  = Mask(1 << RowShare)
	bRX  = Mask(1 << RowExclusive)
	bSUX = Mask(1 << ShareUpdateExclusive)
	bS   = Mask(1 << Share)
	bSRX = Mask(1 << ShareRowExclusive)
	bX   = Mask(1 << Exclusive)
	bAX  = Mask(1 << AccessExclusive)
)

// conflictTable[m] is the set of modes that m conflicts with. It is symmetric.
var conflictTable = [numModes]Mask{
	AccessShare:          bAX,
	RowShare:             bX | bAX,
	RowExclusive:         bS | bSRX | bX | bAX,
	ShareUpdateExclusive: bSUX | bS | bSRX | bX | bAX,
	Share:                bRX | bSUX | bSRX | bX | bAX,
	ShareRowExclusive:    bRX | bSUX | bS | bSRX | bX | bAX,
	Exclusive:            bRS | bRX | bSUX | bS | bSRX | bX | bAX,
	AccessExclusive:      bAS | bRS | bRX | bSUX | bS | bSRX | bX | bAX,
}

var modeNames = [numModes]string{
	"INVALID", "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock",
	"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
}

// Conflicts reports whether two processes cannot hold a and b on the same thing at once.
func Conflicts(a, b Mode) bool { return conflictTable[a]&b.Bit() != 0 }

// ConflictsWith returns the set of modes that m conflicts with.
func (m Mode) ConflictsWith() Mask { return conflictTable[m] }

// String returns the name that pg_locks and messages show, such as "AccessShareLock".
func (m Mode) String() string {
	if m >= numModes {
		return "INVALID"
	}
	return modeNames[m]
}
