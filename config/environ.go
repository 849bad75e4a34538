package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Environ applies the HOLDFAST_* variables of environ (as os.Environ gives it): HOLDFAST_FSYNC=no is --fsync no. A
// variable that is set to nothing sets nothing's value: HOLDFAST_SAVE= is --save "". others are variables with the
// prefix that belong to somebody else, in full. The error joins a *SourceError for each variable that is unknown
// (ErrUnknown), does not fit (ErrInvalid), or sets what another name of the same setting sets (ErrDuplicate).
func (c *Config) Environ(environ []string, others ...string) error {
	vars := map[string]string{}
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if ok && strings.HasPrefix(name, EnvPrefix) && !slices.Contains(others, name) && !serviceLink(name, value) {
			vars[name] = value
		}
	}
	var errs []error
	for _, s := range c.settings { // in the order of the table: addr before the port it may be overruled by
		errs = append(errs, c.takeVars(s, vars)...)
	}
	left := make([]string, 0, len(vars))
	for name := range vars {
		left = append(left, name)
	}
	slices.Sort(left)
	for _, name := range left {
		errs = append(errs, fromEnvironment(c.unknownVar(name)))
	}
	return errors.Join(errs...)
}

// takeVars applies the variables of one setting and removes them from vars.
func (c *Config) takeVars(s *setting, vars map[string]string) (errs []error) {
	taken := ""
	for _, name := range s.Names() {
		env := EnvName(name)
		value, ok := vars[env]
		if !ok {
			continue
		}
		delete(vars, env)
		if taken != "" {
			errs = append(errs, fromEnvironment(&Error{Name: env, Reason: "sets the same as " + taken,
				Advice: "remove one of them", Err: ErrDuplicate}))
			continue
		}
		taken = env
		var what *Error
		if err := c.Set(Environment, name, value); errors.As(err, &what) {
			what.Name = env
			errs = append(errs, fromEnvironment(what))
		}
	}
	return errs
}

func fromEnvironment(what *Error) error {
	return &SourceError{File: "environment", What: what}
}

func (c *Config) unknownVar(env string) *Error {
	e := &Error{Name: env, Reason: "unknown setting", Advice: "remove it", Err: ErrUnknown}
	name := strings.ReplaceAll(strings.TrimPrefix(env, EnvPrefix), "_", "-")
	if near := c.nearest(name); near != "" {
		e.Advice = fmt.Sprintf("did you mean %s?", EnvName(near))
	}
	return e
}

// serviceLink recognises the variables that Kubernetes and old Docker links put into every container when a service
// is called holdfast: HOLDFAST_SERVICE_HOST, HOLDFAST_PORT=tcp://…, HOLDFAST_PORT_6379_TCP_ADDR and the like.
func serviceLink(env, value string) bool {
	name := strings.TrimPrefix(env, EnvPrefix)
	return strings.HasPrefix(name, "SERVICE_") || strings.HasPrefix(name, "PORT_") ||
		name == "PORT" && strings.Contains(value, "://")
}
