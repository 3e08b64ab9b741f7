// Command stranger is a source and a sink in one binary. It speaks the published "Connector Protocol (stdin/stdout)"
// page and follows nothing but that page. It reads stdin by a bufio.Scanner with its default limit of 64 KiB a line:
// on a longer line it writes the scanner's error to stderr and exits with status 1. On SIGTERM it exits with 0.
//
// Config of the source (all optional): count, rows in all (100); batch, most messages in a read (10; a smaller limit in
// the command wins); prefix, text before the row number; topic, for the metadata ("stranger").
// Its checkpoint, sent before done, is the text "offset=N"; options.checkpoint makes it go on after row N.
// Config of the sink: path (required), a file that gets the raw data of each message as one line.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

type message struct {
	Type      string         `json:"type,omitempty"`
	Data      *string        `json:"data"`
	Metadata  map[string]any `json:"metadata,omitempty"`
	Timestamp string         `json:"timestamp,omitempty"`
}

type command struct {
	Cmd, Role string
	Config    struct {
		Count, Batch        *int
		Prefix, Topic, Path string
	}
	Options  struct{ Checkpoint *string }
	Limit    *int
	Messages []message
}

var (
	out  = bufio.NewWriter(os.Stdout)
	base = time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)
)

func encode(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // only maps, strings and numbers are passed
	}
	return string(text)
}

func send(answer any) { fmt.Fprintln(out, encode(answer)) }

func answer(kind string) { send(map[string]string{"type": kind}) }

func fail(code, text string) { send(map[string]string{"type": "error", "message": text, "code": code}) }

type connector struct {
	conf         command // the init command
	count, batch int
	last         int // last row sent
	ready, open  bool
	file         *os.File
}

func (c *connector) init(cmd command) {
	*c = connector{conf: cmd, count: 100, batch: 10}
	if cmd.Config.Count != nil {
		c.count = *cmd.Config.Count
	}
	if cmd.Config.Batch != nil {
		c.batch = *cmd.Config.Batch
	}
	if c.conf.Config.Topic == "" {
		c.conf.Config.Topic = "stranger"
	}
	switch {
	case cmd.Role != "source" && cmd.Role != "sink":
		fail("invalid_config", "role must be source or sink")
		return
	case cmd.Role == "source" && (c.count < 0 || c.batch < 1):
		fail("invalid_config", "count must be at least 0 and batch at least 1")
		return
	case cmd.Role == "sink" && cmd.Config.Path == "":
		fail("invalid_config", "path is required")
		return
	}
	if text := cmd.Options.Checkpoint; text != nil {
		if n, err := fmt.Sscanf(*text, "offset=%d", &c.last); n != 1 || err != nil || c.last < 0 {
			fail("invalid_checkpoint", "not a checkpoint of this source: "+*text)
			return
		}
	}
	c.ready = true
	answer("ready")
}

func (c *connector) connect() {
	if !c.ready {
		fail("not_initialized", "connect before init")
		return
	}
	if c.conf.Role == "sink" && c.file == nil {
		file, err := os.OpenFile(c.conf.Config.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			fail("cannot_open", err.Error())
			return
		}
		c.file = file
	}
	c.open = true
	answer("ready")
}

func (c *connector) read(limit *int) {
	if limit != nil && *limit < 1 {
		fail("invalid_limit", "limit must be a positive integer")
		return
	}
	most := c.batch
	if limit != nil && *limit < most {
		most = *limit
	}
	end := min(c.count, c.last+most)
	if end <= c.last {
		answer("done")
		return
	}
	for c.last < end {
		c.last++
		data := encode(map[string]any{"id": c.last, "text": fmt.Sprintf("%s%d", c.conf.Config.Prefix, c.last)})
		metadata := map[string]any{"topic": c.conf.Config.Topic, "partition": 0, "offset": c.last}
		send(message{"message", &data, metadata, base.Add(time.Duration(c.last) * time.Second).Format(time.RFC3339)})
	}
	send(map[string]string{"type": "checkpoint", "data": fmt.Sprintf("offset=%d", c.last)})
	answer("done")
}

func (c *connector) write(messages []message) {
	var lines strings.Builder
	for _, m := range messages {
		if m.Data == nil || strings.ContainsAny(*m.Data, "\r\n") {
			fail("invalid_data", "data must be a text of one line")
			return
		}
		lines.WriteString(*m.Data + "\n")
	}
	_, err := c.file.WriteString(lines.String())
	if err == nil {
		err = c.file.Sync()
	}
	if err != nil {
		fail("write_failed", err.Error())
		return
	}
	answer("done")
}

func (c *connector) close() {
	if c.file != nil {
		c.file.Close()
	}
	c.file, c.open = nil, false
	answer("done")
}

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() { <-stop; os.Exit(0) }()

	var c connector
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var cmd command
		err := json.Unmarshal(lines.Bytes(), &cmd)
		switch {
		case err != nil && cmd.Cmd == "init":
			fail("invalid_config", err.Error())
		case err != nil:
			fail("invalid_command", err.Error())
		case cmd.Cmd == "init":
			c.init(cmd)
		case cmd.Cmd == "connect":
			c.connect()
		case cmd.Cmd == "ping":
			answer("pong")
		case cmd.Cmd == "close":
			c.close()
		case (cmd.Cmd == "read" || cmd.Cmd == "write") && !c.open:
			fail("not_connected", cmd.Cmd+" before connect")
		case cmd.Cmd == "read" && c.conf.Role == "source":
			c.read(cmd.Limit)
		case cmd.Cmd == "write" && c.conf.Role == "sink":
			c.write(cmd.Messages)
		default:
			fail("unknown_command", "no command of this role: "+cmd.Cmd)
		}
		out.Flush()
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "stranger:", err)
		os.Exit(1)
	}
}
