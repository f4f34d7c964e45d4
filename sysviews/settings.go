package sysviews

import (
	"gompho/config"
	"gompho/functions"
	"gompho/session"
	"gompho/types"
)

func settingEntries() []functions.Entry {
	return []functions.Entry{{Name: "show_all_settings", Set: setOf(allSettings)}, {Name: "show_all_file_settings", Set: setOf(fileSettings)}}
}

// allSettings lists the columns of pg_settings.
func allSettings(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
	var out [][]types.Datum
	str := types.Builtin(25)
	for _, r := range s.Settings.Rows() {
		d := r.Def
		row := make([]types.Datum, 17)
		for i := range row {
			row[i] = types.Null
		}
		row[0], row[1], row[2], row[3] = types.String(d.Name), types.String(r.Setting.Text), text(d.Unit), types.String(d.Category)
		row[4] = types.String("")
		row[6], row[7], row[8] = types.String(d.Context.String()), types.String(d.Type.String()), types.String(r.Setting.Source.String())
		row[9], row[10] = text(d.MinText), text(d.MaxText)
		if d.Type == config.Enum {
			a := types.Array{Elem: 25, Dims: []int32{int32(len(d.Enum))}, Lbounds: []int32{1}}
			for _, e := range d.Enum {
				a.Elems = append(a.Elems, types.String(e))
			}
			row[11] = a.Encode(str)
		}
		if d.HasBoot {
			row[12] = types.String(r.Boot)
		}
		row[13] = types.String(r.Reset)
		if r.Setting.File != "" {
			row[14], row[15] = types.String(r.Setting.File), types.Int(int64(r.Setting.Line))
		}
		row[16] = types.Bool(r.PendingRst)
		out = append(out, row)
	}
	return out, nil
}

// fileSettings is pg_show_all_file_settings: the lines of the configuration files and what is wrong with them.
func fileSettings(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
	var out [][]types.Datum
	for i, f := range s.Config.FileSettings() {
		row := []types.Datum{types.Null, types.Null, types.Int(int64(i + 1)), types.Null, types.Null, types.Bool(f.Applied), types.Null}
		if f.File != "" {
			row[0], row[1] = types.String(f.File), types.Int(int64(f.Line))
		}
		if f.Name != "" {
			row[3], row[4] = types.String(f.Name), types.String(f.Value)
		}
		if f.Err != "" {
			row[6] = types.String(f.Err)
		}
		out = append(out, row)
	}
	return out, nil
}
