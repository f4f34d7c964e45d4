package postmaster

import (
	"io"
	"os"

	"gompho/stats"
)

// counts reads what the parts of the server have counted since they were made.
func (c *cluster) counts() (s stats.Server) {
	p := c.pool.Counters()
	s.CleanBuffers, s.MaxWritten, s.BackendBuffers, s.Allocated = p.CleanWrites.Load(), p.MaxClean.Load(), p.BackendWrites.Load(), p.Alloc.Load()
	if k := c.workers.process.Load(); k != nil {
		s.TimedCheckpoints, s.RequestedCheckpoints, s.CheckpointBuffers = k.Stats.Timed.Load(), k.Stats.Requested.Load(), k.Stats.Buffers.Load()
		s.CheckpointWriteMicros, s.CheckpointSyncMicros = 1000*k.Stats.WriteMS.Load(), 1000*k.Stats.SyncMS.Load()
	}
	if c.log != nil {
		w := c.log.Stats()
		s.WalRecords, s.WalImages, s.WalBytes, s.WalBuffersFull, s.WalWrites, s.WalSyncs = w.Records, w.Images, w.Bytes, w.BuffersFull, w.Writes, w.Syncs
		s.WalWriteMicros, s.WalSyncMicros = w.WriteTimeNS/1000, w.SyncTimeNS/1000
	}
	if c.mvcc != nil {
		c.mvcc.CountSLRU(&s.SLRU)
	}
	return s
}

func (c *cluster) statsFile() string { return c.path("pg_stat", "gompho.stat") }

func (c *cluster) statementsFile() string { return c.path("pg_stat", "pg_stat_statements.stat") }

// saveStats writes the cumulative counters at a clean shutdown. They are worth no error: the next start begins with zeros.
func (c *cluster) saveStats() {
	c.saveFile(c.statsFile(), c.stats.Encode())
	if c.p.cfg.Get("pg_stat_statements.save").Bool() {
		c.saveFile(c.statementsFile(), c.statements.Encode())
	}
}

func (c *cluster) saveFile(name string, data []byte) {
	err := c.writeStats(name+".tmp", data)
	if err == nil {
		err = c.fs.Rename(name+".tmp", name)
	}
	if err != nil {
		c.p.log.Warn("could not write the statistics file: " + err.Error())
	}
}

func (c *cluster) writeStats(name string, data []byte) error {
	if err := c.fs.MkdirAll(c.path("pg_stat"), 0o700); err != nil {
		return err
	}
	f, err := c.fs.Open(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(data, 0); err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// loadStats reads the counters that the last shutdown left, unless the server did not shut down: then they may have missed anything. The file
// goes either way, because it will be out of date soon.
func (c *cluster) loadStats(crashed bool) {
	c.loadFile(c.statsFile(), "corrupted statistics file", crashed, c.stats.Decode)
	c.loadFile(c.statementsFile(), "ignoring invalid data in file", crashed || !c.p.cfg.Get("pg_stat_statements.save").Bool(), c.statements.Decode)
}

func (c *cluster) loadFile(name, damaged string, ignore bool, decode func([]byte) error) {
	f, err := c.fs.Open(name, os.O_RDONLY, 0)
	if err != nil {
		return
	}
	if !ignore {
		var data []byte
		n, err := f.Size()
		if err == nil {
			data = make([]byte, n)
			if _, err = f.ReadAt(data, 0); err == io.EOF {
				err = nil
			}
		}
		switch {
		case err != nil:
			c.p.log.Warn("could not read the statistics file: " + err.Error())
		case decode(data) != nil:
			c.p.log.Info(damaged + " \"" + name + "\"")
		}
	}
	f.Close()
	if err := c.fs.Remove(name); err != nil {
		c.p.log.Warn("could not remove the statistics file: " + err.Error())
	}
}
