package backend

import (
	"gompho/config"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// roleFacts is what SET ROLE and SET SESSION AUTHORIZATION need of a role again when the setting is undone, at a time when
// catalogs cannot be read.
type roleFacts struct {
	oid   ids.Oid
	super bool
}

// checkRole vetoes a value of the settings role and session_authorization.
func (b *Backend) checkRole(d *config.Def, name string) error {
	if d.Name == "role" && name == "none" || name == "" {
		return nil
	}
	s := b.s
	r, err := s.Cat.RoleByName(name)
	if err != nil {
		return err
	}
	if r == nil {
		return pgerr.New(pgerr.InvalidParameterValue, "role %q does not exist", name)
	}
	if d.Name == "role" {
		ok, err := s.Cat.IsMemberOf(s.SessionUser, r.Oid)
		if err != nil {
			return err
		}
		if !ok {
			return pgerr.New(pgerr.InsufficientPrivilege, "permission denied to set role %q", name)
		}
	} else if r.Oid != s.AuthUser {
		super, err := s.Cat.IsSuperuser(s.AuthUser)
		if err != nil {
			return err
		}
		if !super {
			return pgerr.New(pgerr.InsufficientPrivilege, "permission denied to set session authorization")
		}
	}
	if b.roles == nil {
		b.roles = map[string]roleFacts{}
	}
	b.roles[name] = roleFacts{r.Oid, r.Rolsuper}
	return nil
}

// applyRole makes the session act for the roles that the settings name.
func (b *Backend) applyRole() {
	s := b.s
	if s.Cat == nil {
		return
	}
	if b.login.oid == 0 {
		b.login = roleFacts{s.AuthUser, s.Settings.Superuser}
	}
	who := b.login
	if f, ok := b.roles[s.Settings.Get("session_authorization").Text]; ok {
		who = f
	}
	s.SessionUser = who.oid
	if f, ok := b.roles[s.Settings.Get("role").Text]; ok {
		who = f
	}
	if who.oid == s.User && s.Settings.Superuser == who.super {
		return
	}
	s.User, s.Settings.Superuser = who.oid, who.super
	s.Cat.SetUser(who.oid)
	b.cache.clear()
	super := "off"
	if who.super {
		super = "on"
	}
	if s.Settings.Get("is_superuser").Text != super {
		if err := s.Settings.Assign("is_superuser", super); err != nil {
			b.logLine(pgerr.From(err))
		}
	}
}
