package executor

import (
	"gompho/internal/pgerr"
	"gompho/sql/plan"
)

func (ex *Exec) makeWindowAgg(p *plan.WindowAgg) (node, error) {
	return nil, pgerr.NotSupported("window functions are not supported")
}
