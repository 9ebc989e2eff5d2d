//go:build !linux

package main

import "errors"

func processesWith(string) ([]string, error) { return nil, errors.ErrUnsupported }
