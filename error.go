package agentbridge

import (
	"errors"
	"fmt"
	"time"
)

// Code says what kind of refusal an [Error] is. The first group is reference
// B's wire vocabulary; the second is ours.
type Code string

const (
	InvalidType           Code = "invalid_type"
	Required              Code = "required"
	SurroundingWhitespace Code = "surrounding_whitespace"
	TooLong               Code = "too_long"
	ControlCharacter      Code = "control_character"
	TooLarge              Code = "too_large"
	NULByte               Code = "nul_byte"
	InvalidFormat         Code = "invalid_format"
	TooDeep               Code = "too_deep"
	InvalidJSON           Code = "invalid_json"
	UnknownField          Code = "unknown_field"
	InvalidProtocol       Code = "invalid_protocol"
	TimezoneRequired      Code = "timezone_required"
	OutOfRange            Code = "out_of_range"
	TooMany               Code = "too_many"
	InvalidValue          Code = "invalid_value"
	Conflict              Code = "conflict"
	NotFound              Code = "not_found"

	TooShort        Code = "too_short"
	InvalidUTF8     Code = "invalid_utf8"
	Reserved        Code = "reserved_name"
	Unauthenticated Code = "unauthenticated"
	Forbidden       Code = "forbidden" // whoever asks is known, and may not
	Expired         Code = "expired"
	RateLimited     Code = "rate_limited" // try again after RetryAfter
	Unreachable     Code = "unreachable"  // of a client: no bridge answers
	Busy            Code = "busy"         // try again after RetryAfter
	Unavailable     Code = "unavailable"  // the store can't take writes now: disk full, file gone
	Closed          Code = "closed"       // the bridge is shutting down
	Unusable        Code = "unusable"     // the store or its key can't be used; a person has to act
	Internal        Code = "internal"
)

// Error is a refusal that may be shown to users and models: a code for
// programs, the field at fault if there is one, and a sentence that says what
// is wrong and what to do next. Anything that is not an Error is "internal
// error" outside and complete in the log.
type Error struct {
	Code       Code
	Field      string        // argument or envelope field, "" if the whole call is meant
	Message    string        // without the field's name
	RetryAfter time.Duration // > 0 for Busy, Unavailable and RateLimited
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + ": " + e.Message
}

// Refuse builds an Error. The format is a sentence without the field's name.
func Refuse(code Code, field, format string, args ...any) *Error {
	return &Error{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of the first Error in err's chain, Internal for any
// other error and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}
