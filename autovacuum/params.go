package autovacuum

import (
	"strconv"
	"strings"
	"time"

	"gompho/config"
	"gompho/stats"
)

// Params are what decides about one table: the settings, with the table's storage parameters over them.
type Params struct {
	Enabled                                bool
	VacuumThreshold, InsertThreshold       int64 // InsertThreshold < 0: insertions alone are no reason
	AnalyzeThreshold                       int64
	VacuumScale, InsertScale, AnalyzeScale float64
	FreezeMaxAge                           int64
	FreezeMinAge, FreezeTableAge           int64
	MultiFreezeMaxAge                      int64
	MultiFreezeMinAge, MultiFreezeTableAge int64
	CostDelay                              time.Duration
	CostLimit                              int
	OwnCost                                bool          // the table has cost parameters of its own: it takes no part in the sharing
	LogMin                                 time.Duration // negative: nothing is logged
}

// serverParams reads the settings.
func serverParams(cfg *config.Server) Params {
	n := func(name string) int64 { return cfg.Get(name).Int() }
	f := func(name string) float64 { return cfg.Get(name).Num }
	p := Params{Enabled: true, VacuumThreshold: n("autovacuum_vacuum_threshold"), InsertThreshold: n("autovacuum_vacuum_insert_threshold"),
		AnalyzeThreshold: n("autovacuum_analyze_threshold"), VacuumScale: f("autovacuum_vacuum_scale_factor"),
		InsertScale: f("autovacuum_vacuum_insert_scale_factor"), AnalyzeScale: f("autovacuum_analyze_scale_factor"),
		FreezeMaxAge: n("autovacuum_freeze_max_age"), FreezeMinAge: n("vacuum_freeze_min_age"), FreezeTableAge: n("vacuum_freeze_table_age"),
		MultiFreezeMaxAge: n("autovacuum_multixact_freeze_max_age"), MultiFreezeMinAge: n("vacuum_multixact_freeze_min_age"),
		MultiFreezeTableAge: n("vacuum_multixact_freeze_table_age"),
		CostLimit:           int(n("autovacuum_vacuum_cost_limit")), LogMin: time.Duration(n("log_autovacuum_min_duration")) * time.Millisecond}
	delay := f("autovacuum_vacuum_cost_delay")
	if delay < 0 {
		delay = f("vacuum_cost_delay")
	}
	p.CostDelay = time.Duration(delay * float64(time.Millisecond))
	if p.CostLimit < 0 {
		p.CostLimit = int(n("vacuum_cost_limit"))
	}
	return p
}

// With returns the parameters of a table with the given pg_class.reloptions. What is no parameter of autovacuum, or no number, is passed over.
func (p Params) With(reloptions []string) Params {
	for _, o := range reloptions {
		name, v, _ := strings.Cut(o, "=")
		num, err := strconv.ParseFloat(v, 64)
		if name == "autovacuum_enabled" {
			if on, ok := parseBool(v); ok {
				p.Enabled = on
			}
			continue
		}
		if err != nil {
			continue
		}
		switch name {
		case "autovacuum_vacuum_threshold":
			p.VacuumThreshold = int64(num)
		case "autovacuum_vacuum_insert_threshold":
			p.InsertThreshold = int64(num)
		case "autovacuum_analyze_threshold":
			p.AnalyzeThreshold = int64(num)
		case "autovacuum_vacuum_scale_factor":
			p.VacuumScale = num
		case "autovacuum_vacuum_insert_scale_factor":
			p.InsertScale = num
		case "autovacuum_analyze_scale_factor":
			p.AnalyzeScale = num
		case "autovacuum_freeze_min_age":
			p.FreezeMinAge = int64(num)
		case "autovacuum_freeze_table_age":
			p.FreezeTableAge = int64(num)
		case "autovacuum_freeze_max_age":
			p.FreezeMaxAge = min(p.FreezeMaxAge, int64(num))
		case "autovacuum_multixact_freeze_min_age":
			p.MultiFreezeMinAge = int64(num)
		case "autovacuum_multixact_freeze_table_age":
			p.MultiFreezeTableAge = int64(num)
		case "autovacuum_multixact_freeze_max_age":
			p.MultiFreezeMaxAge = min(p.MultiFreezeMaxAge, int64(num))
		case "autovacuum_vacuum_cost_delay":
			p.CostDelay, p.OwnCost = time.Duration(num*float64(time.Millisecond)), true
		case "autovacuum_vacuum_cost_limit":
			p.CostLimit, p.OwnCost = int(num), true
		case "log_autovacuum_min_duration":
			p.LogMin = time.Duration(num) * time.Millisecond
		}
	}
	return p
}

// parseBool takes the unique prefixes that PostgreSQL takes.
func parseBool(v string) (on, ok bool) {
	v = strings.ToLower(v)
	for word, value := range map[string]bool{"true": true, "yes": true, "on": true, "1": true, "false": false, "no": false, "off": false, "0": false} {
		if v != "" && v != "o" && strings.HasPrefix(word, v) {
			return value, true
		}
	}
	return false, false
}

// Needs are what is to be done to a table.
type Needs struct {
	Vacuum, Analyze bool
	Wraparound      bool // because of its age: even if autovacuum is switched off, for the table or altogether
}

func (n Needs) any() bool { return n.Vacuum || n.Analyze }

// Need decides what a table needs. tuples is pg_class.reltuples, negative when it is not known; the ages are those of relfrozenxid in
// transactions and relminmxid in multixacts. counting: autovacuum is on.
func (p *Params) Need(r *stats.Relation, tuples float64, xidAge, multiAge int64, counting bool) (n Needs) {
	n.Wraparound = xidAge > p.FreezeMaxAge || multiAge > p.MultiFreezeMaxAge
	n.Vacuum = n.Wraparound
	if !p.Enabled || !counting {
		return n
	}
	tuples = max(0, tuples)
	over := func(k, threshold int64, scale float64) bool { return float64(k) > float64(threshold)+scale*tuples }
	n.Vacuum = n.Vacuum || over(r.Dead, p.VacuumThreshold, p.VacuumScale) ||
		p.InsertThreshold >= 0 && over(r.InsSinceVacuum, p.InsertThreshold, p.InsertScale)
	n.Analyze = over(r.ModSinceAnalyze, p.AnalyzeThreshold, p.AnalyzeScale)
	return n
}
