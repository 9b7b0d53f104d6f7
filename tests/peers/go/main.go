// Drives a Centrifugo server with gocent 3, the Go client: it speaks the legacy command endpoint.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/centrifugal/gocent/v3"
)

type peer struct {
	*gocent.Client
	url, key, run string
}

var (
	ctx     = context.Background()
	nothing = gocent.PublishResult{}
)

type check struct {
	name string
	run  func(*peer)
}

var checks = []check{
	{"publish", publish},
	{"publish_without_history", publishWithoutHistory},
	{"payloads", payloads},
	{"large_history", largeHistory},
	{"large_payload", largePayload},
	{"concurrent_publishes", concurrentPublishes},
	{"broadcast", broadcast},
	{"broadcast_to_an_unknown_namespace", broadcastToAnUnknownNamespace},
	{"broadcast_to_nobody", broadcastToNobody},
	{"history", history},
	{"history_of_an_empty_channel", historyOfAnEmptyChannel},
	{"history_limit_since_and_reverse", historyLimitSinceAndReverse},
	{"history_of_another_epoch", historyOfAnotherEpoch},
	{"history_remove", historyRemove},
	{"presence_of_an_empty_channel", presenceOfAnEmptyChannel},
	{"channels", channels},
	{"info", info},
	{"users_who_are_not_connected", usersWhoAreNotConnected},
	{"errors_of_an_unknown_namespace", errorsOfAnUnknownNamespace},
	{"errors_of_bad_requests", errorsOfBadRequests},
	{"errors_of_what_is_off", errorsOfWhatIsOff},
	{"binary_namespace", binaryNamespace},
	{"pipe", pipe},
	{"pipe_of_which_a_part_fails", pipeOfWhichAPartFails},
	{"large_pipe", largePipe},
	{"empty_pipe", emptyPipe},
	{"wrong_key", wrongKey},
	{"wrong_address", wrongAddress},
	{"transport_error_mode_changes_nothing", transportErrorMode},
}

// The panic of a check that failed.
type mismatch string

func fail(format string, args ...any) {
	panic(mismatch(fmt.Sprintf(format, args...)))
}

func equal(what string, actual, expected any) {
	if !reflect.DeepEqual(actual, expected) {
		fail("%s: %+v instead of %+v", what, actual, expected)
	}
}

func must[T any](result T, err error) T {
	succeeds(err)
	return result
}

func succeeds(err error) {
	if err != nil {
		fail("an error that nobody expected: %v", err)
	}
}

func apiError(what string, err error, code int, message string) {
	var actual *gocent.Error
	if !errors.As(err, &actual) {
		fail("%s: the API's error %d expected, not %#v", what, code, err)
	}
	equal(what, *actual, gocent.Error{Code: code, Message: message})
}

func status(what string, err error, code int, body string) {
	var actual gocent.ErrStatusCode
	if !errors.As(err, &actual) {
		fail("%s: HTTP status %d expected, not %#v", what, code, err)
	}
	equal(what, actual, gocent.ErrStatusCode{Code: code, Body: []byte(body)})
}

// channel is one with history and presence that no other run uses.
func (p *peer) channel(name string) string {
	return p.channelOf("plain", name)
}

func (p *peer) channelOf(namespace, name string) string {
	return namespace + ":" + name + "-go-" + p.run
}

func (p *peer) all(channel string) gocent.HistoryResult {
	return must(p.History(ctx, channel, gocent.WithLimit(gocent.NoLimit)))
}

func (p *peer) send(pipe *gocent.Pipe) []gocent.Reply {
	return must(p.SendPipe(ctx, pipe))
}

func offsets(result gocent.HistoryResult) []uint64 {
	offsets := []uint64{}
	for _, publication := range result.Publications {
		offsets = append(offsets, publication.Offset)
	}
	return offsets
}

func upTo(n uint64) []uint64 {
	numbers := []uint64{}
	for i := uint64(1); i <= n; i++ {
		numbers = append(numbers, i)
	}
	return numbers
}

func (p *peer) publishNumbers(channel string, n uint64) gocent.PublishResult {
	var last gocent.PublishResult
	for _, i := range upTo(n) {
		last = must(p.Publish(ctx, channel, fmt.Append(nil, i)))
	}
	return last
}

func publish(p *peer) {
	channel := p.channel("publish")
	first := must(p.Publish(ctx, channel, []byte(`{"n":1}`)))
	second := must(p.Publish(ctx, channel, []byte(`{"n":2}`)))
	equal("offsets", []uint64{first.Offset, second.Offset}, upTo(2))
	equal("an empty epoch", first.Epoch == "", false)
	equal("epoch", second.Epoch, first.Epoch)
}

func publishWithoutHistory(p *peer) {
	channel := p.channel("skip")
	equal("off", must(p.Publish(ctx, p.channelOf("nohist", "a"), []byte("1"))), nothing)
	equal("no namespace", must(p.Publish(ctx, "news-"+p.run, []byte("1"))), nothing)
	equal("skipped", must(p.Publish(ctx, channel, []byte("1"), gocent.WithSkipHistory(true))), nothing)
	equal("history", offsets(p.all(channel)), []uint64{})
}

func payloads(p *peer) {
	channel := p.channel("unicode-é😀 <&>")
	texts := []string{
		`""`, `0`, `false`, `{}`, `[]`, `null`, `-1.50`, `1e300`, `1e400`, `123456789012345678901234567890`,
		`{"text":"héllo 😀","π":[null,true,{"":{}}]}`, `"\u003cb\u003e\u0026\u2028\u2029\"\\\n\t\u0000"`,
		`{"a":1,"a":2}`, `"\ud800"`,
	}
	for _, text := range texts {
		must(p.Publish(ctx, channel, []byte(text)))
	}
	for i, publication := range p.all(channel).Publications {
		equal("payload", string(publication.Data), texts[i])
	}
	// The client writes no data as null.
	channel = p.channel("nothing")
	must(p.Publish(ctx, channel, nil))
	equal("no data", string(p.all(channel).Publications[0].Data), "null")
}

func largeHistory(p *peer) {
	channel, text := p.channel("large"), strings.Repeat("é", 5000)
	pipe := p.Pipe()
	for _, n := range upTo(120) {
		succeeds(pipe.AddPublish(channel, fmt.Appendf(nil, `{"n":%d,"text":"%s"}`, n, text)))
	}
	equal("replies", len(p.send(pipe)), 120)
	result := p.all(channel)
	equal("offset", result.Offset, uint64(120))
	equal("the last 100", offsets(result), upTo(120)[20:])
	for _, publication := range result.Publications {
		expected := fmt.Sprintf(`{"n":%d,"text":"%s"}`, publication.Offset, text)
		equal("data is whole", string(publication.Data) == expected, true)
	}
}

func largePayload(p *peer) {
	channel, data := p.channel("payload"), `"`+strings.Repeat("x", 1_000_000)+`"`
	must(p.Publish(ctx, channel, []byte(data)))
	equal("a megabyte comes back", string(p.all(channel).Publications[0].Data) == data, true)
}

func concurrentPublishes(p *peer) {
	channel, actual, errs := p.channel("concurrent"), make([]uint64, 50), make([]error, 50)
	var group sync.WaitGroup
	for i := range actual {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			result, err := p.Publish(ctx, channel, []byte("1"))
			actual[i], errs[i] = result.Offset, err
		}(i)
	}
	group.Wait()
	succeeds(errors.Join(errs...))
	sort.Slice(actual, func(i, j int) bool { return actual[i] < actual[j] })
	equal("offsets", actual, upTo(50))
}

func broadcast(p *peer) {
	channels := []string{p.channel("b1"), p.channel("b2"), p.channelOf("nohist", "b")}
	responses := must(p.Broadcast(ctx, channels, []byte(`{"n":1}`))).Responses
	equal("responses", len(responses), 3)
	for i, offset := range []uint64{1, 1, 0} {
		equal("error of "+channels[i], responses[i].Error, (*gocent.Error)(nil))
		equal("offset of "+channels[i], responses[i].Result.Offset, offset)
	}
	equal("data", string(p.all(channels[0]).Publications[0].Data), `{"n":1}`)
}

func broadcastToAnUnknownNamespace(p *peer) {
	channels := []string{p.channel("c1"), p.channelOf("invalid", "c"), "", p.channel("c2")}
	responses := must(p.Broadcast(ctx, channels, []byte("1"))).Responses
	equal("responses", len(responses), 4)
	equal("offsets", []uint64{responses[0].Result.Offset, responses[3].Result.Offset}, []uint64{1, 1})
	equal("unknown", *responses[1].Error, gocent.Error{Code: 102, Message: "unknown channel"})
	equal("empty", *responses[2].Error, gocent.Error{Code: 107, Message: "bad request"})
}

func broadcastToNobody(p *peer) {
	_, err := p.Broadcast(ctx, nil, []byte("1"))
	apiError("broadcast", err, 107, "bad request")
}

func history(p *peer) {
	channel := p.channel("history")
	last := p.publishNumbers(channel, 5)
	result := p.all(channel)
	equal("position", gocent.PublishResult{Offset: result.Offset, Epoch: result.Epoch}, last)
	equal("offsets", offsets(result), upTo(5))
	for _, publication := range result.Publications {
		equal("data", string(publication.Data), fmt.Sprint(publication.Offset))
		equal("info", publication.Info, (*gocent.ClientInfo)(nil))
	}
}

func historyOfAnEmptyChannel(p *peer) {
	result := p.all(p.channel("empty"))
	equal("offset", result.Offset, uint64(0))
	equal("publications", offsets(result), []uint64{})
	equal("an empty epoch", result.Epoch == "", false)
}

func historyLimitSinceAndReverse(p *peer) {
	channel := p.channel("pages")
	epoch := p.publishNumbers(channel, 5).Epoch
	limit, reverse := gocent.WithLimit, gocent.WithReverse(true)
	since := func(offset uint64, epoch string) gocent.HistoryOption {
		return gocent.WithSince(&gocent.StreamPosition{Offset: offset, Epoch: epoch})
	}
	for i, test := range []struct {
		options  []gocent.HistoryOption
		expected []uint64
	}{
		{nil, []uint64{}},
		{[]gocent.HistoryOption{limit(2)}, []uint64{1, 2}},
		{[]gocent.HistoryOption{limit(2), reverse}, []uint64{5, 4}},
		{[]gocent.HistoryOption{limit(-1), since(3, epoch)}, []uint64{4, 5}},
		{[]gocent.HistoryOption{limit(1), since(3, epoch)}, []uint64{4}},
		{[]gocent.HistoryOption{limit(-1), since(3, epoch), reverse}, []uint64{2, 1}},
		{[]gocent.HistoryOption{limit(-1), since(3, "")}, []uint64{4, 5}},
		{[]gocent.HistoryOption{limit(-1), since(5, epoch)}, []uint64{}},
		{[]gocent.HistoryOption{limit(-1), since(9, epoch)}, []uint64{}},
	} {
		result := must(p.History(ctx, channel, test.options...))
		equal(fmt.Sprintf("offsets of case %d", i), offsets(result), test.expected)
		equal("offset", result.Offset, uint64(5))
	}
}

func historyOfAnotherEpoch(p *peer) {
	channel := p.channel("epoch")
	p.publishNumbers(channel, 1)
	since := gocent.WithSince(&gocent.StreamPosition{Offset: 1, Epoch: "other"})
	_, err := p.History(ctx, channel, gocent.WithLimit(1), since)
	apiError("history", err, 112, "unrecoverable position")
}

func historyRemove(p *peer) {
	channel := p.channel("remove")
	position := p.publishNumbers(channel, 1)
	succeeds(p.HistoryRemove(ctx, channel))
	result := p.all(channel)
	equal("publications", offsets(result), []uint64{})
	equal("position", gocent.PublishResult{Offset: result.Offset, Epoch: result.Epoch}, position)
	equal("the next offset", p.publishNumbers(channel, 1).Offset, uint64(2))
	succeeds(p.HistoryRemove(ctx, p.channel("never-used")))
}

func presenceOfAnEmptyChannel(p *peer) {
	channel := p.channel("presence")
	equal("presence", must(p.Presence(ctx, channel)).Presence, map[string]gocent.ClientInfo{})
	equal("presence_stats", must(p.PresenceStats(ctx, channel)), gocent.PresenceStatsResult{})
}

func channels(p *peer) {
	none := map[string]gocent.ChannelInfo{}
	equal("of this run", must(p.Channels(ctx, gocent.WithPattern("*"+p.run+"*"))).Channels, none)
	equal("no map of all", must(p.Channels(ctx)).Channels == nil, false)
	_, err := p.Channels(ctx, gocent.WithPattern("["))
	apiError("a bad pattern", err, 100, "internal server error")
}

func info(p *peer) {
	nodes := must(p.Info(ctx)).Nodes
	equal("nodes", len(nodes), 1)
	node := nodes[0]
	equal("uid, name or version is empty", node.UID == "" || node.Name == "" || node.Version == "", false)
}

func usersWhoAreNotConnected(p *peer) {
	user, channel := "nobody-"+p.run, p.channel("users")
	succeeds(p.Subscribe(ctx, channel, user))
	// Options of Centrifugo 3, which newer servers ignore.
	succeeds(p.Subscribe(ctx, channel, user, gocent.WithPresence(true), gocent.WithJoinLeave(true),
		gocent.WithPosition(true), gocent.WithRecover(true), gocent.WithSubscribeClient("no"),
		gocent.WithSubscribeInfo([]byte(`{"n":1}`)), gocent.WithSubscribeData([]byte(`[1]`)),
		gocent.WithRecoverSince(&gocent.StreamPosition{Offset: 1, Epoch: "other"})))
	succeeds(p.Unsubscribe(ctx, channel, user))
	succeeds(p.Unsubscribe(ctx, "", user))
	succeeds(p.Unsubscribe(ctx, channel, user, gocent.WithUnsubscribeClient("no")))
	// Sent with `"Disconnect":null,"ClientWhitelist":null`.
	succeeds(p.Disconnect(ctx, user))
	succeeds(p.Disconnect(ctx, user, gocent.WithDisconnectClient("no"),
		gocent.WithDisconnectClientWhitelist([]string{"a"}),
		gocent.WithDisconnect(&gocent.Disconnect{Code: 4000, Reason: "moved", Reconnect: true})))
}

// ofChannel calls the methods that take a channel and are refused for the same reasons.
func (p *peer) ofChannel(channel string) map[string]error {
	_, history := p.History(ctx, channel, gocent.WithLimit(1))
	_, presence := p.Presence(ctx, channel)
	_, stats := p.PresenceStats(ctx, channel)
	remove := p.HistoryRemove(ctx, channel)
	return map[string]error{
		"history": history, "history_remove": remove, "presence": presence, "presence_stats": stats,
	}
}

func errorsOfAnUnknownNamespace(p *peer) {
	channel := p.channelOf("invalid", "a")
	errs := p.ofChannel(channel)
	_, errs["publish"] = p.Publish(ctx, channel, []byte("1"))
	errs["subscribe"] = p.Subscribe(ctx, channel, "nobody")
	for method, err := range errs {
		apiError(method, err, 102, "unknown channel")
	}
}

func errorsOfBadRequests(p *peer) {
	errs := p.ofChannel("")
	_, errs["publish"] = p.Publish(ctx, "", []byte("1"))
	_, errs["publish to a map"] = p.Publish(ctx, p.channelOf("map", "bad"), []byte("1"))
	errs["subscribe"] = p.Subscribe(ctx, "", "nobody")
	for method, err := range errs {
		apiError(method, err, 107, "bad request")
	}
	_, err := p.Publish(ctx, p.channel("bad"), []byte("no JSON"))
	var encoding *json.MarshalerError
	equal("not sent", errors.As(err, &encoding), true)
}

func errorsOfWhatIsOff(p *peer) {
	for method, err := range p.ofChannel(p.channelOf("nohist", "a")) {
		apiError(method, err, 108, "not available")
	}
}

// Only JSON passes this client, and so it comes back.
func binaryNamespace(p *peer) {
	channel := p.channelOf("bin", "json")
	equal("offset", must(p.Publish(ctx, channel, []byte(`"text"`))).Offset, uint64(1))
	equal("data", string(p.all(channel).Publications[0].Data), `"text"`)
}

func pipe(p *peer) {
	channel, pipe := p.channel("pipe"), p.Pipe()
	succeeds(pipe.AddPublish(channel, []byte(`{"n":1}`)))
	succeeds(pipe.AddBroadcast([]string{channel}, []byte("2")))
	succeeds(pipe.AddHistory(channel, gocent.WithLimit(gocent.NoLimit)))
	succeeds(pipe.AddHistoryRemove(channel))
	succeeds(pipe.AddPresence(channel))
	succeeds(pipe.AddPresenceStats(channel))
	succeeds(pipe.AddSubscribe(channel, "nobody-"+p.run))
	succeeds(pipe.AddUnsubscribe(channel, "nobody-"+p.run))
	succeeds(pipe.AddDisconnect("nobody-" + p.run))
	succeeds(pipe.AddChannels(gocent.WithPattern(p.run)))
	succeeds(pipe.AddInfo())
	replies := p.send(pipe)
	equal("replies", len(replies), 11)
	for i, reply := range replies {
		equal(fmt.Sprintf("error %d", i), reply.Error, (*gocent.Error)(nil))
	}
	var history gocent.HistoryResult
	succeeds(json.Unmarshal(replies[2].Result, &history))
	equal("in order", offsets(history), upTo(2))
	for i, expected := range map[int]string{
		3: `{}`, 4: `{"presence":{}}`, 5: `{"num_clients":0,"num_users":0}`, 6: `{}`, 7: `{}`, 8: `{}`,
		9: `{"channels":{}}`,
	} {
		equal(fmt.Sprintf("result %d", i), string(replies[i].Result), expected)
	}
	pipe.Reset()
	succeeds(pipe.AddInfo())
	equal("replies after a reset", len(p.send(pipe)), 1)
}

func pipeOfWhichAPartFails(p *peer) {
	channel, pipe := p.channel("mixed"), p.Pipe()
	for _, channel := range []string{channel, p.channelOf("invalid", "a"), "", channel} {
		succeeds(pipe.AddPublish(channel, []byte("1")))
	}
	succeeds(pipe.AddPresence(p.channelOf("nohist", "a")))
	codes := []int{}
	for _, reply := range p.send(pipe) {
		if reply.Error == nil {
			codes = append(codes, 0)
			continue
		}
		codes = append(codes, reply.Error.Code)
		equal("a result beside the error", reply.Result, json.RawMessage(nil))
	}
	equal("codes", codes, []int{0, 102, 107, 0, 108})
	equal("offset", p.all(channel).Offset, uint64(2))
}

func largePipe(p *peer) {
	channel, pipe := p.channel("large-pipe"), p.Pipe()
	for range upTo(1000) {
		succeeds(pipe.AddPublish(channel, []byte("1")))
	}
	replies := p.send(pipe)
	for i, reply := range replies {
		var result gocent.PublishResult
		succeeds(json.Unmarshal(reply.Result, &result))
		equal("offset", result.Offset, uint64(i+1))
	}
	equal("replies", len(replies), 1000)
}

func emptyPipe(p *peer) {
	_, err := p.SendPipe(ctx, p.Pipe())
	equal("error", err, gocent.ErrPipeEmpty)
}

func wrongKey(p *peer) {
	for _, key := range []string{"wrong", ""} {
		_, err := gocent.New(gocent.Config{Addr: p.url, Key: key}).Info(ctx)
		status("key "+key, err, 401, "")
	}
}

func wrongAddress(p *peer) {
	for _, suffix := range []string{"/", "x", "/none"} {
		client := gocent.New(gocent.Config{
			GetAddr: func() (string, error) { return p.url + suffix, nil },
			Key:     p.key,
		})
		_, err := client.Info(ctx)
		status("address with "+suffix, err, 404, "404 page not found\n")
	}
}

type withHeader struct{}

func (withHeader) RoundTrip(request *http.Request) (*http.Response, error) {
	request.Header.Set("X-Centrifugo-Error-Mode", "transport")
	return http.DefaultTransport.RoundTrip(request)
}

func transportErrorMode(p *peer) {
	client := gocent.New(gocent.Config{
		Addr: p.url, Key: p.key, HTTPClient: &http.Client{Transport: withHeader{}},
	})
	_, err := client.Publish(ctx, p.channelOf("invalid", "a"), []byte("1"))
	apiError("publish", err, 102, "unknown channel")
}

func (c check) passes(p *peer) (err error) {
	defer func() {
		switch failure := recover().(type) {
		case nil:
		case mismatch:
			err = errors.New(string(failure))
		default:
			panic(failure)
		}
	}()
	c.run(p)
	return nil
}

func main() {
	url, key := os.Getenv("CENTRIFUGO_URL"), os.Getenv("CENTRIFUGO_API_KEY")
	if url == "" || key == "" {
		fmt.Fprintln(os.Stderr, "set CENTRIFUGO_URL and CENTRIFUGO_API_KEY")
		os.Exit(1)
	}
	// A second is the client's default, too short for a busy machine.
	gocent.DefaultHTTPClient.Timeout = 10 * time.Second
	run := make([]byte, 4)
	succeeds(func() error { _, err := rand.Read(run); return err }())
	p := &peer{gocent.New(gocent.Config{Addr: url, Key: key}), url, key, fmt.Sprintf("%x", run)}
	for _, c := range checks {
		if err := c.passes(p); err != nil {
			fmt.Fprintf(os.Stderr, "FAILED %s: %v\n", c.name, err)
			os.Exit(1)
		}
		fmt.Println("ok", c.name)
	}
	fmt.Println(len(checks), "checks passed")
}
