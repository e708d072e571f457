package ci

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// issue has the fields of an issue in the API that the fake of gh uses.
type issue struct {
	Number      int    `json:"number"`
	Title       string `json:"title"`
	State       string `json:"state"`
	Body        string `json:"body"`
	PullRequest any    `json:"pull_request"`
}

// gh is a fake of gh(1) with its issues in a file.
func gh(store string, args []string) error {
	content, err := os.ReadFile(store)
	if err != nil {
		return err
	}
	var issues []issue
	if err := json.Unmarshal(content, &issues); err != nil {
		return err
	}
	option := func(name string) string {
		i := slices.Index(args, name)
		if i < 0 || i+1 == len(args) {
			return ""
		}
		return args[i+1]
	}
	body := func() string {
		text, _ := os.ReadFile(option("--body-file"))
		return string(text)
	}
	numbered := func() *issue {
		i := slices.IndexFunc(issues, func(i issue) bool { return fmt.Sprint(i.Number) == args[2] })
		return &issues[i]
	}
	switch strings.Join(args[:2], " ") {
	case "api --paginate":
		if args[2] != "repos/o/r/issues?state=open&per_page=100" {
			return fmt.Errorf("no such path: %s", args[2])
		}
		return jq(slices.DeleteFunc(issues, func(i issue) bool { return i.State != "open" }), option("--jq"))
	case "issue create":
		issues = append(issues, issue{Number: len(issues) + 1, Title: option("--title"), State: "open", Body: body()})
	case "issue edit":
		numbered().Body = body()
	case "issue close":
		numbered().State = "closed"
	default:
		return fmt.Errorf("unknown: %q", args)
	}
	if content, err = json.Marshal(issues); err != nil {
		return err
	}
	return os.WriteFile(store, content, 0o644)
}

// jq prints the result of a jq expression for a value, with gojq as gh does.
func jq(value any, expression string) error {
	query, err := gojq.Parse(expression)
	if err != nil {
		return err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		return err
	}
	results := query.Run(plain)
	for result, ok := results.Next(); ok; result, ok = results.Next() {
		if err, failed := result.(error); failed {
			return err
		}
		fmt.Println(result)
	}
	return nil
}
