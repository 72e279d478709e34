package engine

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"vitrine/engine/fault"
)

// checkOptions refuses what the tags of an options struct don't allow, and fills in the
// defaults of strings and numbers. options points to the struct. What depends on the model
// is checked by the call.
func checkOptions(options any) error {
	v := reflect.ValueOf(options).Elem()
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		if field.Anonymous {
			if err := checkOptions(value.Addr().Interface()); err != nil {
				return err
			}
			continue
		}
		name, standard := field.Tag.Get("js"), field.Tag.Get("default")
		switch field.Type.Kind() {
		case reflect.String:
			if value.String() == "" {
				value.SetString(standard)
				continue
			}
			values := strings.Split(field.Tag.Get("oneof"), ",")
			if !slices.Contains(values, value.String()) {
				return fault.New(fault.Option, name, "found %q, supported are %s", value.String(), strings.Join(values, ", "))
			}
		case reflect.Int:
			if value.Int() == 0 {
				n, _ := strconv.Atoi(standard) // 0 where there is none
				value.SetInt(int64(n))
				continue
			}
			if least, err := strconv.Atoi(field.Tag.Get("min")); err == nil && value.Int() < int64(least) {
				return fault.New(fault.Option, name, "found %d, want %d or more", value.Int(), least)
			}
		}
	}
	return nil
}

// isTrue is the value of an option that is true by default.
func isTrue(option *bool) bool { return option == nil || *option }
