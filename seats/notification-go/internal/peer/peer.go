// Package peer has the services that notification calls, by Dapr service invocation. Check-in codes and openids come this
// way, never by an event.
package peer

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/minsu/minsu/seats/notification-go/internal/dapr"
	"github.com/minsu/minsu/seats/notification-go/internal/message"
	"github.com/minsu/minsu/seats/notification-go/internal/problem"
	"github.com/minsu/minsu/seats/notification-go/internal/strictjson"
)

const (
	order      = "order"
	usercenter = "usercenter"
	oneOrder   = "/internal/orderDetail"
	allOrders  = "/internal/orders"
	oneOpenID  = "/internal/authByUser"
	allOpenIDs = "/internal/openids"
)

// Orders reads orders.
type Orders struct{ Sidecar *dapr.Sidecar }

// Found is an order, or why there is none.
type Found struct {
	Order message.Order
	Err   error
}

// Read gets each order by its number, or why there is none: it is not found, or cannot be read. The error is PeerUnavailable
// when all of them fail together.
func (o Orders) Read(ctx context.Context, orderSns map[string]bool) (map[string]Found, error) {
	sns := slices.Sorted(maps.Keys(orderSns))
	if len(sns) == 1 {
		object, found, err := o.Sidecar.Invoke(ctx, order, oneOrder, map[string]string{"orderSn": sns[0]}, dapr.CallTimeout)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, notFound()
		}
		read, err := parseOrder(object)
		if err != nil {
			return nil, dapr.Unreadable(order, oneOrder, err)
		}
		return map[string]Found{sns[0]: {Order: read}}, nil
	}
	object, found, err := o.Sidecar.Invoke(ctx, order, allOrders, map[string][]string{"orderSns": sns}, dapr.CallTimeout)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, problem.New(problem.PeerUnavailable, "order: 404 for %s", allOrders)
	}
	all, err := strictjson.Read[[]json.RawMessage](object, "orders")
	if err != nil {
		return nil, dapr.Unreadable(order, allOrders, err)
	}
	return each(sns, all), nil
}

// each reads every order by itself: one that cannot be read harms no other.
func each(sns []string, all []json.RawMessage) map[string]Found {
	read := map[string]Found{}
	for _, sn := range sns {
		read[sn] = Found{Err: notFound()}
	}
	for _, raw := range all {
		object, err := strictjson.Parse(raw)
		if err != nil {
			continue
		}
		sn, err := strictjson.Read[string](object, "sn")
		if err != nil {
			continue
		}
		parsed, err := parseOrder(object)
		if err != nil {
			err = dapr.Unreadable(order, allOrders, err)
		}
		read[sn] = Found{parsed, err}
	}
	return read
}

func notFound() error {
	return problem.New(problem.PeerUnavailable, "order: 404 for an order that it published")
}

func parseOrder(object strictjson.Object) (message.Order, error) {
	m := members{object: object}
	code := optional[string](&m, "tradeCode")
	if _, ok := object["tradeCode"]; !ok && m.err == nil {
		m.err = fmt.Errorf("tradeCode: is missing")
	}
	found := message.Order{
		Sn: must[string](&m, "sn"), UserID: must[int64](&m, "userId"), HomestayUserID: must[int64](&m, "homestayUserId"),
		Title: must[string](&m, "title"), TradeState: must[int64](&m, "tradeState"), TotalFen: must[int64](&m, "totalFen"),
		FirstDay: m.day("liveStartDate"), LastDay: m.day("liveEndDate"),
		RefundedAt: optional[time.Time](&m, "refundedAt"), RefundedFen: optional[int64](&m, "refundedFen"),
		RefundState: optional[string](&m, "refundState"), RefundAskedAt: optional[time.Time](&m, "refundAskedAt"),
		RefundAnswerBy: optional[time.Time](&m, "refundAnswerBy"), RefundLeastFen: optional[int64](&m, "refundLeastFen"),
	}
	if code != nil {
		found.CheckinCode = *code
	}
	return found, m.err
}

// members reads an object's members and keeps the first error.
type members struct {
	object strictjson.Object
	err    error
}

func (m *members) keep(err error) {
	if m.err == nil {
		m.err = err
	}
}

func must[T any](m *members, name string) T {
	value, err := strictjson.Read[T](m.object, name)
	m.keep(err)
	return value
}

func optional[T any](m *members, name string) *T {
	value, err := strictjson.Optional[T](m.object, name)
	m.keep(err)
	return value
}

func (m *members) day(name string) time.Time {
	value, err := time.Parse(time.DateOnly, must[string](m, name))
	if err != nil {
		m.keep(fmt.Errorf("%s: is no date", name))
	}
	return value
}

// Users reads openids of one mini program.
type Users struct {
	Sidecar *dapr.Sidecar
	AppID   string
}

// OpenIDs are by user id; there is no entry for those who have never signed in to the mini program.
func (u Users) OpenIDs(ctx context.Context, userIDs map[int64]bool) (map[int64]string, error) {
	users := slices.Sorted(maps.Keys(userIDs))
	if len(users) == 1 {
		wanted := map[string]any{"userId": users[0], "authType": "wxMini", "appid": u.AppID}
		object, found, err := u.Sidecar.Invoke(ctx, usercenter, oneOpenID, wanted, dapr.CallTimeout)
		if err != nil || !found {
			return nil, err
		}
		openID, err := strictjson.Read[string](object, "authKey")
		if err != nil || openID == "" {
			return nil, dapr.Unreadable(usercenter, oneOpenID, fmt.Errorf("authKey"))
		}
		return map[int64]string{users[0]: openID}, nil
	}
	wanted := map[string]any{"userIds": users, "appid": u.AppID}
	object, found, err := u.Sidecar.Invoke(ctx, usercenter, allOpenIDs, wanted, dapr.CallTimeout)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, problem.New(problem.PeerUnavailable, "usercenter: 404 for %s", allOpenIDs)
	}
	type pair struct {
		UserID *int64 `json:"userId"`
		OpenID string `json:"openid"`
	}
	pairs, err := strictjson.Read[[]pair](object, "openids")
	openIDs := map[int64]string{}
	for _, one := range pairs {
		if one.UserID == nil || one.OpenID == "" {
			err = fmt.Errorf("openids")
			break
		}
		openIDs[*one.UserID] = one.OpenID
	}
	if err != nil {
		return nil, dapr.Unreadable(usercenter, allOpenIDs, err)
	}
	return openIDs, nil
}
