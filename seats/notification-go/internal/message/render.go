package message

import (
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/config"
	"github.com/minsu/minsu/seats/notification-go/internal/task"
	"github.com/minsu/minsu/seats/notification-go/internal/text"
)

// Texts are the constant texts of the messages, and the times of day from the settings.
type Texts struct {
	CodeWarning  string
	Untitled     string
	RefundDone   string
	CheckinTime  string
	CheckoutTime string
	GivenBack    map[string]string // by the cause of the refund; RefundDone for any other cause
	RefundAsked  map[string]string // by what silence means
	Zone         *time.Location
}

// NewTexts reads the texts in the mini program's language.
func NewTexts(catalogue *text.Catalogue, c config.Config) (Texts, error) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return Texts{}, err
	}
	language := "en"
	if c.WeChat.Lang == "zh_CN" {
		language = "zh"
	}
	of := func(slug string) string { return catalogue.Text("message-"+slug, language) }
	texts := Texts{
		CodeWarning: of("code-warning"), Untitled: of("untitled"), RefundDone: of("refund-done"),
		CheckinTime: c.Messages.CheckinTime, CheckoutTime: c.Messages.CheckoutTime,
		GivenBack: map[string]string{}, RefundAsked: map[string]string{}, Zone: zone,
	}
	for _, cause := range []string{"late-payment", "duplicate-payment", "goodwill"} {
		texts.GivenBack[cause] = of("given-back-" + cause)
	}
	for _, silence := range []string{silenceAll, silenceShare, silenceNothing} {
		texts.RefundAsked[silence] = of("refund-asked-" + silence)
	}
	return texts, nil
}

// What goes back of a refund request that its merchant does not answer.
const (
	silenceAll     = "all"
	silenceShare   = "share"
	silenceNothing = "nothing"
)

// refund is a completed refund (amount in fen and when it was completed), or a request (amount and the deadline of the
// response). Cause is as in the event; of a request, what silence means.
type refund struct {
	fen   int64
	at    time.Time
	cause string
}

// Data are the fields of a message as the send request has them.
type Data map[string]Value

// Value is one field.
type Value struct {
	Value string `json:"value"`
}

// fields collects values and the first that does not fit.
type fields struct {
	data Data
	err  error
}

func (f *fields) put(name, value string) { f.data[name] = Value{value} }

func (f *fields) try(name string, value string, err error) {
	if err != nil && f.err == nil {
		f.err = err
	}
	f.put(name, value)
}

func (f *fields) characters(name, text string) {
	value, err := characterString(text)
	f.try(name, value, err)
}

func (f *fields) amount(name string, fen int64) {
	value, err := amount(fen)
	f.try(name, value, err)
}

// render is the message's data. The error is an Unrenderable.
func render(kind task.Kind, order Order, about *refund, texts Texts) (Data, error) {
	f := &fields{data: Data{}}
	first, last := day(order.FirstDay), day(order.LastDay)
	switch {
	case kind == task.Paid:
		f.characters("character_string6", order.Sn)
		f.put("thing1", thing(order.Title, texts.Untitled))
		f.amount("amount2", order.TotalFen)
		f.put("time4", first+" "+texts.CheckinTime)
		f.put("time5", last+" "+texts.CheckoutTime)
	case kind == task.BeforeArrival:
		f.put("date2", first)
		f.put("date3", last)
		f.characters("character_string4", order.CheckinCode)
		f.put("thing1", thing(texts.CodeWarning, texts.Untitled))
	case about == nil:
		return nil, &Unrenderable{"no refund"}
	default:
		f.characters("character_string1", order.Sn)
		f.put("thing2", thing(order.Title, texts.Untitled))
		f.amount("amount3", about.fen)
		f.put("time4", texts.minute(about.at))
		f.put("thing5", thing(texts.remark(kind, about.cause), texts.Untitled))
	}
	return f.data, f.err
}

func (t Texts) remark(kind task.Kind, cause string) string {
	switch kind {
	case task.GivenBack:
		if remark, ok := t.GivenBack[cause]; ok {
			return remark
		}
	case task.RefundAsked:
		return t.RefundAsked[cause]
	}
	return t.RefundDone
}
