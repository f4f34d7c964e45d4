package ssi

import "gompho/internal/ids"

// Import registers a transaction that takes over the snapshot of src, a serializable transaction that still runs, nil when that was not tracked.
// A transaction that is not READ ONLY may import only from one that is not either. take holds the snapshot for the importer and returns its xmin, or an
// error when src is over. Import returns nil when the transaction need not be tracked: it is read only and the snapshot is known to be safe.
//
// What has happened since the snapshot was taken counts as what happens beside the new transaction:
//
//  1. What a writer would have to know of transactions that finished since is still there: src is active and not READ ONLY, so nothing that ended
//     after its snapshot was forgotten.
//  2. A read-only importer must not trust a snapshot that a writer which has finished since made unsafe.
//  3. A writer that comes with an old snapshot can depend on what committed before younger snapshots were taken: the read-only transactions that watch
//     src watch the importer too.
//
// Errors: take's; 40001 when src is going to fail, for then the others no longer watch it.
func (m *Manager) Import(o BeginOpts, src *Xact, take func() (ids.Xid, error)) (*Xact, error) {
	if m.xacts.Load() >= int64(10*m.opts.MaxOwners) {
		m.summariseOldest()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	xmin, err := take()
	if err != nil {
		return nil, err
	}
	if o.ReadOnly && (src == nil || src.is(roSafe)) {
		return nil, nil
	}
	if src.is(doomed) {
		return nil, failure("Canceled on import of the snapshot of a canceled transaction.")
	}
	x := m.register(o, xmin, src.snapshotSeq)
	if o.ReadOnly {
		x.watchSince(src)
		return x, nil
	}
	for r := range src.possible {
		watch(r, x)
	}
	return x, nil
}

// watchSince finds the writers that can make the imported snapshot of a read-only transaction unsafe, or have done so already.
func (x *Xact) watchSince(src *Xact) {
	m := x.m
	if src.declared {
		if src.is(roUnsafe) {
			x.set(roUnsafe)
			return
		}
		for w := range src.possible {
			watch(x, w)
		}
		return
	}
	for _, w := range m.finished {
		if w.commitSeq > x.snapshotSeq && w.didWrite.Load() && w.is(conflictOut) && w.earliestOut <= x.snapshotSeq {
			x.set(roUnsafe)
			return
		}
	}
	for _, seq := range m.oldXids {
		if seq <= x.snapshotSeq {
			x.set(roUnsafe)
			return
		}
	}
	for w := range m.active {
		if w.snapshotSeq <= x.snapshotSeq && !w.is(committed|doomed|readOnly) {
			watch(x, w)
		}
	}
}

// watch lets a read-only transaction wait for what the end of a writer means for its snapshot.
func watch(reader, writer *Xact) {
	reader.possible[writer] = struct{}{}
	writer.possible[reader] = struct{}{}
}
