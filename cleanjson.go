package agentbridge

import (
	"maps"
	"slices"
	"strconv"
)

// CleanJSON is Clean for every string in a decoded JSON value, keys included.
// If two keys of an object become equal, the one that was clean keeps its
// name and the other gets a number: nothing is lost, and which is which does
// not depend on chance. A clean value comes back as it is; a dirty one is
// copied as far as it is changed.
func CleanJSON(v any) (clean any, removed int) {
	switch of := v.(type) {
	case string:
		if s, n := Clean(of); n > 0 {
			return s, n
		}
	case map[string]any:
		if object, n := cleanObject(of); n > 0 {
			return object, n
		}
	case []any:
		if array, n := cleanArray(of); n > 0 {
			return array, n
		}
	}
	return v, 0 // not its copy: to make an interface of a string anew would allocate
}

func cleanArray(array []any) ([]any, int) {
	out, removed := array, 0
	for i, v := range array {
		clean, n := CleanJSON(v)
		if n == 0 {
			continue
		}
		if removed == 0 {
			out = slices.Clone(array)
		}
		out[i] = clean
		removed += n
	}
	return out, removed
}

func cleanObject(object map[string]any) (map[string]any, int) {
	var changed map[string]any
	var dirty []string // keys
	removed := 0
	for key, v := range object {
		if _, n := Clean(key); n > 0 {
			dirty = append(dirty, key)
			removed += n
		}
		if clean, n := CleanJSON(v); n > 0 {
			if changed == nil {
				changed = map[string]any{}
			}
			changed[key] = clean
			removed += n
		}
	}
	if removed == 0 {
		return object, 0
	}
	out := maps.Clone(object)
	maps.Copy(out, changed)
	cleanKeys(out, dirty)
	return out, removed
}

// cleanKeys gives the values under dirty keys their clean names, in a fixed
// order.
func cleanKeys(object map[string]any, dirty []string) {
	slices.Sort(dirty)
	for _, key := range dirty {
		v := object[key]
		delete(object, key)
		clean, _ := Clean(key)
		name := clean
		for n := 2; ; n++ {
			if _, taken := object[name]; !taken {
				break
			}
			name = clean + "_" + strconv.Itoa(n)
		}
		object[name] = v
	}
}
