package examples

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// alarm is the body of CreateAlarm, API 2020-10-16 (cloud.tencent.com document 614/56466), as far as it is
// used. The cloud's SDK of this service is not in the Go module proxy.
type alarm struct {
	Name         string
	AlarmTargets []alarmTarget
	MonitorTime  struct {
		Type string // Period: every Time minutes
		Time int
	}
	Condition      string
	AlarmLevel     int // 0 warning, 1 information, 2 critical
	TriggerCount   int // 1 to 2000
	AlarmPeriod    int // minutes between repetitions, 0 to 1440
	AlarmNoticeIds []string
	Status         bool
}

type alarmTarget struct {
	LogsetId, TopicId, Query string
	Number                   int // as in Condition
	StartTimeOffset          int // minutes
	EndTimeOffset            int
	SyntaxRule               int // 1: CQL
}

// logIndex is the body of CreateIndex (document 614/56474).
type logIndex struct {
	TopicId string
	Status  bool
	Rule    struct {
		FullText struct {
			CaseSensitive, ContainZH bool
			Tokenizer                string
		}
		KeyValue struct {
			CaseSensitive bool
			KeyValues     []struct {
				Key   string
				Value struct {
					Type, Tokenizer    string
					SqlFlag, ContainZH bool
				}
			}
		}
	}
}

// dashboard is a dashboard of Grafana, as far as it is used; its targets are those of the data source
// tencent-cls-grafana-datasource (its src/types.ts, 2026-11).
type dashboard struct {
	Inputs        []map[string]string `json:"__inputs"`
	UID, Title    string
	Tags          []string
	Timezone      string
	SchemaVersion int
	Refresh       string
	Time          map[string]string
	Templating    struct{ List []variable }
	Panels        []panel
}

type variable struct {
	Name, Label, Type, Query string
	Current                  map[string]string
}

type panel struct {
	ID                       int
	Title, Description, Type string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               source
	FieldConfig              *struct {
		Defaults  map[string]string
		Overrides []string
	}
	Targets []struct {
		RefID            string
		Datasource       source
		ServiceType      string
		LogServiceParams struct {
			Region, TopicId, Query string
			SyntaxRule             int
			Format                 string
		}
	}
}

type source struct{ Type, UID string }

// queries are those of all files, by where they stand.
func queries(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, a := range alarms(t) {
		all[name] = a.AlarmTargets[0].Query
	}
	for _, p := range readDashboard(t).Panels {
		all["panel "+p.Title] = p.Targets[0].LogServiceParams.Query
	}
	return all
}

func alarms(t *testing.T) map[string]alarm {
	t.Helper()
	files, err := filepath.Glob("cls/alarm-*.json")
	if err != nil || len(files) != 8 {
		t.Fatalf("%q, %v", files, err)
	}
	all := map[string]alarm{}
	for _, name := range files {
		var a alarm
		decode(t, read(t, name), &a)
		if len(a.AlarmTargets) != 1 {
			t.Fatalf("%s has %d targets", name, len(a.AlarmTargets))
		}
		all[name] = a
	}
	return all
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	decode(t, read(t, "cls/grafana-dashboard.json"), &d)
	return d
}

// TestQueriesFitTheLog holds each query to lines that the relay has written, and to the index.
func TestQueriesFitTheLog(t *testing.T) {
	lines := relayLog(t)
	types := indexed(t)
	for where, text := range queries(t) {
		q := parse(t, text)
		for _, field := range q.fields {
			if types[field] == "" {
				t.Errorf("%s: %s is not in the index", where, field)
			}
		}
		for _, msg := range q.messages {
			if msg == "secret source" || msg == "panic" { // the test has none
				if slices.ContainsFunc(q.fields, func(f string) bool { return f != "msg" }) {
					t.Errorf("%s uses %q of %q", where, q.fields, msg)
				}
				continue
			}
			if lines[msg] == nil {
				t.Errorf("%s: no line %q was seen", where, msg)
			}
			for _, field := range q.fields {
				if !lines[msg][field] && lines[msg] != nil {
					t.Errorf("%s: a line %q has no %s", where, msg, field)
				}
			}
		}
	}
	for _, text := range []string{
		`msg:"request" | select count(*) as n group by caler`, `msg:"request" AND statu:>=500 | select count(*) as n`,
	} {
		if q := parse(t, text); !slices.ContainsFunc(q.fields, func(f string) bool { return types[f] == "" }) {
			t.Errorf("%s is not noticed", text)
		}
	}
}

// indexed returns the fields of the index with their types.
func indexed(t *testing.T) map[string]string {
	t.Helper()
	var i logIndex
	decode(t, read(t, "cls/index.json"), &i)
	types := map[string]string{}
	for _, f := range i.Rule.KeyValue.KeyValues {
		if types[f.Key] != "" || !slices.Contains([]string{"text", "long", "double"}, f.Value.Type) || !f.Value.SqlFlag ||
			(f.Value.Tokenizer != "") != (f.Value.Type == "text") {
			t.Errorf("%s: %+v", f.Key, f.Value)
		}
		types[f.Key] = f.Value.Type
	}
	if len(types) > 100 { // the service's limit
		t.Errorf("%d fields", len(types))
	}
	return types
}

func TestAlarms(t *testing.T) {
	variable := regexp.MustCompile(`\$(\d)\.([a-z_]+)`)
	for name, a := range alarms(t) {
		target := a.AlarmTargets[0]
		if a.MonitorTime.Type != "Period" || a.MonitorTime.Time < 1 || a.TriggerCount < 1 || a.AlarmPeriod < 0 || a.AlarmPeriod > 1440 ||
			a.AlarmLevel < 0 || a.AlarmLevel > 2 || target.SyntaxRule != 1 || target.Number != 1 || target.EndTimeOffset != 0 ||
			target.StartTimeOffset >= 0 || target.StartTimeOffset < -1440 || !a.Status || strings.ContainsAny(a.Name, "|'") || len(a.Name) > 255 {
			t.Errorf("%s: %+v", name, a)
		}
		if -target.StartTimeOffset <= a.MonitorTime.Time {
			t.Errorf("%s looks back %d minutes every %d: it misses lines that come late", name, -target.StartTimeOffset, a.MonitorTime.Time)
		}
		if target.LogsetId != "LOGSET" || target.TopicId != "TOPIC" || !slices.Equal(a.AlarmNoticeIds, []string{"NOTICE"}) {
			t.Errorf("%s: placeholders %+v", name, a)
		}
		for _, page := range []string{"../operate.md", "../operate.zh-CN.md"} {
			if !strings.Contains(string(read(t, page)), "(examples/"+filepath.ToSlash(name)+")") {
				t.Errorf("%s does not name %s", page, name)
			}
		}
		columns := parse(t, target.Query).columns
		uses := variable.FindAllStringSubmatch(a.Condition, -1)
		for _, m := range uses {
			if m[1] != "1" || !slices.Contains(columns, m[2]) {
				t.Errorf("%s: %s is none of %q", name, m[0], columns)
			}
		}
		if len(uses) == 0 {
			t.Errorf("%s: condition %q", name, a.Condition)
		}
	}
}

func TestDashboard(t *testing.T) {
	d := readDashboard(t)
	variables := map[string]bool{}
	for _, v := range d.Templating.List {
		variables["$"+v.Name] = v.Type == "textbox"
	}
	want := source{"tencent-cls-grafana-datasource", "${DS_CLS}"}
	if len(d.Inputs) != 1 || d.Inputs[0]["name"] != "DS_CLS" || d.Inputs[0]["pluginId"] != want.Type {
		t.Errorf("inputs %v", d.Inputs)
	}
	formats := map[string]string{"timeseries": "Graph", "table": "Table", "logs": "Log"}
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.Datasource != want || len(p.Targets) != 1 || formats[p.Type] == "" {
			t.Fatalf("panel %+v", p)
		}
		ids[p.ID] = true
		target := p.Targets[0]
		params := target.LogServiceParams
		if target.Datasource != want || target.ServiceType != "logService" || params.Format != formats[p.Type] || params.SyntaxRule != 1 ||
			!variables[params.Region] || !variables[params.TopicId] {
			t.Errorf("%s: %+v", p.Title, target)
		}
		if hasTime := strings.Contains(params.Query, " as time"); hasTime != (p.Type == "timeseries") {
			t.Errorf("%s: %s", p.Title, params.Query)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := cells[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies on %q, or outside", p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
	}
	// Every message that an alarm watches is on the dashboard, too.
	shown := map[string]bool{}
	for _, p := range d.Panels {
		for _, msg := range parse(t, p.Targets[0].LogServiceParams.Query).messages {
			shown[msg] = true
		}
	}
	for name, a := range alarms(t) {
		for _, msg := range parse(t, a.AlarmTargets[0].Query).messages {
			if !shown[msg] {
				t.Errorf("%s: %q is not among %q", name, msg, slices.Sorted(maps.Keys(shown)))
			}
		}
	}
}
