package message

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/config"
	"github.com/minsu/minsu/seats/notification-go/internal/event"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/strictjson"
	"github.com/minsu/minsu/seats/notification-go/internal/task"
)

// CauseUnrenderable is a value that fits no template field: found before WeChat is called.
const CauseUnrenderable = "unrenderable"

// Order has the fields of an order that the messages use; amounts in fen.
type Order struct {
	Sn             string
	UserID         int64
	HomestayUserID int64
	Title          string
	TradeState     int64
	CheckinCode    string
	TotalFen       int64
	FirstDay       time.Time
	LastDay        time.Time
	RefundedAt     *time.Time
	RefundedFen    *int64
	RefundState    *string
	RefundAskedAt  *time.Time
	RefundAnswerBy *time.Time
	RefundLeastFen *int64
}

// Message is what is sent.
type Message struct {
	OpenID     string
	TemplateID string
	Data       Data
	Page       string
}

// Nothing says that the task ends in State without a message.
type Nothing struct {
	State  task.State
	Reason string
	Cause  string
}

func (n *Nothing) Error() string { return n.Reason }

// Templates are the mini program's template ids, the pages that a tap on a message opens, and the texts.
type Templates struct {
	Settings config.Messages
	Texts    Texts
}

// Recipient is the user whom the message of a task is for, and what it is about.
type Recipient struct {
	UserID int64
	order  Order
	about  *refund
}

// To finds the recipient. The error is a Nothing when the message is out of date, PeerUnavailable when order's response is.
func To(claim task.Claim, order Order) (Recipient, error) {
	about, err := refundOf(claim, order)
	if err != nil {
		return Recipient{}, err
	}
	if claim.Kind == task.RefundAsked {
		return Recipient{order.HomestayUserID, order, about}, nil
	}
	return Recipient{order.UserID, order, about}, nil
}

// Compose makes the message. The error is a Nothing without an openid, and for an order that does not fit the template.
func (t Templates) Compose(claim task.Claim, to Recipient, openID string) (Message, error) {
	if openID == "" {
		return Message{}, &Nothing{task.Refused, "no openid: the user has never signed in to the mini program", "no-openid"}
	}
	data, err := render(claim.Kind, to.order, to.about, t.Texts)
	var unfit *Unrenderable
	if errors.As(err, &unfit) {
		return Message{}, &Nothing{task.Invalid, "does not fit the template: " + unfit.Why, CauseUnrenderable}
	}
	if err != nil {
		return Message{}, err
	}
	return Message{OpenID: openID, TemplateID: t.id(claim.Kind), Data: data, Page: t.page(claim.Kind, to.order.Sn)}, nil
}

func (t Templates) id(kind task.Kind) string {
	switch kind {
	case task.Paid:
		return t.Settings.TemplatePaid
	case task.BeforeArrival:
		return t.Settings.TemplateArrival
	case task.RefundAsked:
		return t.Settings.TemplateRefundAsked
	}
	return t.Settings.TemplateRefunded
}

func (t Templates) page(kind task.Kind, orderSn string) string {
	page := t.Settings.Page
	if kind == task.RefundAsked {
		page = t.Settings.MerchantPage
	}
	return strings.ReplaceAll(page, "{sn}", orderSn)
}

// refundOf is the refund that the message is about, as of now; nil for one about the stay.
func refundOf(claim task.Claim, order Order) (*refund, error) {
	if claim.Kind.IsStay() {
		if order.TradeState != task.PaidOrder {
			return nil, cancelled("the order is in state %d now", order.TradeState)
		}
		return nil, nil
	}
	if claim.Kind == task.Refunded {
		if order.TradeState != task.RefundedOrder || order.RefundedAt == nil || order.RefundedFen == nil {
			return nil, problem.New(problem.PeerUnavailable,
				"order: published a refund, but answers none in state %d", order.TradeState)
		}
		if *order.RefundedFen == 0 {
			return nil, cancelled("the order was cancelled, and nothing was given back")
		}
		return &refund{fen: *order.RefundedFen, at: *order.RefundedAt}, nil
	}
	facts, err := strictjson.Parse(claim.Facts)
	if err != nil {
		return nil, fmt.Errorf("facts: %w", err)
	}
	update, err := event.ParseRefund(facts)
	if err != nil {
		return nil, fmt.Errorf("facts: %w", err)
	}
	if claim.Kind == task.GivenBack {
		return &refund{update.Fen, update.ChangedAt, update.Cause}, nil
	}
	return requestOf(update, order)
}

// requestOf is the refund request that a merchant has to decide, as of now.
func requestOf(update event.Refund, order Order) (*refund, error) {
	if order.RefundState == nil {
		return nil, problem.New(problem.PeerUnavailable, "order: published a refund request, but answers none")
	}
	if *order.RefundState != "asked" || order.RefundAskedAt == nil || !order.RefundAskedAt.Equal(update.ChangedAt) {
		return nil, cancelled("the request is decided: the refund state is %s", *order.RefundState)
	}
	least := update.Fen
	if order.RefundLeastFen != nil {
		least = *order.RefundLeastFen
	}
	silence := silenceNothing
	switch {
	case least >= update.Fen:
		silence = silenceAll
	case least > 0:
		silence = silenceShare
	}
	deadline := update.ChangedAt
	if order.RefundAnswerBy != nil {
		deadline = *order.RefundAnswerBy
	}
	return &refund{update.Fen, deadline, silence}, nil
}

func cancelled(format string, args ...any) *Nothing {
	return &Nothing{State: task.Cancelled, Reason: fmt.Sprintf(format, args...)}
}
