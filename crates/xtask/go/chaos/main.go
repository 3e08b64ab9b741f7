// A connector that misbehaves on request, on Conduit's own SDK, for the tests of the host.
//
// Parameters are named after methods: `open: panic` breaks Open. Modes: success (the default), error, block (for
// ever), context-done (until its context ends), panic. The source sends `records` records before `read` takes effect.
package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/conduitio/conduit-commons/config"
	"github.com/conduitio/conduit-commons/opencdc"
	sdk "github.com/conduitio/conduit-connector-sdk"
)

var (
	sourceMethods      = []string{"configure", "created", "open", "read", "ack", "teardown"}
	destinationMethods = []string{"configure", "created", "open", "write", "teardown"}
)

// What the SDK's middleware wants to be told, with its own defaults.
var (
	both = config.Parameters{
		"sdk.batch.delay":                    {Default: "0", Type: config.ParameterTypeDuration},
		"sdk.batch.size":                     {Default: "0", Type: config.ParameterTypeInt},
		"sdk.schema.extract.key.enabled":     {Default: "true", Type: config.ParameterTypeBool},
		"sdk.schema.extract.payload.enabled": {Default: "true", Type: config.ParameterTypeBool},
	}
	sources = config.Parameters{
		"sdk.schema.context.enabled":         {Default: "true", Type: config.ParameterTypeBool},
		"sdk.schema.context.name":            {Type: config.ParameterTypeString},
		"sdk.schema.extract.key.subject":     {Default: "key", Type: config.ParameterTypeString},
		"sdk.schema.extract.payload.subject": {Default: "payload", Type: config.ParameterTypeString},
		"sdk.schema.extract.type":            {Default: "avro", Type: config.ParameterTypeString},
	}
	destinations = config.Parameters{
		"sdk.rate.burst":            {Default: "0", Type: config.ParameterTypeInt},
		"sdk.rate.perSecond":        {Default: "0", Type: config.ParameterTypeFloat},
		"sdk.record.format":         {Default: "opencdc/json", Type: config.ParameterTypeString},
		"sdk.record.format.options": {Type: config.ParameterTypeString},
	}
)

func parameters(methods []string, middleware ...config.Parameters) config.Parameters {
	all := config.Parameters{
		"records": {Default: "10", Description: "Records before `read` or `write` takes effect.", Type: config.ParameterTypeInt},
	}
	for _, parameters := range middleware {
		for name, parameter := range parameters {
			all[name] = parameter
		}
	}
	if methods[3] == "read" {
		all["position"] = config.Parameter{
			Default:     "own",
			Description: "Which position a record gets: its own, none, or that of all others.",
			Type:        config.ParameterTypeString,
			Validations: []config.Validation{config.ValidationInclusion{List: []string{"own", "none", "same"}}},
		}
	}
	for _, method := range methods {
		all[method] = config.Parameter{
			Default:     "success",
			Description: "What " + method + " does.",
			Type:        config.ParameterTypeString,
			Validations: []config.Validation{config.ValidationInclusion{List: []string{"success", "error", "block", "context-done", "panic"}}},
		}
	}
	return all
}

func specification() sdk.Specification {
	return sdk.Specification{
		Name:              "chaos",
		Summary:           "Misbehaves on request.",
		Version:           "v1.0.0",
		Author:            "Crossdock",
		SourceParams:      parameters(sourceMethods, both, sources),
		DestinationParams: parameters(destinationMethods, both, destinations),
	}
}

func misbehave(ctx context.Context, method, mode string) error {
	switch mode {
	case "error":
		return errors.New(method + " failed as it was told to")
	case "block":
		select {}
	case "context-done":
		<-ctx.Done()
		return ctx.Err()
	case "panic":
		panic(method + " panicked as it was told to")
	}
	return nil
}

type sourceConfig struct {
	sdk.DefaultSourceMiddleware

	Records   int    `json:"records" default:"10"`
	Position  string `json:"position"`
	Configure string `json:"configure"`
	Created   string `json:"created"`
	Open      string `json:"open"`
	Read      string `json:"read"`
	Ack       string `json:"ack"`
	Teardown  string `json:"teardown"`
}

func (c *sourceConfig) Validate(ctx context.Context) error {
	return misbehave(ctx, "configure", c.Configure)
}

type source struct {
	sdk.UnimplementedSource
	config sourceConfig
	sent   int
}

func (s *source) Config() sdk.SourceConfig { return &s.config }

func (s *source) LifecycleOnCreated(ctx context.Context, _ config.Config) error {
	return misbehave(ctx, "created", s.config.Created)
}

func (s *source) Open(ctx context.Context, position opencdc.Position) error {
	if position != nil {
		sent, err := strconv.Atoi(string(position))
		if err != nil {
			return fmt.Errorf("the position is strange: %w", err)
		}
		s.sent = sent
	}
	return misbehave(ctx, "open", s.config.Open)
}

func (s *source) Read(ctx context.Context) (opencdc.Record, error) {
	if s.sent >= s.config.Records {
		if err := misbehave(ctx, "read", s.config.Read); err != nil {
			return opencdc.Record{}, err
		}
		return opencdc.Record{}, sdk.ErrBackoffRetry
	}
	s.sent++
	position := opencdc.Position(strconv.Itoa(s.sent))
	switch s.config.Position {
	case "none":
		position = nil
	case "same":
		position = opencdc.Position("same")
	}
	return sdk.Util.Source.NewRecordCreate(
		position,
		opencdc.Metadata{},
		opencdc.RawData(strconv.Itoa(s.sent)),
		opencdc.StructuredData{"n": s.sent},
	), nil
}

func (s *source) Ack(ctx context.Context, _ opencdc.Position) error {
	return misbehave(ctx, "ack", s.config.Ack)
}

func (s *source) Teardown(ctx context.Context) error {
	return misbehave(ctx, "teardown", s.config.Teardown)
}

type destinationConfig struct {
	sdk.DefaultDestinationMiddleware

	Records   int    `json:"records" default:"10"`
	Configure string `json:"configure"`
	Created   string `json:"created"`
	Open      string `json:"open"`
	Write     string `json:"write"`
	Teardown  string `json:"teardown"`
}

func (c *destinationConfig) Validate(ctx context.Context) error {
	return misbehave(ctx, "configure", c.Configure)
}

type destination struct {
	sdk.UnimplementedDestination
	config  destinationConfig
	written int
}

func (d *destination) Config() sdk.DestinationConfig { return &d.config }

func (d *destination) LifecycleOnCreated(ctx context.Context, _ config.Config) error {
	return misbehave(ctx, "created", d.config.Created)
}

func (d *destination) Open(ctx context.Context) error {
	return misbehave(ctx, "open", d.config.Open)
}

func (d *destination) Write(ctx context.Context, records []opencdc.Record) (int, error) {
	for i := range records {
		if d.written >= d.config.Records {
			if err := misbehave(ctx, "write", d.config.Write); err != nil {
				return i, err
			}
		}
		d.written++
	}
	return len(records), nil
}

func (d *destination) Teardown(ctx context.Context) error {
	return misbehave(ctx, "teardown", d.config.Teardown)
}

func main() {
	sdk.Serve(sdk.Connector{
		NewSpecification: specification,
		NewSource:        func() sdk.Source { return sdk.SourceWithMiddleware(&source{}) },
		NewDestination:   func() sdk.Destination { return sdk.DestinationWithMiddleware(&destination{}) },
	})
}
