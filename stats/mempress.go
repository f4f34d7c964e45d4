package stats

import "gompho/internal/pgerr"

// Accounts tell what sessions said that they hold. What is not on them, the inside of a long call of a function above all, shows only in the size of
// the process: whoever watches that calls Press when it is too large, and Ease when it is not.

// Press asks a session to give up because the process takes used bytes, where limit is what it should keep to. It is the session that holds the most of those at work, if that is a share
// of the limit that explains anything, a quarter. Else, when the garbage has been collected, it may be one that holds a sixteenth, or the one that has been at work for the longest time.
// Nobody is asked while one is that has not answered yet. The result tells whether somebody is asked.
func (p *MemoryPool) Press(used, limit int64, collected bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	var victim, oldest *Memory
	most, age := limit/4, int64(longAtWork)
	if collected {
		most = limit / 16
	}
	for m := range p.accounts {
		if m.idle.Load() {
			continue
		}
		if m.asked() {
			return true
		}
		if n := m.held.Load(); n > most {
			victim, most = m, n
		}
		if n := m.running.Load(); n > age {
			oldest, age = m, n
		}
	}
	if victim == nil && collected {
		victim = oldest
	}
	if victim == nil {
		return false
	}
	victim.pressed.Store(pgerr.New(pgerr.OutOfMemory, "out of memory").WithDetail(
		"The server has grown to %d kB, of which this session's statement held %d kB that are known; gompho.memory_limit leaves %d kB besides the shared buffers.",
		used>>10, victim.held.Load()>>10, limit>>10))
	victim.slot.Interrupt(OutOfMemory)
	return true
}

// longAtWork is how many looks have to find a session at work before it is suspected of what no account explains.
const longAtWork = 20

// Ease takes back what Press has asked for and nobody has answered.
func (p *MemoryPool) Ease() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for m := range p.accounts {
		if m.pressed.Load() != nil {
			m.pressed.Store(nil)
		}
	}
}

// Watch counts for how long each session has been at work.
func (p *MemoryPool) Watch() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for m := range p.accounts {
		if !m.idle.Load() {
			m.running.Add(1)
		}
	}
}
